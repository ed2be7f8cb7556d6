package session

import (
	"context"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/wire"
)

// ListRequest says which mailboxes to list and what to tell of them.
type ListRequest struct {
	Patterns   []string // with * and %, as RFC 9051 section 6.3.9.1 has them
	Subscribed bool     // only subscribed mailboxes
	Detail     bool     // tell whether each is subscribed and has children
	Status     []string // STATUS items to tell too
}

// ListEntry is one mailbox of a LIST response.
type ListEntry struct {
	Name       string
	Raw        string // the name as sent
	Exact      bool   // whether Name encodes to Raw again
	Delimiter  string
	Attributes []string
	Subscribed *bool
	Status     *StatusData // nil where not asked for or not told
	Refused    error       // why STATUS was refused, nil where it was not
	Warnings   []string
}

// Has reports whether the entry has the attribute, such as \Noselect.
func (e *ListEntry) Has(attr string) bool {
	return slices.ContainsFunc(e.Attributes, func(a string) bool { return strings.EqualFold(a, attr) })
}

// Selectable reports whether the mailbox can be opened.
func (e *ListEntry) Selectable() bool { return !e.Has(`\Noselect`) && !e.Has(`\NonExistent`) }

// Children reports whether the mailbox has children, nil when unknown.
func (e *ListEntry) Children() *bool {
	has, hasNot := e.Has(`\HasChildren`), e.Has(`\HasNoChildren`) || e.Has(`\Noinferiors`)
	if has == hasNot {
		return nil
	}
	return &has
}

var specialUses = [...]string{`\All`, `\Archive`, `\Drafts`, `\Flagged`, `\Important`, `\Junk`, `\Sent`, `\Trash`}

// SpecialUse is the entry's special-use attribute in RFC 6154's spelling.
func (e *ListEntry) SpecialUse() string {
	for _, use := range specialUses {
		if e.Has(use) {
			return use
		}
	}
	if e.Has(`\AllMail`) { // XLIST
		return `\All`
	}
	if e.Has(`\Spam`) {
		return `\Junk`
	}
	return ""
}

// List calls fn for each mailbox. Where one command can tell everything
// (LIST-EXTENDED, RFC 5258; LIST-STATUS, RFC 5819), entries stream; elsewhere
// LSUB and STATUS follow, pipelined, and the entries are held until then.
func (s *Session) List(ctx context.Context, q ListRequest, fn func(*ListEntry) error) error {
	if err := s.learn(ctx); err != nil {
		return err
	}
	extended := s.Offers("LIST-EXTENDED")
	inList := len(q.Status) == 0 || extended && s.Offers("LIST-STATUS")
	if inList && len(q.Status) == 0 && (extended || !q.Detail && !q.Subscribed) {
		return s.listPass(ctx, q, extended, fn)
	}
	var all []*ListEntry
	if err := s.listPass(ctx, q, extended, func(e *ListEntry) error {
		all = append(all, e)
		return nil
	}); err != nil {
		return err
	}
	if !extended {
		if err := s.subscriptions(ctx, q, all); err != nil {
			return err
		}
		if q.Subscribed {
			all = slices.DeleteFunc(all, func(e *ListEntry) bool { return e.Subscribed == nil || !*e.Subscribed })
		}
	}
	if !inList {
		if err := s.statuses(ctx, q.Status, all); err != nil {
			return err
		}
	}
	for _, e := range all {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// listPass sends LIST, one command where patterns can be combined. Entries
// that several patterns match are told once.
func (s *Session) listPass(ctx context.Context, q ListRequest, extended bool, fn func(*ListEntry) error) error {
	seen := map[string]bool{}
	once := func(e *ListEntry) error {
		if seen[e.Raw] {
			return nil
		}
		seen[e.Raw] = true
		return fn(e)
	}
	if extended {
		cmd := wire.NewCommand("LIST")
		if q.Subscribed {
			cmd.List("SUBSCRIBED")
		}
		cmd.String("").Open()
		for _, p := range q.Patterns {
			cmd.String(s.encodeName(p))
		}
		cmd.Close()
		if ret := s.returns(q); len(ret) > 0 {
			cmd.Atom("RETURN").List(ret...)
		}
		return s.runList(ctx, cmd, q, once)
	}
	for _, p := range q.Patterns {
		if err := s.runList(ctx, wire.NewCommand("LIST").String("").String(s.encodeName(p)), q, once); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) returns(q ListRequest) []string {
	var ret []string
	if q.Detail {
		ret = append(ret, "SUBSCRIBED", "CHILDREN")
	}
	if s.Offers("SPECIAL-USE") {
		ret = append(ret, "SPECIAL-USE")
	}
	if len(q.Status) > 0 && s.Offers("LIST-STATUS") {
		ret = append(ret, "STATUS ("+strings.Join(q.Status, " ")+")")
	}
	return ret
}

// runList runs one LIST. STATUS responses belong to entries told before or
// after them, so with LIST-STATUS entries wait for the end.
func (s *Session) runList(ctx context.Context, cmd *wire.Command, q ListRequest, fn func(*ListEntry) error) error {
	detail := q.Detail && s.Offers("LIST-EXTENDED")
	held := len(q.Status) > 0 && s.Offers("LIST-STATUS")
	var entries []*ListEntry
	counts := map[string]*StatusData{}
	told := false
	cmd.On(func(r *wire.Response) error {
		if r.Kind == "STATUS" {
			d := s.readStatus(r)
			counts[d.Raw] = d
			return nil
		}
		e := s.readList(r)
		if e == nil {
			s.unreadable(r)
			return r.Err()
		}
		told = true
		s.odd(e)
		if detail || q.Subscribed && s.Offers("LIST-EXTENDED") {
			sub := e.Has(`\Subscribed`)
			e.Subscribed = &sub
		}
		if held {
			entries = append(entries, e)
			return nil
		}
		return fn(e)
	}, "LIST", "XLIST", "STATUS")
	st, err := s.do(ctx, cmd)
	if err != nil {
		return err
	}
	// GNU imap4d, which has no LIST-EXTENDED, says NO to LIST on an empty tree.
	none := st.Status == "NO" && st.Code == "" && !told && !s.Misjudged() && !s.Offers("LIST-EXTENDED")
	if !st.OK() && !none {
		return refusal(st, "cannot list the mailboxes")
	}
	for _, e := range entries {
		if e.Status = counts[e.Raw]; e.Status == nil && strings.EqualFold(e.Raw, "INBOX") {
			for raw, d := range counts {
				if strings.EqualFold(raw, "INBOX") {
					e.Status = d
				}
			}
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// readList reads `(attributes) "delimiter" name`. What cannot be read of an
// entry that has a name is a warning on it; without a name there is no entry.
func (s *Session) readList(r *wire.Response) *ListEntry {
	e := &ListEntry{Attributes: flagList(r.Reader)}
	d, _ := r.String(16)
	e.Delimiter = string(d)
	raw, whole := mailboxName(r)
	if r.Err() != nil || !whole && raw == nil {
		return nil
	}
	e.Raw = string(raw)
	if !whole {
		e.Warnings = append(e.Warnings, "the name may be cut: what the server sent after it cannot be read")
	}
	if strings.EqualFold(e.Raw, "INBOX") {
		e.Name, e.Exact = "INBOX", true
		return e
	}
	e.Name, e.Exact = s.decodeName(e.Raw)
	if !e.Exact && !s.utf8Names() {
		e.Warnings = append(e.Warnings, "the name is not in modified UTF-7")
	} else if !e.Exact {
		e.Warnings = append(e.Warnings, "the name is not UTF-8")
	}
	return e
}

// unreadable tells the person of a LIST response that names no mailbox.
func (s *Session) unreadable(r *wire.Response) {
	if s.cfg.Warn != nil && (r.Err() == nil || wire.IsSyntax(r.Err())) {
		s.cfg.Warn("a LIST response without a mailbox name that can be read was passed over")
	}
}

// subscriptions marks the entries that LSUB tells.
func (s *Session) subscriptions(ctx context.Context, q ListRequest, all []*ListEntry) error {
	subscribed := map[string]bool{}
	for _, p := range q.Patterns {
		cmd := wire.NewCommand("LSUB").String("").String(s.encodeName(p)).On(func(r *wire.Response) error {
			if e := s.readList(r); e != nil && !e.Has(`\Noselect`) {
				subscribed[e.Name] = true
			}
			return nil
		}, "LSUB")
		st, err := s.do(ctx, cmd)
		if err != nil {
			return err
		}
		if !st.OK() && q.Subscribed {
			return refusal(st, "cannot tell the subscribed mailboxes")
		}
		if !st.OK() {
			return nil // unknown: leave it unsaid
		}
	}
	for _, e := range all {
		is := subscribed[e.Name]
		e.Subscribed = &is
	}
	return nil
}
