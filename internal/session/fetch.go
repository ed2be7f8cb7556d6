package session

import (
	"context"
	"io"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// Limits of FETCH data.
const (
	// MaxHeader is how much of one message's header is read, in octets.
	MaxHeader = 256 << 10
	// maxHeld is how many messages may be told in pieces at the same time.
	maxHeld = 1000
	// maxWarnings is how many warnings one message keeps.
	maxWarnings = 20
)

// FetchRequest is one FETCH of messages in the open mailbox.
type FetchRequest struct {
	Set   query.Set // UIDs; answers about others are ignored
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
	// Rows gets each message once, when all that was asked for has come, or
	// at the end with what has. m is reused afterwards.
	Row func(m *Fetched) error
}

// Fetched is what FETCH told about one message. The slices are reused for the
// next one.
type Fetched struct {
	Seq, UID     uint32
	Flags        []string
	InternalDate time.Time // zero when not told or unreadable
	Size         uint64
	Modseq       uint64
	Header       []byte // raw octets of HEADER or HEADER.FIELDS
	Structure    *message.Structure
	Preview      *string
	SaveDate     *time.Time
	EmailID      string
	ThreadID     string
	GmailID      uint64
	GmailThread  uint64
	GmailLabels  []string
	Warnings     []string
	NoBody       bool // the section asked for does not exist: NIL
	has          int  // the items told, as bits of want
	bodies       int  // how many sections of body were told
}

// The items whose presence is tracked.
const (
	hasFlags = 1 << iota
	hasDate
	hasSize
	hasModseq
	hasHeader
	hasStructure
	hasBody
	hasPreview
	hasSaveDate
	hasEmailID
	hasThreadID
	hasGmailID
	hasGmailThread
	hasGmailLabels
)

func (m *Fetched) reset() {
	*m = Fetched{Flags: m.Flags[:0], Header: m.Header[:0], Warnings: nil}
}

// Warn notes what is wrong with the message's data.
func (m *Fetched) Warn(text string) {
	if len(m.Warnings) < maxWarnings {
		m.Warnings = append(m.Warnings, text)
	}
}

// fetch is one FETCH under way.
type fetch struct {
	s     *Session
	q     *FetchRequest
	want  int
	nbody int // how many sections of body want has
	done  told
	held  map[uint32]*Fetched
	cur   *Fetched
	item  section       // told last, of those with one
	star  uint32        // the UID told for `*`, 0 while there is none
	lost  int           // answers that name no UID
	again query.Builder // let go, to be asked for again
	spool []spooled
}

// spooled is a body that came before its message's UID.
type spooled struct {
	section string
	file    *os.File
	size    int64
}

// Fetch runs UID FETCH and calls q.Row for each message that the server
// told of. It returns the UIDs told. A message whose data are malformed is
// told with a warning.
func (s *Session) Fetch(ctx context.Context, q FetchRequest) (query.Set, error) {
	f := &fetch{s: s, q: &q, cur: &Fetched{}, held: map[uint32]*Fetched{}}
	f.want, f.nbody = wanted(q.Items)
	shorts := s.shorts
	for set := range q.Set.Split(query.MaxSetOctets) {
		if err := f.run(ctx, set); err != nil {
			return f.done.set(), err
		}
	}
	if err := f.askAgain(ctx); err != nil {
		return f.done.set(), err
	}
	if q.Since == 0 {
		s.full("FETCH", f.done.set().Len(), s.size(q.Set))
	}
	if q.Whole {
		if err := s.unlessShort(shorts); err != nil {
			return f.done.set(), err
		}
	}
	if f.lost > 0 && !f.complete() {
		return f.done.set(), fault.New(fault.Protocol, "the server told of %d messages without naming them", f.lost)
	}
	return f.done.set(), nil
}

// complete reports whether every message asked for was told, where the set
// says which these are.
func (f *fetch) complete() bool {
	return !f.q.Set.HasLast() && f.q.Set.Subtract(f.done.set()).Empty()
}

func (f *fetch) run(ctx context.Context, set string) error {
	items := "(UID " + strings.Join(f.q.Items, " ") + ")"
	if len(f.q.Items) == 0 {
		items = "(UID)"
	}
	cmd := wire.NewCommand("UID FETCH").Atom(set).Atom(items).On(f.hear, "FETCH")
	f.since(cmd)
	st, err := f.s.do(ctx, cmd)
	if err != nil {
		return err
	}
	for uid, m := range f.held {
		delete(f.held, uid)
		if !f.asked(uid) {
			continue // an update of another message, where that of `*` was told
		}
		if err := f.emit(m); err != nil {
			return err
		}
	}
	if !st.OK() {
		e := refusal(st, "cannot fetch from %q", f.s.box.title())
		if len(f.done.order) > 0 { // some of them may have been removed meanwhile
			e.Kind = fault.Partial
		}
		return e
	}
	return nil
}

// wanted is the set of items that a complete answer has, and how many sections
// of body.
func wanted(items []string) (want, bodies int) {
	for _, it := range items {
		bit := itemBit(it)
		if want |= bit; bit == hasBody {
			bodies++
		}
	}
	return want, bodies
}

// itemBit is the bit of an item as it is asked for.
func itemBit(item string) int {
	switch {
	case item == "FLAGS":
		return hasFlags
	case item == "INTERNALDATE":
		return hasDate
	case item == "RFC822.SIZE":
		return hasSize
	case item == "MODSEQ":
		return hasModseq
	case item == "BODYSTRUCTURE":
		return hasStructure
	case strings.HasPrefix(item, "BODY.PEEK[HEADER"), item == "BODY[HEADER]":
		return hasHeader
	case strings.HasPrefix(item, "BODY"), strings.HasPrefix(item, "BINARY"):
		return hasBody
	}
	return extensionBit(item)
}

// Told reports whether the server told the item, spelt as it was asked for.
func (m *Fetched) Told(item string) bool { return m.has&itemBit(item) != 0 }

// hear takes one FETCH response.
func (f *fetch) hear(r *wire.Response) error {
	m := f.cur
	m.reset()
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
		if m.has&^(hasFlags|hasModseq) != 0 || m.bodies > 0 || m.Warnings != nil {
			f.lost++
		}
		return nil
	}
	if !f.asked(m.UID) {
		return nil
	}
	if err := f.deliverSpool(m); err != nil {
		return err
	}
	return f.settle(m)
}

// asked reports whether the message was asked for and not yet told. `*` is one
// message only: the first told that the set does not name.
func (f *fetch) asked(uid uint32) bool {
	if f.done.contains(uid) {
		return false
	}
	return f.q.Set.Contains(uid, 0) || f.star == 0 && f.q.Set.HasLast()
}

// settle emits m if all that was asked for has come, else keeps it: an
// update of flags may come before the answer, and an answer in pieces.
func (f *fetch) settle(m *Fetched) error {
	if old := f.held[m.UID]; old != nil {
		merge(old, m)
		m = old
	}
	if m.bodies >= f.nbody {
		m.has |= hasBody
	}
	if m.has&f.want == f.want || m.Warnings != nil {
		delete(f.held, m.UID)
		return f.emit(m)
	}
	if f.held[m.UID] != nil {
		return nil
	}
	if len(f.held) >= maxHeld {
		f.forgetUpdates()
	}
	if len(f.held) >= maxHeld { // they will not be told any better
		return f.emit(m)
	}
	f.held[m.UID] = m
	f.cur = &Fetched{}
	return nil
}

// forgetUpdates drops the messages of which only flags are held: nearly always
// those are updates, and the answers are still to come.
func (f *fetch) forgetUpdates() {
	maps.DeleteFunc(f.held, func(uid uint32, m *Fetched) bool {
		update := m.has&^(hasFlags|hasModseq|hasBody) == 0 && m.bodies == 0
		if update {
			f.again.Add(uid, uid)
		}
		return update
	})
}

// askAgain fetches the messages that forgetUpdates dropped and that have not
// been told since: their flags were all that the server tells of them.
func (f *fetch) askAgain(ctx context.Context) error {
	var piece query.Builder
	n := 0
	ask := func() error {
		f.q.Set, n = piece.Set(), 0
		piece = query.Builder{}
		for set := range f.q.Set.Split(query.MaxSetOctets) {
			if err := f.run(ctx, set); err != nil {
				return err
			}
		}
		return nil
	}
	all := f.q.Set
	defer func() { f.q.Set = all }()
	for uid := range f.again.Set().Subtract(f.done.set()).All() {
		piece.Add(uid, uid)
		if n++; n == maxHeld/2 {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return ask()
}

// untold lists what was asked for and is not in m.
func (f *fetch) untold(m *Fetched) []string {
	var out []string
	for _, it := range f.q.Items {
		if bit := itemBit(it); bit != 0 && m.has&bit == 0 {
			out = append(out, it)
		}
	}
	return out
}

func (f *fetch) emit(m *Fetched) error {
	if m.has&f.want != f.want && m.Warnings == nil {
		m.Warn("the server did not tell " + strings.Join(f.untold(m), ", "))
	}
	if !f.done.add(m.UID) {
		return fault.New(fault.Protocol, "the server answers FETCH in no order at all")
	}
	if !f.q.Set.Contains(m.UID, 0) {
		f.star = m.UID
	}
	if f.q.Row == nil {
		return nil
	}
	return f.q.Row(m)
}

// deliver hands a body on, or keeps it in a file until the message's UID is
// known.
func (f *fetch) deliver(m *Fetched, section string, r io.Reader, size int64) error {
	if m.UID != 0 {
		if !f.asked(m.UID) {
			return nil
		}
		return f.q.Body(m, section, r, size)
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
		if err := f.q.Body(m, sp.section, sp.file, sp.size); err != nil {
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

// broken is the error of an answer that cannot be read.
func broken(what string, err error) error {
	return &fault.Error{Kind: fault.Protocol, Op: what, Err: err}
}

// told remembers which UIDs were told: in order at 8 octets a range, those
// out of order apart.
type told struct {
	order query.Set
	late  map[uint32]bool
}

// maxLate is how many messages may come out of order.
const maxLate = 1_000_000

func (t *told) contains(uid uint32) bool { return t.order.Contains(uid, 0) || t.late[uid] }

func (t *told) add(uid uint32) bool {
	n := len(t.order)
	switch {
	case n == 0 || uid-1 > t.order[n-1].Hi:
		t.order = append(t.order, query.Range{Lo: uid, Hi: uid})
	case uid-1 == t.order[n-1].Hi:
		t.order[n-1].Hi = uid
	default:
		if t.late == nil {
			t.late = map[uint32]bool{}
		}
		t.late[uid] = true
	}
	return len(t.late) < maxLate
}

func (t *told) set() query.Set {
	var b query.Builder
	for _, r := range t.order {
		b.Add(r.Lo, r.Hi)
	}
	for uid := range t.late {
		b.Add(uid, uid)
	}
	return b.Set()
}
