package sandbox

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// delim is the hierarchy delimiter, as a rune for imapserver.
const delim = '/'

// Limits on what clients and seeds can make the sandbox hold.
const (
	maxMessage     = 64 << 20 // octets of one message; also APPENDLIMIT
	maxMailboxName = 1000     // octets
	maxMailboxes   = 10_000
	maxKeywords    = 1000 // different keywords in a mailbox
)

// account is the only user's mail. mu guards it and everything in it, every
// session's view included; nobody writes to the network under it.
type account struct {
	mu          sync.Mutex
	boxes       map[string]*mailbox
	subscribed  map[string]bool // may name mailboxes that are gone
	uidValidity uint32          // the last one given out
	changes     uint64          // counts changes to messages; see message.changed
	wake        chan struct{}   // closed and replaced at each change
}

// mailbox holds messages by ascending UID.
type mailbox struct {
	name        string
	uidValidity uint32
	uidNext     imap.UID
	use         imap.MailboxAttr // "" or its special use
	messages    []*message
	keywords    []imap.Flag // ever used here, in order of first use
	notRecent   imap.UID    // messages below it are not \Recent to the next session
	changed     uint64      // account.changes of its last change
}

// message is one message in one mailbox. Its flags are replaced, never
// changed in place, so a slice taken under the lock stays good after it.
type message struct {
	*content
	uid      imap.UID
	date     time.Time // INTERNALDATE
	flags    []imap.Flag
	changed  uint64 // account.changes of its last change of flags
	expunged bool
}

func newAccount(uidValidity uint32) *account {
	a := &account{
		boxes:       make(map[string]*mailbox),
		subscribed:  make(map[string]bool),
		uidValidity: uidValidity,
		wake:        make(chan struct{}),
	}
	a.create("INBOX", "")
	return a
}

// no is a tagged NO. Text is ours, never a name or anything else a client sent.
func no(code imap.ResponseCode, text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

func bad(text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeBad, Text: text}
}

// box finds a mailbox; the error carries code (NONEXISTENT or TRYCREATE).
func (a *account) box(name string, code imap.ResponseCode) (*mailbox, error) {
	if b := a.boxes[canonicalName(name)]; b != nil {
		return b, nil
	}
	return nil, no(code, "No such mailbox")
}

// canonicalName spells INBOX, alone or as the first level, in capitals.
func canonicalName(name string) string {
	first, rest, nested := strings.Cut(name, string(delim))
	if !strings.EqualFold(first, "INBOX") {
		return name
	}
	if nested {
		return "INBOX" + string(delim) + rest
	}
	return "INBOX"
}

// newName checks the name of a mailbox to be.
func (a *account) newName(name string) (string, error) {
	name = canonicalName(strings.TrimSuffix(name, string(delim)))
	odd := func(r rune) bool { return r < ' ' || r == 0x7F || r == '%' || r == '*' }
	switch {
	case name == "" || len(name) > maxMailboxName || strings.ContainsFunc(name, odd) ||
		strings.HasPrefix(name, "/") || strings.Contains(name, "//"):
		return "", no(imap.ResponseCodeCannot, "Not a mailbox name")
	case a.boxes[name] != nil:
		return "", no(imap.ResponseCodeAlreadyExists, "Mailbox exists")
	case len(a.boxes) >= maxMailboxes:
		return "", no(imap.ResponseCodeLimit, "Too many mailboxes")
	}
	return name, nil
}

// create makes a mailbox under a UIDVALIDITY that no other ever had.
func (a *account) create(name string, use imap.MailboxAttr) *mailbox {
	a.uidValidity++
	b := &mailbox{name: name, uidValidity: a.uidValidity, uidNext: 1, notRecent: 1, use: use}
	a.boxes[name] = b
	return b
}

// touch notes a change to messages of b and wakes whoever idles.
func (a *account) touch(b *mailbox) uint64 {
	a.changes++
	b.changed = a.changes
	close(a.wake)
	a.wake = make(chan struct{})
	return a.changes
}

// append stores a message; raw belongs to the account from now on.
func (a *account) append(name string, raw []byte, flags []imap.Flag, date time.Time) (*imap.AppendData, error) {
	flags, err := checkFlags(flags)
	switch {
	case err != nil:
		return nil, err
	case len(raw) == 0:
		return nil, no(imap.ResponseCodeCannot, "Message is empty")
	case len(raw) > maxMessage:
		return nil, no(imap.ResponseCodeTooBig, "Message is too large")
	case bytes.IndexByte(raw, 0) >= 0:
		return nil, no(imap.ResponseCodeUnknownCTE, "Message contains NUL octets")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b, err := a.box(name, imap.ResponseCodeTryCreate)
	if err != nil {
		return nil, err
	}
	if err := b.learn(flags); err != nil {
		return nil, err
	}
	m := a.add(b, &content{raw: raw}, flags, date)
	return &imap.AppendData{UID: m.uid, UIDValidity: b.uidValidity}, nil
}

// add gives content a UID in b.
func (a *account) add(b *mailbox, c *content, flags []imap.Flag, date time.Time) *message {
	m := &message{content: c, uid: b.uidNext, date: date, flags: b.spell(flags), changed: a.touch(b)}
	b.uidNext++
	b.messages = append(b.messages, m)
	return m
}

// setFlags replaces a message's flags, which b has learnt, where they differ.
func (a *account) setFlags(b *mailbox, m *message, flags []imap.Flag) {
	flags = b.spell(flags)
	if slices.Equal(flags, m.flags) {
		return
	}
	m.flags = flags
	m.changed = a.touch(b)
}

// expunge removes the messages of b that gone picks.
func (a *account) expunge(b *mailbox, gone func(*message) bool) {
	before := len(b.messages)
	kept := make([]*message, 0, before)
	for _, m := range b.messages {
		if m.expunged = gone(m); !m.expunged {
			kept = append(kept, m)
		}
	}
	b.messages = kept
	if len(kept) < before {
		a.touch(b)
	}
}

// after returns the messages with UIDs above uid.
func (b *mailbox) after(uid imap.UID) []*message {
	i, _ := slices.BinarySearchFunc(b.messages, uid+1, func(m *message, u imap.UID) int { return cmp.Compare(m.uid, u) })
	return b.messages[i:]
}

// learn adds keywords to those of the mailbox.
func (b *mailbox) learn(flags []imap.Flag) error {
	for _, f := range flags {
		if isKeyword(f) && !hasFlag(b.keywords, f) {
			if len(b.keywords) >= maxKeywords {
				return no(imap.ResponseCodeLimit, "Too many keywords in the mailbox")
			}
			b.keywords = append(b.keywords, f)
		}
	}
	return nil
}

// spell puts flags in order and keywords as the mailbox first saw them.
func (b *mailbox) spell(flags []imap.Flag) []imap.Flag {
	var out []imap.Flag
	for _, known := range slices.Concat(systemFlags[:], b.keywords) {
		if hasFlag(flags, known) {
			out = append(out, known)
		}
	}
	return out
}

// defined lists the flags that can be set in the mailbox.
func (b *mailbox) defined() []imap.Flag { return slices.Concat(systemFlags[:], b.keywords) }

// status fills every item, for imapserver takes those it was asked for.
func (b *mailbox) status() *imap.StatusData {
	var unseen, deleted, recent uint32
	var size, deletedSize int64
	for _, m := range b.messages {
		size += int64(len(m.raw))
		if !hasFlag(m.flags, imap.FlagSeen) {
			unseen++
		}
		if hasFlag(m.flags, imap.FlagDeleted) {
			deleted++
			deletedSize += int64(len(m.raw))
		}
		if m.uid >= b.notRecent {
			recent++
		}
	}
	messages, limit := uint32(len(b.messages)), uint32(maxMessage)
	return &imap.StatusData{
		Mailbox: b.name, NumMessages: &messages, NumRecent: &recent, UIDNext: b.uidNext, UIDValidity: b.uidValidity,
		NumUnseen: &unseen, NumDeleted: &deleted, Size: &size, AppendLimit: &limit, DeletedStorage: &deletedSize,
	}
}

// Mailbox commands of a session that need the account only.

// Create implements imapserver.Session (RFC 9051, section 6.3.4; RFC 6154).
func (s *session) Create(name string, o *imap.CreateOptions) error {
	a := s.acct
	a.mu.Lock()
	defer a.mu.Unlock()
	name, err := a.newName(name)
	if err != nil {
		return err
	}
	var use imap.MailboxAttr
	if len(o.SpecialUse) > 0 {
		use = o.SpecialUse[0]
		if len(o.SpecialUse) > 1 || !a.free(use) {
			return no("USEATTR", "Cannot give that special use")
		}
	}
	a.create(name, use)
	return nil
}

// free reports that no mailbox has a use yet, which is one of those that a
// plain mailbox can have.
func (a *account) free(use imap.MailboxAttr) bool {
	switch use {
	case imap.MailboxAttrArchive, imap.MailboxAttrDrafts, imap.MailboxAttrJunk, imap.MailboxAttrSent, imap.MailboxAttrTrash:
		for _, b := range a.boxes {
			if b.use == use {
				return false
			}
		}
		return true
	}
	return false
}

// Delete implements imapserver.Session. Mailboxes below stay; a session that
// has the mailbox selected sees its messages expunged.
func (s *session) Delete(name string) error {
	a := s.acct
	a.mu.Lock()
	defer a.mu.Unlock()
	b, err := a.box(name, imap.ResponseCodeNonExistent)
	if err != nil {
		return err
	}
	if b.name == "INBOX" {
		return no(imap.ResponseCodeCannot, "INBOX cannot be deleted")
	}
	delete(a.boxes, b.name)
	a.expunge(b, func(*message) bool { return true })
	return nil
}

// Rename implements imapserver.Session. Mailboxes below go along; renaming
// INBOX moves its messages and leaves it empty (RFC 9051, section 6.3.6).
func (s *session) Rename(from, to string, _ *imap.RenameOptions) error {
	a := s.acct
	a.mu.Lock()
	defer a.mu.Unlock()
	from = canonicalName(from)
	to, err := a.newName(to)
	if err != nil {
		return err
	}
	below := from + string(delim)
	if from == "INBOX" {
		a.moveAll(a.boxes[from], a.create(to, ""))
		return nil
	}
	if strings.HasPrefix(to, below) {
		return no(imap.ResponseCodeCannot, "Cannot move a mailbox below itself")
	}
	moved := make(map[string]*mailbox)
	for name, b := range a.boxes {
		if rest, ok := strings.CutPrefix(name, below); ok {
			moved[to+string(delim)+rest] = b
		} else if name == from {
			moved[to] = b
		}
	}
	if len(moved) == 0 {
		return no(imap.ResponseCodeNonExistent, "No such mailbox")
	}
	for name := range moved {
		if a.boxes[name] != nil || len(name) > maxMailboxName {
			return no(imap.ResponseCodeCannot, "A mailbox below cannot be renamed")
		}
	}
	for name, b := range moved {
		delete(a.boxes, b.name)
		b.name = name
		a.boxes[name] = b
	}
	return nil
}

func (a *account) moveAll(from, to *mailbox) {
	to.keywords = slices.Clone(from.keywords)
	for _, m := range from.messages {
		a.add(to, m.content, m.flags, m.date)
	}
	a.expunge(from, func(*message) bool { return true })
}

// Subscribe implements imapserver.Session.
func (s *session) Subscribe(name string) error {
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	b, err := s.acct.box(name, imap.ResponseCodeNonExistent)
	if err != nil {
		return err
	}
	s.acct.subscribed[b.name] = true
	return nil
}

// Unsubscribe implements imapserver.Session. The name may be one of a mailbox
// that is gone.
func (s *session) Unsubscribe(name string) error {
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	delete(s.acct.subscribed, canonicalName(name))
	return nil
}

// Status implements imapserver.Session.
func (s *session) Status(name string, _ *imap.StatusOptions) (*imap.StatusData, error) {
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	b, err := s.acct.box(name, imap.ResponseCodeNonExistent)
	if err != nil {
		return nil, err
	}
	return b.status(), nil
}

// Namespace implements imapserver.SessionNamespace (RFC 2342).
func (s *session) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: delim}}}, nil
}

var _ imapserver.SessionIMAP4rev2 = (*session)(nil)
