//go:build unix

package access

import (
	"os"
	"path/filepath"
	"testing"
)

func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]struct{ read, change bool }{
		0o600: {}, 0o400: {}, 0o700: {}, 0o640: {read: true}, 0o644: {read: true}, 0o604: {read: true},
		0o660: {read: true}, // the group is the user's own
		0o666: {read: true, change: true}, 0o602: {change: true},
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if r, c := ReadableByOthers(info), ChangeableByOthers(info); r != want.read || c != want.change {
			t.Errorf("%o: %v %v", mode, r, c)
		}
	}
	if info, err := os.Stat(os.DevNull); err != nil || ReadableByOthers(info) {
		t.Error("the null device holds no secret", err)
	}
}
