package session

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// MaxHeader is how much of one message's header is read, in octets.
const MaxHeader = 256 << 10

// FetchRequest is one FETCH of messages in the open mailbox.
type FetchRequest struct {
	Set   query.Set // UIDs, or `*` alone; answers about others are ignored
	Items []string  // as sent: FLAGS, BODY.PEEK[HEADER], …
	// Body gets the octets of each body section (BODY[…], BINARY[…] other
	// than headers) as they arrive. section is what stands in the brackets.
	// What Body leaves unread is skipped. nil skips bodies.
	Body func(m *Fetched, section string, r io.Reader, size int64) error
	// Since leaves only what has changed since that modification sequence (RFC
	// 7162), 0 for everything. Gone, with Since, gets what has been removed since
	// then; EnableQresync must have said yes on this session.
	Since uint64
	Gone  *query.Builder
	// Whole makes it an error of kind Partial that the server cut its answer
	// short: what was not told may be there.
	Whole bool
	// Row gets each message once, when all that was asked for has come, or
	// at the end with what has: see Fetched.Lacks. m is reused afterwards.
	Row func(m *Fetched) error
	// Lost gets the messages that the server told of and that turned out to be
	// removed before all that was asked for had come; Row does not get these. It
	// may be nil.
	Lost *query.Builder
}

// fetch is one FETCH under way.
type fetch struct {
	s        *Session
	q        *FetchRequest
	want     int
	sections []asked
	done     told
	held     map[uint32]*Fetched
	cur      *Fetched
	item     section       // told last, of those with one
	star     uint32        // the UID told for `*`, 0 while there is none
	last     uint32        // the sequence number that `*` stands for
	unnamed  int           // answers that name no UID
	removed  bool          // the server has told of a removal meanwhile
	lost     query.Set     // told of, and removed before all had come
	again    query.Builder // let go, to be asked for again
	spool    []spooled
}

// spooled is a body that came before its message's UID.
type spooled struct {
	section int
	file    *os.File
	size    int64
}

// Fetch runs UID FETCH and calls q.Row for each message that the server
// told of. It returns the UIDs told. A message whose data are malformed, or
// do not come, is told with a warning. Where they have not come because it was
// removed, it is not told.
func (s *Session) Fetch(ctx context.Context, q FetchRequest) (query.Set, error) {
	f := &fetch{s: s, q: &q, cur: &Fetched{}, held: map[uint32]*Fetched{}}
	f.want, f.sections = sections(q.Items)
	shorts := s.shorts
	err := f.all(ctx)
	if err == nil && q.Since == 0 {
		s.full("FETCH", f.done.set().Len(), s.size(q.Set))
	}
	if err == nil && q.Whole {
		err = s.unlessShort(shorts)
	}
	if err == nil && f.unnamed > 0 && !f.complete() {
		err = fault.New(fault.Protocol, "the server told of %d messages without naming them", f.unnamed)
	}
	if q.Lost != nil {
		for _, r := range f.lost {
			q.Lost.Add(r.Lo, r.Hi)
		}
	}
	return f.done.set(), err
}

func (f *fetch) all(ctx context.Context) error {
	if f.q.Set.HasLast() {
		return f.fetchLast(ctx)
	}
	for set := range f.q.Set.Split(query.MaxSetOctets) {
		if err := f.run(ctx, set); err != nil {
			return err
		}
	}
	return f.askAgain(ctx)
}

// complete reports whether every message asked for was told, where the set
// says which these are.
func (f *fetch) complete() bool {
	return !f.q.Set.HasLast() && f.q.Set.Subtract(f.done.set()).Empty()
}

// fetchLast fetches the message with the highest UID. Not every server
// understands `*`: it goes by its sequence number, which EXISTS tells.
func (f *fetch) fetchLast(ctx context.Context) error {
	box, err := f.s.Box(ctx)
	if err != nil || box.Exists == 0 {
		return err
	}
	f.last = uint32(min(box.Exists, query.MaxUID))
	return f.command(ctx, "FETCH", query.Set{{Lo: f.last, Hi: f.last}}.String(), 0)
}

// run fetches a part of the set.
func (f *fetch) run(ctx context.Context, set string) error {
	return f.command(ctx, "UID FETCH", set, 0)
}

// command sends one FETCH. tries says how often the same was asked before.
func (f *fetch) command(ctx context.Context, name, set string, tries int) error {
	items := "(UID " + strings.Join(f.q.Items, " ") + ")"
	if len(f.q.Items) == 0 {
		items = "(UID)"
	}
	cmd := wire.NewCommand(name).Atom(set).Atom(items).On(f.response, "FETCH", "EXPUNGE", "VANISHED")
	f.since(cmd)
	f.removed = false
	st, err := f.s.do(ctx, cmd)
	if err != nil {
		return err
	}
	f.removed = f.removed || st.Code == "EXPUNGEISSUED"
	if err := f.letGo(ctx); err != nil {
		return err
	}
	if st.OK() {
		return nil
	}
	return f.refused(ctx, st, set, tries)
}

// refused judges a NO or BAD. A server may say it because some of the messages
// have been removed (RFC 5530, EXPUNGEISSUED): then these are just not there, and
// the others are asked for once more.
func (f *fetch) refused(ctx context.Context, st wire.Status, set string, tries int) error {
	e := refusal(st, "cannot fetch from %q", f.s.box.title())
	if len(f.done.order) > 0 {
		e.Kind = fault.Partial
	}
	if st.Status != "NO" || f.last != 0 {
		return e
	}
	asked, err := query.ParseSet(set)
	if err != nil {
		return e
	}
	resolved := f.done.set().Union(f.lost)
	there, err := f.s.still(ctx, asked.Set().Subtract(resolved))
	switch {
	case err != nil:
		return e
	case there.Empty() && (f.removed || len(f.done.order) == 0):
		return nil
	case there.Empty():
		return e
	case tries > 0 || !f.removed && asked.Explicit.Subtract(resolved).Subtract(there).Empty():
		return e
	}
	for piece := range there.Split(query.MaxSetOctets) {
		if err := f.command(ctx, "UID FETCH", piece, tries+1); err != nil {
			return err
		}
	}
	return nil
}

// response takes one untagged response that belongs to the FETCH.
func (f *fetch) response(r *wire.Response) error {
	switch {
	case r.Kind == "FETCH":
		return f.hear(r)
	case r.Kind == "VANISHED" && f.q.Gone != nil:
		f.removed = true
		return f.vanished(r)
	}
	f.removed = true
	f.s.heard(r)
	return nil
}

// hear takes one FETCH response.
func (f *fetch) hear(r *wire.Response) error {
	m := f.cur
	m.reset(len(f.sections))
	defer f.dropSpool()
	m.Seq = uint32(r.Num)
	err := f.items(r, m)
	if err != nil {
		return err
	}
	if e := r.Err(); e != nil {
		if !wire.IsSyntax(e) {
			return e
		}
		m.Warn("the server's data cannot be read: " + e.Error())
	}
	if m.UID == 0 {
		if m.named || m.has&^(hasFlags|hasModseq) != 0 || m.Warnings != nil || m.begun() {
			f.unnamed++
		}
		r.Unwanted()
		return nil
	}
	if !f.asked(m) {
		r.Unwanted()
		return nil
	}
	if err := f.deliverSpool(m); err != nil {
		return err
	}
	return f.settle(m)
}

// begun reports whether something of a body was told.
func (m *Fetched) begun() bool {
	for _, b := range m.bodies {
		if b != untold {
			return true
		}
	}
	return false
}

// asked reports whether the message was asked for and not yet told. `*` is one
// message only: the one with the sequence number asked for.
func (f *fetch) asked(m *Fetched) bool {
	if f.done.contains(m.UID) {
		return false
	}
	return f.q.Set.Contains(m.UID, 0) || f.q.Set.HasLast() && f.star == 0 && m.Seq == f.last
}

// deliver hands a body on, or keeps it in a file until the message's UID is
// known.
func (f *fetch) deliver(m *Fetched, section int, r io.Reader, size int64) error {
	if m.UID != 0 {
		if !f.asked(m) {
			return nil
		}
		return f.hand(m, section, r, size)
	}
	file, err := os.CreateTemp("", "imapknife-*")
	if err != nil {
		return fault.Wrap(fault.Local, err, "cannot keep a message's text")
	}
	os.Remove(file.Name())
	f.spool = append(f.spool, spooled{section, file, size})
	_, err = io.Copy(file, r)
	return err
}

func (f *fetch) deliverSpool(m *Fetched) error {
	for _, sp := range f.spool {
		if _, err := sp.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := f.hand(m, sp.section, sp.file, sp.size); err != nil {
			return err
		}
	}
	return nil
}

func (f *fetch) dropSpool() {
	for _, sp := range f.spool {
		sp.file.Close()
	}
	f.spool = f.spool[:0]
}
