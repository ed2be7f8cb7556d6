package cmds

import (
	"context"
	"fmt"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// usualWait is how long wait waits.
const usualWait = time.Minute

type waitOptions struct {
	searchOptions
	match   *matchers
	matches uint64
	timeout time.Duration
	poll    time.Duration
	extract *extractor
}

func newWait() *verb {
	return &verb{
		name: "wait", group: groupCI, args: "[PROGRAM…]",
		summary: "wait until messages match, and print them",
		about: `Waits until a message that is new to --mark matches, or --matches N of them, and
prints it like search --long. Without --mark, what comes from now on is new, and
the mark of now is told on standard error; with --existing, what is there counts
too. What mail says is looked at decoded, and --to is exactly an address, in To,
Cc, Delivered-To or X-Original-To. It is the search that decides; IDLE only says
when to look. A lost connection is opened again. With --extract, it goes on
until a message that matches has a value. When the time is up: exit 1, with how
many new messages there were, and which condition the nearest one fails.`,
		examples: []example{
			{"the mail that a sign-up sends", `imapknife wait --mark "$T0" --to qa@example.org --subject Confirm --timeout 90s --json`},
			{"the code in it, for the next step", `code=$(imapknife wait --mark "$T0" --to qa@example.org --extract otp)`},
			{"a build's report, whoever sent it", `imapknife wait --mark "$T0" --subject-regex '^build #[0-9]+ (ok|failed)$'`},
		},
		flags:    append(lookup("existing", "matches", "extract", "first"), watchFlags()...),
		row:      result.Message{},
		vigilant: true,
		waits:    true,
		variants: []variant{{flag: "extract", row: result.Extracted{}, single: true}},
		setup:    setupWait,
	}
}

func setupWait(in *input) (runner, error) {
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	o := &waitOptions{searchOptions: searchOptions{in: in, long: true}, matches: 1, timeout: in.duration("timeout", usualWait), poll: in.duration("poll", 0)}
	if in.flagged("matches") {
		if o.matches = in.number("matches"); o.matches == 0 {
			return nil, fault.New(fault.Usage, "--matches: 0 messages need no waiting")
		}
	}
	if in.flagged("mark") && in.flagged("existing") {
		return nil, fault.New(fault.Usage, "--mark and --existing exclude each other")
	}
	if o.sel, o.match, err = in.watchSelection(c); err != nil {
		return nil, err
	}
	for _, name := range [...]string{"limit", "newest"} {
		if n := in.number(name); in.flagged(name) && n < o.matches {
			return nil, fault.New(fault.Usage, "--%s %d leaves fewer than --matches %d", name, n, o.matches)
		}
	}
	if err := o.read(in); err != nil {
		return nil, err
	}
	if o.extract, err = in.extractor(); err != nil {
		return nil, err
	}
	spec := searchSpec(in, o.searchOptions)
	if o.extract != nil {
		spec = o.extract.spec()
	}
	return func(ctx context.Context) error {
		end := in.p.Now().Add(o.timeout)
		c.enough = true
		ctx, looked, cancel := unlessLooked(ctx, max(o.timeout, time.Second))
		defer cancel()
		return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error {
			v := &vigil{c: c, sel: o.sel, match: o.match, s: s, out: out, end: end, poll: o.poll, existing: in.flagged("existing"), partly: true, hasLooked: looked}
			return runWait(ctx, v, o)
		})
	}, nil
}

func runWait(ctx context.Context, v *vigil, o *waitOptions) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	if o.extract != nil {
		return o.extract.wait(ctx, v, o)
	}
	found, ok, err := v.until(ctx, func(found []*picked) bool { return total(found) >= o.matches })
	switch {
	case err != nil:
		return err
	case !ok:
		return v.unmet(ctx, total(found), fmt.Sprintf("within %v", o.timeout))
	}
	cut := cuts{in: o.in}
	defer func() { cut.tell(o.want.limit()) }()
	return v.read(ctx, found, &o.want, func(m *result.Message) error {
		cut.see(m)
		return v.out.Row(m)
	})
}

// unmet is the error of a wait in vain.
func (v *vigil) unmet(ctx context.Context, matched uint64, within string) error {
	what := "no message matched " + within
	if matched > 0 {
		what = fmt.Sprintf("only %s matched %s", messages(matched), within)
	}
	e := fault.New(fault.Negative, "%s", what)
	var count uint64
	var nearest result.Message
	var fails string
	err := v.steadily(ctx, func() (err error) {
		count, nearest, fails, err = v.seen(ctx)
		return err
	})
	there := "new"
	if v.sel.since == nil {
		there = "there"
	}
	switch {
	case err != nil: // the answer is known without it
	case count == 0 && v.sel.since != nil:
		e.Op += ": nothing new arrived"
	case fails == "":
		e.Op += fmt.Sprintf(": %s %s", messages(count), there)
	default:
		at := fmt.Sprintf("UID %d", nearest.UID)
		if len(v.sel.boxes) > 1 {
			at += fmt.Sprintf(" in %q", nearest.Mailbox)
		}
		e.Op += fmt.Sprintf(": %s %s, and the nearest, %s, fails %s", messages(count), there, at, fails)
	}
	return e
}

// messages is a number of them in words.
func messages(n uint64) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}
