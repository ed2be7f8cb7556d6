package change

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// maxArrivals is how many messages that have come into the destination are
// looked through after a lost connection.
const maxArrivals = 20_000

// noUID is the warning where the server does not say where the copy is.
const noUID = "the server does not tell the UID in the destination"

// noOrder is the warning where the server says so of several messages at once
// and mixes them up.
const noOrder = "the server does not say which of destination_uids it became: it does not keep the order of COPYUID"

// Transfer copies messages to another mailbox, or moves them.
type Transfer struct {
	To     string
	Move   bool
	Create bool // make the destination where it is missing

	// Blind is why the destination cannot be looked at, nil if it can: what a lost
	// connection leaves open there stays unknown.
	Blind error

	canMove, uidplus bool
	base             *baseline // from Prepare, for the first part
}

// baseline is the destination before anything came into it.
type baseline struct {
	uidNext  uint32             // 0 where the server does not report it
	validity result.UIDValidity // empty where the server does not report it
}

// ident tells a message from others wherever it is: COPY keeps both.
type ident struct {
	size uint64
	mid  string // Message-ID
	date time.Time
}

func (a *Transfer) name() string {
	if a.Move {
		return "move"
	}
	return "copy"
}

// Prepare makes sure that the destination is there and finds out how the server
// moves. The refusal of a destination that is not is of kind Refused.
func (a *Transfer) Prepare(ctx context.Context, s *session.Session) error {
	base, err := a.baseline(ctx, s)
	if err != nil && a.Create && fault.KindOf(err) == fault.Refused && !s.Broken() {
		_, refused, lost := s.Create(ctx, a.To, "")
		switch {
		case lost != nil:
			return lost
		case refused == nil:
			base, err = a.baseline(ctx, s)
		case fault.CodeOf(err) != "NOPERM":
			return refused
		}
	}
	if err != nil && !s.Broken() {
		var open bool
		if open, err = a.insertOnly(ctx, s, err); open {
			a.Blind, err = err, nil
		}
	}
	if err != nil {
		return err
	}
	a.base = &base
	if a.canMove, err = s.HasNow(ctx, "MOVE"); err == nil {
		a.uidplus, err = s.HasNow(ctx, "UIDPLUS")
	}
	if a.Move && !a.canMove {
		// Somebody may be asked now, for long. Asked again, STATUS finds out that
		// the server has gone before COPY is sent, of which nobody would know more.
		a.base = nil
	}
	return err
}

// baseline asks what UID the next message in the destination gets.
func (a *Transfer) baseline(ctx context.Context, s *session.Session) (base baseline, err error) {
	err = s.Status(ctx, []string{a.To}, []string{"UIDNEXT", "UIDVALIDITY"}, func(_ string, d *session.StatusData, err error) error {
		if err != nil {
			if a.Blind != nil {
				return nil
			}
			e := &fault.Error{Kind: fault.KindOf(err), Op: fmt.Sprintf("cannot %s to %q", a.name(), a.To), Server: fault.ServerOf(err)}
			return e.HintUnlessCode("--create makes the mailbox; imapknife list shows those there are")
		}
		if next, ok := d.NextUID(); ok && d.UIDValidity.Usable() {
			base = baseline{next, d.UIDValidity}
		}
		return nil
	})
	return base, err
}

// insertOnly reports whether COPY may do though STATUS was refused: it needs
// another right (RFC 4314 section 4). err is the refusal, or why that cannot be
// found out.
func (a *Transfer) insertOnly(ctx context.Context, s *session.Session, refused error) (bool, error) {
	if fault.KindOf(refused) != fault.Refused || fault.ServerOf(refused) == nil || fault.ServerOf(refused).Status != "NO" {
		return false, refused
	}
	switch fault.CodeOf(refused) {
	case "NOPERM":
		return true, refused
	case "": // a server that knows no codes: what LIST shows is there
		found, no, err := s.Lookup(ctx, []string{a.To})
		if err != nil {
			return false, err
		}
		return no == nil && found[0] != nil && found[0].Selectable(), refused
	}
	return false, refused
}

// begin takes the destination's baseline and, before MOVE, which leaves nothing
// behind to compare, what the messages are known by.
func (a *Transfer) begin(ctx context.Context, w *Writer, p *part) (err error) {
	if a.base != nil {
		p.base, a.base = *a.base, nil
	} else if p.base, err = a.baseline(ctx, w.Session); err != nil {
		return err
	}
	if a.Move && a.canMove {
		_, err = identify(ctx, w.Session, p.set, func(uid uint32, id ident) { p.items[uid].id = id })
	}
	return err
}

// identify tells what each message is known by.
func identify(ctx context.Context, s *session.Session, set query.Set, each func(uint32, ident)) (query.Set, error) {
	if set.Empty() {
		return nil, nil
	}
	items := []string{"INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"}
	return s.Fetch(ctx, session.FetchRequest{Set: set, Items: items, Whole: true, Row: func(m *session.Fetched) error {
		each(m.UID, ident{m.Size, strings.TrimSpace(string(m.Header)), m.InternalDate})
		return nil
	}})
}

func (a *Transfer) do(ctx context.Context, w *Writer, p *part) error {
	for it := range p.in(todo) {
		it.row.Destination = a.To
	}
	if err := a.copy(ctx, w, p); err != nil {
		return err
	}
	r := &remover{flag: true, uidplus: a.uidplus}
	return r.do(ctx, w, p, copied)
}

// copy sends COPY or MOVE for what is still to do.
func (a *Transfer) copy(ctx context.Context, w *Writer, p *part) error {
	set := p.uids(todo)
	if set.Empty() {
		return nil
	}
	p.move(set, sent)
	send := w.Session.Copy
	if a.Move && a.canMove {
		send = w.Session.Move
	}
	res, err := send(ctx, set, a.To)
	for uid, there := range res.UIDs {
		p.items[uid].row.DestinationUID, p.items[uid].row.DestinationUIDValidity = there, res.Validity
	}
	for uid := range res.Unordered.All() {
		row := &p.items[uid].row
		row.DestinationUIDs, row.DestinationUIDValidity = res.UnorderedTo.String(), res.Validity
	}
	if err != nil {
		return err
	}
	p.landed = p.landed.Union(res.UnorderedTo)
	p.there = nil
	if res.Named().Len() < set.Len() {
		// What has gone may never have been copied, and what is left not moved.
		if p.there, err = w.Session.Present(ctx, set); err != nil {
			return err
		}
	}
	// A server may refuse a set for one message that has gone: the others are
	// sent again, without it.
	retry := res.Refusal != nil && !p.there.Empty() && p.there.Len() < set.Len()
	for it := range p.in(sent) {
		there := p.there.Contains(it.uid, 0)
		switch {
		case retry && there && it.row.DestinationUID == 0 && it.row.DestinationUIDs == "":
			it.state = todo
		case res.Refusal != nil && !there && !(a.Move && a.canMove):
			it.end(result.Missing, "it has gone meanwhile", nil)
		default:
			a.answered(it, res, there)
			it.warn(res.Warning)
		}
	}
	if err := a.compare(ctx, w, p, true); err != nil || !retry {
		return err
	}
	return a.copy(ctx, w, p)
}

// answered ends an item of a COPY or a MOVE that was answered, or takes it on
// to its removal. there is whether it is still in the mailbox; of messages that
// COPYUID names nobody has looked. What has gone without being named stays as
// it is: whether it was copied has to be looked for.
func (a *Transfer) answered(it *item, res *session.Copied, there bool) {
	named, moves := it.row.DestinationUID != 0 || it.row.DestinationUIDs != "", a.Move && a.canMove
	told := res.Validity.Usable() && res.Warning == ""
	switch {
	case res.Refusal != nil && (there || !moves):
		it.end(result.Refused, res.Refusal.Error(), res.Refusal)
	case named:
		if it.row.DestinationUIDs != "" {
			it.warn(noOrder)
		}
		a.arrived(it, moves)
	case moves && there:
		it.end(result.Refused, "the server left it where it was", nil)
	case told && there:
		it.end(result.Refused, "the server does not name it among those that it copied", nil)
	case there: // COPY takes all that are there (RFC 9051 section 6.4.7)
		if res.Warning == "" {
			it.warn(noUID)
		}
		a.arrived(it, moves)
	}
}

// arrived takes an item on whose copy is confirmed.
func (a *Transfer) arrived(it *item, removed bool) {
	if it.state = copied; !a.Move || removed {
		it.end(result.Done, "", nil)
	}
}

// look compares what has come into the destination since the baseline with
// the messages whose fate is not known.
func (a *Transfer) look(ctx context.Context, w *Writer, p *part) error {
	return a.compare(ctx, w, p, false)
}

// compare is look; answered says that the server is done with the command, so
// that what is in neither mailbox had gone before.
func (a *Transfer) compare(ctx context.Context, w *Writer, p *part, answered bool) error {
	open := p.uids(sent)
	if open.Empty() {
		return nil
	}
	there, err := identify(ctx, w.Session, open, func(uid uint32, id ident) { p.items[uid].id = id })
	if err != nil {
		return err
	}
	came, unsure, err := a.arrivals(ctx, w, p)
	if err != nil {
		return err
	}
	if err := w.enter(ctx, p.target.Place); err != nil {
		return err
	}
	for it := range p.in(sent) {
		found, sure := came.take(it.id)
		present := there.Contains(it.uid, 0)
		it.row.Destination, it.row.DestinationUID, it.row.DestinationUIDs, it.row.DestinationUIDValidity = a.To, 0, "", ""
		switch {
		case unsure != "":
			it.end(result.Unknown, unsettled+unsure, nil)
		case !sure:
			it.end(result.Unknown, unsettled+fmt.Sprintf("what came into %q is of the same size and has no Message-ID", a.To), nil)
		case found.uid != 0:
			it.copy = found.uid
			if came.twins(it.id) {
				it.warn(noUID)
			} else {
				it.row.DestinationUID, it.row.DestinationUIDValidity = found.uid, p.base.validity
			}
			a.arrived(it, !present)
		case present: // the server may still be about to
		case answered || !a.Move || !a.canMove:
			it.end(result.Missing, "it has gone meanwhile", nil)
		default:
			it.end(result.Unknown, unsettled+fmt.Sprintf("the message is neither in %q nor in %q", p.target.Place.Mailbox, a.To), nil)
		}
	}
	return nil
}

// arrivals identifies what has come into the destination since the baseline and
// is not yet known to be the copy of another message. unsure says why that
// cannot be told.
func (a *Transfer) arrivals(ctx context.Context, w *Writer, p *part) (found arrivals, unsure string, err error) {
	if a.Blind != nil {
		return nil, fmt.Sprintf("the server does not let %q be looked at", a.To), nil
	}
	base, known := p.base, p.copies()
	landed := p.landed
	if base.uidNext == 0 {
		return nil, fmt.Sprintf("the server does not tell UIDNEXT of %q", a.To), nil
	}
	if err := w.Session.Examine(ctx, a.To); err != nil {
		return nil, "", err
	}
	box, err := w.Session.Box(ctx)
	if err != nil && fault.KindOf(err) == fault.Refused && !w.Session.Broken() {
		return nil, fmt.Sprintf("%q cannot be opened", a.To), nil
	}
	if err != nil {
		return nil, "", err
	}
	if box.Validity() != base.validity {
		return nil, fmt.Sprintf("the UIDVALIDITY of %q has changed", a.To), nil
	}
	found = arrivals{}
	n := 0
	since := query.Set{{Lo: base.uidNext, Hi: query.MaxUID}}
	_, err = identify(ctx, w.Session, since, func(uid uint32, id ident) {
		if known[uid] || landed.Contains(uid, 0) {
			return
		}
		if n++; n <= maxArrivals {
			k := id.key()
			found[k] = append(found[k], arrival{uid: uid, date: id.date})
		}
	})
	if n > maxArrivals {
		return nil, fmt.Sprintf("%d messages have come into %q", n, a.To), nil
	}
	return found, "", err
}

// copies is the UIDs of the copies that are confirmed.
func (p *part) copies() map[uint32]bool {
	out := map[uint32]bool{}
	for it := range p.in(copied, over) {
		out[it.copy], out[it.row.DestinationUID] = true, true
	}
	return out
}

// arrivals are the messages that have come, by what they are known by.
type arrivals map[string][]arrival

type arrival struct {
	uid   uint32
	date  time.Time
	taken bool
}

func (id ident) key() string { return fmt.Sprintf("%d %s", id.size, id.mid) }

// take finds the arrival that is the message, so that none is taken twice; its
// UID is 0 for none. Without a Message-ID the date has to agree as well: sure is
// false where only the size does.
func (l arrivals) take(id ident) (a arrival, sure bool) {
	same := l[id.key()]
	sure = true
	for i, x := range same {
		switch {
		case x.taken:
		case id.mid != "" || x.date.Equal(id.date):
			same[i].taken = true
			return x, true
		default:
			sure = false
		}
	}
	return arrival{}, sure
}

// twins reports whether several arrivals are known by the same, so that which
// of them is the message cannot be told.
func (l arrivals) twins(id ident) bool { return len(l[id.key()]) > 1 }
