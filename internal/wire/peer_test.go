package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// peer is the server's end of a connection, in the hands of a test.
type peer struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

// talk runs client against server over a pipe, with time that passes only
// while both wait. It ends when both have returned.
func talk(t *testing.T, o Options, server func(*peer), client func(context.Context, *Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		o.Now = time.Now
		c := NewConn(ours, o)
		done := make(chan struct{})
		go func() {
			defer close(done)
			server(&peer{t, theirs, bufio.NewReader(theirs)})
		}()
		// A test that fails must not wait for ever.
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		theirs.SetDeadline(time.Now().Add(24 * time.Hour))
		client(ctx, c)
		ours.Close()
		<-done
		theirs.Close()
	})
}

// want reads the lines and fails the test when others come.
func (p *peer) want(lines ...string) {
	p.Helper()
	for _, want := range lines {
		if got, err := p.r.ReadString('\n'); got != want+"\r\n" {
			p.Errorf("the client sent %q (%v), want %q", got, err, want)
		}
	}
}

// flight reads what the client sends without waiting for an answer.
func (p *peer) flight(want string) {
	p.Helper()
	var got strings.Builder
	for {
		p.SetReadDeadline(time.Now().Add(time.Second))
		b := make([]byte, 1<<20)
		n, err := p.r.Read(b)
		got.Write(b[:n])
		if err != nil {
			break
		}
	}
	p.SetReadDeadline(time.Now().Add(24 * time.Hour))
	if got.String() != want {
		p.Errorf("the client sent %.400q in one flight,\nwant %.400q", got.String(), want)
	}
}

// say sends text; every line feed becomes CRLF.
func (p *peer) say(format string, args ...any) {
	p.Helper()
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n")
	if _, err := io.WriteString(p, text); err != nil {
		p.Errorf("cannot say %.100q: %v", text, err)
	}
}

// hang waits until the client goes.
func (p *peer) hang() { io.Copy(io.Discard, p.r) }

// memory is a transport whose server has said everything beforehand and
// hears nothing. It fails the test when its end is read again and again.
type memory struct {
	testing.TB
	io.Reader
	sent strings.Builder
	ends int
}

func (m *memory) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err == io.EOF {
		if m.ends++; m.ends > 1000 {
			m.Fatal("the end is read for ever")
		}
	}
	return n, err
}

func (m *memory) Write(p []byte) (int, error)      { return m.sent.Write(p) }
func (m *memory) Close() error                     { return nil }
func (m *memory) LocalAddr() net.Addr              { return nil }
func (m *memory) RemoteAddr() net.Addr             { return nil }
func (m *memory) SetDeadline(time.Time) error      { return nil }
func (m *memory) SetReadDeadline(time.Time) error  { return nil }
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// overMemory is a connection to a server that has said text.
func overMemory(t testing.TB, text io.Reader, o Options) (*Conn, *memory) {
	m := &memory{TB: t}
	m.Reader = imaptest.InTurn(text, m.sent.String)
	o.Now = func() time.Time { return time.Unix(1700000000, 0) }
	return NewConn(m, o), m
}

type source struct{ read func([]byte) (int, error) }

func (r *source) Read(p []byte) (int, error) { return r.read(p) }

// whole gives text at once, octets one octet a call.
func whole(text string) *source  { return &source{strings.NewReader(text).Read} }
func octets(text string) *source { return &source{iotest.OneByteReader(strings.NewReader(text)).Read} }

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
