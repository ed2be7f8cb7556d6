package harness

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapknife/imapknife/internal/imaptest/limited"
)

// source is the program that scripts run as imapknife.
const source = "github.com/imapknife/imapknife/internal/imaptest/imapknife"

// raceAllEnv has every server's scripts run with the race detector.
const raceAllEnv = "IMAPKNIFE_RACE_ALL"

// plain is the folder of an imapknife without the race detector, where the one
// that scripts run has it; empty where it has not, or shall have it everywhere.
// Scripts on real servers run that one: the sandbox, hostile servers and the
// campaign have shown the races by then.
var plain string

// Plain is the path of an imapknife without the race detector, for tests that
// look for nothing that it could find; it starts faster. Where there is no other,
// it is that on PATH.
func Plain() string {
	if plain == "" {
		return "imapknife"
	}
	return filepath.Join(plain, "imapknife")
}

// Main runs the tests with imapknife on PATH.
func Main(m *testing.M) {
	heedSignals()
	testscript.Main(built{m}, nil)
}

// MainWith is Main with another program in imapknife's place.
func MainWith(m *testing.M, run func() int) {
	heedSignals()
	testscript.Main(m, map[string]func(){"imapknife": func() { limited.Main(run) }})
}

// heedSignals has the programs of scripts begin with the default action of the
// signals that this process was told to ignore, by nohup or by a shell's &.
// What has a handler here is inherited as the default.
func heedSignals() {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGHUP, syscall.SIGQUIT} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// built is tests that need imapknife built.
type built struct{ m *testing.M }

func (b built) Run() int {
	dir, err := os.MkdirTemp("", "imapknife-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = build(filepath.Join(dir, "own"), racing)
	}
	if err == nil && racing && os.Getenv(raceAllEnv) != "1" {
		plain = filepath.Join(dir, "plain")
		err = build(plain, false)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv("PATH", before(filepath.Join(dir, "own"), os.Getenv("PATH")))
	return b.m.Run()
}

// before puts a folder in front of the others of a PATH.
func before(dir, path string) string { return dir + string(os.PathListSeparator) + path }

// build makes the program in dir, under the name that tells systems that it can
// be run.
func build(dir string, race bool) error {
	args := []string{"build", "-o", dir + string(os.PathSeparator)}
	if race {
		args = append(args, "-race")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if out, err := exec.Command("go", append(args, source)...).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build imapknife for the scripts: %w\n%s", err, out)
	}
	return nil
}
