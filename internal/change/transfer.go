package change

import (
	"context"
	"errors"
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

// Transfer copies messages to another mailbox, or moves them.
type Transfer struct {
	To     string
	Move   bool
	Create bool // make the destination where it is missing

	canMove, uidplus bool
	base             *baseline // from Prepare, for the first part
}

// baseline is the destination before anything came into it.
type baseline struct {
	uidNext, validity uint32 // 0 where the server does not tell
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
		if _, refused, err := s.Create(ctx, a.To, ""); err != nil || refused != nil {
			return errors.Join(err, refused)
		}
		base, err = a.baseline(ctx, s)
	}
	if err != nil {
		return err
	}
	a.base = &base
	if !a.Move {
		return nil
	}
	if a.canMove, err = s.Has(ctx, "MOVE"); err == nil {
		a.uidplus, err = s.Has(ctx, "UIDPLUS")
	}
	return err
}

// baseline asks what UID the next message in the destination gets.
func (a *Transfer) baseline(ctx context.Context, s *session.Session) (base baseline, err error) {
	err = s.Status(ctx, []string{a.To}, []string{"UIDNEXT", "UIDVALIDITY"}, func(_ string, d *session.StatusData, err error) error {
		if err != nil {
			e := &fault.Error{Kind: fault.KindOf(err), Op: fmt.Sprintf("cannot %s to %q", a.name(), a.To), Server: fault.ServerOf(err)}
			return e.Hint("--create makes the mailbox; imapknife list shows those there are")
		}
		if d.UIDNext != nil && d.UIDValidity != nil {
			base = baseline{*d.UIDNext, *d.UIDValidity}
		}
		return nil
	})
	return base, err
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
	return s.Fetch(ctx, session.FetchRequest{Set: set, Items: items, Row: func(m *session.Fetched) error {
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
	r := &remover{action: a.name(), flag: true, uidplus: a.uidplus}
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
	if err != nil {
		return err
	}
	if a.Move && a.canMove {
		return a.moved(ctx, w, p, res)
	}
	for it := range p.in(sent) {
		switch {
		case res.Refusal != nil:
			it.end(result.Refused, res.Refusal.Error(), res.Refusal)
		case res.UIDs != nil && it.row.DestinationUID == 0 && res.Warning == "":
			it.end(result.Missing, "it has gone meanwhile", nil)
		case a.Move:
			it.state = copied
		default:
			it.end(result.Done, "", nil)
		}
		it.warn(copyWarning(res))
	}
	return nil
}

func copyWarning(res *session.Copied) string {
	if res.Refusal == nil && res.Warning == "" && res.UIDs == nil {
		return "the server does not tell the UID in the destination"
	}
	return res.Warning
}

// moved ends the items of a MOVE that was answered: what has gone and was
// named in COPYUID is done, and so is what has gone where there is none.
func (a *Transfer) moved(ctx context.Context, w *Writer, p *part, res *session.Copied) error {
	if res.Refusal == nil && len(res.UIDs) == len(p.items) {
		for it := range p.in(sent) {
			it.end(result.Done, "", nil)
			it.warn(res.Warning)
		}
		return nil
	}
	there, err := w.Session.Present(ctx, p.uids(sent))
	if err != nil {
		return err
	}
	for it := range p.in(sent) {
		named := it.row.DestinationUID != 0
		switch {
		case there.Contains(it.uid, 0) && res.Refusal != nil:
			it.end(result.Refused, res.Refusal.Error(), res.Refusal)
		case there.Contains(it.uid, 0):
			it.end(result.Refused, "the server left it where it was", nil)
		case named || res.UIDs == nil || res.Warning != "":
			it.end(result.Done, "", nil)
			it.warn(copyWarning(res))
		default:
			it.end(result.Missing, "it has gone meanwhile", nil)
		}
	}
	return nil
}

// look compares what has come into the destination since the baseline with
// the messages whose fate is not known.
func (a *Transfer) look(ctx context.Context, w *Writer, p *part) error {
	open := p.uids(sent)
	if open.Empty() {
		return nil
	}
	there, err := identify(ctx, w.Session, open, func(uid uint32, id ident) { p.items[uid].id = id })
	if err != nil {
		return err
	}
	arrived, unsure, err := a.arrivals(ctx, w, p)
	if err != nil {
		return err
	}
	if err := w.enter(ctx, p.target.Place); err != nil {
		return err
	}
	for it := range p.in(sent) {
		uid, sure := arrived.take(it.id)
		present := there.Contains(it.uid, 0)
		switch {
		case unsure != "":
			it.end(result.Unknown, unsettled+unsure, nil)
		case !sure:
			it.end(result.Unknown, unsettled+fmt.Sprintf("what came into %q is of the same size and has no Message-ID", a.To), nil)
		case uid != 0:
			it.row.Destination, it.row.DestinationUID, it.row.DestinationUIDValidity = a.To, uid, p.base.validity
			if it.state = copied; !a.Move || !present {
				it.end(result.Done, "", nil)
			}
		case present: // the server may still be about to
			it.row.DestinationUID, it.row.DestinationUIDValidity = 0, 0
		case a.Move && a.canMove:
			it.end(result.Unknown, unsettled+fmt.Sprintf("the message is neither in %q nor in %q", p.target.Place.Mailbox, a.To), nil)
		default:
			it.end(result.Missing, "it has gone meanwhile", nil)
		}
	}
	return nil
}

// arrivals identifies what has come into the destination since the baseline and
// is not yet known to be the copy of another message. unsure says why that
// cannot be told.
func (a *Transfer) arrivals(ctx context.Context, w *Writer, p *part) (found arrivals, unsure string, err error) {
	base, known := p.base, p.copies()
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
		if known[uid] {
			return
		}
		if n++; n <= maxArrivals {
			k := id.key()
			found[k] = append(found[k], arrival{uid, id.date})
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
		out[it.row.DestinationUID] = true
	}
	return out
}

// arrivals are the messages that have come, by what they are known by.
type arrivals map[string][]arrival

type arrival struct {
	uid  uint32
	date time.Time
}

func (id ident) key() string { return fmt.Sprintf("%d %s", id.size, id.mid) }

// take finds the arrival that is the message, so that none is taken twice; 0
// for none. Without a Message-ID the date has to agree as well: sure is false
// where only the size does.
func (l arrivals) take(id ident) (uid uint32, sure bool) {
	k := id.key()
	for i, x := range l[k] {
		if id.mid != "" || x.date.Equal(id.date) {
			l[k] = append(l[k][:i:i], l[k][i+1:]...)
			return x.uid, true
		}
	}
	return 0, len(l[k]) == 0 || id.mid != ""
}
