package wire

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// traceLine is how much of one line the trace shows, in octets.
const traceLine = 2000

// Trace writes what passes over a connection for a person to read: an arrow
// each way, the time since the start, literals as their size, secrets as
// <hidden>. Each line is one call of Write. A nil Trace writes nothing. Errors of
// the writer are ignored: a trace must not break the session it watches.
type Trace struct {
	w       io.Writer
	now     func() time.Time
	start   time.Time
	show    bool // secrets too
	secrets []string
	longest int // of the secrets, in octets

	head []byte         // the server's line so far, at most room() octets
	tail [lookBack]byte // its last octets, a ring
	n    int            // its length
	skip int64          // octets left of a server literal
}

// NewTrace starts a trace on w. With showSecrets nothing is hidden.
func NewTrace(w io.Writer, now func() time.Time, showSecrets bool) *Trace {
	return &Trace{w: w, now: now, start: now(), show: showSecrets}
}

// begin forgets the line that another connection was cut off in: a Trace may go
// on with the next one.
func (t *Trace) begin() {
	if t != nil {
		t.head, t.n, t.skip = t.head[:0], 0, 0
	}
}

// Note writes a line about the connection itself.
func (t *Trace) Note(format string, args ...any) {
	if t != nil {
		t.print("==", fmt.Sprintf(format, args...))
	}
}

func (t *Trace) hide(secrets []string) {
	if t.show {
		return
	}
	t.secrets = secrets
	for _, s := range secrets {
		t.longest = max(t.longest, len(s))
	}
}

// room is how much of a line is kept: what is shown, and behind it enough to
// know a secret that begins there.
func (t *Trace) room() int { return traceLine + 1 + t.longest }

func (t *Trace) print(arrow, line string) {
	if len(line) > traceLine {
		line = line[:traceLine] + "…"
	}
	fmt.Fprintf(t.w, "%8.3f %s %s\n", t.now().Sub(t.start).Seconds(), arrow, line)
}

func (t *Trace) client(line string) {
	if t != nil {
		t.print("->", redact(line, t.secrets))
	}
}

func (t *Trace) secret(s string) string {
	if t != nil && t.show {
		return s
	}
	return "<hidden>"
}

func (t *Trace) literal(client bool, n int64) {
	if t == nil {
		return
	}
	arrow := "<-"
	if client {
		arrow = "->"
	}
	t.print(arrow, fmt.Sprintf("<%d octets>", n))
}

// server takes octets as they arrive and prints whole lines.
func (t *Trace) server(p []byte) {
	if t == nil {
		return
	}
	for len(p) > 0 {
		if t.skip > 0 {
			n := min(t.skip, int64(len(p)))
			p, t.skip = p[n:], t.skip-n
			continue
		}
		end := bytes.IndexByte(p, '\n')
		chunk := p
		if end >= 0 {
			chunk = p[:end]
		}
		t.head = append(t.head, chunk[:min(len(chunk), max(0, t.room()-len(t.head)))]...)
		for i := max(0, len(chunk)-len(t.tail)); i < len(chunk); i++ {
			t.tail[(t.n+i)%len(t.tail)] = chunk[i]
		}
		t.n += len(chunk)
		if end < 0 {
			return
		}
		p = p[end+1:]
		t.serverLine()
	}
}

func (t *Trace) serverLine() {
	line := strings.TrimSuffix(string(t.head), "\r")
	size, isLiteral := announced(&t.tail, t.n)
	shown := redact(line, t.secrets)
	if t.n > len(t.head) { // its end may be a part of a secret
		shown = shown[:max(0, len(shown)-t.longest)] + "…"
	}
	t.head, t.n = t.head[:0], 0
	t.print("<-", shown)
	if isLiteral && !statusLine(line) {
		t.skip = size
		t.literal(false, size)
	}
}

// statusLine reports whether line is a status response, whose text may end
// like a literal's size without being one.
func statusLine(line string) bool {
	if strings.HasPrefix(line, "+") {
		return true
	}
	words := strings.SplitN(line, " ", 3)
	return len(words) > 1 && isStatus(strings.ToUpper(words[1]))
}
