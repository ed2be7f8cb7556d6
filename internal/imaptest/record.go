package imaptest

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Command is what a client sent: a line with its literals, which in Text
// stand inline as {n}octets. Lines that answer a continuation and DONE are
// commands without a tag.
type Command struct {
	Conn     int // from 1
	Flight   int // from 1, within its connection
	At       time.Time
	Text     string
	Literals [][]byte // the first 64 KB of each
}

// Response is what a server sent, in the same form.
type Response struct {
	Conn   int
	At     time.Time
	Text   string
	Octets int64
}

// Record is what passed over connections, in order. Its methods may be called
// at any time; a connection number of 0 means every connection.
type Record struct {
	now     func() time.Time
	mu      sync.Mutex
	from    int // connections before it were forgotten by Reset
	conns   []*connRecord
	changed time.Time
}

type entry struct {
	at       time.Time
	client   bool
	response Response
	command  Command
}

type connRecord struct {
	rec      *Record
	number   int
	entries  []entry
	in, out  *scanner
	flights  int
	answered bool // the server spoke since the client did
	after    bool // the server spoke since the last command
	leaving  bool // the client has said LOGOUT
	gone     bool // the client has closed
	stayed   bool // it had heard an answer to its last command by then
	over     bool // both sides are done
	tls      bool // it began with a TLS record
	faults   []string
}

func newRecord() *Record { return &Record{now: time.Now} }

func (r *Record) open() *connRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &connRecord{rec: r, number: len(r.conns) + 1}
	c.in = &scanner{emit: c.command}
	c.out = &scanner{emit: c.response}
	r.conns = append(r.conns, c)
	r.changed = r.now()
	return c
}

func (c *connRecord) client(p []byte) {
	c.rec.mu.Lock()
	defer c.rec.mu.Unlock()
	c.rec.changed = c.rec.now()
	if c.flights == 0 {
		c.tls = bytes.HasPrefix(p, []byte{0x16, 0x03})
	}
	if c.flights == 0 || c.answered {
		c.flights++
	}
	c.answered = false
	c.in.feed(p)
}

func (c *connRecord) command(u unit) {
	c.after = false
	c.leaving = c.leaving || isLogout(u.text)
	for _, f := range u.faults {
		c.faults = append(c.faults, fmt.Sprintf("connection %d: %s: %.200q", c.number, f, u.text))
	}
	cmd := Command{Conn: c.number, Flight: c.flights, At: c.rec.changed, Text: u.text, Literals: u.literals}
	c.entries = append(c.entries, entry{at: cmd.At, client: true, command: cmd})
}

func (c *connRecord) server(p []byte) {
	c.rec.mu.Lock()
	defer c.rec.mu.Unlock()
	c.rec.changed = c.rec.now()
	c.answered, c.after = true, true
	c.out.feed(p)
}

func (c *connRecord) response(u unit) {
	if tag, _, _ := strings.Cut(u.text, " "); tag != "+" && tag != "*" {
		c.in.refused(tag)
	}
	resp := Response{Conn: c.number, At: c.rec.changed, Text: u.text, Octets: u.octets}
	c.entries = append(c.entries, entry{at: resp.At, response: resp})
}

// clientGone notes that the client has closed its side.
func (c *connRecord) clientGone() {
	c.rec.mu.Lock()
	defer c.rec.mu.Unlock()
	if !c.gone {
		c.gone, c.stayed = true, c.after
		c.rec.changed = c.rec.now()
	}
}

func (c *connRecord) close() {
	c.clientGone()
	c.rec.mu.Lock()
	defer c.rec.mu.Unlock()
	c.over = true
	if rest := c.in.rest(); rest != "" {
		cmd := Command{Conn: c.number, Flight: c.flights, At: c.rec.changed, Text: rest}
		c.entries = append(c.entries, entry{at: cmd.At, client: true, command: cmd})
	}
}

// Reset forgets what passed so far; open connections go on being recorded.
func (r *Record) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, c := range r.conns {
		c.entries, c.faults = nil, nil
		if c.over && i >= r.from {
			r.from = i + 1
		}
	}
}

// Conns is the number of connections since the last Reset.
func (r *Record) Conns() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns) - r.from
}

// Last is the number of the latest connection, 0 when there was none.
func (r *Record) Last() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

// Leaving is the connections whose clients have said LOGOUT or closed.
func (r *Record) Leaving() map[int]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[int]bool{}
	for _, c := range r.conns {
		if c.leaving || c.gone {
			out[c.number] = true
		}
	}
	return out
}

func (r *Record) each(conn int, f func(*connRecord, entry)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns[r.from:] {
		if conn == 0 || conn == c.number {
			for _, e := range c.entries {
				f(c, e)
			}
		}
	}
}

// Commands is what the client sent.
func (r *Record) Commands(conn int) []Command {
	var out []Command
	r.each(conn, func(_ *connRecord, e entry) {
		if e.client {
			out = append(out, e.command)
		}
	})
	return out
}

// Responses is what the server sent.
func (r *Record) Responses(conn int) []Response {
	var out []Response
	r.each(conn, func(_ *connRecord, e entry) {
		if !e.client {
			out = append(out, e.response)
		}
	})
	return out
}

// Match is the commands whose text re matches.
func (r *Record) Match(conn int, re *regexp.Regexp) []Command {
	var out []Command
	for _, c := range r.Commands(conn) {
		if re.MatchString(c.Text) {
			out = append(out, c)
		}
	}
	return out
}

// Flights counts the flights of one connection. A last LOGOUT that the client
// did not stay to hear answered is none, and neither is a NOOP that asks whether
// a slow server has dropped what came behind the login: nothing waits for it.
func (r *Record) Flights(conn int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if conn < 1 || conn > len(r.conns) {
		return 0
	}
	c := r.conns[conn-1]
	flights := map[int][]string{}
	for _, e := range c.entries {
		if e.client {
			flights[e.command.Flight] = append(flights[e.command.Flight], e.command.Text)
		}
	}
	n := c.flights
	for _, texts := range flights {
		if len(texts) == 1 && isCommand(texts[0], "NOOP") {
			n--
		}
	}
	if last := flights[c.flights]; len(last) == 1 && c.gone && !c.stayed && isLogout(last[0]) {
		n--
	}
	return n
}

func isLogout(text string) bool { return isCommand(text, "LOGOUT") }

func isCommand(text, name string) bool {
	_, rest, _ := strings.Cut(text, " ")
	return strings.EqualFold(rest, name)
}

// Faults is what the client did that IMAP forbids in any context: bare CR or
// LF, NUL, a command over 8192 octets. A client that spoke TLS to a server that
// did not is another matter.
func (r *Record) Faults() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, c := range r.conns {
		if !c.tls {
			out = append(out, c.faults...)
		}
	}
	return out
}

// Settle waits until every connection has ended, or nothing has passed for
// quiet, and at most limit.
func (r *Record) Settle(quiet, limit time.Duration) {
	for end := r.now().Add(limit); r.now().Before(end); time.Sleep(2 * time.Millisecond) {
		r.mu.Lock()
		over := r.now().Sub(r.changed) > quiet
		if !over {
			over = true
			for _, c := range r.conns {
				over = over && c.over
			}
		}
		r.mu.Unlock()
		if over {
			return
		}
	}
}

// String is a transcript for a person, long texts cut.
func (r *Record) String() string {
	var out strings.Builder
	var start time.Time
	r.each(0, func(c *connRecord, e entry) {
		if start.IsZero() {
			start = e.at
		}
		side, text := "S", e.response.Text
		if e.client {
			side, text = "C", e.command.Text
		}
		quoted := fmt.Sprintf("%.400q", text)
		if len(text) > 400 {
			quoted += fmt.Sprintf("… (%d octets)", len(text))
		}
		fmt.Fprintf(&out, "%d %7.3f %s %s\n", c.number, e.at.Sub(start).Seconds(), side, quoted)
	})
	return out.String()
}
