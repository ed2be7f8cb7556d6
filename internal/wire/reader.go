package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
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
	line  int64                       // octets of this response outside literals
	mark  int64                       // line where the last literal or text was
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

func delimiter(b byte) bool {
	switch b {
	case ' ', '\t', '(', ')', '\r', '\n', '"':
		return true
	}
	return false
}

// Atom reads an atom: everything up to a blank, a parenthesis, a quote or the
// end. It is empty when none of that stands here.
func (r *Reader) Atom() []byte { return r.run(delimiter) }

// run reads octets until stop says so.
func (r *Reader) run(stop func(byte) bool) []byte {
	r.spaces()
	if _, ok := r.peek(); !ok {
		return nil
	}
	n := 0
	for {
		for r.r+n < r.w && n < MaxToken {
			if stop(r.buf[r.r+n]) {
				out := r.buf[r.r : r.r+n]
				r.advance(n)
				return out
			}
			n++
		}
		if n == MaxToken {
			r.syntax("a token longer than %d octets", MaxToken-1)
			return nil
		}
		if !r.more() {
			if r.err != nil {
				return nil
			}
			out := r.buf[r.r : r.r+n]
			r.advance(n)
			return out
		}
	}
}

// Until reads everything up to the octet end or the line's end, for values
// that servers fill with what is no token.
func (r *Reader) Until(end byte) []byte {
	return r.run(func(b byte) bool { return b == end || b == '\r' || b == '\n' })
}

// Item reads a FETCH item's name with its section: BODY[1.MIME]<0>. Blanks
// and parentheses inside the brackets belong to it; a literal right behind
// them does not.
func (r *Reader) Item() []byte {
	bracket, quoted, section := 0, false, false
	return r.run(func(b byte) bool {
		switch {
		case b == '\r' || b == '\n':
			return true
		case quoted:
			quoted = b != '"'
		case bracket > 0 && b == '"':
			quoted = true
		case b == '[':
			bracket++
		case b == ']':
			bracket--
			section = true
		case bracket <= 0:
			return delimiter(b) || section && b == '{'
		}
		return false
	})
}

// Take consumes item where that very item stands in front of a blank, and
// reports whether it did. It does what Item would, without a look at each
// octet, for an item that a server tells of a hundred thousand messages; it may
// report false where the item has not arrived whole.
func (r *Reader) Take(item string) bool {
	r.spaces()
	b := r.buf[r.r:r.w]
	if r.err != nil || item == "" || len(b) <= len(item) || b[len(item)] != ' ' || string(b[:len(item)]) != item {
		return false
	}
	r.advance(len(item))
	return true
}

// Number reads an unsigned decimal number.
func (r *Reader) Number() uint64 {
	if b := r.Next(); b < '0' || b > '9' {
		r.syntax("%q where a number belongs", r.sample())
		return 0
	}
	n := uint64(0)
	for {
		b, ok := r.peek()
		if !ok || b < '0' || b > '9' {
			return n
		}
		digit := uint64(b - '0')
		if n > math.MaxUint64/10 || n*10 > math.MaxUint64-digit {
			r.syntax("a number over 64 bits")
			return 0
		}
		n = n*10 + digit
		r.advance(1)
	}
}

// Number32 reads a number that the grammar limits to 32 bits, such as a UID.
func (r *Reader) Number32() uint32 {
	n := r.Number()
	if n > math.MaxUint32 {
		r.syntax("number %d is over 32 bits", n)
		return 0
	}
	return uint32(n)
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

// literalHead reads {n}, {n+} or ~{n} and the line end and leaves the reader
// at the literal's first octet.
func (r *Reader) literalHead() (int64, bool) {
	if b, _ := r.peek(); b == '~' {
		r.advance(1)
	}
	if b, _ := r.peek(); b != '{' {
		r.syntax("%q where a string belongs", r.sample())
		return 0, false
	}
	r.advance(1)
	if b, _ := r.peek(); b < '0' || b > '9' {
		r.syntax("a literal without its size")
		return 0, false
	}
	n := r.Number()
	if IsSyntax(r.err) { // where the literal ends cannot be known
		r.err = limit("a literal of an impossible size")
		return 0, false
	}
	if b, _ := r.peek(); b == '+' {
		r.advance(1)
	}
	if b, _ := r.peek(); b != '}' {
		r.syntax("a literal without its size")
		return 0, false
	}
	r.advance(1)
	if b, _ := r.peek(); b == '\r' {
		r.advance(1)
	}
	if b, _ := r.peek(); b != '\n' {
		r.syntax("a literal's size without a line end")
		return 0, false
	}
	if n > MaxLiteral {
		r.Fail(limit("a literal of %d octets", n))
		return 0, false
	}
	r.advance(1)
	r.mark = r.line
	return int64(n), r.err == nil
}

// String reads a string in any of its forms (quoted, literal, atom, NIL) and
// reports whether there was one: NIL and "no string here" are false. What is
// longer than limit octets is cut there, and Cut reports it.
func (r *Reader) String(limit int) (s []byte, ok bool) {
	switch b := r.Next(); b {
	case 0, '(', ')':
		r.syntax("%q where a string belongs", r.sample())
		return nil, false
	case '"':
		return r.quoted(limit)
	case '{', '~':
		if b == '~' && !r.ahead("~{") {
			break
		}
		n, ok := r.literalHead()
		if !ok {
			return nil, false
		}
		return r.literal(n, limit)
	}
	a := r.Atom()
	if isNil(a) {
		return nil, false
	}
	return a, r.err == nil
}

func isNil(a []byte) bool { return len(a) == 3 && bytes.EqualFold(a, []byte("NIL")) }

// ahead reports whether the next octets are s.
func (r *Reader) ahead(s string) bool {
	for r.w-r.r < len(s) {
		if !r.more() {
			return false
		}
	}
	return string(r.buf[r.r:r.r+len(s)]) == s
}

// literal returns n octets, in place where they fit into the buffer.
func (r *Reader) literal(n int64, limit int) ([]byte, bool) {
	if n <= int64(len(r.buf)-lookBack) && n <= int64(limit) {
		for int64(r.w-r.r) < n {
			if !r.more() {
				r.syntax("a literal that is cut")
				return nil, false
			}
		}
		out := r.buf[r.r : r.r+int(n)]
		r.r += int(n)
		return out, true
	}
	r.lit = n
	keep := int(min(n, int64(limit)))
	r.long = r.long[:0]
	for len(r.long) < keep {
		if !r.inside() {
			return nil, false
		}
		k := min(r.w-r.r, keep-len(r.long))
		r.long = append(r.long, r.buf[r.r:r.r+k]...)
		r.r += k
		r.lit -= int64(k)
	}
	r.cut = r.cut || r.lit > 0
	r.drain()
	return r.long, r.err == nil
}

// quoted reads a quoted string. Some servers forget to escape a quote inside:
// one that is not followed by a blank, a closing bracket or the line's end is
// taken as part of the text.
func (r *Reader) quoted(limit int) ([]byte, bool) {
	r.advance(1)
	r.long = r.long[:0]
	for {
		b, ok := r.peek()
		if !ok || b == '\r' || b == '\n' {
			r.syntax("a quoted string that does not end")
			return nil, false
		}
		r.advance(1)
		if b == '"' && r.endsQuoted() {
			return r.long, r.err == nil
		}
		if b == '\\' {
			if e, ok := r.peek(); ok && (e == '"' || e == '\\') {
				b = e
				r.advance(1)
			}
		}
		if len(r.long) < limit {
			r.long = append(r.long, b)
		} else {
			r.cut = true
		}
	}
}

func (r *Reader) endsQuoted() bool {
	b, ok := r.peek()
	if !ok {
		return true
	}
	switch b {
	case ' ', ')', '(', '\r', '\n', ']':
		return true
	}
	return false
}

// Body is a string value read as a stream. Reading it to the end gives
// io.EOF; a connection that ends inside gives the connection's error. What is
// left unread is skipped when the next token is asked for.
type Body struct {
	r    *Reader
	mem  []byte // a quoted string's octets
	lit  bool
	Size int64 // octets announced
}

// Body opens the string that stands here as a stream; nil for NIL.
func (r *Reader) Body() *Body {
	switch b := r.Next(); b {
	case '{', '~':
		n, ok := r.literalHead()
		if !ok {
			return nil
		}
		r.lit = n
		return &Body{r: r, lit: true, Size: n}
	}
	s, ok := r.String(MaxString)
	if !ok {
		return nil
	}
	return &Body{mem: append([]byte(nil), s...), Size: int64(len(s))}
}

func (b *Body) Read(p []byte) (int, error) {
	if !b.lit {
		if len(b.mem) == 0 {
			return 0, io.EOF
		}
		n := copy(p, b.mem)
		b.mem = b.mem[n:]
		return n, nil
	}
	r := b.r
	if r.lit == 0 {
		return 0, io.EOF
	}
	if !r.inside() {
		return 0, r.err
	}
	n := copy(p, r.buf[r.r:min(int64(r.w), int64(r.r)+r.lit)])
	r.r += n
	r.lit -= int64(n)
	return n, nil
}

// WriteTo hands the octets on without a second buffer.
func (b *Body) WriteTo(w io.Writer) (total int64, err error) {
	if !b.lit {
		n, err := w.Write(b.mem)
		b.mem = b.mem[n:]
		return int64(n), err
	}
	r := b.r
	for r.lit > 0 {
		if !r.inside() {
			return total, r.err
		}
		end := min(int64(r.w), int64(r.r)+r.lit)
		n, err := w.Write(r.buf[r.r:end])
		r.r += n
		r.lit -= int64(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
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

// take consumes b if it is the very next octet.
func (r *Reader) take(b byte) bool {
	if next, ok := r.peek(); !ok || next != b {
		return false
	}
	r.advance(1)
	return true
}

// Set streams a sequence set, calling fn for each range as it comes. A single
// number is a range of itself; lo may be above hi. It expands nothing.
func (r *Reader) Set(fn func(lo, hi uint32)) {
	for {
		lo := r.Number32()
		hi := lo
		if r.take(':') {
			hi = r.Number32()
		}
		if r.err != nil {
			return
		}
		fn(lo, hi)
		if !r.take(',') {
			return
		}
	}
}
