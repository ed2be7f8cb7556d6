package output

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Visible returns s fit for a terminal, on one line: C0 controls and DEL as
// ^X, C1 controls, bidi controls, line separators and invisible characters as
// <U+202E>, invalid UTF-8 as U+FFFD. Joiners and variation selectors stay
// where scripts and emoji need them.
func Visible(s string) string {
	if isPlain(s) {
		return s
	}
	var prev rune
	out, _ := appendVisible(nil, []byte(s), &prev, false, true)
	return string(out)
}

// isPlain reports whether s is printable ASCII.
func isPlain[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// appendVisible appends src to dst as Visible does. lines keeps tabs and
// newlines, and CRLF as a newline. Unless final, octets that the next call
// may complete (half a character, a CR) are returned as rest. prev is the
// character that was shown last, and is kept up to date.
func appendVisible(dst, src []byte, prev *rune, lines, final bool) (out, rest []byte) {
	for len(src) > 0 {
		if !final && (!utf8.FullRune(src) || lines && len(src) == 1 && src[0] == '\r') {
			break
		}
		r, n := utf8.DecodeRune(src)
		shown := r
		switch {
		case lines && (r == '\t' || r == '\n'):
			dst = append(dst, byte(r))
		case lines && r == '\r' && len(src) > 1 && src[1] == '\n':
		case !hidden(r, *prev):
			dst = utf8.AppendRune(dst, r)
		case r <= 0x7f:
			dst = append(dst, '^', byte(r)^0x40)
			shown = '^'
		default:
			dst = fmt.Appendf(dst, "<U+%04X>", r)
			shown = '>'
		}
		*prev = shown
		src = src[n:]
	}
	return dst, src
}

const (
	zwnj         = 0x200c
	zwj          = 0x200d
	firstComplex = 0x590 // from here on there are scripts and emoji that need joiners
)

// hidden reports whether r, standing behind prev, could act on a terminal or
// deceive the eye rather than be read. prev is not hidden itself.
func hidden(r, prev rune) bool {
	switch {
	case r <= '~':
		return r < ' '
	case r < 0xa0:
		return true
	case r < 0x300:
		return r == 0xad
	case r == zwnj || r == zwj:
		return prev < firstComplex || prev == zwnj || prev == zwj
	case unicode.Is(unicode.Variation_Selector, r):
		emoji := r == 0xfe0e || r == 0xfe0f // "1\ufe0f\u20e3" is a keycap
		return prev <= ' ' || prev < firstComplex && !emoji ||
			prev == zwnj || prev == zwj || unicode.Is(unicode.Variation_Selector, prev)
	case unicode.Is(unicode.Cf, r):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return unicode.In(r, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}
