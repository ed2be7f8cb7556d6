package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// What has been answered can be sent again, as another command, through the
// same door; Repeat leaves alone what could change something.
func TestRedo(t *testing.T) {
	c, m := overMemory(t, strings.NewReader("A1 NO\r\nA2 BAD\r\nA3 BAD\r\nA4 OK\r\nA5 OK\r\n"), Options{})
	var flight []*Pending
	for _, cmd := range []*Command{NewCommand("EXAMINE").String("a&-b"), NewCommand("UID SEARCH").Atom("ALL"), NewCommand("UID STORE").Atom("1 FLAGS ()")} {
		p, err := c.Send(t.Context(), cmd)
		if err != nil {
			t.Fatal(err)
		}
		flight = append(flight, p)
	}
	if got := c.InFlight(); len(got) != 3 || got[0] != flight[0] || got[2] != flight[2] {
		t.Errorf("in flight: %v", got)
	}
	for _, p := range flight {
		if st, err := c.Wait(t.Context(), p); err != nil || st.OK() {
			t.Errorf("%s: %v, %v", p.Name(), st, err)
		}
	}
	err := c.Redo(t.Context(), flight[0], NewCommand("EXAMINE").String("a&b"))
	for _, p := range flight[1:] {
		err = errors.Join(err, c.Repeat(t.Context(), p))
	}
	for i, p := range flight {
		if _, e := c.Wait(t.Context(), p); e != nil || p.Result.OK() != (i < 2) {
			t.Errorf("%s: %v, %v", p.Name(), p.Result, e)
		}
	}
	const again = "A4 EXAMINE \"a&b\"\r\nA5 UID SEARCH ALL\r\n"
	if sent := m.sent.String(); err != nil || !strings.HasSuffix(sent, again) || strings.Count(sent, "STORE") != 1 {
		t.Errorf("%q, %v", sent, err)
	}

	c, m = overMemory(t, strings.NewReader("A1 NO\r\n"), Options{ReadOnly: true, ReadOnlyHint: "do not"})
	p, err := c.Send(t.Context(), NewCommand("EXAMINE").String("x"))
	if err != nil {
		t.Fatal(err)
	}
	c.Wait(t.Context(), p)
	err = c.Redo(t.Context(), p, NewCommand("SELECT").String("x"))
	if fault.KindOf(err) != fault.Safety || strings.Join(fault.Hints(err), "") != "do not" || strings.Contains(m.sent.String(), "SELECT") {
		t.Errorf("%v, %q", err, m.sent.String())
	}
}

// A lost connection is told in plain words, and the server's name stands there once.
func TestLost(t *testing.T) {
	layers := func(err error) error {
		return &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{Port: 143}, Err: os.NewSyscallError("read", err)}
	}
	for want, err := range map[string]error{
		"h:1 closed the connection":                      io.EOF,
		"h:1 broke the connection off (reset)":           layers(syscall.ECONNRESET),
		"the connection to h:1 timed out":                layers(syscall.ETIMEDOUT),
		"the connection to h:1 failed: no route to host": layers(syscall.EHOSTUNREACH),
		"the connection to h:1 failed: tls: bad record":  &net.OpError{Op: "remote error", Err: errors.New("tls: bad record")},
		"the connection to h:1 failed: odd":              fmt.Errorf("odd"),
	} {
		if got := Lost("h:1", err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := Lost("h:1", layers(syscall.EPIPE)); got != "h:1 closed the connection" {
		t.Error(got)
	}
}
