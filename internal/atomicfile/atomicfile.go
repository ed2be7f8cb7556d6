// Package atomicfile changes files that several processes share: under a lock,
// and in one step. What a file holds it must not know.
package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrHeld is the error of Lock where another process did not let go.
var ErrHeld = errors.New("another process holds the lock")

// retry is the pause between two looks at a lock.
const retry = 20 * time.Millisecond

// Lock takes the lock of the file path, alone among all processes, and makes
// the file and its folder where they are not there. The file stays when the
// lock is let go. Lock blocks until it has it, limit is over, which is ErrHeld,
// or ctx is done, which is the cause of that. The system takes the lock from a
// process that ends.
func Lock(ctx context.Context, path string, limit time.Duration) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lock := flock.New(path, flock.SetPermissions(0o600))
	_, err = lock.TryLockContext(limited, retry)
	switch {
	case err == nil:
		return func() { lock.Unlock() }, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w %s for %v", ErrHeld, path, limit)
	}
	return nil, err
}

// Replace writes a file of mode 0600, in a folder that is made where it is not
// there. Readers see the old content or the new, whatever happens to the
// process or the machine.
func Replace(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil {
		d.Sync() // not every system can
		d.Close()
	}
	return nil
}
