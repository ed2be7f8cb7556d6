package harness

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"testing"
	"time"
)

// The watcher sees a secret in a command line, however shortly, and in a file
// in every form; and nothing where there is none.
func TestWatcher(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Log("there is no /proc here; files are looked at all the same")
	} else {
		for line, sees := range map[string]bool{"sleep 0.03; true s3cret-of-the-test": true, "sleep 0.03; true other": false} {
			w := watch([]string{"s3cret-of-the-test"})
			if err := exec.Command("sh", "-c", line).Run(); err != nil {
				t.Fatal(err)
			}
			w.end()
			if (len(w.seen) > 0) != sees {
				t.Errorf("%q: seen %q", line, w.seen)
			}
		}
	}
	w := watch([]string{"s3cret/of the test"})
	w.end()
	const s = "s3cret/of the test"
	for _, text := range []string{s, "s3cret%2Fof+the+test", hex.EncodeToString([]byte(s))} {
		if w.find([]byte("x"+text+"y")) == "" {
			t.Errorf("%q is not found", text)
		}
	}
	for _, before := range []string{"", "\x00", "\x00u\x00", "\x00user\x00"} {
		if text := base64.StdEncoding.EncodeToString([]byte(before + s + "\x01\x01")); w.find([]byte(text)) == "" {
			t.Errorf("%q in base64 is not found: %s", before, text)
		}
	}
	if what := w.find([]byte("nothing of " + time.Now().String())); what != "" {
		t.Errorf("%q is found", what)
	}
}
