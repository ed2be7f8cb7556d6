package cmds

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/report"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// anyNumber is no upper bound of an expectation.
const anyNumber = 1<<63 - 1

// expectOptions says how many messages are expected, and when.
type expectOptions struct {
	in       *input
	sel      *selection
	match    *matchers
	low      uint64
	high     uint64
	within   time.Duration // for as many as low to come
	hold     time.Duration // for which it must stay so
	poll     time.Duration
	junit    string // file, empty for none
	tap      bool
	expected string // in words
	want     want   // of the messages that are the evidence
}

func newExpect() *verb {
	return &verb{
		name: "expect", group: groupCI,
		summary: "check how many messages match, now or in a while",
		subs: []*verb{
			newExpectation("none", "no message matches, for as long as --for says", expectNone,
				"Exit 1 as soon as one does. It never says yes before the time of --for is over.", []string{"for"},
				example{"nothing is sent twice", `imapknife expect none --mark "$T0" --subject Invoice --for 10s`}),
			newExpectation("some", "a message matches within --within", expectSome,
				"Exit 0 as soon as one does.", []string{"within"},
				example{"the alert comes", `imapknife expect some --mark "$T0" --from alerts@ --within 30s`}),
			newExpectation("count", "a number of messages match", expectCount,
				"They have --within for coming, and --settle is for how long the number must\nthen stay right.",
				[]string{"exactly", "at-least", "at-most", "within", "settle"},
				example{"one to each, and no more", `imapknife expect count --mark "$T0" --to qa@ --exactly 2 --settle 3s --junit out.xml`}),
		},
	}
}

// newExpectation is one of the verbs of expect.
func newExpectation(name, summary string, read func(*input, *expectOptions) error, about string, flags []string, examples ...example) *verb {
	return &verb{
		name: name, args: "[PROGRAM…]", summary: summary,
		about: about + `
Without --mark, what is there already counts. What mail says is looked at
decoded, and --to is exactly an address, in To, Cc, Delivered-To or
X-Original-To. When it is not so: exit 1, with the messages that matched, or how
many new ones there were and which condition the nearest one fails.`,
		examples: examples,
		flags:    append(append(lookup(flags...), lookup("junit", "tap")...), watchFlags()...),
		row:      result.Expectation{}, single: true, vigilant: true,
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			o := &expectOptions{in: in, high: anyNumber, poll: in.duration("poll", 0), junit: in.last("junit"), tap: in.flagged("tap")}
			if o.tap && (in.structured() || in.flagged("fields")) {
				return nil, fault.New(fault.Usage, "--tap and the other forms of output exclude each other")
			}
			if o.sel, o.match, err = in.watchSelection(c); err != nil {
				return nil, err
			}
			if in.flagged("limit") || in.flagged("newest") {
				return nil, fault.New(fault.Usage, "expect counts every message that matches: no --limit, no --newest")
			}
			if err := read(in, o); err != nil {
				return nil, err
			}
			o.want.envelope = longEnvelope
			if err := o.want.addFields(in); err != nil {
				return nil, err
			}
			if err := o.checkReport(); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return runExpect(ctx, c, o) }, nil
		},
	}
}

func expectNone(in *input, o *expectOptions) error {
	o.high, o.hold, o.expected = 0, in.duration("for", 0), "no message"
	return nil
}

func expectSome(in *input, o *expectOptions) error {
	o.low, o.within, o.expected = 1, in.duration("within", usualWait), "a message"
	return nil
}

func expectCount(in *input, o *expectOptions) error {
	o.within, o.hold = in.duration("within", usualWait), in.duration("settle", 0)
	exactly, least, most := in.flagged("exactly"), in.flagged("at-least"), in.flagged("at-most")
	switch {
	case exactly && (least || most):
		return fault.New(fault.Usage, "--exactly goes without --at-least and --at-most")
	case !exactly && !least && !most:
		return fault.New(fault.Usage, "expect count needs --exactly, --at-least or --at-most")
	}
	var words []string
	if exactly {
		o.low = in.number("exactly")
		o.high, words = o.low, append(words, "exactly "+messages(o.low))
	}
	if least {
		o.low = in.number("at-least")
		words = append(words, "at least "+messages(o.low))
	}
	if most {
		o.high = in.number("at-most")
		words = append(words, "at most "+messages(o.high))
	}
	if o.low == 0 && in.flagged("within") {
		return fault.New(fault.Usage, "--within is the time for messages to come, and none need come").Hint("--settle is for how long no more may")
	}
	if o.high < o.low {
		return fault.New(fault.Usage, "--at-most %d is less than --at-least %d", o.high, o.low)
	}
	o.expected = strings.Join(words, " and ")
	return nil
}

// watchSelection reads the selection of a verb that looks again and again.
func (in *input) watchSelection(c *connection) (*selection, *matchers, error) {
	if in.flagged("seq") {
		return nil, nil, fault.New(fault.Usage, "--seq does not go with waiting: sequence numbers change meanwhile")
	}
	if len(in.args) > 0 && in.args[0] == "-" {
		return nil, nil, fault.New(fault.Usage, "%s looks for messages to come: it takes no rows", in.verb.path)
	}
	sel, err := in.selection(c, "", in.args)
	if err != nil {
		return nil, nil, err
	}
	match, err := in.matching(sel)
	return sel, match, err
}

// matching has the selection decide what mail says here, and reads the
// conditions that no server knows.
func (in *input) matching(sel *selection) (*matchers, error) {
	match, err := in.matchers()
	if err != nil {
		return nil, err
	}
	sel.texts = match.texts
	if len(match.all) > 0 {
		sel.keep = match.keep
	}
	return match, nil
}

// runExpect looks, prints what it found, and says whether that was expected.
func runExpect(ctx context.Context, c *connection, o *expectOptions) error {
	start := o.in.p.Now()
	row := &result.Expectation{Expected: o.expected, Messages: []result.Message{}}
	c.enough = o.high == anyNumber
	err := c.session(ctx, func(s *session.Session) error {
		row.Messages = row.Messages[:0]
		v := &vigil{c: c, sel: o.sel, match: o.match, s: s, poll: o.poll, existing: true, partly: o.high == anyNumber}
		if err := v.begin(ctx); err != nil {
			return err
		}
		return o.watch(ctx, v, row)
	})
	row.Passed = err == nil
	row.TookMS = milliseconds(o.in.p.Now().Sub(start))
	var why error // it cannot be said whether it is so
	switch {
	case fault.KindOf(err) == fault.Negative:
		row.Detail = err.Error()
	case err != nil:
		why = err
	}
	written := o.report(row, why)
	var told error
	switch {
	case o.tap:
		told = write(o.in.p.Stdout, report.TAP(o.outcome(row, why)))
	case why == nil:
		told = o.in.rows(ctx, output.Spec{Row: result.Expectation{}, Single: true, Columns: []output.Column{{Field: "passed"}, {Field: "expected"}, {Field: "matched"}}}, row)
	}
	if written != nil && err != nil { // a report that is missing is the status
		o.in.p.Say("%v", err)
		err = nil
	}
	for _, also := range []error{written, told} {
		if err == nil {
			err = also
		} else if also != nil {
			o.in.say("%v", also)
		}
	}
	return err
}

// watch looks until it is known whether it is so.
func (o *expectOptions) watch(ctx context.Context, v *vigil, row *result.Expectation) error {
	now := o.in.p.Now
	v.end = now().Add(o.within)
	found, _, err := v.until(ctx, func(found []*picked) bool { return total(found) >= o.low })
	if err != nil {
		return err
	}
	came := total(found)
	if came >= o.low && came <= o.high && o.hold > 0 {
		v.end = now().Add(o.hold)
		found, _, err = v.until(ctx, func(found []*picked) bool { n := total(found); return n < o.low || n > o.high })
		if err != nil {
			return err
		}
	}
	row.Matched, row.Truncated = total(found), total(found) > maxEvidence
	if err := o.evidence(ctx, v, found, row); err != nil {
		return err
	}
	switch {
	case row.Matched < o.low && came >= o.low:
		return fault.New(fault.Negative, "expected %s: %s matched, and then only %d", o.expected, messages(came), row.Matched)
	case row.Matched < o.low:
		within := fmt.Sprintf("within %v", o.within)
		return v.unmet(ctx, row.Matched, within)
	case row.Matched > o.high:
		return fault.New(fault.Negative, "expected %s, and %s matched: %s", o.expected, messages(row.Matched), shortRows(row.Messages))
	}
	return nil
}

// maxEvidence is how many messages an expectation tells.
const maxEvidence = 20

// evidence reads the messages that matched.
func (o *expectOptions) evidence(ctx context.Context, v *vigil, found []*picked, row *result.Expectation) error {
	left := uint64(maxEvidence)
	for _, p := range found {
		p.set = p.set.Newest(left)
		if uint64(len(p.order)) > left {
			p.order = p.order[:left]
		}
		left -= p.count()
	}
	return v.read(ctx, found, &o.want, func(m *result.Message) error {
		row.Messages = append(row.Messages, *m)
		return nil
	})
}

// shortRows are messages as an error tells them.
func shortRows(rows []result.Message) string {
	var out []string
	for _, m := range rows[:min(len(rows), maxShown)] {
		text := fmt.Sprintf("UID %d", m.UID)
		if m.Subject != nil {
			text += fmt.Sprintf(" %q", *m.Subject)
		}
		out = append(out, text)
	}
	if len(rows) > maxShown {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// outcome is the expectation as test reports tell it. err is why it could not be
// checked, nil when it could.
func (o *expectOptions) outcome(row *result.Expectation, err error) report.Case {
	name := "expect " + o.expected
	if conditions := o.match.conditions(o.sel); len(conditions) > 0 {
		name += " of " + strings.Join(conditions, " ")
	}
	switch {
	case o.in.flagged("all-mailboxes"):
		name += " in all mailboxes"
	case o.in.flagged("mailbox"):
		name += " in " + strings.Join(o.in.all("mailbox"), ", ")
	}
	c := report.Case{Suite: "imapknife", Name: name, Took: time.Duration(row.TookMS * float64(time.Millisecond)), Failure: row.Detail}
	if err != nil {
		c.Error = err.Error()
	}
	return c
}

// checkReport finds out early whether the file of --junit can be written.
func (o *expectOptions) checkReport() error {
	if !o.in.flagged("junit") {
		return nil
	}
	if o.junit == "" || o.junit == "-" {
		return fault.New(fault.Usage, "--junit needs a file")
	}
	info, err := os.Stat(o.junit)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() { // who reads a pipe would think that this was all
		return nil
	}
	if err := atomicfile.CanReplace(atomicfile.Target(o.junit)); err != nil {
		return fault.Wrap(fault.Local, err, "cannot write the report")
	}
	return nil
}

// report writes the file of --junit.
func (o *expectOptions) report(row *result.Expectation, err error) error {
	if o.junit == "" {
		return nil
	}
	if werr := report.WriteJUnit(o.junit, o.outcome(row, err)); werr != nil {
		return fault.Wrap(fault.Local, werr, "cannot write %s", o.junit)
	}
	return nil
}
