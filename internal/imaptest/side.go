package imaptest

import (
	"compress/flate"
	"crypto/tls"
	"io"
	"net"
	"time"
)

// side is one end of a connection, whose octets can change from plain to TLS
// and to DEFLATE while it lives.
type side struct {
	raw   net.Conn // TCP
	peer  peer     // the process at the other end
	conn  net.Conn // TCP or TLS
	out   io.Writer
	in    *inbox
	tap   func([]byte)
	ended func()
	spawn func(func())
}

// peer is the process at the other end of a connection: 0 as long as nobody has
// looked, -1 where it is unknown.
type peer struct{ pid int }

// attach reads from c and writes to it from now on.
func (s *side) attach(c net.Conn) {
	s.conn, s.out = c, c
	s.fill(c)
}

func (s *side) fill(r io.Reader) {
	in := newInbox(s.tap, s.ended)
	s.in = in
	s.spawn(func() { in.fill(r, time.Now) })
}

// inner is the connection that a handshake goes over.
func (s *side) inner() net.Conn {
	if s.in == nil {
		return s.raw
	}
	return swapped{s.conn, s.in}
}

// secure shakes hands and goes on inside TLS.
func (s *side) secure(c *tls.Conn) error {
	if err := c.Handshake(); err != nil {
		return err
	}
	s.attach(c)
	return nil
}

// compress makes both directions DEFLATE. The tap sees what is inside.
func (s *side) compress() {
	old := s.in
	old.untap()
	w, _ := flate.NewWriter(s.out, flate.DefaultCompression) // the level is valid
	s.out = flusher{w}
	s.fill(flate.NewReader(old))
}

// finish says that nothing more will be sent.
func (s *side) finish() {
	if t, ok := s.conn.(*tls.Conn); ok {
		t.CloseWrite()
	}
	if tcp, ok := s.raw.(*net.TCPConn); ok {
		tcp.CloseWrite()
	}
}

// reset makes the coming Close a TCP RST.
func (s *side) reset() {
	if tcp, ok := s.raw.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

type flusher struct{ w *flate.Writer }

func (f flusher) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	if err == nil {
		err = f.w.Flush()
	}
	return n, err
}
