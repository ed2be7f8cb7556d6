package session

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

const password = `s3cret"\pass`

// serve plays a script on loopback. Where the client departs from a strict
// sequence, or sends what no server takes, the test fails.
func serve(t *testing.T, script string, o imaptest.Options) *imaptest.Scripted {
	t.Helper()
	srv, err := imaptest.Start(script, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		srv.Record().Settle(50*time.Millisecond, 2*time.Second)
		if err := srv.Close(); err != nil {
			t.Errorf("%v\n%s", err, srv.Record())
		}
		for _, f := range srv.Record().Faults() {
			t.Error(f)
		}
	})
	return srv
}

// to is the configuration of a session with srv.
func to(t *testing.T, srv *imaptest.Scripted) Config {
	t.Helper()
	host, port, err := net.SplitHostPort(srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	return Config{
		Host: host, Port: n, TLS: NoTLS, User: "alice", Now: time.Now, ConnectTimeout: 5 * time.Second, IOTimeout: 5 * time.Second,
		Secret: func(context.Context) (string, error) { return password, nil },
	}
}

// secure is to with the server's authority trusted.
func secure(t *testing.T, srv *imaptest.Scripted, mode TLSMode) Config {
	t.Helper()
	cfg := to(t, srv)
	cfg.TLS, cfg.CAFile = mode, filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(cfg.CAFile, srv.CA().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// enter opens a session and closes it when the test ends.
func enter(t *testing.T, cfg Config) *Session {
	t.Helper()
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// examined is enter with INBOX open.
func examined(t *testing.T, cfg Config) *Session {
	t.Helper()
	s := enter(t, cfg)
	if err := s.Examine(t.Context(), "INBOX"); err != nil {
		t.Fatal(err)
	}
	return s
}

// sent is what the clients sent, a line a command, without tags.
func sent(srv *imaptest.Scripted) []string {
	srv.Record().Settle(20*time.Millisecond, time.Second)
	var out []string
	for _, c := range srv.Record().Commands(0) {
		_, text, ok := strings.Cut(c.Text, " ")
		if !ok {
			text = c.Text
		}
		out = append(out, text)
	}
	return out
}

// heard checks what was sent.
func heard(t *testing.T, srv *imaptest.Scripted, want ...string) {
	t.Helper()
	if got := sent(srv); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("sent\n\t%s\nwant\n\t%s\n%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"), srv.Record())
	}
}

// failed checks an error's kind and a part of its text.
func failed(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	if fault.KindOf(err) != kind || err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v (%v), want %q (%v)", err, fault.KindOf(err), text, kind)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
