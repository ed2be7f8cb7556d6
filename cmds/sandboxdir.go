package cmds

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
)

// What folders of sandboxes are called, and the lock in each that the sandbox
// holds.
const (
	sandboxDir  = "imapknife-sandbox-"
	sandboxLock = "lock"
)

// freshDir is the age below which a folder may not have its lock yet.
const freshDir = time.Minute

// makeSandboxDir makes the folder of a sandbox, and removes those of sandboxes
// that were killed. remove removes it again.
func makeSandboxDir(ctx context.Context, now time.Time) (dir string, remove func(), err error) {
	sweepSandboxDirs(ctx, os.TempDir(), now)
	if dir, err = os.MkdirTemp("", sandboxDir); err != nil {
		return "", nil, fault.Wrap(fault.Local, err, "cannot make a directory")
	}
	unlock, err := atomicfile.Lock(ctx, filepath.Join(dir, sandboxLock), time.Second)
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, fault.Wrap(fault.Local, err, "cannot lock the directory %q", dir)
	}
	return dir, func() { unlock(); os.RemoveAll(dir) }, nil
}

// sweepSandboxDirs removes folders whose sandbox is no more. What is not this
// user's is not touched: another could have put links there.
func sweepSandboxDirs(ctx context.Context, temp string, now time.Time) {
	dirs, _ := filepath.Glob(filepath.Join(temp, sandboxDir+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ours(info) || now.Sub(info.ModTime()) < freshDir {
			continue
		}
		unlock, err := atomicfile.Lock(ctx, filepath.Join(dir, sandboxLock), time.Millisecond)
		if err == nil {
			unlock()
			os.RemoveAll(dir)
		}
	}
}
