package wire

import (
	"bytes"
	"io"
)

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
	if r.tooLong(n, limit) {
		return nil, false
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
