package message

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// room is what a decoder below may write for one octet of input; it asks for
// that much before it takes the octet.
const room = 3 * utf8.UTFMax

// utf7 decodes UTF-7 (RFC 2152). What cannot be decoded becomes U+FFFD.
type utf7 struct {
	shifted bool
	empty   bool   // nothing since the "+"
	bits    uint32 // of the UTF-16 unit at hand
	n       int    // how many they are
	high    rune   // a high surrogate that waits for its other half
}

// Reset makes u ready for another text.
func (u *utf7) Reset() { *u = utf7{} }

// Transform is transform.Transformer's.
func (u *utf7) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for ; nSrc < len(src); nSrc++ {
		if len(dst)-nDst < room {
			return nDst, nSrc, transform.ErrShortDst
		}
		c := src[nSrc]
		v := base64Values[c]
		switch {
		case !u.shifted && c == '+':
			u.shifted, u.empty, u.bits, u.n = true, true, 0, 0
		case !u.shifted && c < utf8.RuneSelf:
			dst[nDst] = c
			nDst++
		case !u.shifted:
			nDst += utf8.EncodeRune(dst[nDst:], utf8.RuneError)
		case v < 64:
			u.empty = false
			u.bits, u.n = u.bits<<6|uint32(v), u.n+6
			if u.n >= 16 {
				u.n -= 16
				nDst = u.unit(dst, nDst, rune(u.bits>>u.n&0xffff))
			}
		default: // the end of the shifted text; "-" is only that
			nDst = u.lone(dst, nDst)
			u.shifted = false
			if c == '-' {
				if u.empty {
					dst[nDst] = '+'
					nDst++
				}
			} else {
				nDst += utf8.EncodeRune(dst[nDst:], asciiOr(c, utf8.RuneError))
			}
		}
	}
	if atEOF && u.high != 0 {
		if len(dst)-nDst < room {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst = u.lone(dst, nDst)
	}
	return nDst, nSrc, nil
}

// unit writes one UTF-16 unit.
func (u *utf7) unit(dst []byte, n int, r rune) int {
	if u.high != 0 {
		if full := utf16.DecodeRune(u.high, r); full != utf8.RuneError {
			u.high = 0
			return n + utf8.EncodeRune(dst[n:], full)
		}
		n = u.lone(dst, n)
	}
	if 0xd800 <= r && r < 0xdc00 {
		u.high = r
		return n
	}
	return n + utf8.EncodeRune(dst[n:], r)
}

// lone writes U+FFFD for a high surrogate without its other half.
func (u *utf7) lone(dst []byte, n int) int {
	if u.high != 0 {
		u.high = 0
		n += utf8.EncodeRune(dst[n:], utf8.RuneError)
	}
	return n
}

func asciiOr(c byte, other rune) rune {
	if c < utf8.RuneSelf {
		return rune(c)
	}
	return other
}

// iso2022 decodes ISO-2022-JP in all its variants (RFC 1468, RFC 1554),
// ISO-2022-KR (RFC 1557) and the GB 2312 part of ISO-2022-CN (RFC 1922), by
// handing each character to the decoder of the EUC form of its set.
type iso2022 struct {
	g0, g1, g2 byte // the sets; 0 is ASCII
	shift      bool // SO: g1 is in use
	single     bool // ESC N: the next character is from g2
	jp, cn, kr transform.Transformer
}

// The sets, named by the final octet of their designation.
const (
	setASCII    = 0
	setLatin1   = 'A' // ESC . A, the upper half
	setGreek    = 'F' // ESC . F
	setKatakana = 'I' // ESC ( I
	setGB       = 'a' // ESC $ A
	setJIS      = 'B' // ESC $ B and ESC $ @
	setKS       = 'C' // ESC $ ( C, ESC $ ) C
	setJIS0212  = 'D' // ESC $ ( D
)

func newISO2022() *iso2022 {
	return &iso2022{
		jp: japanese.EUCJP.NewDecoder(),
		cn: simplifiedchinese.GBK.NewDecoder(),
		kr: korean.EUCKR.NewDecoder(),
	}
}

// Reset makes s ready for another text.
func (s *iso2022) Reset() { s.g0, s.g1, s.g2, s.shift, s.single = 0, 0, 0, false, false }

// Transform is transform.Transformer's.
func (s *iso2022) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if len(dst)-nDst < room {
			return nDst, nSrc, transform.ErrShortDst
		}
		rest := src[nSrc:]
		c := rest[0]
		switch {
		case c == 0x1b:
			n := s.escape(rest)
			if n == 0 && len(rest) < 4 && !atEOF {
				return nDst, nSrc, transform.ErrShortSrc
			}
			if n == 0 { // no escape of ours: an octet like any other
				dst[nDst] = c
				nDst, n = nDst+1, 1
			}
			nSrc += n
			continue
		case c == 0x0e || c == 0x0f:
			s.shift = c == 0x0e
			nSrc++
			continue
		case c <= ' ' || c == 0x7f:
			if c == '\n' { // a line starts in ASCII, also where the sender forgot to say so
				s.g0, s.shift = setASCII, false
			}
			dst[nDst] = c
			nDst, nSrc = nDst+1, nSrc+1
			continue
		}
		set := s.g0
		if s.shift {
			set = s.g1
		}
		if s.single {
			set = s.g2
		}
		n, w, need := s.char(dst[nDst:], rest, set)
		if need && !atEOF {
			return nDst, nSrc, transform.ErrShortSrc
		}
		s.single = false
		nDst, nSrc = nDst+w, nSrc+n
	}
	return nDst, nSrc, nil
}

// char decodes one character of a set: n octets taken, w written; need says
// that src ends inside it.
func (s *iso2022) char(dst, src []byte, set byte) (n, w int, need bool) {
	var euc [3]byte
	c := src[0]
	t := s.jp
	switch set {
	case setASCII:
		return 1, utf8.EncodeRune(dst, asciiOr(c, utf8.RuneError)), false
	case setLatin1:
		return 1, utf8.EncodeRune(dst, rune(c|0x80)), false
	case setGreek:
		return 1, utf8.EncodeRune(dst, charmap.ISO8859_7.DecodeByte(c|0x80)), false
	case setKatakana:
		return 1, s.decode(dst, s.jp, append(euc[:0], 0x8e, c|0x80)), false
	case setGB:
		t = s.cn
	case setKS:
		t = s.kr
	}
	if len(src) < 2 || src[1] <= ' ' || src[1] == 0x7f {
		return 1, utf8.EncodeRune(dst, utf8.RuneError), len(src) < 2
	}
	octets := euc[:0]
	if set == setJIS0212 {
		octets = append(octets, 0x8f)
	}
	return 2, s.decode(dst, t, append(octets, c|0x80, src[1]|0x80)), false
}

func (s *iso2022) decode(dst []byte, t transform.Transformer, octets []byte) int {
	t.Reset()
	n, _, err := t.Transform(dst, octets, true)
	if err != nil || n == 0 {
		return utf8.EncodeRune(dst, utf8.RuneError)
	}
	return n
}

// escape reads the escape sequence that src starts with and returns its
// length, 0 when it is none of ours.
func (s *iso2022) escape(src []byte) int {
	at := func(i int) byte {
		if i < len(src) {
			return src[i]
		}
		return 0
	}
	switch at(1) {
	case '(':
		switch at(2) {
		case 'B', 'J', 'H':
			s.g0 = setASCII
			return 3
		case 'I':
			s.g0 = setKatakana
			return 3
		}
	case '.':
		if f := at(2); f == setLatin1 || f == setGreek {
			s.g2 = f
			return 3
		}
	case 'N':
		s.single = true
		return 2
	case '$':
		switch f := at(2); f {
		case '@', 'B':
			s.g0 = setJIS
			return 3
		case 'A':
			s.g0 = setGB
			return 3
		case '(', ')':
			set := map[byte]byte{'@': setJIS, 'B': setJIS, 'A': setGB, 'C': setKS, 'D': setJIS0212, 'O': setJIS, 'P': setJIS0212, 'Q': setJIS}[at(3)]
			switch {
			case set == 0:
				return 0
			case f == '(':
				s.g0 = set
			default:
				s.g1 = set
			}
			return 4
		}
	}
	return 0
}
