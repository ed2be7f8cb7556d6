package cmds

import (
	"context"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/internal/track"
	"github.com/imapknife/imapknife/output"
)

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
	f.old, f.shut, f.looked = nil, nil, false
	if f.path != "" {
		if f.old, err = track.Read(f.path); err != nil {
			return nil, err
		}
		if f.old != nil && f.old.Account != s.Account() {
			return nil, fault.New(fault.Stale, "%s is of another account", f.path).Hint("use a file for each account")
		}
	}
	if old := f.old; old != nil { // what this run does not look at stays known
		f.state.All = f.state.All || old.All
		f.state.Others = slices.DeleteFunc(slices.Clone(old.Boxes), func(b *track.Box) bool { return slices.Contains(names, b.Name) })
		f.state.Closed = slices.Clone(old.Closed)
	}
	for _, name := range names {
		box, first, err := f.start(ctx, name)
		if shutOut(f.s, err) && len(names) > 1 {
			f.keepOut(name, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		if first {
			fresh = append(fresh, box)
		}
		f.take(box)
	}
	f.looked, f.tried = true, true
	if len(f.shut) > 0 && len(f.state.Boxes) == 0 {
		return nil, together(reasons(f.shut)...)
	}
	return fresh, nil
}

// keepOut notes that a mailbox could not be opened. Where all are followed, one
// that was there from the start is no new one when it opens at last.
func (f *follower) keepOut(name string, err error) {
	f.shut = append(f.shut, shut{name, err})
	if f.wide && (f.old == nil || !f.old.All) && !slices.Contains(f.state.Closed, name) {
		f.state.Closed = append(f.state.Closed, name)
	}
}

// take follows a mailbox from now on.
func (f *follower) take(box *track.Box) {
	f.state.Boxes = append(f.state.Boxes, box)
	f.state.Closed = slices.DeleteFunc(f.state.Closed, func(name string) bool { return name == box.Name })
}

// knock tries the mailboxes again that could not be opened, once a round.
func (f *follower) knock(ctx context.Context) error {
	if f.tried {
		f.tried = false
		return nil
	}
	again := f.shut
	f.shut = nil
	for i, x := range again {
		box, _, err := f.start(ctx, x.name)
		if shutOut(f.s, err) {
			f.shut = append(f.shut, shut{x.name, err})
			continue
		}
		if err != nil {
			f.shut = append(f.shut, again[i:]...)
			return err
		}
		f.take(box)
	}
	return nil
}

// start finds what is known of a mailbox.
func (f *follower) start(ctx context.Context, name string) (box *track.Box, fresh bool, err error) {
	if f.sel.since != nil {
		if _, err := f.sel.new(name); err != nil {
			return nil, false, err
		}
		b, _ := f.sel.since.Box(name)
		b.Name = name
		return track.New(b), false, nil
	}
	if f.old != nil {
		if box := f.old.Box(name); box != nil {
			return box, false, nil
		}
	}
	b, err := markOf(ctx, f.s, name)
	if err != nil {
		return nil, false, err
	}
	// Where all were followed already, it was made since, or it was shut.
	made := f.wide && (f.old != nil && f.old.All || f.looked) && !slices.Contains(f.state.Closed, name)
	if f.in.flagged("existing") || made {
		return track.Empty(b), false, nil
	}
	box = track.New(b)
	return box, true, box.Begin(ctx, f.s, f.opts)
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
	f.shut = slices.DeleteFunc(f.shut, func(x shut) bool { return !slices.Contains(names, x.name) })
	for _, name := range names {
		if f.state.Box(name) != nil || slices.ContainsFunc(f.shut, func(x shut) bool { return x.name == name }) {
			continue
		}
		i := slices.IndexFunc(f.state.Others, func(b *track.Box) bool { return b.Name == name })
		if i >= 0 { // it is back
			f.state.Boxes = append(f.state.Boxes, f.state.Others[i])
			f.state.Others = slices.Delete(f.state.Others, i, i+1)
		} else {
			box, _, err := f.start(ctx, name)
			if shutOut(f.s, err) { // it may be gone again
				f.shut = append(f.shut, shut{name, err})
				continue
			}
			if err != nil {
				return err
			}
			f.take(box)
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
