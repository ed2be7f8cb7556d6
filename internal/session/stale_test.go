package session

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// What is remembered of a server may be wrong meanwhile. That costs one
// command at most: it does not make every later one fail.
func TestStaleGreeting(t *testing.T) {
	srv := serve(t, `GREETING * OK ready
CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LOGINDISABLED
ON LOGIN
S: $tag NO [PRIVACYREQUIRED] not that way
`, imaptest.Options{TLS: true})
	cfg := secure(t, srv, Implicit)
	cfg.Memory = NewMemory(filepath.Join(t.TempDir(), "servers.json"), time.Now)
	key := cfg.key()
	cfg.Memory.store(key, record{Greeting: []string{"IMAP4rev1"}, Capabilities: []string{"IMAP4rev1"}, NoPipelining: true})
	s := enter(t, cfg)
	failed(t, s.Settle(t.Context()), fault.Auth, "not that way")
	s.Close()
	if r, ok := cfg.Memory.recall(key); !ok || r.Greeting != nil || !r.NoPipelining {
		t.Errorf("%+v is remembered", r)
	}
	s = enter(t, cfg)
	must(t, s.Settle(t.Context()))
	s.Close()
	if got := strings.Join(sent(srv), "|"); !strings.HasPrefix(got, loginLine+"|LOGOUT|CAPABILITY|AUTHENTICATE PLAIN "+plainResponse) {
		t.Error(got)
	}
	if r, _ := cfg.Memory.recall(key); strings.Join(r.Greeting, " ") != "AUTH=PLAIN IMAP4rev1 LOGINDISABLED SASL-IR" {
		t.Errorf("%+v is remembered", r)
	}
}

// What is remembered may leave no mechanism: then the server is asked.
func TestStaleMechanism(t *testing.T) {
	srv := serve(t, "GREETING * OK ready\nCAPABILITY IMAP4rev1", imaptest.Options{TLS: true})
	cfg := secure(t, srv, Implicit)
	cfg.Memory = NewMemory(filepath.Join(t.TempDir(), "servers.json"), time.Now)
	cfg.Memory.store(cfg.key(), record{Greeting: []string{"IMAP4rev1", "LOGINDISABLED"}, Capabilities: []string{"IMAP4rev1"}})
	for range 2 {
		s := enter(t, cfg)
		must(t, s.Settle(t.Context()))
		s.Close()
	}
	if got := strings.Join(sent(srv), "|"); got != "CAPABILITY|"+loginLine+"|LOGOUT|"+loginLine+"|LOGOUT" {
		t.Error(got)
	}
}

// In clear text what is remembered never spares the question: LOGINDISABLED that
// is announced now stops the password.
func TestStaleInClearText(t *testing.T) {
	srv := serve(t, "GREETING * OK ready\nCAPABILITY IMAP4rev1 LOGINDISABLED", imaptest.Options{})
	cfg := to(t, srv)
	cfg.Memory = NewMemory(filepath.Join(t.TempDir(), "servers.json"), time.Now)
	cfg.Memory.store(cfg.key(), record{Greeting: []string{"IMAP4rev1", "AUTH=PLAIN"}, Capabilities: []string{"IMAP4rev1"}})
	_, err := Open(t.Context(), cfg)
	failed(t, err, fault.Auth, "LOGINDISABLED")
	heard(t, srv, "CAPABILITY")
}

// A capability that the server no longer has costs one command, and is then
// forgotten, even where the server does not tell its capabilities unasked.
func TestStaleCapabilities(t *testing.T) {
	srv := serve(t, `GREETING * OK [CAPABILITY IMAP4rev1] ready
CAPABILITY IMAP4rev1
ON LOGIN
S: $tag OK in
ON LIST .* RETURN .*
S: $tag BAD what
`, imaptest.Options{})
	cfg := to(t, srv)
	cfg.Memory = NewMemory(filepath.Join(t.TempDir(), "servers.json"), time.Now)
	cfg.Memory.store(cfg.key(), record{Greeting: []string{"IMAP4rev1"}, Capabilities: []string{"IMAP4rev1", "LIST-EXTENDED"}})
	list := func(s *Session) error {
		return s.List(t.Context(), ListRequest{Patterns: []string{"*"}, Detail: true}, func(*ListEntry) error { return nil })
	}
	for range 2 {
		s := examined(t, cfg)
		if err := list(s); err != nil || s.Misjudged() {
			t.Error(err)
		}
		s.Close()
	}
	if n := strings.Count(strings.Join(sent(srv), "|"), "RETURN"); n != 1 {
		t.Errorf("tried %d times", n)
	}
}
