package sandbox

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// maxFrontLine is the longest command line, in octets, that a front looks
// into. imapserver refuses commands over 50 KiB.
const maxFrontLine = 64 << 10

// maxArgument is the largest literal, in octets, that imapserver takes in a
// command other than APPEND. For a larger one it would wait for ever.
const maxArgument = 4096

// maxTag is the longest tag, in octets, that is repeated to a client.
const maxTag = 64

// front stands between the network and imapserver, which it hands one command
// line at a time. It does what imapserver cannot be told to: it refuses the
// commands of hidden capabilities and takes them out of capability lists,
// answers lines and refuses literals that imapserver would choke on, rewrites
// the one search key that it gets wrong (see rewriteSearch), calls syntax errors
// by their name, and traces without secrets. Nothing else is changed.
//
// imapserver reads on only when it has answered everything before, so while
// front waits for a line, no command is being worked on (IDLE apart, whose end
// is a line with no verb).
type front struct {
	net.Conn
	caps    capabilities
	trace   *trace // nil: no trace
	id      int
	onClose func()
	faults  faults
	gone    chan struct{} // closed when the connection is
	hangUp  func()        // closes it, once

	// Only the goroutine that reads uses these.
	br       *bufio.Reader
	pending  []byte // rewritten or read, not yet handed on
	literal  int64  // octets of a literal still to come
	waits    bool   // the client waits for "+" before it sends the literal
	inside   bool   // the next line goes on with the same command
	commands int    // read so far
	secret   bool   // what the client sends now is starred out in the trace
	long     bool   // the line goes on: it is longer than maxFrontLine
	drop     bool   // imapserver has refused the command: skip the rest of it
	skip     int    // search arguments to come that are not keys

	mu        sync.Mutex
	tag, verb string // of the command last read; "" before the first
	continued bool   // "+" was sent since the last line was read
}

func newFront(c net.Conn, caps capabilities, t *trace, id int) *front {
	gone := make(chan struct{})
	return &front{
		Conn: c, caps: caps, trace: t, id: id, br: bufio.NewReaderSize(c, maxFrontLine), onClose: func() {},
		gone: gone, hangUp: sync.OnceFunc(func() { close(gone) }),
	}
}

// Close implements net.Conn.
func (f *front) Close() error {
	f.hangUp()
	err := f.Conn.Close()
	f.onClose()
	return err
}

// Read implements net.Conn. It returns octets of one line or literal at most.
func (f *front) Read(p []byte) (int, error) {
	if len(f.pending) == 0 {
		if err := f.fill(len(p)); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.pending)
	f.pending = f.pending[n:]
	return n, nil
}

// fill reads a line, or a piece of a literal of at most limit octets.
func (f *front) fill(limit int) error {
	f.mu.Lock()
	continued := f.continued
	f.continued = false
	f.mu.Unlock()

	if f.inside && f.waits && !continued { // imapserver refused it
		f.literal, f.inside = 0, false
	}
	f.waits = false
	if f.drop {
		if err := f.dropRest(); err != nil {
			return err
		}
	}
	if f.literal > 0 {
		return f.fillLiteral(limit)
	}
	line, err := f.br.ReadSlice('\n')
	whole := err == nil && !f.long
	for whole && !f.inside && !continued && f.answered(line) {
		line, err = f.br.ReadSlice('\n')
		whole = err == nil
	}
	if len(line) == 0 {
		return err
	}
	f.long = err != nil
	if whole && !f.inside && !continued {
		if err := f.spoil(); err != nil {
			return err
		}
	}
	saslResponse := f.verb == "AUTHENTICATE" && continued
	if whole && !saslResponse && !(f.verb == "IDLE" && continued) {
		line = f.command(line)
	}
	f.pending = bytes.Clone(line)
	if f.secret || saslResponse || !whole { // who knows what a part of a line is
		line = []byte("***\r\n")
	} else if f.verb == "LOGIN" || f.verb == "AUTHENTICATE" {
		line = redact(line)
	}
	f.trace.write(f.id, 'C', line)
	// What follows a LOGIN's literal is secret too.
	f.secret = f.verb == "LOGIN" && f.inside
	return nil
}

// answered answers a line without a command, at which imapserver would hang up.
func (f *front) answered(line []byte) bool {
	words := strings.Fields(string(line))
	if len(words) > 1 {
		return false
	}
	f.trace.write(f.id, 'C', line)
	tag := "*"
	if len(words) == 1 && len(words[0]) <= maxTag && !strings.ContainsFunc(words[0], func(r rune) bool { return r == '+' || notAtom(r) }) {
		tag = words[0]
	}
	_, err := f.Write([]byte(tag + " BAD No command\r\n"))
	return err == nil
}

func (f *front) fillLiteral(limit int) error {
	buf := make([]byte, min(f.literal, int64(limit), maxFrontLine))
	n, err := f.br.Read(buf)
	if n == 0 {
		return err
	}
	f.pending = buf[:n]
	f.literal -= int64(n)
	if f.secret {
		f.trace.write(f.id, 'C', []byte("***\r\n"))
	} else {
		f.trace.write(f.id, 'C', buf[:n])
	}
	return nil
}

// dropRest skips the announced literal and what follows, to the command's end.
func (f *front) dropRest() error {
	for f.drop {
		if _, err := io.CopyN(io.Discard, f.br, f.literal); err != nil {
			return err
		}
		line, err := f.br.ReadSlice('\n')
		if err != nil {
			return err
		}
		f.literal, f.inside, f.drop = 0, false, false
		if m := literalAtEnd().FindSubmatch(line); m != nil && len(m[2]) > 0 {
			f.drop = true
			f.literal, _ = strconv.ParseInt(string(m[1]), 10, 64)
		}
	}
	return nil
}

var literalAtEnd = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{(\d{1,18})(\+?)\}\r?\n$`)
})

// command looks at a whole line: the beginning of a command, or its rest after
// a literal. It returns the line as imapserver shall see it.
func (f *front) command(line []byte) []byte {
	tag, rest := "", string(line)
	if !f.inside {
		tag, rest, _ = strings.Cut(rest, " ")
		f.setCommand(tag, rest)
		tag += " "
		f.skip = 0
		if f.caps.refuses(strings.TrimRight(rest, "\r\n")) {
			rest = hideVerb(rest)
		}
	}
	switch f.verb {
	case "SEARCH":
		rest, f.skip = rewriteSearch(rest, f.skip, !f.inside)
	case "ENABLE":
		rest = f.enable(rest)
	}
	if strings.TrimSpace(rest) != "" || f.inside {
		line = []byte(tag + rest)
	}
	f.literal, f.inside = 0, false
	m := literalAtEnd().FindSubmatchIndex(line)
	if m == nil {
		return line
	}
	f.literal, _ = strconv.ParseInt(string(line[m[2]:m[3]]), 10, 64)
	f.waits = m[4] == m[5]
	f.inside = true
	switch {
	case f.verb == "APPEND" && f.literal > maxMessage && !f.waits: // refused, but left in the stream
		f.drop = true
	case f.verb != "APPEND" && f.literal > maxArgument:
		line = append(line[:m[0]:m[0]], "(\r\n"...) // a syntax error
		if f.drop = !f.waits; !f.drop {
			f.literal, f.inside, f.waits = 0, false, false
		}
	}
	return line
}

func (f *front) setCommand(tag, command string) {
	words := append(strings.Fields(command), "", "")
	verb := strings.ToUpper(words[0])
	if verb == "UID" {
		verb = strings.ToUpper(words[1])
	}
	f.mu.Lock()
	f.tag, f.verb = tag, verb
	f.mu.Unlock()
}

// hideVerb makes a command one that imapserver does not know.
func hideVerb(command string) string {
	if len(command) > 4 && strings.EqualFold(command[:4], "UID ") {
		return command[:4] + "X" + command[4:]
	}
	return "X" + command
}

// enable takes hidden capabilities out of an ENABLE, which imapserver would
// enable although it does not have them.
func (f *front) enable(command string) string {
	words := strings.Fields(command)
	kept := words[:0]
	for _, w := range words {
		if f.caps.has(canonicalCap(w)) {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ") + "\r\n"
}

// serverBug is what imapserver says when it cannot read an argument: a search
// key, a date, a set or a mailbox name. Nothing else of ours makes it say so.
const serverBug = " NO [SERVERBUG] Internal server error\r\n"

// Write implements net.Conn. While a reply can list capabilities imapserver
// writes line by line, flushing each.
func (f *front) Write(p []byte) (int, error) {
	f.mu.Lock()
	tag, verb := f.tag, f.verb
	f.continued = f.continued || bytes.HasPrefix(p, []byte("+"))
	f.mu.Unlock()
	out := p
	switch verb {
	case "", "CAPABILITY", "LOGIN", "AUTHENTICATE":
		out = f.caps.filter(p)
	}
	if string(p) == tag+serverBug {
		out = []byte(tag + " BAD Syntax error\r\n")
	}
	f.trace.write(f.id, 'S', out)
	if n, err := f.Conn.Write(out); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

// redact keeps the tag, the verb, a SASL mechanism and the brackets of a
// literal of a command that carries a secret.
func redact(line []byte) []byte {
	words := bytes.Fields(line)
	keep := 2
	if len(words) > 2 && bytes.EqualFold(words[1], []byte("AUTHENTICATE")) {
		keep = 3
	}
	if len(words) <= keep {
		return line
	}
	return append(bytes.Join(words[:keep], []byte(" ")), " ***\r\n"...)
}

// searchArgs is the number of arguments, which may be any word, of search keys.
func searchArgs(key string) int {
	switch strings.ToUpper(key) {
	case "BCC", "BODY", "CC", "FROM", "KEYWORD", "SUBJECT", "TEXT", "TO", "UNKEYWORD", "CHARSET":
		return 1
	case "HEADER":
		return 2
	}
	return 0
}

// rewriteSearch says "NOT LARGER n-1" for "SMALLER n": imapserver forgets
// SMALLER when a LARGER or a date key follows it. skip is the number of
// arguments still owed to a key before this piece of the command (a literal
// lies between), first tells that the piece begins with the verb.
func rewriteSearch(command string, skip int, first bool) (string, int) {
	var out strings.Builder
	if !first && skip > 0 {
		skip-- // the literal was one
	}
	smaller := false // the last word was the key SMALLER, not yet written
	for rest := command; rest != ""; {
		word := nextWord(rest)
		rest = rest[len(word):]
		blank := strings.Trim(word, " ()\r\n") == ""
		switch {
		case smaller && word == " ":
			continue
		case smaller && blank: // no number
			smaller = false
			out.WriteString("SMALLER" + word)
		case smaller:
			smaller = false
			out.WriteString(notLarger(word))
		case blank:
			out.WriteString(word)
		case skip > 0:
			if !literalAtEnd().MatchString(word + "\r\n") {
				skip--
			}
			out.WriteString(word)
		case strings.EqualFold(word, "SMALLER"):
			smaller = true
		default:
			skip = searchArgs(word)
			out.WriteString(word)
		}
	}
	return out.String(), skip
}

// nextWord is a quoted string, one blank or parenthesis, or what stands up to
// the next of these.
func nextWord(s string) string {
	if s[0] == '"' {
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return s[:i+1]
			}
		}
		return s
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r == '(' || r == ')' || unicode.IsSpace(r) }); i > 0 {
		return s[:i]
	} else if i == 0 {
		return s[:1]
	}
	return s
}

func notLarger(number string) string {
	n, err := strconv.ParseUint(number, 10, 63)
	switch {
	case err != nil:
		return "SMALLER " + number
	case n == 0:
		return "NOT ALL"
	}
	return "NOT LARGER " + strconv.FormatUint(n-1, 10)
}
