package imaptest

import (
	"bufio"
	"compress/flate"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// rawClient is a client that does only what a test tells it to.
type rawClient struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *rawClient {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(hangLimit))
	return &rawClient{t, c, bufio.NewReader(c)}
}

func (c *rawClient) secure(ca *CA) {
	c.t.Helper()
	conn := tls.Client(c.Conn, &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"})
	if err := conn.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.Conn, c.r = conn, bufio.NewReader(conn)
}

func (c *rawClient) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// line reads one line and wants it to begin with prefix.
func (c *rawClient) line(prefix string) string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, prefix) {
		c.t.Fatalf("read %q, %v; want %q", line, err, prefix)
	}
	return line
}

// until reads up to the line that begins with prefix and returns all of it.
func (c *rawClient) until(prefix string) string {
	c.t.Helper()
	var all strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			c.t.Fatalf("%v after %q; want %q", err, all.String(), prefix)
		}
		if strings.HasPrefix(line, prefix) {
			return all.String()
		}
	}
}

func (c *rawClient) end() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Fatalf("want the end, got %q, %v", rest, err)
	}
}

func start(t *testing.T, script string, o Options) *Scripted {
	t.Helper()
	s, err := Start(script, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// compress goes on inside DEFLATE.
func (c *rawClient) compress() {
	w, err := flate.NewWriter(c.Conn, flate.DefaultCompression)
	if err != nil {
		c.t.Fatal(err)
	}
	c.r = bufio.NewReader(flate.NewReader(c.r))
	c.Conn = deflated{c.Conn, flusher{w}}
}

type deflated struct {
	net.Conn
	w io.Writer
}

func (d deflated) Write(p []byte) (int, error) { return d.w.Write(p) }

func clientConfig(ca *CA) *tls.Config {
	return &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"}
}
