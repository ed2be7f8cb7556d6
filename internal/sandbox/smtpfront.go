package sandbox

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// maxSMTPLine is the longest command line of SMTP, in octets. Lines of a mail
// may be as long as the mail.
const maxSMTPLine = 64 << 10

// smtpFront stands between the network and smtp.Server, as front does for IMAP:
// it qualifies addresses without a domain, which programs of this machine send
// to (RFC 5321, section 4.5.1, has <postmaster>), bounds command lines, and does
// STARTTLS, for it must read below it. Mail passes as it is.
type smtpFront struct {
	net.Conn
	config *tls.Config // nil: no STARTTLS

	// Only the goroutine that reads uses these.
	stream  net.Conn // the connection, or TLS on it
	br      *bufio.Reader
	pending []byte
	inside  bool  // the next octet goes on with a line
	chunk   int64 // octets of a BDAT still to come

	mu      sync.Mutex
	data    bool // a mail is being sent, by DATA
	hello   bool // the answer to EHLO follows
	swallow bool // the next answer is to a command of our own
}

func newSMTPFront(c net.Conn, config *tls.Config) *smtpFront {
	return &smtpFront{Conn: c, config: config, stream: c, br: bufio.NewReaderSize(c, maxSMTPLine)}
}

// Read implements net.Conn. It returns octets of one line at most.
func (f *smtpFront) Read(p []byte) (int, error) {
	for len(f.pending) == 0 {
		if err := f.fill(len(p)); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.pending)
	f.pending = f.pending[n:]
	return n, nil
}

// fill reads a line, or a piece of a mail of at most limit octets.
func (f *smtpFront) fill(limit int) error {
	if f.chunk > 0 {
		buf := make([]byte, min(f.chunk, int64(limit)))
		n, err := f.br.Read(buf)
		f.pending, f.chunk = buf[:n], f.chunk-int64(n)
		return err
	}
	line, err := f.br.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	if len(line) == 0 || err != nil && !long && !errors.Is(err, io.EOF) {
		return err
	}
	f.pending = bytes.Clone(line)
	begins := !f.inside
	f.inside = line[len(line)-1] != '\n'
	f.mu.Lock()
	data := f.data
	if data && begins && string(line) == ".\r\n" {
		f.data = false
	}
	f.mu.Unlock()
	switch {
	case data:
		return nil
	case long:
		_, _ = f.stream.Write([]byte("500 5.5.2 Line too long\r\n"))
		return net.ErrClosed
	case begins && !f.inside:
		return f.command(line)
	}
	return nil
}

var bareAddress = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^((?:RCPT TO|MAIL FROM): *<(?:[^@<>\s"\\]+|"(?:[^"\\]|\\.)*"))>`)
})

// command looks at a command line, which is in pending.
func (f *smtpFront) command(line []byte) error {
	words := append(strings.Fields(strings.ToUpper(string(line))), "", "")
	switch words[0] {
	case "RCPT", "MAIL":
		f.pending = bareAddress().ReplaceAll(f.pending, []byte("$1@localhost>"))
	case "BDAT":
		f.chunk, _ = strconv.ParseInt(words[1], 10, 63)
		f.chunk = max(f.chunk, 0)
	case "EHLO":
		f.mu.Lock()
		f.hello = f.config != nil
		f.mu.Unlock()
	case "STARTTLS":
		if f.config != nil && words[1] == "" {
			return f.startTLS()
		}
	}
	return nil
}

// startTLS shakes hands, and has the server forget what it was told before.
// What was sent ahead of the handshake ends the connection.
func (f *smtpFront) startTLS() error {
	if f.br.Buffered() > 0 {
		return net.ErrClosed
	}
	if _, err := f.stream.Write([]byte("220 2.0.0 Ready to start TLS\r\n")); err != nil {
		return err
	}
	secure := tls.Server(f.Conn, f.config)
	if err := secure.Handshake(); err != nil {
		return err
	}
	f.stream, f.config = secure, nil
	f.br.Reset(secure)
	f.mu.Lock()
	f.swallow = true
	f.mu.Unlock()
	f.pending = []byte("RSET\r\n")
	return nil
}

// Write implements net.Conn. The server writes line by line, flushing each.
func (f *smtpFront) Write(p []byte) (int, error) {
	f.mu.Lock()
	swallow, hello := f.swallow, f.hello
	f.swallow, f.hello = false, false
	f.data = f.data || bytes.HasPrefix(p, []byte("354"))
	f.mu.Unlock()
	if swallow {
		return len(p), nil
	}
	out := p
	if first, rest, found := bytes.Cut(p, []byte("\r\n")); found && hello && bytes.HasPrefix(first, []byte("250-")) {
		out = append(append(bytes.Clone(first), "\r\n250-STARTTLS\r\n"...), rest...)
	}
	if n, err := f.stream.Write(out); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}
