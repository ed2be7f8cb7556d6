// Package atomicfile changes files that several processes share: under a lock,
// and in one step. What a file holds it must not know.
package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// ErrHeld is the error of Lock where another process did not let go.
var ErrHeld = errors.New("another process holds the lock")

// retry is the pause between two looks at a lock.
const retry = 20 * time.Millisecond

// slow is how long Lock waits in silence.
const slow = time.Second

// aloud is the key of the function that Aloud keeps.
type aloud struct{}

// Aloud returns a context with which Lock reports a lock that it has to wait
// for, once, after a second.
func Aloud(ctx context.Context, say func(format string, args ...any)) context.Context {
	return context.WithValue(ctx, aloud{}, say)
}

// Lock takes the lock of the file path, alone among all processes, and makes
// the file and its folder where they are not there. The file stays when the
// lock is let go, and names the process that had it last. Lock blocks until it
// has it, limit is over, which is ErrHeld, or ctx is done, which is the cause of
// that. The system takes the lock from a process that ends.
func Lock(ctx context.Context, path string, limit time.Duration) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(path, flock.SetPermissions(0o600))
	err = try(ctx, lock, min(limit, slow))
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && limit > slow {
		if say, ok := ctx.Value(aloud{}).(func(string, ...any)); ok {
			say("waiting for the lock %s, which %s has", path, holder(path))
		}
		err = try(ctx, lock, limit-slow)
	}
	switch {
	case err == nil:
		_ = os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600) // for holder only
		return func() { lock.Unlock() }, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: %s has had %s for %v", ErrHeld, holder(path), path, limit)
	}
	return nil, err
}

// try waits for the lock.
func try(ctx context.Context, lock *flock.Flock, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := lock.TryLockContext(ctx, retry)
	return err
}

// holder names the process that has a lock, as well as that is known: not every
// system lets others read a file that is locked.
func holder(path string) string {
	data, _ := os.ReadFile(path)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

// maxLinks is how many symbolic links Target follows.
const maxLinks = 40

// Target follows the symbolic link that path may be, also to a file that is not
// there yet: what is replaced should be that file, not the link.
func Target(path string) string {
	for range maxLinks {
		link, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return path
}

// Replace writes a file of mode 0600, in a folder that is made where it is not
// there. Readers see the old content or the new, whatever happens to the
// process or the machine.
func Replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replace(path, data, 0o600)
}

// Publish is Replace for a file that others may read: it keeps the mode of the
// file that it replaces, and a new one has what the umask leaves of 0666. Its
// folder must be there.
func Publish(path string, data []byte) error { return replace(path, data, 0o666) }

func replace(path string, data []byte, perm os.FileMode) error {
	f, err := beside(path, perm)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if info, serr := os.Stat(path); serr == nil && perm != 0o600 {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		_, err = f.Write(data)
	}
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
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		d.Sync() // not every system can
		d.Close()
	}
	return nil
}

// beside makes a new file in the folder of path.
func beside(path string, perm os.FileMode) (*os.File, error) {
	dir, base := filepath.Split(path)
	for {
		name := fmt.Sprintf("%s.%s-%d", dir, base, rand.Uint32())
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			e.Path = path // the user knows no other name
		}
		return f, err
	}
}

// CanReplace reports why a file cannot be replaced, as far as that can be known
// without doing it.
func CanReplace(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "replace", Path: path, Err: errors.New("is a folder")}
	}
	f, err := beside(path, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// Read returns the content of a regular file of at most limit octets. A pipe that
// nobody writes to, a device without an end and a file of gigabytes are errors,
// before anything is read; the null device is an empty file.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case path == os.DevNull:
		return nil, nil
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is not a regular file")}
	case info.Size() > limit:
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %d octets", limit)}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// Sweep removes what Replace left beside path in processes that were killed. The
// caller has the lock that everybody takes who replaces the file.
func Sweep(path string) {
	dir, base := filepath.Split(path)
	names, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return
	}
	for _, e := range names {
		number, ok := strings.CutPrefix(e.Name(), "."+base+"-")
		if _, err := strconv.ParseUint(number, 10, 64); ok && err == nil {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
