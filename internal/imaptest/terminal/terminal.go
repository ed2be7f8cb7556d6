// Package terminal runs lines of the shell on a pseudo-terminal of a fixed
// width and tells what it shows of each: what documents show was really
// printed. It is for tests and for the generator of documents only.
package terminal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/creack/pty"

	"github.com/imapknife/imapknife/internal/imaptest/limited"
)

// now is when a sandbox starts that documents show.
const now = "2026-11-27T09:31:00Z"

// Shown is a command and what the terminal shows of it.
type Shown struct {
	Command string // as typed; may have several lines
	Output  string // lines end in LF
	Status  int
}

// ErrUnsupported is Run's error where the system has no pseudo-terminals.
var ErrUnsupported = pty.ErrUnsupported

// mark ends what a command shows: a control character that no command prints,
// since text from mail has them made visible.
const mark = "\x1e"

var marked = regexp.MustCompile(mark + `(\d+)` + mark + `\n`)

// Run runs the commands in one bash, which cmd starts when the script is added
// to its arguments, with a sandbox in front whose mails have the same dates each
// time (see package limited). What they leave on the screen is taken apart by command;
// those behind one that ends the shell are missing, which is an error.
func Run(cmd *exec.Cmd, columns int, commands []string) ([]Shown, error) {
	var script strings.Builder
	for _, c := range commands {
		// $? of one is there for the next.
		fmt.Fprintf(&script, "%s\n{ s=$?; printf '\\036%%d\\036\\n' $s; (exit $s); }\n", c)
	}
	cmd.Args = append(cmd.Args, script.String())
	cmd.Env = append(cmd.Env, limited.NowEnv+"="+now)
	text, err := Screen(cmd, columns, "")
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return nil, err
	}
	var out []Shown
	for _, c := range commands {
		at := marked.FindStringSubmatchIndex(text)
		if at == nil {
			return out, fmt.Errorf("no end of %q (%v): %s", c, err, text)
		}
		status, _ := strconv.Atoi(text[at[2]:at[3]])
		out = append(out, Shown{c, text[:at[0]], status})
		text = text[at[1]:]
	}
	return out, nil
}

// Screen runs cmd on a terminal, types what shall be typed, and returns all that
// it shows, lines ending in LF.
func Screen(cmd *exec.Cmd, columns int, typed string) (string, error) {
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.WriteString(typed); err != nil {
		return "", err
	}
	var out strings.Builder
	_, err = f.WriteTo(&out)
	if errors.Is(err, syscall.EIO) { // how Linux says that nobody has the terminal open
		err = nil
	}
	if werr := cmd.Wait(); err == nil {
		err = werr
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n"), err
}

// Env is the environment of a document's session: a terminal in English and at
// UTC, without settings of imapknife or of whoever runs it.
func Env(home string, more ...string) []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "IMAPKNIFE_"), strings.HasPrefix(name, "XDG_"), strings.HasPrefix(name, "LC_"):
		case name == "COLUMNS" || name == "LINES" || name == "PAGER" || name == "NO_COLOR" || name == "BASH_ENV":
		default:
			out = append(out, kv)
		}
	}
	return append(append(out, "HOME="+home, "XDG_CONFIG_HOME="+home+"/.config", "TZ=UTC", "LANG=C.UTF-8", "TERM=xterm-256color", limited.TimeEnv+"=3m"), more...)
}
