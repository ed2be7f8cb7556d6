package cmds

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// bounded returns ctx with the bound that --timeout puts on the whole command,
// which began at start. Where the time is the verb's own, to wait or to watch,
// there is none: its end is an answer.
func (in *input) bounded(ctx context.Context, start time.Time) (context.Context, context.CancelFunc) {
	if in.verb.waits || !in.flagged("timeout") {
		return ctx, func() {}
	}
	d := in.duration("timeout", 0)
	return context.WithDeadlineCause(ctx, start.Add(d), fault.New(fault.Connect, "not done within %s", d).
		Hint("--timeout sets how long the whole command may take"))
}

// timedOut returns the reason for which ctx has ended where err, of a library,
// says only that it has.
func timedOut(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && fault.KindOf(err) == fault.Local && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// unlessLooked returns ctx with an end after d, for a verb that waits: until it
// has looked once, and calls looked, nothing is known that could be an answer.
func unlessLooked(ctx context.Context, d time.Duration) (_ context.Context, looked func(), cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	t := time.AfterFunc(d, func() {
		end(fault.New(fault.Connect, "no look at the mailbox was done within %s", d).Hint("--timeout sets how long to wait"))
	})
	stop := sync.OnceFunc(func() { t.Stop() })
	return ctx, stop, func() { stop(); end(nil) }
}
