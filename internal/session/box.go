package session

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/wire"
)

// Box is the mailbox that is open, with what the server said when opening it
// (RFC 9051 section 6.3.2). Pointers are nil where it said nothing.
type Box struct {
	Name           string
	Exists         uint64
	Recent         *uint64
	FirstUnseen    *uint64 // a sequence number
	UIDNext        *uint64
	UIDValidity    result.UIDValidity // empty where there is none
	HighestModseq  *uint64
	NoModseq       bool
	MailboxID      string
	AppendLimit    *uint64
	Flags          []string
	PermanentFlags []string
	HasPermanent   bool
	ReadOnly       bool
	Warnings       []string

	counted bool   // the server has told EXISTS
	most    uint64 // the highest it has told
}

// grow notes that the server has told EXISTS.
func (b *Box) grow(exists uint64) { b.counted, b.most = true, max(b.most, exists) }

// maxAhead is how many messages a server may name that it has not told of: some
// name a new one before they say that it EXISTS.
const maxAhead = 1000

// holds is an error where an answer names far more messages than there are.
func (b *Box) holds(named uint64) error {
	if b == nil || !b.counted || named <= 2*b.most+maxAhead {
		return nil
	}
	return fault.New(fault.Protocol, "the server names %d messages, and only %d exist in %q", named, b.most, b.Name)
}

// Validity returns the mailbox's UIDVALIDITY, empty where the server reports
// none.
func (b *Box) Validity() result.UIDValidity {
	if b == nil {
		return ""
	}
	return b.UIDValidity
}

// NoValidity is the warning about a mailbox without UIDVALIDITY.
const NoValidity = "the server reports no UIDVALIDITY: nobody can verify later that its UIDs still mean the same messages"

// NextUID returns UIDNEXT where it is a UID (32 bits, not 0); else the highest
// UID has to say how far the mailbox goes.
func (b *Box) NextUID() (next uint32, ok bool) { return asUID(b.UIDNext) }

func asUID(n *uint64) (uint32, bool) {
	if n == nil || *n == 0 || *n > math.MaxUint32 {
		return 0, false
	}
	return uint32(*n), true
}

// title is the mailbox's name for an error text.
func (b *Box) title() string {
	if b == nil {
		return ""
	}
	return b.Name
}

// Examine puts EXAMINE of the mailbox into flight. Box tells how it went; an
// operation that needs the mailbox open fails with the same error.
func (s *Session) Examine(ctx context.Context, name string) error { return s.open(ctx, name, false) }

// Select is Examine with SELECT: the mailbox can be changed, and the server
// tells PERMANENTFLAGS.
func (s *Session) Select(ctx context.Context, name string) error { return s.open(ctx, name, true) }

// Box settles the prologue and returns the open mailbox.
func (s *Session) Box(ctx context.Context) (*Box, error) {
	if err := s.Settle(ctx); err != nil {
		return nil, err
	}
	if s.box == nil {
		return nil, fault.New(fault.Refused, "no mailbox is open")
	}
	return s.box, nil
}

func (s *Session) open(ctx context.Context, name string, write bool) error {
	if s.box != nil {
		if err := s.Settle(ctx); err != nil {
			return err
		}
	}
	fresh := Box{Name: name, ReadOnly: !write}
	if strings.EqualFold(name, "INBOX") {
		fresh.Name = "INBOX"
	}
	box, exists := &Box{}, false
	s.box, s.stirred = box, false
	verb := "EXAMINE"
	if write {
		verb = "SELECT"
	}
	p, err := s.about(ctx, name, func(octets string) *wire.Command {
		*box, exists = fresh, false
		return wire.NewCommand(verb).String(octets).On(func(r *wire.Response) error {
			exists = exists || r.Kind == "EXISTS"
			box.hear(r)
			return nil
		}, "FLAGS", "EXISTS", "RECENT", "OK", "NO")
	})
	if err != nil {
		return err
	}
	s.prologue = append(s.prologue, step{p, func(st wire.Status) error {
		if !st.OK() {
			s.box = nil
			return s.openError(st, name)
		}
		switch st.Code {
		case "READ-ONLY":
			box.ReadOnly = true
		case "READ-WRITE":
			box.ReadOnly = false
		}
		if !write {
			box.ReadOnly = true
		}
		if !box.UIDValidity.Usable() {
			box.Warnings = append(box.Warnings, NoValidity)
			if s.cfg.Warn != nil {
				s.cfg.Warn(fmt.Sprintf("warning: mailbox %q: %s", box.Name, NoValidity))
			}
		}
		if !exists {
			box.Warnings = append(box.Warnings, "the server did not tell EXISTS")
		}
		return nil
	}})
	return nil
}

func (s *Session) openError(st wire.Status, name string) error {
	e := s.unnamed(st, name, "cannot open the mailbox %q", name)
	if s.cfg.Client == "" && (s.insists() || s.takesID() && strings.Contains(strings.ToLower(st.Text), "unsafe")) {
		return e.Hint("this server may open mailboxes only for programs that say their name: leave out --no-id")
	}
	if st.Status == "BAD" {
		return e
	}
	return e.HintUnlessCode("imapknife list shows the mailboxes")
}

// hear takes one untagged response of SELECT or EXAMINE.
func (b *Box) hear(r *wire.Response) {
	switch r.Kind {
	case "EXISTS":
		b.Exists = r.Num
		b.grow(r.Num)
	case "RECENT":
		n := r.Num
		b.Recent = &n
	case "FLAGS":
		b.Flags = flagList(r.Reader)
		b.check(r.Reader, "FLAGS")
	default:
		b.code(r.Status)
	}
}

func (b *Box) check(r *wire.Reader, what string) {
	if wire.IsSyntax(r.Err()) {
		b.Warnings = append(b.Warnings, what+": "+r.Err().Error())
	}
}

func (b *Box) code(st wire.Status) {
	r := wire.NewReader([]byte(st.Args))
	switch st.Code {
	case "UNSEEN":
		b.FirstUnseen = number(r)
	case "UIDNEXT":
		b.UIDNext = number(r)
	case "UIDVALIDITY":
		b.UIDValidity = validity(r)
	case "HIGHESTMODSEQ":
		b.HighestModseq = number(r)
	case "APPENDLIMIT":
		b.AppendLimit = number(r)
	case "NOMODSEQ":
		b.NoModseq = true
	case "MAILBOXID":
		if id := strings.Trim(st.Args, "()"); validObjectID(id) {
			b.MailboxID = id
		} else {
			b.Warnings = append(b.Warnings, "MAILBOXID: not an object identifier")
		}
	case "PERMANENTFLAGS":
		if b.HasPermanent = r.Next() == '('; b.HasPermanent { // NIL says nothing
			b.PermanentFlags = flagList(r)
		}
	}
	b.check(r, st.Code)
}

// number reads a number, nil where there is none.
func number(r *wire.Reader) *uint64 {
	if n := r.Number(); r.Err() == nil {
		return &n
	}
	return nil
}

// validity reads a UIDVALIDITY, however long; empty where there is none.
func validity(r *wire.Reader) result.UIDValidity {
	v, ok := result.ParseUIDValidity(string(r.Atom()))
	if !ok {
		r.Fail(&wire.SyntaxError{What: "not a number"})
	}
	return v
}

// maxFlags is how many flags one list may hold.
const maxFlags = 10000

// flagList reads a parenthesised list of flags; never nil.
func flagList(r *wire.Reader) []string { return readFlags(r, []string{}) }

// flagName makes the common flags without allocating.
func flagName(f []byte) string {
	switch string(f) {
	case `\Seen`:
		return `\Seen`
	case `\Recent`:
		return `\Recent`
	case `\Answered`:
		return `\Answered`
	case `\Flagged`:
		return `\Flagged`
	case `\Deleted`:
		return `\Deleted`
	case `\Draft`:
		return `\Draft`
	}
	return strings.ToValidUTF8(string(f), "\uFFFD")
}

// SpecialUse finds the mailbox with a special-use attribute such as \Sent
// (RFC 6154). Servers that know no SPECIAL-USE may still tell it in LIST. Where
// there is none the error is of kind Refused.
func (s *Session) SpecialUse(ctx context.Context, attr string) (string, error) {
	found, err := s.FindUse(ctx, attr)
	if err == nil && found == "" {
		err = fault.New(fault.Refused, "the server names no mailbox for %s", attr).
			Hint("name the mailbox itself; imapknife list shows the mailboxes").
			Hint("special_use in the account file names one for good")
	}
	return found, err
}

// FindUse is SpecialUse that returns an empty name where there is none.
func (s *Session) FindUse(ctx context.Context, attr string) (found string, err error) {
	if name := s.cfg.SpecialUse[strings.ToLower(strings.TrimPrefix(attr, `\`))]; name != "" {
		return name, nil
	}
	err = s.List(ctx, ListRequest{Patterns: []string{"*"}}, func(e *ListEntry) error {
		if found == "" && e.SpecialUse() != "" && strings.EqualFold(e.SpecialUse(), attr) {
			found = e.Name
		}
		return nil
	})
	return found, err
}

// Opened is the mailbox being opened, without waiting: for use while its
// messages are told. Nil when there is none.
func (s *Session) Opened() *Box { return s.box }
