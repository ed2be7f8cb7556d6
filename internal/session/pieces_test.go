package session

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A message may be told in several responses: it is complete when each section
// has come, and flags told twice are those told last.
func TestFetchPieces(t *testing.T) {
	for _, tt := range [...]struct{ name, items, in, want string }{
		{"two sections apart", "BODY.PEEK[1] BODY.PEEK[2]", `* 1 FETCH (UID 1 BODY[1] "a")
* 2 FETCH (UID 2 BODY[1] "c" BODY[2] "d")
* 1 FETCH (UID 1 BODY[2] "b")
`, "1 [1] 1 \"a\"\n2 [1] 1 \"c\"\n2 [2] 1 \"d\"\n2 #2 []\n1 [2] 1 \"b\"\n1 #1 []\n1:2"},
		{"one section, then the flags, then the other, which is none", "FLAGS BODY.PEEK[1] BODY.PEEK[2]", `* 1 FETCH (UID 1 BODY[1] "a")
* 1 FETCH (UID 1 FLAGS (x))
* 1 FETCH (BODY[2] NIL UID 1)
`, "1 [1] 1 \"a\"\n1 #1 [x] lacks=[BODY[2]]\n1"},
		{"a section that never comes", "BODY.PEEK[1] BODY.PEEK[2]", `* 1 FETCH (UID 1 BODY[1] "a")
`, "1 [1] 1 \"a\"\n1 #1 [] lacks=[BODY[2]] warnings=1\n1"},
		{"flags twice", "FLAGS", "* 1 FETCH (UID 1 FLAGS (a b) FLAGS (c))\n", "1 #1 [c]\n1"},
		{"flags twice, apart", "FLAGS RFC822.SIZE", "* 1 FETCH (FLAGS (a b) UID 1)\n* 1 FETCH (UID 1 FLAGS (c) RFC822.SIZE 7)\n", "1 #1 [c] size=7\n1"},
		{"a body without a UID", "BODY.PEEK[1]", "* 1 FETCH (BODY[1] \"a\")\n", "protocol: "},
	} {
		if got := tell(t, tt.in+"A1 OK\n"+still(t, "1"), "1:2", tt.items); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// More updates of flags than may be held, before the answers, cost nothing.
func TestFetchUpdatesFirst(t *testing.T) {
	var in strings.Builder
	for uid := 1; uid <= 2*maxHeld; uid++ {
		fmt.Fprintf(&in, "* %d FETCH (UID %d FLAGS (old))\n", uid, uid)
	}
	for uid := 1; uid <= 2*maxHeld; uid++ {
		fmt.Fprintf(&in, "* %d FETCH (UID %d FLAGS (new) RFC822.SIZE 5)\n", uid, uid)
	}
	got := tell(t, in.String()+"A1 OK\n", fmt.Sprintf("1:%d", 2*maxHeld), "FLAGS RFC822.SIZE")
	if n := strings.Count(got, "[new] size=5"); n != 2*maxHeld || strings.Contains(got, "warnings") {
		t.Errorf("%d of %d told as they are:\n%.300s", n, 2*maxHeld, got)
	}
}

// What was kept in a file until its UID came leaves no file open when reading
// fails.
func TestSpoolIsClosed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("open files are counted on Linux only")
		return
	}
	open := func() int {
		t.Helper()
		list, err := filepath.Glob("/proc/self/fd/*")
		must(t, err)
		n := 0
		for _, fd := range list {
			if to, err := os.Readlink(fd); err == nil && filepath.Base(to) != to && len(to) > 9 && to[len(to)-9:] == "(deleted)" {
				n++
			}
		}
		return n
	}
	no := errors.New("no")
	for _, in := range []string{
		"* 1 FETCH (BODY[1] {3}\nabc BODY[2] {9}\nab",
		"* 1 FETCH (BODY[1] {3}\nabc BODY[2] {3}\nabc UID 1)\nA1 OK\n",
		"* 1 FETCH (BODY[1] {3}\nabc UID 1 BODY[2] {3}\nabc)\nA1 OK\n",
		"* 1 FETCH (BODY[1] {3}\nabc\nA1 OK\n",
	} {
		s, _ := answered(in, "IMAP4rev1")
		_, err := s.Fetch(t.Context(), FetchRequest{Set: setOf(t, "1"), Items: []string{"BODY.PEEK[1]", "BODY.PEEK[2]"},
			Body: func(*Fetched, string, io.Reader, int64) error { return no }})
		if err == nil {
			t.Errorf("%q: no error", in)
		}
		if n := open(); n != 0 {
			t.Errorf("%q: %d files are open", in, n)
		}
	}
}
