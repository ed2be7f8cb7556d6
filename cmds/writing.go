package cmds

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/change"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// writing is a verb that changes selected messages.
type writing struct {
	consent
	c         *connection
	sel       *selection
	failEmpty bool
	// plan makes the action for one mailbox, after the messages are known and
	// before anybody is asked; it only reads. what says what will be done, for
	// the question.
	plan   func(ctx context.Context, s *session.Session, t change.Target) (a change.Action, what string, err error)
	advise func(*fault.Error) // adds what helps against the verb's error; may be nil
}

// selectionWriteFlags are the flags of every verb that changes selected
// messages.
func selectionWriteFlags() []*flag { return append(inGroup(groupSafety), selectionFlags()...) }

// writing reads the selection from the arguments and what is allowed.
func (in *input) writing(destructive bool) (*writing, error) {
	o := &writing{failEmpty: in.flagged("fail-empty")}
	var err error
	if o.c, err = in.connection(); err != nil {
		return nil, err
	}
	if in.flagged("seq") {
		return nil, fault.New(fault.Safety, "--seq is refused: sequence numbers change while others work in the mailbox").
			Hint("use UIDs: imapknife search --seq SET tells them")
	}
	if in.flagged("all-mailboxes") || in.given("mailbox") && len(in.all("mailbox")) > 1 {
		return nil, fault.New(fault.Usage, "%s works in one mailbox", in.verb.path).
			Hint("rows on standard input may come from several: imapknife search … --json | imapknife %s -", in.verb.path)
	}
	if o.sel, err = in.setArgs(o.c); err != nil {
		return nil, err
	}
	if err = o.sel.pinned(); err != nil {
		return nil, err
	}
	if o.consent, err = in.consent(o.c, destructive); err != nil {
		return nil, err
	}
	o.sel.write = !o.dryRun
	return o, nil
}

// runner makes the verb's runner.
func (o *writing) runner(columns ...output.Column) runner {
	cols := append([]output.Column{{Field: "uid", Title: "UID", Right: true}, {Field: "action"}, {Field: "status"}}, columns...)
	if o.sel.many() {
		cols = append([]output.Column{{Field: "mailbox"}}, cols...)
	}
	spec := output.Spec{Row: result.Receipt{}, Columns: append(cols, output.Column{Field: "reason", Flex: true})}
	return func(ctx context.Context) error {
		unlock, err := o.lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		return o.c.receipts(ctx, spec, func(s *session.Session, out *output.Printer) error { return runWriting(ctx, s, out, o) })
	}
}

// destination is the column of where messages went.
func destination() []output.Column {
	return []output.Column{{Field: "destination"}, {Field: "destination_uid", Title: "DESTINATION UID", Right: true}}
}

func runWriting(ctx context.Context, s *session.Session, out *output.Printer, o *writing) error {
	targets, n, err := o.targets(ctx, s)
	if err != nil {
		return err
	}
	if err := o.bound(n); err != nil {
		return err
	}
	actions := make([]change.Action, len(targets))
	question := ""
	for i, t := range targets {
		what := ""
		if t.Set.Empty() {
			continue
		}
		if actions[i], what, err = o.plan(ctx, s, t); err != nil {
			return err
		}
		if question == "" {
			question = what
		}
	}
	if n > 0 {
		if err := o.confirm(ctx, "%s", asked(question, n, targets)); err != nil {
			return err
		}
	}
	counts := &tally{what: "messages"}
	w := &change.Writer{Session: s, Open: o.c.again, Flush: out.Flush, Emit: func(row *result.Receipt, refusal error) error {
		counts.add(row.Status, row.Reason, refusal)
		return out.Row(row)
	}}
	defer w.Close()
	for i, t := range targets {
		if actions[i] == nil { // nothing of it is there
			actions[i] = &change.Store{Action: o.in.verb.name}
		}
		if o.dryRun {
			err = o.planned(w, t, actions[i])
		} else {
			err = w.Run(ctx, t, actions[i])
		}
		if err != nil {
			o.in.say("%s", counts.soFar(n+missing(targets)))
			return counts.ended(err)
		}
	}
	err = counts.err()
	if e, ok := err.(*fault.Error); ok && o.advise != nil {
		o.advise(e)
	}
	return empty(err, o.failEmpty, n)
}

// missing is how many messages were named that are not there.
func missing(targets []change.Target) (n uint64) {
	for _, t := range targets {
		n += t.Missing.Len()
	}
	return n
}

// targets finds the messages in each mailbox, and how many they are. A mailbox
// that cannot be opened stops it all.
func (o *writing) targets(ctx context.Context, s *session.Session) (targets []change.Target, n uint64, err error) {
	names, err := o.sel.named(ctx, s)
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		err := o.sel.inOne(ctx, s, name, func(p *picked) error {
			if p.direct {
				if err := resolve(ctx, s, p); err != nil {
					return err
				}
			}
			at, err := place(ctx, s)
			t := change.Target{Place: at, Set: p.set, Missing: p.explicit.Subtract(p.set)}
			p.lacking = !t.Missing.Empty()
			targets = append(targets, t)
			n += p.set.Len()
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		if o.c.short != "" {
			targets[len(targets)-1].Absent = "the server shows no such message: " + o.c.short
		}
	}
	return targets, n, nil
}

// planned emits the receipts of a dry run.
func (o *writing) planned(w *change.Writer, t change.Target, a change.Action) error {
	for uid := range t.Set.Union(t.Missing).All() {
		row := &result.Receipt{Place: t.Place, UID: uid, Action: change.Name(a), Status: result.Planned, DryRun: true}
		if t.Missing.Contains(uid, 0) {
			row.Status, row.Reason = result.Missing, t.Why()
		} else if to, ok := a.(*change.Transfer); ok {
			row.Destination = to.To
		}
		if err := w.Emit(row, nil); err != nil {
			return err
		}
	}
	return w.Flush()
}

// asked is the question whether to do it.
func asked(what string, n uint64, targets []change.Target) string {
	messages := "1 message"
	if n != 1 {
		messages = fmt.Sprintf("%d messages", n)
	}
	from := fmt.Sprintf("%q", targets[0].Place.Mailbox)
	if len(targets) > 1 {
		from = fmt.Sprintf("%d mailboxes", len(targets))
	}
	return fmt.Sprintf(what, messages+" of "+from)
}

// sameMailbox compares names: INBOX is one in any case.
func sameMailbox(a, b string) bool {
	return a == b || strings.EqualFold(a, "INBOX") && strings.EqualFold(b, "INBOX")
}

// quoted puts a name into a format.
func quoted(name string) string { return strings.ReplaceAll(strconv.Quote(name), "%", "%%") }
