package message

import (
	"strings"
	"unicode/utf8"
)

// DecodeText decodes the value of an unstructured header field: encoded-words
// (RFC 2047, with RFC 2231's language), raw UTF-8 (RFC 6532), and octets of no
// declared charset. Encoded-words are found anywhere, joined where only blanks
// stand between them, also when a character is split over two of them. The
// result is valid UTF-8; ok is false when something in it was guessed or
// replaced. What looks like an encoded-word and is none stays as it is.
func DecodeText(raw []byte) (text string, ok bool) { return decodeText(string(raw)) }

func decodeText(s string) (string, bool) {
	if isPlain(s) {
		return s, true
	}
	d := wordDecoder{ok: true, octets: make([]byte, 0, 128)}
	d.out.Grow(len(s))
	pos, afterWord := 0, false
	for from := 0; ; {
		k := strings.Index(s[from:], "=?")
		if k < 0 {
			break
		}
		w := parseWord(s, from+k)
		if w.end == 0 {
			from += k + 2
			continue
		}
		if between := s[pos : from+k]; !afterWord || trim(between) != "" {
			d.flush()
			d.literal(between)
		}
		d.add(w)
		pos, from, afterWord = w.end, w.end, true
	}
	d.flush()
	d.literal(s[pos:])
	return d.out.String(), d.ok
}

// isPlain tells whether s is ASCII without encoded-words and without the
// escape sequences of ISO-2022.
func isPlain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf || c == 0x1b || c == '=' && i+1 < len(s) && s[i+1] == '?' {
			return false
		}
	}
	return true
}

// word is one encoded-word; end is the offset behind it, 0 for none.
type word struct {
	charset string
	base64  bool
	text    string
	end     int
}

// maxCharset is the longest charset name that is looked at.
const maxCharset = 64

// parseWord reads the encoded-word that starts at s[i:], which begins with
// "=?". It looks no further than the start of the next one, so that many
// unfinished words cost linear time.
func parseWord(s string, i int) (w word) {
	start := i + 2
	q := strings.IndexByte(s[start:min(len(s), start+maxCharset)], '?')
	if q < 0 || strings.ContainsAny(s[start:start+q], " \t\"<>()=") {
		return w
	}
	text := start + q + 3 // behind "?B?"
	if text > len(s) || s[text-1] != '?' {
		return w
	}
	switch s[text-2] {
	case 'b', 'B':
		w.base64 = true
	case 'q', 'Q':
	default:
		return w
	}
	end := wordEnd(s[text:], w.base64)
	if end < 0 {
		return w
	}
	w.charset, _, _ = strings.Cut(s[start:start+q], "*")
	w.text = s[text : text+end]
	w.end = text + end + 2
	return w
}

// wordEnd finds the "?=" that ends an encoded text, or -1. In the Q encoding
// a "?=" followed by two hexadecimal digits is a question mark that should
// have been encoded and the escape behind it, if a better end follows.
func wordEnd(s string, base64 bool) int {
	first := -1
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i] == '?' && s[i+1] == '=':
			if base64 || i+3 >= len(s) || !isHex(s[i+2]) || !isHex(s[i+3]) {
				return i
			}
			if first < 0 {
				first = i
			}
		case s[i] == '=' && s[i+1] == '?' && i+2 < len(s) && s[i+2] != '=':
			return first
		}
	}
	return first
}

// wordDecoder gathers adjacent encoded-words of one charset as octets before
// decoding them, because senders split characters and even base64 groups.
type wordDecoder struct {
	out     strings.Builder
	ok      bool
	charset string
	octets  []byte
	words   bool // octets hold words that are not yet decoded
	b64     base64State
}

func (d *wordDecoder) literal(s string) {
	if utf8.ValidString(s) && strings.IndexByte(s, 0x1b) < 0 {
		d.out.WriteString(s)
		return
	}
	text, sure := guess(s)
	d.out.WriteString(text)
	d.ok = d.ok && sure
}

func (d *wordDecoder) add(w word) {
	if d.words && !strings.EqualFold(d.charset, w.charset) {
		d.flush()
	}
	d.charset, d.words = w.charset, true
	if !w.base64 {
		d.endBase64()
		d.octets = appendQ(d.octets, w.text)
		return
	}
	d.octets = appendBase64(&d.b64, d.octets, w.text)
	if !d.b64.openEnded() {
		d.endBase64()
	}
}

func (d *wordDecoder) endBase64() {
	var ok bool
	if d.octets, ok = d.b64.finish(d.octets); !ok {
		d.ok = false
	}
}

func (d *wordDecoder) flush() {
	if !d.words {
		return
	}
	d.endBase64()
	text, ok := decodeOctets(string(d.octets), d.charset)
	d.out.WriteString(text)
	d.ok = d.ok && ok
	d.octets, d.words = d.octets[:0], false
}

// appendQ decodes the Q encoding; bad escapes stay as they are.
func appendQ(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			dst = append(dst, ' ')
		case c == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
