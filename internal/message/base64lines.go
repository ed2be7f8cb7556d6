package message

import "bytes"

// base64Codec decodes a body in base64. What lists and scanners write behind
// the data is not data, though most of its letters are in the alphabet: once
// the data is padded, or a line is text, only whole lines of base64 count, as
// in encodings that were pasted together (RFC 2045 section 6.8).
type base64Codec struct {
	state  base64State
	inside bool // the next octet goes on with a line
	strict bool // only whole lines of base64 count
	drop   bool // the line at hand is left out
	left   bool // something was left out
}

// maxBase64Line is the longest line, in octets, that is looked at as a whole.
// RFC 2045 allows 76; data without line ends is decoded as it comes.
const maxBase64Line = 1024

func (c *base64Codec) decode(dst, src []byte, last bool) ([]byte, int) {
	taken := 0
	for taken < len(src) {
		line := src[taken:]
		end := bytes.IndexByte(line, '\n') + 1
		switch {
		case end > 0:
			line = line[:end]
		case !last && len(line) < maxBase64Line:
			return c.finish(dst, false), taken
		}
		if !c.inside {
			dst = c.begin(dst, bytes.Trim(line, " \t\r\n"), end > 0 || last)
		}
		if !c.drop {
			dst = appendBase64(&c.state, dst, line)
		}
		c.inside = end == 0
		taken += len(line)
	}
	return c.finish(dst, last), taken
}

// begin decides whether a line is data by its beginning, which is all of it
// unless it is long.
func (c *base64Codec) begin(dst, text []byte, whole bool) []byte {
	c.drop = false
	if len(text) == 0 {
		return dst
	}
	pure, padded := isBase64(text)
	if c.strict && !(pure && (len(text)%4 == 0 || !whole)) || !pure && isProse(text) {
		dst, _ = c.state.finish(dst)
		c.drop, c.strict, c.left = true, true, true
		return dst
	}
	c.strict = c.strict || padded
	return dst
}

func (c *base64Codec) finish(dst []byte, last bool) []byte {
	if last {
		dst, _ = c.state.finish(dst)
	}
	return dst
}

// isBase64 reports whether a line has nothing in it but base64, and whether it
// ends with padding.
func isBase64(line []byte) (pure, padded bool) {
	for _, b := range line {
		if v := base64Values[b]; v > b64Pad {
			return false, line[len(line)-1] == '='
		}
	}
	return true, line[len(line)-1] == '='
}

// isProse reports whether a line of other octets than base64 is text: words,
// or a rule of hyphens. Data into which blanks or junk have come is none.
func isProse(line []byte) bool {
	const longWord = 20 // octets; longer on average are pieces of data
	words := bytes.Fields(line)
	letters, groups := 0, true
	for _, w := range words {
		n := 0
		for _, b := range w {
			if base64Values[b] <= b64Pad {
				n++
			}
		}
		letters += n
		groups = groups && n%4 == 0
	}
	return letters == 0 || len(words) > 1 && !groups && letters < longWord*len(words)
}

func (c *base64Codec) warning() string {
	switch {
	case c.left:
		return "the base64 data has text in it or behind it, which was left out"
	case c.state.short:
		return "the base64 data is cut"
	case c.state.junk:
		return "the base64 data has octets in it that do not belong there"
	}
	return ""
}
