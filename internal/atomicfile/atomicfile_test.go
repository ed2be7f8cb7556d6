package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// One at a time has the lock; who waits gets it, gives up, or is told to.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "x.lock")
	unlock, err := Lock(t.Context(), path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(t.Context(), path, time.Millisecond); !errors.Is(err, ErrHeld) {
		t.Errorf("held: %v", err)
	}
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := Lock(ctx, path, time.Minute); err != why {
		t.Errorf("cancelled: %v", err)
	}
	unlock()
	var holders, had atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			unlock, err := Lock(t.Context(), path, time.Minute)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if n := holders.Add(1); n != 1 {
				t.Errorf("%d hold it at once", n)
			}
			had.Add(1)
			time.Sleep(time.Millisecond)
			holders.Add(-1)
		})
	}
	all.Wait()
	if n := had.Load(); n != 8 {
		t.Errorf("%d had it", n)
	}
}

// What is replaced is whole, private, and leaves nothing beside it.
func TestReplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	path := filepath.Join(dir, "x")
	for _, text := range []string{"one", "", "two\n"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); string(got) != text || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v", info.Mode())
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(dir, "d"), []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%v", entries)
	}
}

// Who waits for more than a second says for whom, once.
func TestLockAloud(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := Lock(t.Context(), path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	var said []string
	ctx := Aloud(t.Context(), func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	who := "process " + strconv.Itoa(os.Getpid())
	if runtime.GOOS == "windows" {
		who = "another process"
	}
	if _, err := Lock(ctx, path, slow/10); !errors.Is(err, ErrHeld) || said != nil {
		t.Errorf("a short wait: %v, said %q", err, said)
	}
	_, err = Lock(ctx, path, slow+time.Millisecond)
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), who) {
		t.Errorf("held: %v", err)
	}
	if want := "waiting for the lock " + path + ", which " + who + " has"; len(said) != 1 || said[0] != want {
		t.Errorf("said %q, want %q", said, want)
	}
}

// A report keeps the mode of the file before it, and a symbolic link leads to
// the file that is replaced, whether that is there or not.
func TestPublish(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and links of Unix")
	}
	dir := t.TempDir()
	link, path := filepath.Join(dir, "link"), filepath.Join(dir, "x")
	if err := os.Symlink("x", link); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604} {
		if err := Publish(Target(link), []byte("one")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := Publish(Target(link), []byte("two")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != mode {
			t.Errorf("%v, %v, want mode %v", info.Mode(), err, mode)
		}
		if data, _ := os.ReadFile(link); string(data) != "two" {
			t.Errorf("%q", data)
		}
	}
	if to, err := os.Readlink(link); to != "x" || err != nil {
		t.Errorf("the link: %q, %v", to, err)
	}
	if err := CanReplace(path); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{dir, filepath.Join(dir, "none", "x"), filepath.Join(path, "x")} {
		if err := CanReplace(bad); err == nil {
			t.Errorf("%s can be replaced", bad)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%v", entries)
	}
}
