package cmds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
)

// writeLockWait is how long a verb waits for another one in the same mailbox.
const writeLockWait = time.Minute

// maxWriteLocks is how many mailboxes are locked at once; more go without.
const maxWriteLocks = 100

// lock takes the locks of the mailboxes out of which messages are taken: two
// moves of one message at the same time make two copies on some servers. It is
// there to help and never in the way: where there is no place for the locks, the
// verb goes on without, and none is held while somebody is asked.
func (o *writing) lock(ctx context.Context) (unlock func(), err error) {
	var held []func()
	unlock = func() {
		for _, free := range held {
			free()
		}
	}
	if verb := o.in.verb.name; verb != "move" && verb != "delete" {
		return unlock, nil
	}
	asks := o.destructive && !o.yes
	if o.dryRun || asks || o.in.flagged("no-lock") || len(o.sel.boxes) > maxWriteLocks {
		return unlock, nil
	}
	end := o.in.p.Now().Add(writeLockWait)
	for _, box := range slices.Sorted(slices.Values(o.sel.boxes)) { // in one order, so that no two wait for each other
		sum := sha256.Sum256([]byte(o.c.cfg.AccountID() + "\x00" + box))
		path := config.StateFolder.In(o.in.p.Getenv, runtime.GOOS, "locks/"+hex.EncodeToString(sum[:8])+".lock")
		if path == "" {
			return unlock, nil
		}
		free, err := atomicfile.Lock(ctx, path, max(end.Sub(o.in.p.Now()), time.Millisecond))
		switch {
		case err == nil:
			held = append(held, free)
		case ctx.Err() != nil:
			unlock()
			return nil, err
		case errors.Is(err, atomicfile.ErrHeld):
			unlock()
			return nil, fault.Wrap(fault.Safety, err, "the mailbox %q is in use by another imapknife", box).
				Hint("it moves or deletes messages there; try again later, or --no-lock does not wait")
		}
	}
	return unlock, nil
}
