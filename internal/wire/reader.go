package wire

import (
	"bytes"
	"errors"
	"fmt"
)

// SyntaxError says that a response, or a part of it, is not what the grammar
// allows or goes over a limit. The rest of that response is skipped; the
// connection is still good.
type SyntaxError struct{ What string }

func (e *SyntaxError) Error() string { return e.What }

// IsSyntax reports whether err is, or wraps, a *SyntaxError.
func IsSyntax(err error) bool {
	_, ok := errors.AsType[*SyntaxError](err)
	return ok
}

// Reader reads the tokens of one response. Its errors are sticky: after the
// first, every method returns a zero value, Close reports true so that loops
// end, and Err tells what happened. Byte slices it returns are valid until
// the next call.
type Reader struct {
	buf   []byte
	r, w  int
	fill  func(p []byte) (int, error) // reads more; nil for bytes in memory
	came  int64                       // octets that fill has given so far
	line  int64                       // octets of this response outside literals
	mark  int64                       // line where the last literal or text was
	body  bool                        // the response may hold bodies
	lit   int64                       // octets left of an open literal
	depth int
	err   error
	long  []byte // scratch for what does not fit into buf
	cut   bool
}

// NewReader reads tokens from b, as of a response code's arguments.
func NewReader(b []byte) *Reader { return &Reader{buf: b, w: len(b)} }

// Err is the first error met, nil when there is none.
func (r *Reader) Err() error { return r.err }

// Cut reports whether a string of this response was cut at its limit.
func (r *Reader) Cut() bool { return r.cut }

// Fail makes err the reader's error unless it has one already.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *Reader) syntax(format string, args ...any) {
	r.Fail(&SyntaxError{fmt.Sprintf(format, args...)})
}

// more makes at least one more octet available behind those buffered.
func (r *Reader) more() bool {
	if r.err != nil {
		return false
	}
	if r.fill == nil {
		return false
	}
	if r.r == r.w || r.w == len(r.buf) {
		keep := max(0, r.r-lookBack)
		r.w = copy(r.buf, r.buf[keep:r.w])
		if r.r -= keep; r.w == len(r.buf) {
			return false
		}
	}
	n, err := r.fill(r.buf[r.w:])
	r.w += n
	r.came += int64(n)
	if n == 0 && err != nil {
		r.err = err
		return false
	}
	return n > 0
}

// inside makes at least one more octet of a literal available. Where there is
// none, Err tells why.
func (r *Reader) inside() bool {
	if r.r < r.w || r.more() {
		return true
	}
	r.syntax("a literal that is cut")
	return false
}

// drain discards what is left of an open literal.
func (r *Reader) drain() {
	for r.lit > 0 && r.err == nil {
		if !r.inside() {
			return
		}
		n := min(int64(r.w-r.r), r.lit)
		r.r += int(n)
		r.lit -= n
	}
}

// peek returns the next octet without consuming it; false at the end of the
// data or after an error.
func (r *Reader) peek() (byte, bool) {
	if r.err != nil {
		return 0, false
	}
	if r.lit > 0 {
		r.drain()
	}
	if r.r == r.w && !r.more() {
		return 0, false
	}
	return r.buf[r.r], true
}

func (r *Reader) advance(n int) {
	r.r += n
	r.line += int64(n)
	if r.line > MaxLine {
		r.Fail(limit("a response longer than %d octets", int64(MaxLine)))
	}
}

// offset is how many of the octets that have come are consumed.
func (r *Reader) offset() int64 { return r.came - int64(r.w-r.r) }

// spaces skips blanks: servers send two where the grammar has one, or none.
func (r *Reader) spaces() {
	for {
		b, ok := r.peek()
		if !ok || b != ' ' && b != '\t' {
			return
		}
		r.advance(1)
	}
}

// AtEnd reports whether the response has nothing more, or had an error.
func (r *Reader) AtEnd() bool {
	r.spaces()
	b, ok := r.peek()
	return !ok || b == '\r' || b == '\n'
}

// Next returns the first octet of the next token, 0 at the end.
func (r *Reader) Next() byte {
	if r.AtEnd() {
		return 0
	}
	b, _ := r.peek()
	return b
}

// Open consumes an opening parenthesis and reports whether there was one.
func (r *Reader) Open() bool {
	if r.Next() != '(' {
		return false
	}
	if r.depth++; r.depth > MaxDepth {
		r.syntax("parentheses nested deeper than %d", MaxDepth)
		return false
	}
	r.advance(1)
	return true
}

// Close consumes a closing parenthesis and reports whether there was one. At
// the end of the response, where the list was never closed, and after an
// error it reports true as well.
func (r *Reader) Close() bool {
	switch r.Next() {
	case ')':
		r.depth--
		r.advance(1)
		return true
	case 0:
		r.syntax("a list that does not end")
		return true
	}
	return false
}

// sampleSize is how many octets an error text quotes.
const sampleSize = 20

// sample is the next few octets of the line, for an error text.
func (r *Reader) sample() string {
	for r.w-r.r < sampleSize && bytes.IndexByte(r.buf[r.r:r.w], '\n') < 0 && r.more() {
	}
	b := r.buf[r.r:min(r.w, r.r+sampleSize)]
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// tooLong reports whether a literal of n octets, of which at most limit are
// wanted, is longer than anything but a body can be. That is fatal.
func (r *Reader) tooLong(n int64, limit int) bool {
	if n <= MaxString || limit > MaxToken || limit == 0 && r.body {
		return false
	}
	r.err = tooMuch(n)
	return true
}

// Skip passes over one value of any form, lists with all they hold.
func (r *Reader) Skip() {
	start, cut := r.depth, r.cut
	defer func() { r.cut = cut }()
	for {
		switch r.Next() {
		case 0:
			r.syntax("a value that does not end")
			return
		case '(':
			r.Open()
		case ')':
			if r.depth == start {
				return
			}
			r.Close()
		case '"', '{', '~':
			r.String(0)
		default:
			if len(r.Item()) == 0 && r.err == nil {
				r.syntax("%q where a value belongs", r.sample())
			}
		}
		if r.depth <= start || r.err != nil {
			return
		}
	}
}

// Text returns the rest of the line, cut at MaxText octets, and leaves the
// line end in place.
func (r *Reader) Text() []byte {
	r.spaces()
	r.long = r.long[:0]
	for {
		b, ok := r.peek()
		if !ok || b == '\n' {
			break
		}
		chunk := r.buf[r.r:r.w]
		if i := bytes.IndexByte(chunk, '\n'); i >= 0 {
			chunk = chunk[:i]
		}
		if room := MaxText - len(r.long); room > 0 {
			r.long = append(r.long, chunk[:min(room, len(chunk))]...)
		}
		r.advance(len(chunk))
	}
	r.mark = r.line // what looks like a literal's size here is text
	return bytes.TrimSuffix(r.long, []byte{'\r'})
}

// LiteralFollows says that what Text has returned ends with the announcement of
// a literal, which belongs to the response.
func (r *Reader) LiteralFollows() { r.mark = 0 }

// finish skips to the end of the response, whatever state the parse is in,
// following literals so that their octets are not taken for lines: also one
// whose announcement the parse took for part of a token. It keeps errors of
// the connection and forgets those of syntax.
func (r *Reader) finish(literals bool) error {
	if IsSyntax(r.err) {
		r.err = nil
	}
	r.depth, r.cut = 0, false
	r.drain()
	var tail [lookBack]byte // the last octets before the line's end, a ring
	n := int(min(r.line-r.mark, lookBack))
	copy(tail[:], r.buf[r.r-n:r.r])
	for {
		b, ok := r.peek()
		if !ok {
			break
		}
		r.advance(1)
		if b != '\n' {
			tail[n%len(tail)] = b
			n++
			continue
		}
		if size, ok := announced(&tail, n); literals && ok {
			if r.tooLong(size, 0) {
				break
			}
			r.lit, n = size, 0
			r.drain()
			continue
		}
		break
	}
	r.line, r.mark = 0, 0
	if cap(r.long) > bufferSize {
		r.long = nil
	}
	return r.err
}

// announced reports whether the n octets whose last ones are in tail, a ring,
// end in a literal's size, and which.
func announced(tail *[lookBack]byte, n int) (int64, bool) {
	at := func(i int) byte { return tail[i%len(tail)] }
	low := max(0, n-len(tail))
	if n > low && at(n-1) == '\r' {
		n--
	}
	if n <= low || at(n-1) != '}' {
		return 0, false
	}
	n--
	if n > low && at(n-1) == '+' {
		n--
	}
	size, unit := int64(0), int64(1)
	for ; n > low && at(n-1) >= '0' && at(n-1) <= '9' && unit < MaxLiteral; n-- {
		size += int64(at(n-1)-'0') * unit
		unit *= 10
	}
	return size, unit > 1 && n > low && at(n-1) == '{'
}
