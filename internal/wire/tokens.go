package wire

import "math"

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

// TryNumber reads an unsigned decimal number where a server may have written
// something else: ok is false for what is none, or over 64 bits, and that is
// skipped like any value, so that what follows can still be read.
func (r *Reader) TryNumber() (n uint64, ok bool) {
	switch b := r.Next(); {
	case b >= '0' && b <= '9':
		ok = true
	case b == ')':
		return 0, false
	default:
		r.Skip()
		return 0, false
	}
	for {
		b, more := r.peek()
		if !more || b < '0' || b > '9' {
			return n, ok
		}
		digit := uint64(b - '0')
		if ok = ok && n <= (math.MaxUint64-digit)/10; ok {
			n = n*10 + digit
		} else {
			n = 0
		}
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

// take consumes b if it is the very next octet.
func (r *Reader) take(b byte) bool {
	if next, ok := r.peek(); !ok || next != b {
		return false
	}
	r.advance(1)
	return true
}
