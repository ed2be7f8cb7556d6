package cmds

import (
	"context"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/internal/track"
)

// round looks at every mailbox once. One of several that cannot be looked at is
// passed over, and is in the error then.
func (f *follower) round(ctx context.Context) error {
	if err := f.widen(ctx); err != nil {
		return err
	}
	if err := f.knock(ctx); err != nil {
		return err
	}
	passed := reasons(f.shut)
	looked := 0
	for i, box := range f.state.Boxes {
		if f.gone[box.Name] {
			continue
		}
		err := f.look(ctx, i)
		if fault.KindOf(err) == fault.Stale || shutOut(f.s, err) {
			passed = append(passed, err)
			continue
		}
		if err != nil {
			return err
		}
		looked++
	}
	switch {
	case passed == nil:
		return nil
	case looked == 0 && len(passed) == 1:
		return passed[0]
	case looked == 0:
		return together(passed...)
	}
	e := fault.New(fault.Partial, "%d of %d mailboxes cannot be looked at", len(passed), len(passed)+looked)
	e.Err = passed
	return e
}

// look tells what has happened to mailbox i since the last look. When a row
// is out, what is known of the mailbox has moved on behind it.
func (f *follower) look(ctx context.Context, i int) error {
	d, err := track.Look(ctx, f.s, f.state.Boxes[i], f.opts)
	if fault.KindOf(err) == fault.Stale && f.in.flagged("existing") {
		var now mark.Box
		if now, err = markOf(ctx, f.s, f.state.Boxes[i].Name); err != nil {
			return err
		}
		f.state.Boxes[i] = track.Empty(now)
		d, err = track.Look(ctx, f.s, f.state.Boxes[i], f.opts)
	}
	if err != nil {
		return f.stale(err)
	}
	f.stirred = f.stirred || !d.New.Empty() || !d.Gone.Empty() || !d.Changed.Empty()
	where, err := place(ctx, f.s)
	if err != nil {
		return err
	}
	if err := f.past(ctx, i, d, where); err != nil {
		return err
	}
	if err := f.fresh(ctx, d); err != nil {
		return err
	}
	f.state.Boxes[i] = d.After
	return nil
}

// past tells about messages of mailbox i that were known. When the last row is
// out, so is what is known then.
func (f *follower) past(ctx context.Context, i int, d *track.Delta, where result.Place) error {
	var last *result.Event
	put := func(row *result.Event) (err error) {
		if last != nil {
			err = f.tell(ctx, last)
		}
		last = row
		return err
	}
	if f.tells(eventExpunged) {
		for uid := range d.Gone.All() {
			if err := put(&result.Event{Event: eventExpunged, Message: result.Message{Place: where, UID: uid}}); err != nil {
				return err
			}
		}
	}
	if f.tells(eventFlags) {
		if err := f.changed(ctx, d, where, put); err != nil {
			return err
		}
	}
	f.state.Boxes[i] = d.Before
	return put(nil)
}

// changed puts a row for each message whose flags have changed.
func (f *follower) changed(ctx context.Context, d *track.Delta, where result.Place, put func(*result.Event) error) error {
	matching := d.Changed.UIDs()
	if matching.Empty() {
		return nil
	}
	if f.sel.node != nil {
		var err error
		if matching, err = f.sel.find(ctx, f.s, query.And(query.UIDs(matching), f.sel.node), &picked{}); err != nil {
			return err
		}
	}
	for uid, flags := range d.Changed.All() {
		if !matching.Contains(uid, 0) {
			continue
		}
		if err := put(&result.Event{Event: eventFlags, Message: result.Message{Place: where, UID: uid, Flags: &flags}}); err != nil {
			return err
		}
	}
	return nil
}

// fresh tells of the new messages, in the order of their UIDs. Those that the
// server does not send stay new.
func (f *follower) fresh(ctx context.Context, d *track.Delta) error {
	if d.New.Empty() {
		return nil
	}
	p, sent, err := f.matching(ctx, d.New)
	if err != nil {
		return err
	}
	late := d.New.Subtract(sent)
	d.Before.Late = late.Union(p.set)
	p.order = slices.Collect(p.set.All())
	rd := &reading{s: f.s, w: &f.want, emit: func(m *result.Message) error {
		d.Before.Saw(m.UID, deref(m.Flags), m.Modseq)
		d.After.Saw(m.UID, deref(m.Flags), m.Modseq)
		if !f.tells(eventNew) {
			return nil
		}
		return f.tell(ctx, &result.Event{Event: eventNew, Message: *m})
	}}
	told, err := rd.read(ctx, p)
	d.After.Wait(late.Union(p.set.Subtract(told)))
	return err
}

// matching picks the new messages that fulfil the conditions. sent are those
// that the server sends: what it names and does not send yet has not failed
// any.
func (f *follower) matching(ctx context.Context, fresh query.Set) (p *picked, sent query.Set, err error) {
	p = &picked{set: fresh}
	if f.sel.node == nil && f.sel.keep == nil {
		return p, fresh, nil
	}
	if p.set, err = f.s.Fetch(ctx, session.FetchRequest{Set: fresh}); err != nil {
		return nil, nil, err
	}
	sent = p.set
	if f.sel.node != nil && !sent.Empty() {
		if p.set, err = f.sel.find(ctx, f.s, query.And(query.UIDs(sent), f.sel.node), &picked{}); err != nil {
			return nil, nil, err
		}
		p.set = p.set.Intersect(sent)
	}
	if f.sel.keep != nil {
		err = f.sel.keep(ctx, f.s, p)
	}
	return p, sent, err
}
