package session

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// dropping is a server that throws away what is sent behind LOGIN before that
// is answered, as Courier does.
const dropping = `
CAPABILITY IMAP4rev1
ON LOGIN
DROP 50ms
S: $tag OK in
`

// find opens INBOX and searches, all in one flight where that may be.
func find(t *testing.T, cfg Config) {
	t.Helper()
	s, err := Open(t.Context(), cfg)
	must(t, err)
	defer s.Close()
	must(t, s.Examine(t.Context(), "INBOX"))
	res, err := s.Search(t.Context(), SearchRequest{})
	must(t, err)
	if res.Set.String() != "1:3" {
		t.Errorf("found %v", res.Set)
	}
	if b, err := s.Box(t.Context()); err != nil || b.Exists != 3 {
		t.Errorf("%+v, %v", b, err)
	}
}

// What was dropped is sent again, and the next session does not send it
// behind the login at all.
func TestDropped(t *testing.T) {
	srv := serve(t, dropping, imaptest.Options{})
	cfg := to(t, srv)
	cfg.Memory = NewMemory(filepath.Join(t.TempDir(), "servers.json"), time.Now)
	find(t, cfg)
	first := sent(srv)
	if n := slices.Index(first, "NOOP"); n < 0 || !slices.Contains(first[n:], `EXAMINE "INBOX"`) || !slices.Contains(first[n:], "UID SEARCH ALL") {
		t.Errorf("sent %q", first)
	}
	if r, ok := cfg.Memory.recall("alice@" + cfg.Addr()); !ok || !r.NoPipelining {
		t.Errorf("remembered %+v", r)
	}
	for !slices.Contains(sent(srv), "LOGOUT") { // it may still be on its way
		time.Sleep(time.Millisecond)
	}
	srv.Record().Reset()
	find(t, cfg)
	heard(t, srv, loginLine, `EXAMINE "INBOX"`, "UID SEARCH ALL", "LOGOUT")
	for _, c := range srv.Record().Commands(0) {
		if f := c.Flight; strings.Contains(c.Text, "LOGIN") != (f == 1) {
			t.Errorf("%s is in flight %d", c.Text, f)
		}
	}
}

// A server that is only slow is asked once and sent nothing twice.
func TestSlowIsNotDropped(t *testing.T) {
	srv := serve(t, `
CAPABILITY IMAP4rev1
ON LOGIN
S: $tag OK [CAPABILITY IMAP4rev1] in
DELAY 400ms
`, imaptest.Options{})
	cfg := to(t, srv)
	cfg.Memory = NewMemory(filepath.Join(t.TempDir(), "servers.json"), time.Now)
	find(t, cfg)
	got := sent(srv)
	slices.Sort(got)
	if len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("sent twice: %q", got)
	}
	if r, _ := cfg.Memory.recall("alice@" + cfg.Addr()); r.NoPipelining {
		t.Errorf("remembered %+v", r)
	}
}

// Where pipelining is off, nothing is sent behind an unanswered login.
func TestNoPipelining(t *testing.T) {
	srv := serve(t, dropping, imaptest.Options{})
	cfg := to(t, srv)
	cfg.NoPipelining = true
	find(t, cfg)
	if got := sent(srv); slices.Contains(got, "NOOP") {
		t.Errorf("sent %q", got)
	}
}
