package cmds

import (
	"context"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

func newChanges() *verb {
	return &verb{
		name: "changes", group: groupCI,
		summary: "print what has changed since the last run",
		about: `Compares the mailbox with what --state FILE knows of it, and prints a JSON
object a line for each message that is new, has other flags, or is gone. Servers
tell by QRESYNC or CONDSTORE, which also counts flags that were changed and
changed back; elsewhere the UIDs and flags are compared. The
first run prints nothing, or with --existing each message as new; that is also
for a mailbox that was made anew or put back. The file is written in one step,
when all rows are out: a run that fails is done again by the next.`,
		examples: []example{
			{"what has happened since the last time", "imapknife changes --state inbox.json"},
			{"subjects of what is new", `imapknife changes --state inbox.json --events new --jq .subject`},
		},
		flags: append(lookup("existing"), followFlags()...),
		row:   result.Event{}, lines: true,
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			if err := in.noArgs(); err != nil {
				return nil, err
			}
			f, err := in.follower(c)
			if err != nil {
				return nil, err
			}
			if f.path == "" {
				return nil, fault.New(fault.Usage, "changes needs --state FILE").Hint("it knows what was there the last time, and is made by the first run")
			}
			return func(ctx context.Context) error {
				return f.alone(ctx, stateWait, func() error { return runChanges(ctx, f) })
			}, nil
		},
	}
}

func runChanges(ctx context.Context, f *follower) error {
	err := f.c.with(ctx, f.spec(), func(s *session.Session, out *output.Printer) error {
		f.emit = func(_ context.Context, row *result.Event) error { return out.Row(row) }
		fresh, err := f.begin(ctx, s, out)
		if err != nil {
			return err
		}
		f.beginning(fresh)
		err = f.round(ctx)
		if (err == nil || fault.KindOf(err) == fault.Partial) && f.late() != nil { // it has gone, or it comes a moment later
			err = f.round(ctx)
		}
		return outcome(err, f.late())
	})
	if err != nil && fault.KindOf(err) != fault.Partial {
		return err
	}
	if serr := f.save(); serr != nil {
		return serr
	}
	return err
}
