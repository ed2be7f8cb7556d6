package creds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func password(t *testing.T, octets string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(octets), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ask(answer string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return answer, nil }
}

// The first source given answers; those behind it are not touched.
func TestOrder(t *testing.T) {
	touched := iotest.ErrReader(errors.New("touched"))
	mark := filepath.Join(t.TempDir(), "ran")
	never := func(context.Context) (string, error) {
		t.Error("the prompt is shown")
		return "", nil
	}
	for _, tt := range [...]struct {
		name string
		from Sources
		want string
	}{
		{"stdin", Sources{Stdin: strings.NewReader("in\n"), File: "/nowhere", Command: Command{Shell: "touch " + mark}, Env: "env", Prompt: never}, "in"},
		{"file", Sources{File: password(t, "file\n"), Command: Command{Shell: "touch " + mark}, Env: "env", Prompt: never}, "file"},
		{"command", Sources{Command: Command{Shell: "echo command"}, Env: "env", Prompt: never}, "command"},
		{"environment", Sources{Env: "env", Prompt: never}, "env"},
		{"prompt", Sources{Prompt: ask("typed")}, "typed"},
	} {
		s, err := tt.from.Secret(t.Context())
		if err != nil || s.Reveal() != tt.want {
			t.Errorf("%s: %q, %v", tt.name, s.Reveal(), err)
		}
	}
	// A source that fails does not let the next one answer: the person named it.
	for name, from := range map[string]Sources{
		"stdin":   {Stdin: touched, Env: "env"},
		"file":    {File: "/nowhere/at/all", Env: "env"},
		"command": {Command: Command{Shell: "false"}, Env: "env"},
	} {
		if s, err := from.Secret(t.Context()); fault.KindOf(err) != fault.Auth || s.Reveal() != "" {
			t.Errorf("%s fails: %q, %v", name, s.Reveal(), err)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the command was run")
	}
}

func TestNone(t *testing.T) {
	_, err := Sources{}.Secret(t.Context())
	if fault.KindOf(err) != fault.Auth || len(fault.Hints(err)) == 0 {
		t.Error(err, fault.Hints(err))
	}
}

// One line end is taken off what a stream says, and nothing else.
func TestLineEnd(t *testing.T) {
	for in, want := range map[string]string{
		"pw": "pw", "pw\n": "pw", "pw\r\n": "pw", "pw\n\n": "pw\n", " pw \n": " pw ", "\tpw": "\tpw",
		"two\nlines\n": "two\nlines", "pw\r": "pw\r", "pw\r\r\n": "pw\r", "\x00\xff\n": "\x00\xff", "pä\n": "pä", "\n\n": "\n",
	} {
		for name, from := range map[string]Sources{
			"stdin":   {Stdin: strings.NewReader(in)},
			"pieces":  {Stdin: iotest.OneByteReader(strings.NewReader(in))},
			"file":    {File: password(t, in)},
			"command": {Command: Command{Shell: "cat '" + password(t, in) + "'"}},
		} {
			if s, err := from.Secret(t.Context()); err != nil || s.Reveal() != want {
				t.Errorf("%s of %q: %q, %v", name, in, s.Reveal(), err)
			}
		}
	}
}

func TestEmpty(t *testing.T) {
	for _, in := range []string{"", "\n", "\r\n"} {
		for name, from := range map[string]Sources{
			"stdin":   {Stdin: strings.NewReader(in)},
			"file":    {File: password(t, in)},
			"command": {Command: Command{Shell: "cat '" + password(t, in) + "'"}},
		} {
			if _, err := from.Secret(t.Context()); fault.KindOf(err) != fault.Auth || !strings.Contains(err.Error(), "is empty") {
				t.Errorf("%s of %q: %v", name, in, err)
			}
		}
	}
}

func TestLength(t *testing.T) {
	longest := strings.Repeat("x", MaxSecret)
	for name, from := range map[string]Sources{
		"stdin":   {Stdin: strings.NewReader(longest)},
		"file":    {File: password(t, longest)},
		"command": {Command: Command{Shell: "cat '" + password(t, longest) + "'"}},
	} {
		if s, err := from.Secret(t.Context()); err != nil || s.Reveal() != longest {
			t.Errorf("the longest from %s: %d octets, %v", name, len(s.Reveal()), err)
		}
	}
	for name, from := range map[string]Sources{
		"stdin":   {Stdin: strings.NewReader(longest + "x")},
		"file":    {File: password(t, longest+"x")},
		"command": {Command: Command{Shell: "cat '" + password(t, longest+"x") + "'"}},
		"endless": {Command: Command{Shell: "cat /dev/zero"}},
		"stream":  {Stdin: endless{}},
	} {
		s, err := from.Secret(t.Context())
		if fault.KindOf(err) != fault.Auth || !strings.Contains(err.Error(), "longer than 65536 octets") || s.Reveal() != "" {
			t.Errorf("too long from %s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "xxx") {
			t.Errorf("too long from %s: the error shows it", name)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestCommand(t *testing.T) {
	var said strings.Builder
	from := Sources{Command: Command{Shell: `echo "asking $WHO" >&2; printf %s "$PW"; cat`}, Stderr: &said, Environ: []string{"WHO=alice", "PW=s3cret", "PATH=" + os.Getenv("PATH")}}
	s, err := from.Secret(t.Context())
	if err != nil || s.Reveal() != "s3cret" || said.String() != "asking alice\n" {
		t.Errorf("%q, %v, said %q", s.Reveal(), err, said.String())
	}
	for _, command := range []string{"echo s3cret; exit 3", "no-such-command-s3cret-there 2>/dev/null", "kill -9 $$", "("} {
		s, err := Sources{Command: Command{Shell: command}}.Secret(t.Context())
		if fault.KindOf(err) != fault.Auth || s.Reveal() != "" || !strings.HasPrefix(err.Error(), "the password command failed: ") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %q, %v", command, s.Reveal(), err)
		}
	}
}

// A command is ended with its context, even if what it has started goes on.
func TestCommandCancelled(t *testing.T) {
	for _, command := range []string{"sleep 8", "sleep 8; true", "sleep 8 | cat", "sleep 8 & wait"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			start := time.Now()
			time.AfterFunc(50*time.Millisecond, func() { cancel(fault.Interrupt) })
			_, err := Sources{Command: Command{Shell: command}}.Secret(ctx)
			if err != error(fault.Interrupt) || time.Since(start) > 6*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
}

// An agent that a command leaves running, its output open, does not hold up
// the answer for long.
func TestCommandLeavesAgent(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s, err := Sources{Command: Command{Shell: "echo pw; sleep 8 &"}}.Secret(t.Context())
	if err != nil || s.Reveal() != "pw" || time.Since(start) > 6*time.Second {
		t.Errorf("%q, %v after %v", s.Reveal(), err, time.Since(start))
	}
}

func TestPrompt(t *testing.T) {
	no := fault.New(fault.Auth, "no terminal")
	from := Sources{Prompt: func(ctx context.Context) (string, error) { return "typed", no }}
	if _, err := from.Secret(t.Context()); err != error(no) {
		t.Error(err)
	}
}

func TestDirectory(t *testing.T) {
	if _, err := (Sources{File: t.TempDir()}).Secret(t.Context()); fault.KindOf(err) != fault.Auth {
		t.Error(err)
	}
}

// No way of printing a secret shows it, wherever it stands.
func TestSecretHides(t *testing.T) {
	const value = "s3cret"
	s := NewSecret(value)
	type exported struct{ Password Secret }
	type hidden struct{ password Secret }
	type pointer struct{ password *Secret }
	type deep struct {
		inner  hidden
		list   []Secret
		named  map[string]Secret
		any    any
		double **Secret
	}
	p := &s
	values := []any{s, &s, exported{s}, &exported{s}, hidden{s}, &hidden{s}, pointer{&s}, []Secret{s}, [1]Secret{s}, []any{s},
		map[string]Secret{"p": s}, map[Secret]int{s: 1}, []hidden{{s}}, deep{hidden{s}, []Secret{s}, map[string]Secret{"": s}, s, &p},
		Sources{Env: ""}, fmt.Errorf("wrapped %v", s), struct{ Secret }{s}}
	forms := []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("% x", value), fmt.Sprintf("%v", []byte(value)),
		fmt.Sprintf("%d", []byte(value))[1:10], "czNjcmV0", value[1:]}
	check := func(how, text string) {
		t.Helper()
		for _, f := range forms {
			if strings.Contains(text, f) {
				t.Errorf("%s shows %q: %s", how, f, text)
			}
		}
	}
	for i, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%b", "%T", "%t", "%10.3s", "%-5v", "%!", "%[1]v"} {
			check(fmt.Sprintf("%s of value %d", verb, i), fmt.Sprintf(verb, v))
		}
		check(fmt.Sprint("Sprint of ", i), fmt.Sprint(v))
		if data, err := json.Marshal(v); err == nil {
			check(fmt.Sprint("JSON of ", i), string(data))
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		check(fmt.Sprint("slog of ", i), log.String())
	}
	check("String", s.String()+s.GoString())
	if s.Reveal() != value || fmt.Sprint(s) != "<hidden>" {
		t.Error(s.Reveal(), s)
	}
	if data, err := json.Marshal(exported{s}); err != nil || string(data) != `{"Password":"\u003chidden\u003e"}` && string(data) != `{"Password":"<hidden>"}` {
		t.Errorf("%s, %v", data, err)
	}
	if (Secret{}).Reveal() != "" {
		t.Error("the zero Secret holds something")
	}
	io.WriteString(io.Discard, s.Reveal())
}
