package sandbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// testNow is the clock of the tests.
func testNow() time.Time { return time.Date(2026, 11, 20, 19, 15, 0, 0, time.UTC) }

// start runs a sandbox until the test ends.
func start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Now == nil {
		o.Now = testNow
	}
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// raw is a connection that speaks in lines.
type rawConn struct {
	t testing.TB
	net.Conn
	br *bufio.Reader
	n  int
}

// connect dials and reads the greeting, which it returns too.
func connect(t testing.TB, s *Server) (*rawConn, string) {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return speak(t, c)
}

func speak(t testing.TB, c net.Conn) (*rawConn, string) {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r := &rawConn{t: t, Conn: c, br: bufio.NewReader(c)}
	return r, r.line()
}

// login dials, logs in and runs commands, each of which must succeed.
func login(t testing.TB, s *Server, commands ...string) *rawConn {
	t.Helper()
	r, _ := connect(t, s)
	r.ok("LOGIN " + s.user + " " + s.Password())
	for _, c := range commands {
		r.ok(c)
	}
	return r
}

// line reads one line with the literals in it, without the last CRLF.
func (r *rawConn) line() string {
	r.t.Helper()
	var out strings.Builder
	for {
		line, err := r.br.ReadString('\n')
		if err != nil {
			r.t.Fatalf("reading after %q: %v", out.String()+line, err)
		}
		out.WriteString(line)
		if m := literalAtEnd().FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			if _, err := io.CopyN(&out, r.br, int64(n)); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		return strings.TrimSuffix(out.String(), "\r\n")
	}
}

func (r *rawConn) send(format string, args ...any) {
	r.t.Helper()
	if _, err := fmt.Fprintf(r, format, args...); err != nil {
		r.t.Fatal(err)
	}
}

// do sends a command and returns the untagged lines and the tagged one without
// its tag.
func (r *rawConn) do(command string) (untagged []string, tagged string) {
	r.t.Helper()
	r.n++
	tag := fmt.Sprintf("t%d ", r.n)
	r.send("%s%s\r\n", tag, command)
	return r.until(tag)
}

func (r *rawConn) until(tag string) (untagged []string, tagged string) {
	r.t.Helper()
	for {
		line := r.line()
		if rest, ok := strings.CutPrefix(line, tag); ok {
			return untagged, rest
		}
		untagged = append(untagged, line)
	}
}

func (r *rawConn) ok(command string) []string {
	r.t.Helper()
	untagged, tagged := r.do(command)
	if !strings.HasPrefix(tagged, "OK") {
		r.t.Fatalf("%s: %s", command, tagged)
	}
	return untagged
}

// want runs a command and compares every line; the last is the tagged one,
// where "OK" and "NO" and "BAD" alone stand for any text.
func (r *rawConn) want(command string, want ...string) {
	r.t.Helper()
	got, tagged := r.do(command)
	last := want[len(want)-1]
	if last == "OK" || last == "NO" || last == "BAD" {
		tagged, _, _ = strings.Cut(tagged, " ")
	}
	got = append(got, tagged)
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		r.t.Errorf("%s\n got:\n%s\n\nwant:\n%s\n", command, g, w)
	}
}

// witness is go-imap's client, logged in.
func witness(t testing.TB, s *Server, o *imapclient.Options) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.Addr(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(s.user, s.Password()).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

// mail is a short message.
func mail1(subject, body string) []byte {
	return []byte("From: a@example.org\r\nSubject: " + subject + "\r\n\r\n" + body + "\r\n")
}

// put delivers a message.
func put(t testing.TB, s *Server, mailbox string, raw []byte, flags ...string) uint32 {
	t.Helper()
	uid, err := s.Append(mailbox, raw, flags, testNow())
	if err != nil {
		t.Fatal(err)
	}
	return uid
}
