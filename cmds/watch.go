package cmds

import (
	"bytes"
	"context"
	"os/exec"
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// watchOptions says for how long to watch, and what to do about new messages.
type watchOptions struct {
	*follower
	match     *matchers
	command   []string
	program   string        // of the command, found
	timeout   time.Duration // 0: until interrupted
	hasLooked func()        // called after the first look
	poll      time.Duration
	going     bool     // --keep-going
	failed    int      // commands
	names     []string // of the mailboxes, where the server tells of them
	lost      bool     // a row could not be printed
	failing   error    // of the command, that ends the watch
	passed    error    // why some mailboxes could not be looked at the last time
	said      string   // of it
}

func newWatch() *verb {
	return &verb{
		name: "watch", group: groupCI, args: "[PROGRAM…] [-- COMMAND [ARG…]]",
		summary: "print what happens in a mailbox, as it happens",
		about: `Prints a JSON object a line for each message that is new, has other flags, or is
gone, until it is interrupted or --timeout is over, and where the server tells
(NOTIFY) for mailboxes that come and go. Every line carries a mark:
--mark goes on behind it. With --state FILE it goes on where the last run ended,
and what was gone in between is told, too. A connection that is lost is opened
again, and nothing is told twice. A COMMAND runs for each new message, one at a
time, with the line on its standard input; one that fails ends the watch, and
the message is new to the next one (or --keep-going).`,
		examples: []example{
			{"new mail in a status bar", `imapknife watch --events new --jq '.from[0].name + ": " + .subject'`},
			{"a command for each, none missed between runs", "imapknife watch --from ci@ --state ci.json -- ./handle-mail.sh"},
		},
		flags: append(append(lookup("existing", "keep-going"), inGroup(groupCriteria)...),
			append(watchMatchers(), followFlags()...)...),
		row: result.Event{}, lines: true, runs: true, vigilant: true, waits: true,
		setup: setupWatch,
	}
}

func setupWatch(in *input) (runner, error) {
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	if in.flagged("json") {
		return nil, fault.New(fault.Usage, "--json is a document with an end; watch prints JSON Lines")
	}
	o := &watchOptions{command: in.command, timeout: in.duration("timeout", 0), poll: in.duration("poll", 0), going: in.flagged("keep-going")}
	if o.follower, err = in.follower(c); err != nil {
		return nil, err
	}
	if o.match, err = in.matching(o.sel); err != nil {
		return nil, err
	}
	o.sel.few = !in.flagged("existing")
	if err := o.runs(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if o.program == "" {
			var stop func()
			ctx, stop = in.p.untilUnread(ctx)
			defer stop()
		}
		limit, began := stateWait, in.p.Now()
		o.hasLooked = func() {}
		if o.timeout > 0 {
			limit = min(limit, o.timeout)
		}
		return o.alone(ctx, limit, func() error {
			if o.timeout > 0 { // the wait for the state counts
				o.timeout = max(o.timeout-in.p.Now().Sub(began), time.Nanosecond)
				var cancel context.CancelFunc
				ctx, o.hasLooked, cancel = unlessLooked(ctx, max(o.timeout, lastLook))
				defer cancel()
			}
			return c.with(ctx, o.spec(), func(s *session.Session, out *output.Printer) error { return runWatch(ctx, s, out, o) })
		})
	}, nil
}

// runs checks what can be said of the command before anything happens.
func (o *watchOptions) runs() error {
	switch {
	case len(o.command) == 0 && o.going:
		return fault.New(fault.Usage, "--keep-going is about a command: -- COMMAND")
	case len(o.command) == 0:
		return nil
	case o.in.flagged("events"):
		return fault.New(fault.Usage, "--events and a command exclude each other: it runs for new messages")
	case o.in.structured() || o.in.flagged("fields"):
		return fault.New(fault.Usage, "what a command prints is the output: %s has no rows of its own then", o.in.verb.path)
	}
	o.events, o.eager = []string{eventNew}, true
	path, _ := o.in.p.Getenv("PATH")
	var err error
	if o.program, err = lookPath(o.command[0], path); err != nil {
		return fault.Wrap(fault.Usage, err, "cannot run %q", o.command[0])
	}
	return nil
}

func runWatch(ctx context.Context, s *session.Session, out *output.Printer, o *watchOptions) (err error) {
	o.emit = o.print
	if o.program != "" {
		o.emit = o.run
	}
	fresh, err := o.begin(ctx, s, out)
	if err != nil {
		return err
	}
	o.hasLooked()
	v := &vigil{c: o.c, sel: o.sel, s: s, out: out, end: o.in.p.Now().Add(forever), poll: o.poll, idles: true}
	v.since, v.names = o.in.p.Now(), o.wide || o.tells(eventCreated) || o.tells(eventDeleted)
	if err := v.attach(ctx); err != nil {
		return err
	}
	if v.notified && v.names {
		if o.names, err = listed(ctx, s); err != nil {
			return err
		}
	}
	if o.timeout > 0 {
		v.end = o.in.p.Now().Add(o.timeout)
	}
	o.beginning(fresh)
	if o.eager && o.path != "" { // a command must not run when that cannot be noted
		if err := o.state.Write(o.path); err != nil {
			return err
		}
	}
	defer func() { // what is out is known, however it ends
		if o.eager || o.lost {
			return
		}
		if serr := o.save(); err == nil {
			err = serr
		}
	}()
	lost := false
	for late := false; ; {
		err := o.everywhere(ctx, v)
		if err == nil && (v.s.Listed() || lost) && v.notified && v.names {
			err = o.mailboxes(ctx)
			lost = err != nil
		}
		if err == nil && late {
			return o.verdict()
		}
		if err == nil {
			o.c.firm = true
			v.soon = o.late() != nil
			err = v.rest(ctx)
		}
		if err != nil {
			if !v.s.Broken() || ctx.Err() != nil {
				return err
			}
			if err := v.again(ctx, err); err != nil {
				return err
			}
			if err := o.attach(ctx, v.s); err != nil && !v.s.Broken() {
				return err
			}
			lost = true
		}
		late = !o.in.p.Now().Before(v.end)
	}
}

// forever is longer than anybody watches.
const forever = 100 * 365 * 24 * time.Hour

// everywhere looks at every mailbox once. What keeps some from being looked at
// is said once, and known for the verdict.
func (o *watchOptions) everywhere(ctx context.Context, v *vigil) error {
	known := len(o.sel.boxes)
	err := o.round(ctx)
	v.pace.news, o.stirred = v.pace.news || o.stirred, false
	if o.passed = nil; fault.KindOf(err) == fault.Partial && o.failing == nil {
		o.passed = err
		if text := err.Error(); text != o.said {
			o.in.say("%s", text)
			o.said = text
		}
		err = nil
	}
	if err == nil && len(o.sel.boxes) > known {
		err = v.attach(ctx)
	}
	if err != nil {
		return err
	}
	o.match.forget()
	if err := o.out.Flush(); err != nil {
		return err
	}
	return o.save()
}

// listed are the names of the mailboxes that there are.
func listed(ctx context.Context, s *session.Session) (names []string, err error) {
	err = s.List(ctx, session.ListRequest{Patterns: []string{"*"}}, func(e *session.ListEntry) error {
		if !e.Has(`\NonExistent`) {
			names = append(names, e.Name)
		}
		return nil
	})
	return names, err
}

// mailboxes tells which mailboxes have come and gone. What the server says of
// them is a hint that it is time to look, as for messages.
func (o *watchOptions) mailboxes(ctx context.Context) error {
	now, err := listed(ctx, o.s)
	if err != nil {
		return err
	}
	was := o.names
	o.names = now
	for _, x := range [...]struct {
		event         string
		these, others []string
	}{{eventDeleted, was, now}, {eventCreated, now, was}} {
		for _, name := range x.these {
			if slices.Contains(x.others, name) || !o.tells(x.event) {
				continue
			}
			row := &result.Event{Event: x.event, Message: result.Message{Place: result.Place{Account: o.s.Account(), Mailbox: name}}}
			if err := o.tell(ctx, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// verdict is how a watch ends whose time is over.
func (o *watchOptions) verdict() error {
	if o.failed > 0 {
		return fault.New(fault.Partial, "the command failed for %s", messages(uint64(o.failed)))
	}
	return together(o.passed, o.late())
}

func (o *watchOptions) print(_ context.Context, row *result.Event) error {
	err := o.out.Row(row)
	if err == nil {
		err = o.out.Flush()
	}
	o.lost = err != nil
	return err
}

// run runs the command for one message.
func (o *watchOptions) run(ctx context.Context, row *result.Event) error {
	line, err := o.line(ctx, row)
	if err != nil {
		return err
	}
	o.c.firm = true
	cmd := &exec.Cmd{Path: o.program, Args: o.command, Stdin: bytes.NewReader(line), Stdout: o.in.p.Stdout, Stderr: o.in.p.Stderr, Env: o.in.p.Environ}
	err = runChild(ctx, cmd, "", isTerminal(o.in.p.Stdin))
	if err == nil || ctx.Err() != nil {
		return err
	}
	o.failed++
	e := fault.New(fault.Partial, "the command failed for message %d in %q: %s", row.UID, row.Mailbox, ended(cmd, err))
	if !o.going {
		o.failing = e.Hint("--keep-going goes on with the next")
		return o.failing
	}
	o.in.p.Say("%v", e)
	return nil
}

// ended says how a command did.
func ended(cmd *exec.Cmd, err error) string {
	if cmd.ProcessState != nil {
		return cmd.ProcessState.String()
	}
	return err.Error()
}
