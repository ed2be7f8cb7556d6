package session

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
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

// Bounds on what is kept of a list.
const (
	// maxUncounted is how many mailboxes are held where their counts come after
	// all of them.
	maxUncounted = 100_000
	// maxSeen is how many mailboxes are known again where one pattern is asked
	// for: only a server that repeats itself tells one twice.
	maxSeen = 100_000
	// maxListed is how many mailboxes several patterns may match, each of which
	// has to be known again.
	maxListed = 2_000_000
)

// listForm is a way to list, and what the server is known to refuse where the
// next way works.
type listForm struct {
	extended, several, status bool
	refused                   string
}

// listForms returns the ways to list, the best one first and the plain one last.
func (s *Session) listForms(q ListRequest) []listForm {
	var forms []listForm
	if s.Offers("LIST-EXTENDED") {
		status := len(q.Status) > 0 && s.Offers("LIST-STATUS")
		if len(q.Patterns) > 1 && !s.refuses(severalPatterns) {
			forms = append(forms, listForm{true, true, status, severalPatterns})
		}
		if status {
			forms = append(forms, listForm{true, false, true, "LIST-STATUS"})
		}
		forms = append(forms, listForm{true, false, false, "LIST-EXTENDED"})
	}
	return append(forms, listForm{})
}

// List calls fn for each mailbox. Entries stream, unless their counts have to be
// asked for when all are known. A form that the server refuses (LIST-EXTENDED,
// RFC 5258; LIST-STATUS, RFC 5819) is followed by a plainer one.
func (s *Session) List(ctx context.Context, q ListRequest, fn func(*ListEntry) error) error {
	if err := s.learn(ctx); err != nil {
		return err
	}
	forms := s.listForms(q)
	misjudged := s.misjudged
	for i, f := range forms {
		l := &listing{s: s, q: q, form: f, instead: i > 0, fn: fn, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
		st, err := l.run(ctx)
		switch {
		case err != nil:
			return err
		case st.OK():
			for _, refused := range forms[:i] {
				s.misjudged = misjudged
				s.NoteRefused(refused.refused)
			}
			return nil
		case i == len(forms)-1 || l.told || !refusesForm(st):
			return refusal(st, "cannot list the mailboxes")
		}
	}
	return nil
}

// listing is one run of List in one form.
type listing struct {
	s          *Session
	q          ListRequest
	form       listForm
	instead    bool // of a form that was refused
	fn         func(*ListEntry) error
	seed       maphash.Seed
	seen       map[uint64]struct{} // mailboxes told, by digest
	told       bool
	subscribed map[uint64]struct{} // by LSUB; nil where unknown
	held       []*ListEntry        // whose counts are not known yet
	counts     map[string]*StatusData
}

func (l *listing) run(ctx context.Context) (wire.Status, error) {
	if !l.form.extended && (l.q.Detail || l.q.Subscribed) {
		if err := l.subscriptions(ctx); err != nil {
			return wire.Status{}, err
		}
	}
	l.counts = map[string]*StatusData{}
	for _, cmd := range l.commands() {
		if st, err := l.list(ctx, cmd); err != nil || !st.OK() {
			return st, err
		}
	}
	if len(l.q.Status) > 0 && !l.form.status {
		if err := l.s.statuses(ctx, l.q.Status, l.held); err != nil {
			return wire.Status{}, err
		}
		if st, bad := l.noStatus(); bad && l.instead {
			return st, nil
		}
	}
	for _, e := range l.held {
		if l.form.status {
			e.Status = l.count(e)
		}
		if err := l.fn(e); err != nil {
			return wire.Status{}, err
		}
	}
	return wire.Status{Status: "OK"}, nil
}

// noStatus reports whether the server answered BAD to every STATUS: then it is
// what STATUS asks for that it does not take, and LIST-STATUS was not at fault.
func (l *listing) noStatus() (st wire.Status, bad bool) {
	for _, e := range l.held {
		said := fault.ServerOf(e.Refused)
		if said == nil || said.Status != "BAD" {
			return st, false
		}
		st = wire.Status{Status: said.Status, Code: said.Code, Text: said.Text}
	}
	return st, len(l.held) > 0
}

// commands returns one LIST where the form combines patterns, else one a pattern.
func (l *listing) commands() (list []*wire.Command) {
	begin := func() *wire.Command {
		cmd := wire.NewCommand("LIST")
		if l.form.extended && l.q.Subscribed {
			cmd.List("SUBSCRIBED")
		}
		return cmd.String("")
	}
	end := func(cmd *wire.Command) {
		if ret := l.returns(); l.form.extended && len(ret) > 0 {
			cmd.Atom("RETURN").List(ret...)
		}
		list = append(list, cmd)
	}
	if l.form.several {
		cmd := begin().Open()
		for _, p := range l.q.Patterns {
			cmd.String(l.s.encodeName(p))
		}
		end(cmd.Close())
		return list
	}
	for _, p := range l.q.Patterns {
		end(begin().String(l.s.encodeName(p)))
	}
	return list
}

func (l *listing) returns() []string {
	var ret []string
	if l.q.Detail {
		ret = append(ret, "SUBSCRIBED", "CHILDREN")
	}
	if l.s.Offers("SPECIAL-USE") {
		ret = append(ret, "SPECIAL-USE")
	}
	if l.form.status {
		ret = append(ret, "STATUS ("+strings.Join(l.q.Status, " ")+")")
	}
	return ret
}

// list runs one LIST.
func (l *listing) list(ctx context.Context, cmd *wire.Command) (wire.Status, error) {
	s := l.s
	cmd.On(func(r *wire.Response) error {
		if r.Kind == "STATUS" {
			if d := s.readStatus(r); l.form.status && len(l.counts) < maxUncounted {
				l.counts[d.Raw] = d
				return l.release()
			}
			return nil
		}
		e := s.readList(r)
		if e == nil {
			s.unreadable(r)
			return r.Err()
		}
		return l.hear(e)
	}, "LIST", "XLIST", "STATUS")
	st, err := s.do(ctx, cmd)
	// GNU imap4d, which has no LIST-EXTENDED, says NO to LIST on an empty tree.
	if err == nil && st.Status == "NO" && st.Code == "" && !l.told && !s.Misjudged() && !s.announces("LIST-EXTENDED") {
		st.Status = "OK"
	}
	return st, err
}

// hear takes one entry. One that several patterns match is told once.
func (l *listing) hear(e *ListEntry) error {
	digest := maphash.String(l.seed, e.Raw)
	if _, again := l.seen[digest]; again {
		return nil
	}
	switch {
	case len(l.q.Patterns) > 1 && len(l.seen) == maxListed:
		return fault.New(fault.Protocol, "the server lists more than %d mailboxes", maxListed).Hint("ask for one pattern at a time")
	case len(l.q.Patterns) > 1 || len(l.seen) < maxSeen:
		l.seen[digest] = struct{}{}
	}
	l.told = true
	l.s.odd(e)
	if l.form.extended && (l.q.Detail || l.q.Subscribed) {
		sub := e.Has(`\Subscribed`)
		e.Subscribed = &sub
	} else if l.subscribed != nil {
		_, sub := l.subscribed[maphash.String(l.seed, e.Name)]
		if e.Subscribed = &sub; l.q.Subscribed && !sub {
			return nil
		}
	}
	if len(l.q.Status) == 0 {
		return l.fn(e)
	}
	if len(l.held) == maxUncounted {
		return fault.New(fault.Protocol, "the server lists more than %d mailboxes before it tells their counts", maxUncounted).
			Hint("list them without --status, and ask for some with imapknife status")
	}
	l.held = append(l.held, e)
	return l.release()
}

// release hands on the entries in front whose counts are known, or will not come.
func (l *listing) release() error {
	for l.form.status && len(l.held) > 0 {
		e := l.held[0]
		if e.Status = l.count(e); e.Status == nil && e.Selectable() {
			return nil
		}
		if l.held = l.held[1:]; e.Status != nil {
			delete(l.counts, e.Status.Raw)
		}
		if err := l.fn(e); err != nil {
			return err
		}
	}
	return nil
}

// count returns what STATUS has told of the entry, before it or after it.
func (l *listing) count(e *ListEntry) *StatusData {
	if d := l.counts[e.Raw]; d != nil || !strings.EqualFold(e.Raw, "INBOX") {
		return d
	}
	for raw, d := range l.counts {
		if strings.EqualFold(raw, "INBOX") {
			return d
		}
	}
	return nil
}

// subscriptions asks LSUB which mailboxes are subscribed.
func (l *listing) subscriptions(ctx context.Context) error {
	l.subscribed = map[uint64]struct{}{}
	for _, p := range l.q.Patterns {
		cmd := wire.NewCommand("LSUB").String("").String(l.s.encodeName(p)).On(func(r *wire.Response) error {
			if len(l.subscribed) > maxListed {
				return fault.New(fault.Protocol, "the server lists more than %d subscriptions", maxListed)
			}
			if e := l.s.readList(r); e != nil && !e.Has(`\Noselect`) {
				l.subscribed[maphash.String(l.seed, e.Name)] = struct{}{}
			}
			return nil
		}, "LSUB")
		st, err := l.s.do(ctx, cmd)
		if err != nil {
			return err
		}
		if !st.OK() && l.q.Subscribed {
			return refusal(st, "cannot tell the subscribed mailboxes")
		}
		if !st.OK() {
			l.subscribed = nil // unknown: leave it unsaid
			return nil
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
