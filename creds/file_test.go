package creds

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A writer that was killed leaves a copy of the secrets: the next use of the file
// removes it, a logout too, and nothing else.
func TestFileStoreSweeps(t *testing.T) {
	dir := t.TempDir()
	f := FileStore(filepath.Join(dir, "secrets.json"))
	if err := f.Set(t.Context(), "a", NewSecret("pw")); err != nil {
		t.Fatal(err)
	}
	others := []string{".secrets.json-", ".secrets.json-x", ".secrets.json.bak", ".other.json-1", "secrets.json-1"}
	for _, use := range []func() error{
		func() error { return f.Set(t.Context(), "b", NewSecret("pw")) },
		func() error { return f.Delete(t.Context(), "nothing there") },
		func() error { _, err := f.Get(t.Context(), "a"); return err },
	} {
		for _, name := range append([]string{".secrets.json-1", ".secrets.json-4294967295"}, others...) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("pw"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		use()
		var names []string
		list, _ := os.ReadDir(dir)
		for _, e := range list {
			names = append(names, e.Name())
		}
		want := append([]string{"secrets.json", "secrets.json.lock"}, others...)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("%v, want %v", names, want)
		}
	}
}
