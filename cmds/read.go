package cmds

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// batch is how many messages are held at once where rows cannot stream:
// sorted ones, and those whose text comes in a second step.
const batch = 50

// envelopeFields are the header fields that make an envelope.
const envelopeFields = "DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC MESSAGE-ID IN-REPLY-TO REFERENCES"

// want says what to tell of each message.
type want struct {
	envelope    message.Fields // which of the envelope's fields
	flags       bool
	size        bool
	date        bool // INTERNALDATE
	structure   bool
	attachments bool
	// alternatives are other forms of the text, listed with the attachments.
	alternatives bool
	headers      bool
	names        []string // header fields asked for by name; empty for all
	text, html   bool
	textForHTML  bool   // where there is no HTML
	htmlByName   bool   // HTML is asked for by --fields only
	section      string // of body, what goes into content
	part         string // the number of the part that section is of or in, if it is
	content      func(m *result.Message) **result.Content
	partial      string // <offset.length> or empty
	extension    []string
	modseq       bool
	seq          bool
	maxBytes     uint64 // 0: no limit of the person's
}

// items is the want as FETCH items.
func (w *want) items() []string {
	var items []string
	add := func(on bool, item string) {
		if on {
			items = append(items, item)
		}
	}
	add(w.flags, "FLAGS")
	add(w.date, "INTERNALDATE")
	add(w.size, "RFC822.SIZE")
	add(w.modseq, "MODSEQ")
	items = append(items, w.extension...)
	add(w.structure || w.attachments || w.text || w.html || w.part != "", "BODYSTRUCTURE")
	switch {
	case w.headers && len(w.names) == 0:
		items = append(items, "BODY.PEEK[HEADER]")
	case w.headers:
		fields := slices.Clone(w.names)
		if w.envelope != 0 {
			fields = append(fields, strings.Fields(envelopeFields)...)
		}
		items = append(items, "BODY.PEEK[HEADER.FIELDS ("+strings.ToUpper(strings.Join(fields, " "))+")]")
	case w.envelope == message.AllFields:
		items = append(items, "BODY.PEEK[HEADER.FIELDS ("+envelopeFields+")]")
	case w.envelope != 0:
		items = append(items, "BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)]")
	}
	add(w.content != nil, "BODY.PEEK["+w.section+"]"+w.partial)
	return items
}

// needs is an error where an item needs a capability that the server lacks.
func (w *want) needs(ctx context.Context, s *session.Session) error {
	for _, item := range w.extension {
		cap, what := "", ""
		switch item {
		case "PREVIEW":
			cap, what = "PREVIEW", "--preview"
		case "SAVEDATE":
			cap, what = "SAVEDATE", "--savedate"
		case "EMAILID":
			cap, what = "OBJECTID", "--email-id"
		case "THREADID":
			cap, what = "OBJECTID", "--thread-id"
		default:
			cap, what = "X-GM-EXT-1", "--gmail"
		}
		if err := s.Need(ctx, cap, what); err != nil {
			return err
		}
	}
	if w.modseq {
		return s.Need(ctx, "CONDSTORE", "--modseq")
	}
	return nil
}

// reading is the reading of chosen messages into rows.
type reading struct {
	s    *session.Session
	w    *want
	emit func(*result.Message) error
	row  result.Message // reused for each row that streams

	contents map[uint32]*content // of messages whose rows are not made yet
	gone     *absence            // where messages without what is wanted are noted; may be nil
	warn     func(format string, args ...any)
}

// read fetches what w wants of the messages in p and emits a row for each, in
// p's order. It returns the UIDs that are there.
func (rd *reading) read(ctx context.Context, p *picked) (query.Set, error) {
	if err := rd.w.needs(ctx, rd.s); err != nil {
		return nil, err
	}
	second := rd.w.text || rd.w.html
	if p.order == nil && !second {
		return rd.fetch(ctx, p.set, func(m *session.Fetched) error {
			rd.fill(&rd.row, m)
			return rd.emit(&rd.row)
		})
	}
	if p.direct && !p.onlyLast() && (p.set.HasLast() || p.set.Len() > batch) {
		// The UIDs have to be known, to be taken in batches.
		if err := resolve(ctx, rd.s, p); err != nil {
			return nil, err
		}
	}
	var told query.Builder
	for uids, set := range p.pieces() {
		rows, err := rd.batch(ctx, set)
		if err != nil {
			return told.Set(), err
		}
		if uids == nil {
			uids = slices.Collect(maps.Keys(rows))
		}
		for _, uid := range uids {
			if row := rows[uid]; row != nil {
				told.Add(uid, uid)
				if err := rd.emit(row); err != nil {
					return told.Set(), err
				}
			}
		}
	}
	return told.Set(), nil
}

// resolve finds out which UIDs of a set as given are there. A set too long
// for one line is compared here.
func resolve(ctx context.Context, s *session.Session, p *picked) error {
	if err := resolveLast(ctx, s, p); err != nil {
		return err
	}
	var program []query.Token
	if text := slices.Collect(p.set.Split(query.MaxSetOctets)); len(text) == 1 && !s.Offers(query.WrongUIDs) {
		program = []query.Token{{Kind: query.Atom, Text: "UID"}, {Kind: query.Atom, Text: text[0]}}
	}
	if !p.set.Empty() {
		res, err := s.Search(ctx, session.SearchRequest{Program: program})
		if err != nil {
			return err
		}
		p.set = res.Set.Intersect(p.set)
	}
	p.direct = false
	return nil
}

// resolveLast puts the highest UID in the place of `*`.
func resolveLast(ctx context.Context, s *session.Session, p *picked) error {
	if !p.set.HasLast() {
		return nil
	}
	last, err := s.LastUID(ctx)
	p.set = p.set.Resolve(last)
	return err
}

// batches takes the UIDs apart, in their order.
func batches(p *picked) iter.Seq[[]uint32] {
	return func(yield func([]uint32) bool) {
		var uids []uint32
		for uid := range p.uids() {
			if uids = append(uids, uid); len(uids) == batch {
				if !yield(uids) {
					return
				}
				uids = nil
			}
		}
		if len(uids) > 0 {
			yield(uids)
		}
	}
}

// onlyLast reports whether the message with the highest UID is meant, and not
// known yet: one FETCH tells which that is and what it holds.
func (p *picked) onlyLast() bool { return p.direct && len(p.set) == 1 && p.set.HasLast() }

// pieces yields batches, in their order, and each as a set. Where only the
// last message is meant its UID is not known: uids is nil then.
func (p *picked) pieces() iter.Seq2[[]uint32, query.Set] {
	return func(yield func([]uint32, query.Set) bool) {
		if p.onlyLast() {
			yield(nil, p.set)
			return
		}
		for uids := range batches(p) {
			if !yield(uids, query.MakeSet(uids...)) {
				return
			}
		}
	}
}

// batch reads some messages whole.
func (rd *reading) batch(ctx context.Context, set query.Set) (map[uint32]*result.Message, error) {
	rows := map[uint32]*result.Message{}
	structures := map[uint32]*message.Structure{}
	told, err := rd.fetch(ctx, set, func(m *session.Fetched) error {
		row := &result.Message{}
		own := *m
		own.Flags = slices.Clone(m.Flags)
		rd.fill(row, &own)
		rows[m.UID] = row
		structures[m.UID] = m.Structure
		return nil
	})
	if err != nil || !rd.w.text && !rd.w.html {
		return rows, err
	}
	leaves := map[uint32]*texts{}
	for uid, s := range structures {
		if s == nil {
			if s, err = rd.walk(ctx, uid); err != nil {
				return rows, err
			}
			rows[uid].Warnings = append(rows[uid].Warnings, tooDeep(s)...)
		}
		if s != nil {
			leaves[uid] = newTexts(s, rd.w)
		}
	}
	return rows, rd.texts(ctx, slices.Collect(told.All()), rows, leaves)
}

// fetch runs the FETCH, keeping content until its row is made.
func (rd *reading) fetch(ctx context.Context, set query.Set, row func(*session.Fetched) error) (query.Set, error) {
	q := session.FetchRequest{Set: set, Items: rd.w.items(), Row: row}
	if rd.w.content != nil {
		rd.contents = map[uint32]*content{}
		q.Body = func(m *session.Fetched, section string, r io.Reader, _ int64) error {
			c, err := readContent(r, section, rd.w.limit())
			rd.contents[m.UID] = c
			return err
		}
	}
	return rd.s.Fetch(ctx, q)
}

// fill makes a row of what FETCH told.
func (rd *reading) fill(row *result.Message, m *session.Fetched) {
	w := rd.w
	box := rd.s.Opened()
	*row = result.Message{UID: m.UID, Modseq: m.Modseq, EmailID: m.EmailID, ThreadID: m.ThreadID, Preview: m.Preview, SaveDate: m.SaveDate, Warnings: m.Warnings}
	row.Place = result.Place{Account: rd.s.Account(), Mailbox: box.Name, UIDValidity: box.Validity()}
	if !box.Validity().Usable() {
		row.Warnings = append(row.Warnings, session.NoValidity)
	}
	if w.seq {
		row.Seq = m.Seq
	}
	if w.flags && m.Told("FLAGS") {
		row.Flags = &m.Flags
		if m.Flags == nil {
			m.Flags = []string{}
		}
	}
	if w.date && !m.InternalDate.IsZero() {
		row.InternalDate = &m.InternalDate
	}
	if w.size && m.Told("RFC822.SIZE") {
		row.Size = &m.Size
	}
	if w.envelope != 0 {
		row.Warnings = append(row.Warnings, message.Envelope(m.Header, w.envelope, row)...)
	}
	if w.headers {
		rd.headers(row, m.Header)
	}
	if w.structure && m.Structure != nil {
		part, warnings := m.Structure.Part()
		row.Structure = part
		row.Warnings = append(row.Warnings, warnings...)
	}
	if w.attachments || w.text || w.html {
		row.Warnings = append(row.Warnings, tooDeep(m.Structure)...)
	}
	if w.attachments {
		list := []result.Attachment{}
		if m.Structure != nil {
			list = message.Attachments(m.Structure)
			if !w.alternatives {
				list = slices.DeleteFunc(list, func(a result.Attachment) bool { return a.Disposition == message.Alternative })
			}
		}
		row.Attachments = &list
	}
	if slices.Contains(w.extension, "X-GM-MSGID") {
		row.Gmail = gmail(m)
	}
	c := rd.contents[m.UID]
	delete(rd.contents, m.UID)
	if _, there := w.partOf(m); !there || w.part != "" && m.NoBody {
		rd.lack(m.UID, "part "+w.part)
		row.Warnings = append(row.Warnings, w.noPart())
	} else if c != nil {
		*w.content(row), row.Truncated = &c.Content, c.cut
	}
	if w.maxBytes > 0 {
		w.bound(row)
	}
}

// lack notes a message without something that is wanted of it.
func (rd *reading) lack(uid uint32, what string) {
	if rd.gone != nil {
		rd.gone.lack(rd.s, uid, what)
	}
}

// tooDeep is the warning for parts that were left out, if any were.
func tooDeep(s *message.Structure) []string {
	if s == nil || s.TooDeep() == "" {
		return nil
	}
	return []string{s.TooDeep()}
}

// headers decodes the fields asked for.
func (rd *reading) headers(row *result.Message, raw []byte) {
	fields, warnings := message.Headers(raw)
	for _, text := range warnings {
		if !slices.Contains(row.Warnings, text) { // the envelope may have told it
			row.Warnings = append(row.Warnings, text)
		}
	}
	list := []result.Header{}
	for _, f := range fields {
		if len(rd.w.names) == 0 || slices.ContainsFunc(rd.w.names, func(n string) bool { return strings.EqualFold(n, f.Name) }) {
			list = append(list, f)
		}
	}
	row.Headers = &list
}

// absence gathers the UIDs that were named one by one and are not there, and
// the messages without the part that is wanted.
type absence struct {
	notes  []string
	lacks  []lacking
	lacked int // messages in lacks
}

// lacking are messages of one mailbox, and what they lack.
type lacking struct {
	mailbox, what string
	uids          query.Builder
}

// maxUIDs is how much of a set of UIDs an error tells, in octets.
const maxUIDs = 200

func shortSet(set query.Set) string {
	text := set.String()
	if len(text) > maxUIDs {
		text = text[:maxUIDs] + "…"
	}
	return text
}

func (a *absence) note(s *session.Session, p *picked, told query.Set) {
	gone := p.explicit.Subtract(told)
	if gone.Empty() || s.Opened() == nil {
		return
	}
	p.lacking = true
	a.notes = append(a.notes, fmt.Sprintf("UID %s in %q", shortSet(gone), s.Opened().Name))
}

// lack notes that a message of the open mailbox is without what is wanted.
func (a *absence) lack(s *session.Session, uid uint32, what string) {
	box := s.Opened().Name
	i := slices.IndexFunc(a.lacks, func(l lacking) bool { return l.mailbox == box && l.what == what })
	if i < 0 {
		i = len(a.lacks)
		a.lacks = append(a.lacks, lacking{mailbox: box, what: what})
	}
	a.lacks[i].uids.Add(uid, uid)
	a.lacked++
}

// err is no where nothing was there, and partial where something was. It is
// asked once.
func (a *absence) err(rows int) error {
	kind := fault.Partial
	if rows == a.lacked {
		kind = fault.Negative
	}
	var missing, lacks error
	if a.notes != nil {
		missing = fault.New(kind, "no message with %s", strings.Join(a.notes, ", "))
	}
	if a.lacks != nil {
		var list causes
		for i := range a.lacks {
			l := &a.lacks[i]
			set, has := l.uids.Set(), "messages %s in %q have no %s"
			if set.Len() == 1 {
				has = "message %s in %q has no %s"
			}
			list = append(list, fmt.Errorf(has, shortSet(set), l.mailbox, l.what))
		}
		e := &fault.Error{Kind: kind, Err: list}
		lacks = e.Hint("fetch SET --structure --json tells the parts")
	}
	return together(missing, lacks)
}
