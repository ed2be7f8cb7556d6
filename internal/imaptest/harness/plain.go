package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// raceAllEnv has every server's scripts run with the race detector.
const raceAllEnv = "IMAPKNIFE_RACE_ALL"

// plain builds the tests of this package once more, without the race detector,
// which makes every start of imapknife long, and returns the folder of the program that they are when it is called imapknife. Scripts on
// real servers run that: the sandbox, hostile servers and the campaign have
// shown the races by then. It is empty where nothing is raced.
func plain(t *testing.T) string {
	if !racing || os.Getenv(raceAllEnv) == "1" {
		return ""
	}
	dir := t.TempDir()
	build := exec.Command("go", "test", "-c", "-o", filepath.Join(dir, "imapknife"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("cannot build imapknife without the race detector: %w\n%s", err, out))
	}
	return dir
}
