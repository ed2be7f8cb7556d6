package session

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// canned is a transport whose server has said everything beforehand, and says it
// in turn. The
// client's tags are A1, A2 and so on.
type canned struct {
	io.Reader
	sent strings.Builder
}

func (c *canned) Write(p []byte) (int, error)      { return c.sent.Write(p) }
func (c *canned) Close() error                     { return nil }
func (c *canned) LocalAddr() net.Addr              { return nil }
func (c *canned) RemoteAddr() net.Addr             { return nil }
func (c *canned) SetDeadline(time.Time) error      { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

// answered is a session with INBOX of three messages open, in which the
// server will say text, and what the client sends. Every line feed becomes
// CRLF.
func answered(text, capabilities string) (*Session, *strings.Builder) {
	nc := &canned{}
	nc.Reader = imaptest.InTurn(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")), nc.sent.String)
	s := &Session{cfg: Config{Now: time.Now}, caps: parseCaps(capabilities), box: &Box{Name: "INBOX", Exists: 3}}
	s.c = wire.NewConn(nc, wire.Options{Now: time.Now, Notice: s.notice})
	return s, &nc.sent
}

func setOf(t testing.TB, s string) query.Set {
	t.Helper()
	if s == "" {
		return nil
	}
	sel, err := query.ParseSet(s)
	if err != nil {
		t.Fatal(err)
	}
	return sel.Set()
}
