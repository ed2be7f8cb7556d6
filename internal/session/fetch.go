package session

import (
	"bytes"
	"context"
	"io"
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
	item  section // told last, of those with one
	star  uint32  // the UID told for `*`, 0 while there is none
	lost  int     // answers that name no UID
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
	for set := range q.Set.Split(query.MaxSetOctets) {
		if err := f.run(ctx, set); err != nil {
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
		switch {
		case it == "FLAGS":
			want |= hasFlags
		case it == "INTERNALDATE":
			want |= hasDate
		case it == "RFC822.SIZE":
			want |= hasSize
		case it == "MODSEQ":
			want |= hasModseq
		case it == "BODYSTRUCTURE":
			want |= hasStructure
		case strings.HasPrefix(it, "BODY.PEEK[HEADER"), it == "BODY[HEADER]":
			want |= hasHeader
		case strings.HasPrefix(it, "BODY"), strings.HasPrefix(it, "BINARY"):
			want |= hasBody
			bodies++
		default:
			want |= extensionBit(it)
		}
	}
	return want, bodies
}

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
	if f.held[m.UID] == nil {
		if len(f.held) >= maxHeld {
			return fault.New(fault.Protocol, "the server tells of more than %d messages in pieces", maxHeld)
		}
		f.held[m.UID] = m
		f.cur = &Fetched{}
	}
	return nil
}

func (f *fetch) emit(m *Fetched) error {
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

// merge adds to old what m tells.
func merge(old, m *Fetched) {
	if m.has&hasFlags != 0 {
		old.Flags = append(old.Flags[:0], m.Flags...)
	}
	if m.has&hasDate != 0 {
		old.InternalDate = m.InternalDate
	}
	if m.has&hasSize != 0 {
		old.Size = m.Size
	}
	if m.has&hasModseq != 0 {
		old.Modseq = m.Modseq
	}
	if m.has&hasHeader != 0 {
		old.Header = append(old.Header[:0], m.Header...)
	}
	if m.has&hasStructure != 0 {
		old.Structure = m.Structure
	}
	old.NoBody = old.NoBody || m.NoBody
	old.bodies += m.bodies
	mergeExtensions(old, m)
	old.Warnings = append(old.Warnings, m.Warnings...)
	old.has |= m.has
}

func mergeExtensions(old, m *Fetched) {
	if m.has&hasPreview != 0 {
		old.Preview = m.Preview
	}
	if m.has&hasSaveDate != 0 {
		old.SaveDate = m.SaveDate
	}
	if m.has&hasEmailID != 0 {
		old.EmailID = m.EmailID
	}
	if m.has&hasThreadID != 0 {
		old.ThreadID = m.ThreadID
	}
	if m.has&hasGmailID != 0 {
		old.GmailID = m.GmailID
	}
	if m.has&hasGmailThread != 0 {
		old.GmailThread = m.GmailThread
	}
	if m.has&hasGmailLabels != 0 {
		old.GmailLabels = m.GmailLabels
	}
}

// extensionBit is the bit of an extension's item, 0 where it is none that is
// known.
func extensionBit(item string) int {
	switch item {
	case "PREVIEW":
		return hasPreview
	case "SAVEDATE":
		return hasSaveDate
	case "EMAILID":
		return hasEmailID
	case "THREADID":
		return hasThreadID
	case "X-GM-MSGID":
		return hasGmailID
	case "X-GM-THRID":
		return hasGmailThread
	case "X-GM-LABELS":
		return hasGmailLabels
	}
	return 0
}

// items reads the parenthesised list of items.
func (f *fetch) items(r *wire.Response, m *Fetched) error {
	if !r.Open() {
		return nil
	}
	for !r.Close() {
		if !r.Take(f.item.item) { // nearly always the one of the message before
			item := r.Item()
			if len(item) == 0 {
				r.Skip()
				continue
			}
			if bytes.IndexByte(item, '[') < 0 {
				m.item(r, item)
				continue
			}
			f.item = f.named(string(item))
		}
		if err := f.section(r, m, &f.item); err != nil {
			return err
		}
	}
	return nil
}

// item reads the value of one item without a section.
func (m *Fetched) item(r *wire.Response, item []byte) {
	switch string(item) {
	case "UID":
		m.UID = r.Number32()
	case "FLAGS":
		m.Flags = readFlags(r.Reader, m.Flags[:0])
		m.has |= hasFlags
	case "INTERNALDATE":
		m.InternalDate = m.readDate(r, "INTERNALDATE")
		m.has |= hasDate
	case "RFC822.SIZE":
		m.Size = r.Number()
		m.has |= hasSize
	case "MODSEQ":
		if r.Open() {
			m.Modseq = r.Number()
			r.Close()
		} else {
			r.Skip()
		}
		m.has |= hasModseq
	case "BODYSTRUCTURE", "BODY":
		m.Structure = readStructure(r.Reader)
		m.has |= hasStructure
		if wire.IsSyntax(r.Err()) {
			m.Structure = nil
		} else if m.Structure == nil && r.Err() == nil {
			m.Warn("the server tells no structure")
		}
	default:
		m.extension(r, string(item))
	}
}

func (m *Fetched) extension(r *wire.Response, item string) {
	upper := strings.ToUpper(item)
	if upper != item {
		m.item(r, []byte(upper))
		return
	}
	m.has |= extensionBit(item)
	switch item {
	case "PREVIEW":
		if s, ok := r.String(wire.MaxToken); ok {
			text := strings.ToValidUTF8(string(s), "\uFFFD")
			m.Preview = &text
		}
	case "SAVEDATE":
		if t := m.readDate(r, ""); !t.IsZero() {
			m.SaveDate = &t
		}
	case "EMAILID":
		m.EmailID = objectID(r)
	case "THREADID":
		m.ThreadID = objectID(r)
	case "X-GM-MSGID":
		m.GmailID = r.Number()
	case "X-GM-THRID":
		m.GmailThread = r.Number()
	case "X-GM-LABELS":
		m.GmailLabels = readFlags(r.Reader, nil)
		for i, l := range m.GmailLabels {
			m.GmailLabels[i], _ = DecodeName(l)
		}
	case "RFC822.HEADER":
		m.readHeader(r)
	default:
		r.Skip()
	}
}

// objectID reads `(id)` or NIL (RFC 8474).
func objectID(r *wire.Response) string {
	if !r.Open() {
		r.Skip()
		return ""
	}
	id, _ := r.String(wire.MaxToken)
	out := string(id)
	r.Close()
	return out
}

// readFlags appends the flags of a parenthesised list. Keywords that are quoted
// or hold odd octets are taken as they are.
func readFlags(r *wire.Reader, flags []string) []string {
	if !r.Open() {
		r.Skip()
		return flags
	}
	for !r.Close() {
		f, _ := r.String(wire.MaxToken)
		if r.Err() != nil {
			break
		}
		if len(flags) < maxFlags {
			flags = append(flags, flagName(f))
		}
	}
	return flags
}

// readDate reads a date-time; what is none becomes a warning, unless what is
// empty.
func (m *Fetched) readDate(r *wire.Response, what string) time.Time {
	s, ok := r.String(wire.MaxToken)
	if t, good := parseDate(s); good {
		return t
	}
	if what != "" && r.Err() == nil {
		if !ok {
			m.Warn(what + " is NIL")
		} else {
			m.Warn(what + " cannot be read: " + strings.ToValidUTF8(string(s[:min(len(s), 60)]), "\uFFFD"))
		}
	}
	return time.Time{}
}

func (m *Fetched) readHeader(r *wire.Response) {
	h, _ := r.String(MaxHeader)
	m.Header = append(m.Header[:0], h...)
	m.has |= hasHeader
	if r.Cut() {
		m.Warn("the header was cut")
	}
}

// section is an item such as BODY[1.MIME]<0> taken apart.
type section struct {
	item   string // as told
	name   string // what stands in the brackets, in upper case
	header bool   // the header or fields of it, and that was asked for
	body   bool   // a body that was asked for
}

func (f *fetch) named(item string) section {
	s := section{item: item}
	kind, rest, _ := strings.Cut(item, "[")
	end := strings.LastIndexByte(rest, ']')
	if end < 0 {
		return s
	}
	s.name = strings.ToUpper(rest[:end])
	if s.name == "HEADER" || strings.HasPrefix(s.name, "HEADER.FIELDS ") {
		s.header = f.want&hasHeader != 0
		return s
	}
	s.body = !strings.EqualFold(kind, "BINARY.SIZE") && f.q.Body != nil && f.wantsSection(kind, s.name)
	return s
}

// section reads the value of BODY[…] or BINARY[…].
func (f *fetch) section(r *wire.Response, m *Fetched, s *section) error {
	switch {
	case s.header:
		m.readHeader(r)
		return nil
	case !s.body:
		r.Skip()
		return nil
	}
	b := r.Body()
	m.bodies++
	if b == nil {
		m.NoBody = r.Err() == nil
		return nil
	}
	return f.deliver(m, s.name, b, b.Size)
}

// wantsSection reports whether the section was asked for: servers have sent
// bodies unasked.
func (f *fetch) wantsSection(name, section string) bool {
	for _, it := range f.q.Items {
		it = strings.Replace(strings.ToUpper(it), ".PEEK[", "[", 1)
		if rest, ok := strings.CutPrefix(it, strings.ToUpper(name)+"["+section+"]"); ok && (rest == "" || rest[0] == '<') {
			return true
		}
	}
	return false
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
