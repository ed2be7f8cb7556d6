package message

// base64State decodes base64 (RFC 2045 section 6.8) that comes in pieces.
// Octets outside the alphabet are skipped, padding may be missing, and after
// padding a new group starts, as in encodings that were pasted together.
type base64State struct {
	bits  uint32 // the sextets of the group that is not yet complete
	n     int    // how many they are
	junk  bool   // octets that are neither alphabet nor white space were skipped
	short bool   // a group of one sextet was dropped
}

const (
	b64Pad   = 64 + iota // '='
	b64Space             // white space
	b64Junk
)

var base64Values = func() (t [256]byte) {
	for i := range t {
		t[i] = b64Junk
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	t['='] = b64Pad
	for _, c := range " \t\r\n\v\f" {
		t[c] = b64Space
	}
	return t
}()

// appendBase64 decodes src behind dst.
func appendBase64[T string | []byte](s *base64State, dst []byte, src T) []byte {
	for i := 0; i < len(src); i++ {
		if s.n == 0 { // whole groups, the usual case
			for i+4 <= len(src) {
				a, b := base64Values[src[i]], base64Values[src[i+1]]
				c, d := base64Values[src[i+2]], base64Values[src[i+3]]
				if a|b|c|d >= 64 {
					break
				}
				dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
				i += 4
			}
			if i == len(src) {
				break
			}
		}
		switch v := base64Values[src[i]]; v {
		case b64Pad:
			dst, _ = s.finish(dst)
		case b64Space:
		case b64Junk:
			s.junk = true
		default:
			s.bits, s.n = s.bits<<6|uint32(v), s.n+1
			if s.n == 4 {
				dst = append(dst, byte(s.bits>>16), byte(s.bits>>8), byte(s.bits))
				s.bits, s.n = 0, 0
			}
		}
	}
	return dst
}

// openEnded tells whether the group at hand cannot be the last one: its spare
// bits are in use.
func (s *base64State) openEnded() bool {
	switch s.n {
	case 1:
		return true
	case 2:
		return s.bits&0xf != 0
	case 3:
		return s.bits&0x3 != 0
	}
	return false
}

// finish ends the group at hand; ok is false when a lone sextet was lost.
func (s *base64State) finish(dst []byte) (_ []byte, ok bool) {
	switch s.n {
	case 1:
		s.short = true
	case 2:
		dst = append(dst, byte(s.bits>>4))
	case 3:
		dst = append(dst, byte(s.bits>>10), byte(s.bits>>2))
	}
	ok = s.n != 1
	s.bits, s.n = 0, 0
	return dst, ok
}
