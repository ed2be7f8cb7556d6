package message

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// TextReader streams text as UTF-8 with LF as line end.
type TextReader struct {
	stream
	text *textCodec
}

// DecodeCharset reads text in constant memory out of a charset: to valid
// UTF-8, with CRLF as LF and without a byte order mark. known is false when
// there is no such charset (an empty name is US-ASCII's, RFC 2046). Octets of
// an unknown charset, and 8-bit octets in what should be US-ASCII or is not
// UTF-8, are guessed from the first of them on: UTF-8, ISO-2022-JP or
// windows-1252. Warnings tells so. An error of r is returned behind the text
// before it. DecodeCharset itself does not read.
func DecodeCharset(r io.Reader, charset string) (t *TextReader, known bool) {
	c := &textCodec{}
	if charset == "" {
		c.class, c.undeclared = classASCII, true
	} else {
		c.decoder, c.class = charsetOf(charset)
	}
	return &TextReader{stream: *newStream(r, c), text: c}, c.class != classUnknown
}

// Warnings tells what was wrong with the text, after it has been read to its
// end.
func (t *TextReader) Warnings() (list []string) {
	if t.text.class == classUnknown {
		list = append(list, "unknown charset, it was guessed")
	} else if t.text.guessed {
		list = append(list, "the charset of the text was guessed")
	}
	if t.text.replaced {
		list = append(list, "octets that are not text in its charset were replaced")
	}
	return list
}

// guessWindow is the number of octets from the first 8-bit one on by which
// the charset is guessed.
const guessWindow = 4096

type textCodec struct {
	class      class
	undeclared bool
	sibling    string                // charset that another part declares, empty for none
	decoder    transform.Transformer // nil for UTF-8 and as long as nothing is guessed
	decided    bool                  // an 8-bit octet was seen
	guessed    bool
	replaced   bool
	started    bool // something has been written
	cr         bool // a CR waits for what follows it
	utf8       [streamBuffer]byte
}

func (c *textCodec) decode(dst, src []byte, last bool) ([]byte, int) {
	taken := 0
	if c.decoder == nil && !c.decided {
		taken = asciiPrefix(src, last)
		dst, _ = c.normalise(dst, src[:taken], false)
		if len(src)-taken < guessWindow && !last {
			return dst, taken
		}
		if taken < len(src) {
			c.decide(src[taken:], last)
		}
	}
	var n int
	if c.decoder == nil {
		dst, n = c.normalise(dst, src[taken:], last)
	} else {
		dst, n = c.transform(dst, src[taken:], last)
	}
	if last && c.cr {
		dst, c.cr = append(dst, '\r'), false
	}
	return dst, taken + n
}

// asciiPrefix is the offset of the first octet that is not ASCII or starts an
// escape sequence of ISO-2022, or may start one; len(src) for none.
func asciiPrefix(src []byte, last bool) int {
	for i, b := range src {
		if b >= utf8.RuneSelf || b == 0x1b && (i+1 < len(src) && src[i+1] == '$' || i+1 == len(src) && !last) {
			return i
		}
	}
	return len(src)
}

// decide guesses how to go on, from where ASCII ends.
func (c *textCodec) decide(src []byte, last bool) {
	window := src[:min(len(src), guessWindow)]
	whole := last && len(window) == len(src)
	end := utf8Prefix(window)
	switch {
	case window[0] == 0x1b:
		c.decoder = newISO2022()
	case end == len(window), !whole && !utf8.FullRune(window[end:]), looksUTF8(window):
	default:
		c.decoder = guessed8bit(window, c.sibling)
	}
	c.decided = true
	c.guessed = c.decoder != nil || c.class == classUnknown || c.class == classASCII && !c.undeclared
}

// guessed8bit chooses a decoder for 8-bit octets that are not UTF-8: of the
// charset that another part of the message declares, if they fit it, else of
// windows-1252.
func guessed8bit(window []byte, sibling string) transform.Transformer {
	if t, c := charsetOf(sibling); c == classOther {
		out := make([]byte, len(window)*room)
		n, _, err := t.Transform(out, window, false)
		t.Reset()
		if (err == nil || err == transform.ErrShortSrc) && !bytes.ContainsRune(out[:n], utf8.RuneError) {
			return t
		}
	}
	return charmap.Windows1252.NewDecoder()
}

// utf8Prefix is the length of the valid UTF-8 that b starts with.
func utf8Prefix(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// transform takes src through the decoder.
func (c *textCodec) transform(dst, src []byte, last bool) (_ []byte, taken int) {
	for {
		nDst, nSrc, err := c.decoder.Transform(c.utf8[:], src[taken:], last)
		dst, _ = c.normalise(dst, c.utf8[:nDst], true) // decoders give whole characters
		taken += nSrc
		switch {
		case err == nil, err == transform.ErrShortSrc && !last:
			return dst, taken
		case err == transform.ErrShortDst && (nDst > 0 || nSrc > 0):
		case taken < len(src): // cannot be decoded
			dst = append(dst, "\ufffd"...)
			c.replaced = true
			taken++
		default:
			return dst, taken
		}
	}
}

// normalise appends UTF-8 text: CRLF becomes LF, invalid octets U+FFFD, a
// byte order mark in front vanishes. It leaves an incomplete character at the
// end, unless last is set.
func (c *textCodec) normalise(dst, src []byte, last bool) ([]byte, int) {
	i := 0
	for i < len(src) {
		if c.cr {
			if c.cr = false; src[i] != '\n' {
				dst = append(dst, '\r')
			}
		}
		if n := plainRun(src[i:]); n > 0 {
			dst = append(dst, src[i:i+n]...)
			i += n
			c.started = true
			continue
		}
		if src[i] == '\r' {
			c.cr = true
			i++
			continue
		}
		if !last && !utf8.FullRune(src[i:]) {
			break
		}
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && (n <= 1 || c.decoder != nil) {
			c.replaced = true
		}
		if r != '\ufeff' || c.started {
			dst = utf8.AppendRune(dst, r)
		}
		c.started = true
		i += n
	}
	return dst, i
}

// plainRun is the length of the ASCII without CR that b starts with.
func plainRun(b []byte) int {
	for i, c := range b {
		if c >= utf8.RuneSelf || c == '\r' {
			return i
		}
	}
	return len(b)
}
