package cmds

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// reading is the reading of chosen messages into rows.
type reading struct {
	s       *session.Session
	w       *want
	emit    func(*result.Message) error
	missing *fetch.Missing // gets what does not come; nil where nobody asks
	warn    func(format string, args ...any)

	row      result.Message      // reused for each row that streams
	contents map[uint32]*content // of messages whose rows are not made yet
	came     query.Builder       // UIDs of the rows emitted
	lost     query.Set           // UIDs that the server told of, and that were then removed
}

// read fetches what w wants of the messages in p and emits a row for each, in
// p's order, or else ascending. It returns the UIDs of the rows, and notes what
// has not come.
func (rd *reading) read(ctx context.Context, p *picked) (query.Set, error) {
	err := rd.rows(ctx, p)
	came := rd.came.Set()
	if err == nil && rd.missing != nil {
		p.missing(rd.s, rd.missing, came, rd.lost)
	}
	return came, err
}

func (rd *reading) rows(ctx context.Context, p *picked) error {
	if err := rd.w.needs(ctx, rd.s); err != nil {
		return err
	}
	if p.direct && !p.onlyLast() {
		if err := resolveLast(ctx, rd.s, p); err != nil {
			return err
		}
	}
	if p.order == nil && !rd.w.text && !rd.w.html {
		return rd.stream(ctx, p.set)
	}
	if p.direct && p.set.Len() > batch {
		// The UIDs have to be known, to be taken in batches.
		if err := resolve(ctx, rd.s, p); err != nil {
			return err
		}
	}
	for uids, set := range p.pieces() {
		if err := rd.piece(ctx, uids, set); err != nil {
			return err
		}
	}
	return nil
}

// piece reads some messages whole and emits their rows in the order of uids,
// ascending where that is nil.
func (rd *reading) piece(ctx context.Context, uids []uint32, set query.Set) error {
	rows, err := rd.batch(ctx, set)
	if err != nil {
		return err
	}
	if uids == nil {
		uids = slices.Sorted(maps.Keys(rows))
	}
	for _, uid := range uids {
		if row := rows[uid]; row != nil {
			if err := rd.out(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// stream emits rows as they arrive, as far as they arrive in order.
func (rd *reading) stream(ctx context.Context, set query.Set) error {
	q := fetch.Queue[*result.Message]{Asked: set, Emit: rd.out}
	err := rd.fetch(ctx, set, func(m *session.Fetched) error {
		if q.Ready(m.UID, m.Seq) {
			rd.fill(&rd.row, m)
			return q.Next(m.UID, m.Seq, &rd.row)
		}
		row := rd.keep(m)
		q.Wait(m.UID, m.Seq, octets(row), row)
		return nil
	})
	again, ferr := q.Flush() // what has come is shown, whatever came after it
	if err == nil {
		err = ferr
	}
	n := batch
	if rd.w.content != nil { // which may be long
		n = 1
	}
	for uids := range chunks(again.All(), n) {
		if err == nil {
			err = rd.piece(ctx, uids, query.MakeSet(uids...))
		}
	}
	return err
}

// octets is what a row takes of memory, roughly.
func octets(row *result.Message) int {
	n := 2000
	for _, c := range [...]*result.Content{row.Raw, row.Body, row.Part} {
		if c != nil {
			n += len(c.Data)
		}
	}
	return n
}

// out emits a row.
func (rd *reading) out(row *result.Message) error {
	rd.came.Add(row.UID, row.UID)
	return rd.emit(row)
}

// keep makes a row that lasts.
func (rd *reading) keep(m *session.Fetched) *result.Message {
	row := &result.Message{}
	own := *m
	own.Flags = slices.Clone(m.Flags)
	rd.fill(row, &own)
	return row
}

// batch reads some messages whole.
func (rd *reading) batch(ctx context.Context, set query.Set) (map[uint32]*result.Message, error) {
	rows := map[uint32]*result.Message{}
	structures := map[uint32]*message.Structure{}
	err := rd.fetch(ctx, set, func(m *session.Fetched) error {
		rows[m.UID], structures[m.UID] = rd.keep(m), m.Structure
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
			rd.walked(rows[uid], s)
		}
		if s != nil {
			leaves[uid] = newTexts(s, rd.w)
		}
		if !hollow(s) {
			continue
		}
		own, t, err := rd.itself(ctx, uid)
		if err != nil {
			return rows, err
		}
		if own != nil {
			leaves[uid] = t
			rows[uid].Warnings = append(rows[uid].Warnings, hollowStructure)
			rd.walked(rows[uid], own)
		}
	}
	err = rd.texts(ctx, slices.Sorted(maps.Keys(rows)), rows, leaves)
	maps.DeleteFunc(rows, func(uid uint32, _ *result.Message) bool { return rd.lost.Contains(uid, 0) })
	return rows, err
}

// ask runs a FETCH and remembers the messages that turn out to be removed.
func (rd *reading) ask(ctx context.Context, q session.FetchRequest) (query.Set, error) {
	var lost query.Builder
	q.Lost = &lost
	done, err := rd.s.Fetch(ctx, q)
	rd.lost = rd.lost.Union(lost.Set())
	return done, err
}

// walked takes a structure that was read out of the message itself, nil where
// the message did not come either.
func (rd *reading) walked(row *result.Message, s *message.Structure) {
	switch {
	case s == nil && rd.lost.Contains(row.UID, 0):
		return
	case s == nil:
		rd.withheld(row, "BODYSTRUCTURE")
		return
	case rd.w.attachments:
		row.Attachments = rd.w.attached(s)
	}
	rd.tooDeep(row, s)
}

// fetch runs the FETCH, keeping content until its row is made.
func (rd *reading) fetch(ctx context.Context, set query.Set, row func(*session.Fetched) error) error {
	q := session.FetchRequest{Set: set, Items: rd.w.items(), Row: row}
	if rd.w.content != nil {
		rd.contents = map[uint32]*content{}
		q.Body = func(m *session.Fetched, section string, r io.Reader, _ int64) error {
			c, err := readContent(r, section, rd.w.limit())
			rd.contents[m.UID] = c
			return err
		}
	}
	done, err := rd.ask(ctx, q)
	rest, without := rd.partless(ctx, set.Subtract(done), err)
	if without.Empty() {
		return err
	}
	some := *rd.w
	some.content = nil
	q.Set, q.Items, q.Body = without, some.items(), nil
	if _, err := rd.ask(ctx, q); err != nil || rest.Empty() {
		return err
	}
	return rd.fetch(ctx, rest, row)
}

// partless finds out, when a FETCH of a part was refused, which of the messages
// have no such part: some servers refuse where others say NIL. Where that is not
// the reason, without is empty.
func (rd *reading) partless(ctx context.Context, set query.Set, refused error) (rest, without query.Set) {
	if rd.w.part == "" || fault.ServerOf(refused) == nil || rd.s.Broken() {
		return nil, nil
	}
	if set.HasLast() {
		last, err := rd.s.LastUID(ctx)
		if err != nil {
			return nil, nil
		}
		set = set.Resolve(last)
	}
	var b query.Builder
	_, err := rd.ask(ctx, session.FetchRequest{Set: set, Items: []string{"BODYSTRUCTURE"}, Row: func(m *session.Fetched) error {
		if _, there := rd.w.partOf(m); !there {
			b.Add(m.UID, m.UID)
		}
		return nil
	}})
	if err != nil {
		return nil, nil
	}
	without = b.Set()
	return set.Subtract(without), without
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
	if header := m.Told("BODY.PEEK[HEADER]"); header && w.envelope != 0 {
		row.Warnings = append(row.Warnings, message.Envelope(m.Header, w.envelope, row)...)
	}
	if w.headers && m.Told("BODY.PEEK[HEADER]") {
		rd.headers(row, m.Header)
	}
	if w.structure && m.Structure != nil {
		part, warnings := m.Structure.Part()
		row.Structure = part
		row.Warnings = append(row.Warnings, warnings...)
	}
	if w.attachments && m.Structure != nil {
		row.Attachments = w.attached(m.Structure)
	}
	if w.attachments || w.text || w.html {
		rd.tooDeep(row, m.Structure)
	}
	if m.Told("X-GM-MSGID") && slices.Contains(w.extension, "X-GM-MSGID") {
		row.Gmail = gmail(m)
	}
	rd.content(row, m)
	rd.lacks(row, m)
	if w.maxBytes > 0 {
		w.bound(row)
	}
}

// content puts the octets that were asked for into the row.
func (rd *reading) content(row *result.Message, m *session.Fetched) {
	c := rd.contents[m.UID]
	delete(rd.contents, m.UID)
	if _, there := rd.w.partOf(m); !there {
		row.Warnings = append(row.Warnings, rd.w.noPart())
		rd.note(fetch.Absent, m.UID, rd.w.lackable())
	} else if c != nil {
		*rd.w.content(row), row.Truncated = &c.Content, c.cut
	}
}

// lacks notes the items that did not come. The structure does not count where
// it is only the way to a text or a part.
func (rd *reading) lacks(row *result.Message, m *session.Fetched) {
	_, there := rd.w.partOf(m)
	for _, item := range m.Lacks {
		switch {
		case item == "BODYSTRUCTURE" && !rd.w.structure && (!rd.w.attachments || rd.w.text || rd.w.html):
		case !there && strings.HasPrefix(item, "BODY["+rd.w.section+"]"):
		default:
			rd.withheld(row, item)
		}
	}
}

// withheld notes that the server sends no usable value for an item.
func (rd *reading) withheld(row *result.Message, item string) {
	if !slices.ContainsFunc(row.Warnings, func(w string) bool { return strings.Contains(w, item) }) {
		row.Warnings = append(row.Warnings, "the server sent no usable "+item)
	}
	rd.note(fetch.Withheld, row.UID, item)
}

// note notes what a message of the open mailbox lacks.
func (rd *reading) note(why fetch.Reason, uid uint32, what string) {
	if rd.missing != nil {
		rd.missing.Add(why, rd.s.Opened().Name, what, query.MakeSet(uid))
	}
}

// tooDeep warns of parts that were left out, if any were.
func (rd *reading) tooDeep(row *result.Message, s *message.Structure) {
	if s != nil && s.TooDeep() != "" {
		row.Warnings = append(row.Warnings, s.TooDeep())
		rd.note(fetch.Withheld, row.UID, "structure")
	}
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

// attached lists the attachments that are wanted.
func (w *want) attached(s *message.Structure) *[]result.Attachment {
	list := message.Attachments(s)
	if !w.alternatives {
		list = slices.DeleteFunc(list, func(a result.Attachment) bool { return a.Disposition == message.Alternative })
	}
	return &list
}
