package completions_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/imapknife/imapknife/completions"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/sandbox"
)

// evil is a mailbox whose name a shell must not expand.
const evil = "$(touch evil)`touch evil`"

// lines are what a person types, TAB included, and the arguments that the
// command must then get.
var lines = []struct {
	keys string
	want []string
}{
	{"sta\t", []string{"status"}},
	{"search --fro\talice", []string{"search", "--from", "alice"}},
	{"list --tls st\t", []string{"list", "--tls", "starttls"}},
	{"attachments sa\t--dir x", []string{"attachments", "save", "--dir", "x"}},
	{"status Sent\\ It\t", []string{"status", "Sent Items"}},
	{"status Sent\\ I\t", []string{"status", "Sent Items"}},
	{"status 'Sent It\t", []string{"status", "Sent Items"}},
	{"status \"Sent It\t", []string{"status", "Sent Items"}},
	{"search -m Größ\t", []string{"search", "-m", "Größe"}},
	{"search --mailbox=Größ\t", []string{"search", "--mailbox=Größe"}},
	{"status It\t", []string{"status", "It's"}},
	{"status \\$\t", []string{"status", evil}},
	{"move 3 Sent\\ It\t", []string{"move", "3", "Sent Items"}},
	{"accounts sh\tde\t", []string{"accounts", "show", "demo"}},
}

// world is a folder with imapknife on PATH, which notes how it is called, an
// account, and the mailboxes that list has seen.
type world struct {
	dir string
	env []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	program := filepath.Join(w.dir, "program")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/imapknife/imapknife").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	srv, err := sandbox.Start(sandbox.Options{Now: time.Now, Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	w.env = []string{
		"HOME=" + w.dir, "XDG_CONFIG_HOME=" + w.dir + "/config", "XDG_CACHE_HOME=" + w.dir + "/cache", "XDG_DATA_HOME=" + w.dir + "/data",
		"PATH=" + filepath.Join(w.dir, "bin") + ":" + os.Getenv("PATH"), "TERM=xterm", "LC_ALL=C.UTF-8",
		"LOG=" + filepath.Join(w.dir, "log"),
	}
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("config/imapknife/config.toml", fmt.Sprintf("default = \"demo\"\n[accounts.demo]\nurl = %q\npassword_command = \"echo %s\"\n", srv.URL(), srv.Password()), 0o600)
	// Every argument on a line of its own, an empty line behind them.
	write("bin/imapknife", "#!/bin/sh\n[ \"$1\" = __complete ] && exec "+program+" \"$@\"\nprintf '%s\\n' \"$@\" '' >>\"$LOG\"\n", 0o755)
	for _, args := range [][]string{{"mailbox", "create", "Sent Items", "Größe", "It's", evil}, {"list"}} {
		cmd := exec.Command(program, args...)
		cmd.Env = w.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	for _, shell := range completions.Shells() {
		text, err := completions.Script(shell)
		if err != nil {
			t.Fatal(err)
		}
		write("script."+shell, text, 0o600)
	}
	return w
}

// calls are the arguments of each call so far.
func (w *world) calls() [][]string {
	data, _ := os.ReadFile(filepath.Join(w.dir, "log"))
	var out [][]string
	for _, call := range strings.Split(string(data), "\n\n") {
		if call != "" {
			out = append(out, strings.Split(strings.TrimSuffix(call, "\n"), "\n"))
		}
	}
	return out
}

// TestShells presses TAB in the real shells, on a pseudo-terminal.
func TestShells(t *testing.T) {
	for _, shell := range []struct {
		name string
		argv []string
		rc   string
	}{
		{"bash", []string{"bash", "--norc", "--noprofile", "-i"}, "source ./script.bash"},
		{"bash with bash-completion", []string{"bash", "--norc", "--noprofile", "-i"}, "source /usr/share/bash-completion/bash_completion; source ./script.bash"},
		{"zsh", []string{"zsh", "-f", "-i"}, "autoload -U compinit; compinit -u -d ./dump; source ./script.zsh"},
		{"fish", []string{"fish", "--no-config", "-i"}, "source ./script.fish"},
	} {
		t.Run(shell.name, func(t *testing.T) {
			if _, err := exec.LookPath(shell.argv[0]); err != nil {
				imaptest.Without(t, err)
			}
			w := newWorld(t)
			tty := start(t, w, shell.argv)
			tty.typed(shell.rc + "; imapknife ready\r")
			w.wait(t, tty, 1)
			for i, line := range lines {
				tty.typed("imapknife ")
				for _, part := range strings.SplitAfter(line.keys, "\t") {
					tty.typed(part)
					tty.settle()
				}
				tty.typed("\r")
				if calls := w.wait(t, tty, i+2); !slices.Equal(calls[i+1], line.want) {
					t.Errorf("%q: %q, want %q", line.keys, calls[i+1], line.want)
				}
			}
			if _, err := os.Stat(filepath.Join(w.dir, "evil")); err == nil {
				t.Error("the name of a mailbox was run")
			}
			tty.typed("exit\r")
		})
	}
}

// wait waits until imapknife has been called n times.
func (w *world) wait(t *testing.T, tty *terminal, n int) [][]string {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		calls := w.calls()
		if len(calls) == n {
			return calls
		}
		if time.Now().After(end) || len(calls) > n {
			t.Fatalf("called %d times, not %d: %q\n%s", len(calls), n, calls, tty.screen())
		}
	}
}

// terminal is a shell on a pseudo-terminal.
type terminal struct {
	f    *os.File
	mu   sync.Mutex
	text strings.Builder
	last time.Time
}

func start(t *testing.T, w *world, argv []string) *terminal {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = w.dir, w.env
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	tty := &terminal{f: f, last: time.Now()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			tty.mu.Lock()
			tty.text.Write(buf[:n])
			tty.last = time.Now()
			tty.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		f.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		<-ended
	})
	tty.settle()
	return tty
}

func (t *terminal) typed(keys string) { _, _ = io.WriteString(t.f, keys) }

func (t *terminal) screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// settle waits until the shell has said nothing for a while.
func (t *terminal) settle() {
	for range 200 {
		time.Sleep(50 * time.Millisecond)
		t.mu.Lock()
		quiet := time.Since(t.last) > 250*time.Millisecond
		t.mu.Unlock()
		if quiet {
			return
		}
	}
}

// TestPowerShell looks at PowerShell's script: that its brackets are closed, and
// where there is a PowerShell (Debian has no package of it) that it parses.
func TestPowerShell(t *testing.T) {
	text, err := completions.Script("powershell")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []string{"{}", "()", "[]"} { // those in the one pattern of characters are in pairs, too
		if open, closed := strings.Count(text, pair[:1]), strings.Count(text, pair[1:]); open != closed || open == 0 {
			t.Errorf("%d %c and %d %c", open, pair[0], closed, pair[1])
		}
	}
	program, err := exec.LookPath("pwsh")
	if err != nil {
		return
	}
	cmd := exec.Command(program, "-NoProfile", "-Command", "[void][scriptblock]::Create([Console]::In.ReadToEnd())")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
