package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestManuals has mandoc look at every manual page, and finds pages of commands
// that are gone.
func TestManuals(t *testing.T) {
	program, err := exec.LookPath("mandoc")
	if err != nil {
		if os.Getenv("IMAPKNIFE_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	pages, err := filepath.Glob("../../man/*")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	if out, err := exec.Command(program, append([]string{"-Tlint", "-W", "warning"}, pages...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	// One that is not English but markup shows as such.
	out, err := exec.Command(program, "-Tutf8", "../../man/imapknife-wait.1").Output()
	text := strings.ReplaceAll(strings.Join(strings.Fields(string(out)), " "), "\b", "")
	if err != nil || !strings.Contains(text, "wait until messages match, and print them") || strings.Contains(text, "**") {
		t.Errorf("%v\n%s", err, out)
	}
}
