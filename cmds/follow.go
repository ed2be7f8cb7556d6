package cmds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/internal/track"
	"github.com/imapknife/imapknife/output"
)

// The events, as rows name them.
const (
	eventNew      = "new"
	eventFlags    = "flags"
	eventExpunged = "expunged"
	eventCreated  = "mailbox-created"
	eventDeleted  = "mailbox-deleted"
)

// followFlags are the flags of the verbs that tell what happens.
func followFlags() []*flag {
	return append(append(lookup("state", "events"), lookup("mailbox", "all-mailboxes", "mark")...), sessionFlags()...)
}

// follower tells what happens in mailboxes.
type follower struct {
	in     *input
	c      *connection
	sel    *selection
	path   string // of the state, empty for none
	events []string
	want   want
	emit   func(ctx context.Context, row *result.Event) error
	// eager writes the state after each event, not after each look only.
	eager bool

	s     *session.Session
	out   *output.Printer
	opts  track.Options
	state *track.State
	wide  bool            // --all-mailboxes
	gone  map[string]bool // with it, those that are not there now
}

// follower reads the flags.
func (in *input) follower(c *connection) (*follower, error) {
	f := &follower{in: in, c: c, path: in.last("state"), events: in.list("events")}
	switch {
	case in.flagged("state") && f.path == "":
		return nil, fault.New(fault.Usage, "--state is empty")
	case in.flagged("existing") && in.flagged("mark"):
		return nil, fault.New(fault.Usage, "--mark and --existing exclude each other")
	case f.path != "" && in.flagged("mark"):
		return nil, fault.New(fault.Usage, "--mark and --state exclude each other: the state tells where to go on")
	}
	if f.path != "" {
		f.path = atomicfile.Target(f.path)
	}
	all := []string{eventNew, eventFlags, eventExpunged}
	if in.verb.runs { // it stays, and can be told
		all = append(all, eventCreated, eventDeleted)
	}
	for _, e := range f.events {
		if !slices.Contains(all, e) {
			return nil, fault.New(fault.Usage, "--events: %q is none", e).Hint("%s", strings.Join(all, ", "))
		}
	}
	var err error
	if f.sel, err = in.selection(c, "", in.args); err != nil {
		return nil, err
	}
	if len(f.events) == 0 {
		f.events = all
		if f.sel.node != nil { // of what is gone nothing can be said any more
			f.events = all[:2]
		}
	} else if f.sel.node != nil && f.tells(eventExpunged) {
		return nil, fault.New(fault.Usage, "criteria and expunged events exclude each other: what is gone cannot be looked at")
	}
	f.want = want{envelope: longEnvelope, flags: true, size: true, date: true, maxBytes: in.number("max-bytes")}
	return f, f.want.addFields(in)
}

func (f *follower) tells(event string) bool { return slices.Contains(f.events, event) }

// spec is how events are shown.
func (f *follower) spec() output.Spec {
	in := f.in
	cols := []output.Column{{Field: "event"}, {Field: "mailbox"}, {Field: "uid", Title: "UID", Right: true},
		{Field: "date", Format: localTime(in.location())}, {Field: "from", Format: shortFrom, Flex: true}, {Field: "subject", Flex: true}, {Field: "flags", Format: shortFlags}}
	return output.Spec{Row: result.Event{}, Columns: cols}
}

// begin prepares a session and finds out where to begin. fresh are the mailboxes
// of which nothing was known.
func (f *follower) begin(ctx context.Context, s *session.Session, out *output.Printer) (fresh []*track.Box, err error) {
	f.out = out
	if err := f.attach(ctx, s); err != nil {
		return nil, err
	}
	names, err := f.sel.named(ctx, s)
	if err != nil {
		return nil, err
	}
	f.wide, f.sel.all, f.sel.boxes = f.sel.all, false, names
	f.state = &track.State{Account: s.Account(), All: f.wide}
	var old *track.State
	if f.path != "" {
		if old, err = track.Read(f.path); err != nil {
			return nil, err
		}
		if old != nil && old.Account != s.Account() {
			return nil, fault.New(fault.Stale, "%s is of another account", f.path).Hint("use a file for each account")
		}
	}
	if old != nil { // what this run does not look at stays known
		f.state.All = f.state.All || old.All
		f.state.Others = slices.DeleteFunc(slices.Clone(old.Boxes), func(b *track.Box) bool { return slices.Contains(names, b.Name) })
	}
	for _, name := range names {
		box, first, err := f.start(ctx, old, name)
		if err != nil {
			return nil, err
		}
		if first {
			fresh = append(fresh, box)
		}
		f.state.Boxes = append(f.state.Boxes, box)
	}
	return fresh, nil
}

// start finds what is known of a mailbox.
func (f *follower) start(ctx context.Context, old *track.State, name string) (box *track.Box, fresh bool, err error) {
	if f.sel.since != nil {
		if _, err := f.sel.new(name); err != nil {
			return nil, false, err
		}
		b, _ := f.sel.since.Box(name)
		b.Name = name
		return track.New(b), false, nil
	}
	if old != nil {
		if box := old.Box(name); box != nil {
			return box, false, nil
		}
	}
	b, err := markOf(ctx, f.s, name)
	if err != nil {
		return nil, false, err
	}
	if f.in.flagged("existing") || f.wide && old != nil && old.All { // it was made since
		return track.Empty(b), false, nil
	}
	box = track.New(b)
	return box, true, box.Begin(ctx, f.s, f.opts)
}

// round looks at every mailbox once. One of several that cannot be looked at is
// passed over, and is in the error then.
func (f *follower) round(ctx context.Context) error {
	if err := f.widen(ctx); err != nil {
		return err
	}
	var passed causes
	looked := 0
	for i, box := range f.state.Boxes {
		if f.gone[box.Name] {
			continue
		}
		err := f.look(ctx, i)
		if kind := fault.KindOf(err); kind == fault.Stale || kind == fault.Refused && f.s.Opened() == nil && !f.s.Broken() {
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

// widen, with --all-mailboxes, takes in the mailboxes that have been made
// meanwhile: all that is in them is new. Those that are gone are passed over
// until they are back.
func (f *follower) widen(ctx context.Context) error {
	if !f.wide {
		return nil
	}
	names, err := f.sel.everywhere(ctx, f.s)
	if err != nil {
		return err
	}
	f.gone = map[string]bool{}
	for _, box := range f.state.Boxes {
		f.gone[box.Name] = !slices.Contains(names, box.Name)
	}
	for _, name := range names {
		if f.state.Box(name) != nil {
			continue
		}
		i := slices.IndexFunc(f.state.Others, func(b *track.Box) bool { return b.Name == name })
		if i >= 0 { // it is back
			f.state.Boxes = append(f.state.Boxes, f.state.Others[i])
			f.state.Others = slices.Delete(f.state.Others, i, i+1)
		} else {
			b, err := markOf(ctx, f.s, name)
			if fault.KindOf(err) == fault.Refused && !f.s.Broken() { // it is gone again
				continue
			}
			if err != nil {
				return err
			}
			f.state.Boxes = append(f.state.Boxes, track.Empty(b))
		}
		f.sel.boxes = append(f.sel.boxes, name)
	}
	return nil
}

// attach takes a session, the first or one in the place of one that was lost.
func (f *follower) attach(ctx context.Context, s *session.Session) error {
	f.s = s
	// What the file knows must be whole, whichever events are shown.
	f.opts = track.Options{Gone: f.path != "" || f.tells(eventExpunged), Flags: f.path != "" || f.tells(eventFlags)}
	var err error
	if f.opts.Gone {
		f.opts.Qresync, err = s.EnableQresync(ctx)
	}
	if err != nil {
		return err
	}
	has, err := s.Has(ctx, "CONDSTORE")
	f.want.modseq = f.want.modseq || f.opts.Flags && has
	return err
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
	where, err := place(ctx, f.s)
	if err != nil {
		return err
	}
	rows, err := f.past(ctx, d, where)
	if err != nil {
		return err
	}
	for n, row := range rows {
		if n == len(rows)-1 {
			f.state.Boxes[i] = d.Before
		}
		if err := f.tell(ctx, row); err != nil {
			return err
		}
	}
	f.state.Boxes[i] = d.Before
	if err := f.fresh(ctx, d); err != nil {
		return err
	}
	f.state.Boxes[i] = d.After
	return nil
}

// past are the rows about messages that were known.
func (f *follower) past(ctx context.Context, d *track.Delta, where result.Place) ([]*result.Event, error) {
	var rows []*result.Event
	if f.tells(eventExpunged) {
		for uid := range d.Gone.All() {
			rows = append(rows, &result.Event{Event: eventExpunged, Message: result.Message{Place: where, UID: uid}})
		}
	}
	if !f.tells(eventFlags) || len(d.Changed) == 0 {
		return rows, nil
	}
	var uids query.Builder
	for _, ch := range d.Changed {
		uids.Add(ch.UID, ch.UID)
	}
	matching := uids.Set()
	if f.sel.node != nil {
		var err error
		if matching, err = f.sel.find(ctx, f.s, query.And(query.UIDs(matching), f.sel.node), &picked{}); err != nil {
			return nil, err
		}
	}
	for _, ch := range d.Changed {
		if matching.Contains(ch.UID, 0) {
			rows = append(rows, &result.Event{Event: eventFlags, Message: result.Message{Place: where, UID: ch.UID, Flags: &ch.Flags}})
		}
	}
	return rows, nil
}

// fresh tells of the new messages, in the order of their UIDs.
func (f *follower) fresh(ctx context.Context, d *track.Delta) error {
	if d.New.Empty() {
		return nil
	}
	p := &picked{set: d.New}
	if f.sel.node != nil {
		var err error
		if p.set, err = f.sel.find(ctx, f.s, query.And(query.UIDs(d.New), f.sel.node), &picked{}); err != nil {
			return err
		}
		p.set = p.set.Intersect(d.New)
	}
	if f.sel.keep != nil {
		if err := f.sel.keep(ctx, f.s, p); err != nil {
			return err
		}
	}
	p.order = slices.Collect(p.set.All())
	rd := &reading{s: f.s, w: &f.want, emit: func(m *result.Message) error {
		d.Before.Saw(m.UID, deref(m.Flags), m.Modseq)
		d.After.Saw(m.UID, deref(m.Flags), m.Modseq)
		if !f.tells(eventNew) {
			return nil
		}
		return f.tell(ctx, &result.Event{Event: eventNew, Message: *m})
	}}
	_, err := rd.read(ctx, p)
	return err
}

// tell puts a row out, with the mark that lies behind it.
func (f *follower) tell(ctx context.Context, row *result.Event) error {
	t := mark.Token{Account: f.state.Account}
	for _, b := range f.state.Boxes {
		t.Boxes = append(t.Boxes, b.Box)
	}
	row.Mark = t.String()
	if err := f.emit(ctx, row); err != nil {
		return err
	}
	if f.eager {
		return f.save()
	}
	return nil
}

// save writes the state, when the rows before it are out, where it has changed.
func (f *follower) save() error {
	if f.path == "" || f.state == nil {
		return nil
	}
	return f.state.WriteChanged(f.path)
}

// stateWait is how long a process waits for another one with the same state.
const stateWait = 10 * time.Second

// alone runs fn while no other process uses the state, for which it waits at
// most as long as limit.
func (f *follower) alone(ctx context.Context, limit time.Duration, fn func() error) error {
	if f.path == "" {
		return fn()
	}
	unlock, err := atomicfile.Lock(ctx, f.path+".lock", limit)
	if err != nil {
		e := fault.Wrap(fault.Local, err, "cannot lock %s.lock", f.path)
		if errors.Is(err, atomicfile.ErrHeld) {
			e.Hint("another imapknife uses the state; one at a time can")
		}
		return e
	}
	defer unlock()
	return fn()
}

// stale adds to an error about a mailbox made anew what to do.
func (f *follower) stale(err error) error {
	e, ok := err.(*fault.Error)
	switch {
	case !ok || e.Kind != fault.Stale:
		return err
	case f.path != "":
		return e.Hint("--existing tells all that is in it now as new, and goes on from there")
	}
	return e.Hint("imapknife mark makes a new mark")
}

// line is a row as JSON, for a command.
func (f *follower) line(ctx context.Context, row *result.Event) ([]byte, error) {
	var b bytes.Buffer
	out, err := output.New(ctx, &b, output.Options{Format: output.JSONL}, output.Spec{Row: result.Event{}})
	if err == nil {
		err = out.Row(row)
	}
	if err == nil {
		err = out.Close(true)
	}
	return b.Bytes(), err
}

// beginning says where it begins in some mailboxes, and with what to go on from
// there.
func (f *follower) beginning(fresh []*track.Box) {
	var names []string
	t := mark.Token{Account: f.state.Account}
	for _, b := range fresh {
		names, t.Boxes = append(names, fmt.Sprintf("%q", b.Name)), append(t.Boxes, b.Box)
	}
	if fresh != nil {
		f.in.say("%s begins with what comes to %s after --mark %s", f.in.verb.path, strings.Join(names, ", "), t)
	}
}
