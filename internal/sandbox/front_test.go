package sandbox

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

// scripted is a connection that reads from r.
type scripted struct {
	net.Conn
	r io.Reader
	w bytes.Buffer
}

func (s *scripted) Read(p []byte) (int, error)  { return s.r.Read(p) }
func (s *scripted) Write(p []byte) (int, error) { return s.w.Write(p) }

// through is what imapserver reads of what a client sends.
func through(t testing.TB, in string, hide ...string) string {
	t.Helper()
	f := newFront(&scripted{r: iotest.OneByteReader(strings.NewReader(in))}, newCapabilities(hide), nil, 1)
	out, err := io.ReadAll(iotest.OneByteReader(f))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestFrontLeavesAlone(t *testing.T) {
	for _, in := range []string{
		"", "a", "a NOOP\r\n", "a NOOP\n", "a LOGIN {3+}\r\na b {1+}\r\n\"\r\nb NOOP\r\n",
		"a APPEND x {20+}\r\nb SEARCH SMALLER 1\r\n\r\nc NOOP\r\n", strings.Repeat("x", 200_000) + "\r\nb NOOP\r\n",
		"a SEARCH SUBJECT \"SMALLER 1 \\\" SMALLER 2\" FROM smaller\r\n", "a  SELECT\r\n", "a ENABLE UTF8=ACCEPT IMAP4rev2\r\n",
		"a SEARCH SUBJECT {18+}\r\nx SEARCH SMALLER 1 UID 1\r\n",
	} {
		if got := through(t, in); got != in {
			t.Errorf("%.100q became %.100q", in, got)
		}
	}
}

func TestFrontChanges(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a SEARCH SMALLER 10\r\n", "a SEARCH NOT LARGER 9\r\n"},
		{"a uid search not (smaller 1 seen)\r\n", "a uid search not (NOT LARGER 0 seen)\r\n"},
		{"a SEARCH OR SMALLER 3 SMALLER 0 SMALLER x SMALLER\r\n", "a SEARCH OR NOT LARGER 2 NOT ALL SMALLER x SMALLER\r\n"},
		{"a SEARCH HEADER {7+}\r\nSMALLER {7+}\r\nSMALLER SMALLER 2\r\n", "a SEARCH HEADER {7+}\r\nSMALLER {7+}\r\nSMALLER NOT LARGER 1\r\n"},
		{"a STORE 1 FLAGS {9999+}\r\n" + strings.Repeat("z", 9999) + " x\r\nb NOOP\r\n", "a STORE 1 FLAGS (\r\nb NOOP\r\n"},
		{"a STATUS {5000}\r\nb NOOP\r\n", "a STATUS (\r\nb NOOP\r\n"},
	} {
		if got := through(t, c.in); got != c.want {
			t.Errorf("%.100q became %.100q, want %q", c.in, got, c.want)
		}
	}
	if got := through(t, "a UID MOVE 1 x\r\nb move 1 x\r\nc MOVED\r\n", "MOVE"); got != "a UID XMOVE 1 x\r\nb Xmove 1 x\r\nc MOVED\r\n" {
		t.Errorf("got %q", got)
	}
	if got := through(t, "a ENABLE utf8=accept CONDSTORE\r\n", "UTF8=ACCEPT"); got != "a ENABLE CONDSTORE\r\n" {
		t.Errorf("got %q", got)
	}
}

// TestMistakesAreNamed: what imapserver would hang up at, or blame on itself.
func TestMistakesAreNamed(t *testing.T) {
	r := login(t, start(t, Options{}), "SELECT INBOX")
	for _, c := range []struct{ line, want string }{
		{"", "* BAD No command"}, {"   ", "* BAD No command"}, {"help", "help BAD No command"}, {"DONE", "DONE BAD No command"},
		{"+", "* BAD No command"}, {"a FROB", "a BAD Unknown command"}, {"a SEARCH YOUNGER 60", "a BAD Syntax error"},
		{"a SEARCH SINCE 2026-11-01", "a BAD Syntax error"}, {"a SELECT &x", "a BAD Syntax error"}, {"a FETCH 0 UID", "a BAD Syntax error"},
		{"a APPEND INBOX \"yesterday\" {3}", "a BAD Syntax error"},
	} {
		r.send("%s\r\n", c.line)
		if got := r.line(); got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
	r.ok("NOOP")
}

// TestFrontFiltersLists: only where capabilities are listed, never in mail.
func TestFrontFiltersLists(t *testing.T) {
	c := &scripted{r: strings.NewReader("a CAPABILITY\r\nb FETCH 1 BODY[]\r\n")}
	f := newFront(c, newCapabilities([]string{"IDLE"}), nil, 1)
	const list = "* CAPABILITY IMAP4rev2 IMAP4rev1 IDLE LITERAL- LITERAL+\r\n"
	buf := make([]byte, 100)
	for range 2 {
		if _, err := f.Read(buf); err != nil {
			t.Fatal(err)
		}
		if n, err := f.Write([]byte(list)); n != len(list) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := c.w.String(); got != "* CAPABILITY IMAP4rev1 LITERAL+\r\n"+list {
		t.Errorf("got %q", got)
	}
}

// changed is what front may answer or rewrite.
var changed = regexp.MustCompile(`(?im)search|enable|\d{4}|^\s*\S*\s*$`)

func FuzzFront(f *testing.F) {
	f.Add("a NOOP\r\nb LOGIN {3+}\r\nabc {1}\r\nd\r\nAUTHENTICATE\r\n\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		if out := through(t, in); out != in && !changed.MatchString(in) {
			t.Errorf("%q became %q", in, out)
		}
	})
}
