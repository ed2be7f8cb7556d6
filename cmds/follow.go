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
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/mark"
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

	s       *session.Session
	out     *output.Printer
	opts    track.Options
	state   *track.State
	old     *track.State    // what the file said
	wide    bool            // --all-mailboxes
	gone    map[string]bool // with it, those that are not there now
	looked  bool            // it has begun: what is not known now has been made since
	stirred bool            // a look has found something
	shut    []shut          // of several, those that could not be opened yet
	tried   bool            // those in shut were tried in this round
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

// tell puts a row out, with the mark that lies behind it.
func (f *follower) tell(ctx context.Context, row *result.Event) error {
	t := mark.Token{Account: f.state.Account}
	for _, b := range f.state.Boxes {
		t.Boxes = append(t.Boxes, b.Mark())
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

// late is the error about messages that searches have named and that have not
// been sent, nil when there are none. The next look asks for them again.
func (f *follower) late() error {
	var notes causes
	for _, b := range f.state.Boxes {
		if !b.Late.Empty() {
			notes = append(notes, fmt.Errorf("UID %s in %q", fetch.ShortSet(b.Late), b.Name))
		}
	}
	if notes == nil {
		return nil
	}
	e := fault.New(fault.Partial, "the server names messages that it does not send")
	e.Err = notes
	return e.Hint("they are still new to the next run")
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
		names, t.Boxes = append(names, fmt.Sprintf("%q", b.Name)), append(t.Boxes, b.Mark())
	}
	if fresh != nil {
		f.in.say("%s begins with what comes to %s after --mark %s", f.in.verb.path, strings.Join(names, ", "), t)
	}
}
