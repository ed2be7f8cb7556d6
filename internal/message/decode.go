package message

import (
	"bytes"
	"io"
)

// Decoder streams the octets of a body out of its content transfer encoding.
type Decoder struct {
	stream
	unknown bool
}

// Decode reads a body in constant memory out of its content transfer encoding
// (RFC 2045 section 6): base64, quoted-printable, uuencode, and 7bit, 8bit and
// binary, which are no encodings. Damaged data is decoded as far as it goes;
// octets of an encoding that is not known pass as they are. Warnings tells
// which. An error of r is returned behind the octets before it. Decode itself
// does not read.
func Decode(r io.Reader, encoding string) *Decoder {
	d := &Decoder{}
	var c codec
	switch keyword(encoding) {
	case "base64":
		c = &base64Codec{}
	case "quoted-printable":
		c = &qpCodec{}
	case "x-uuencode", "x-uue", "uuencode", "uue":
		c = &uuCodec{}
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits":
		c = identity{}
	default:
		c, d.unknown = identity{}, true
	}
	d.stream = *newStream(r, c)
	return d
}

// Warnings tells what was wrong with the data, after it has been read to its
// end.
func (d *Decoder) Warnings() (list []string) {
	if d.unknown {
		list = append(list, "unknown content transfer encoding, the octets are as they were sent")
	}
	if c, ok := d.codec.(interface{ warning() string }); ok {
		if w := c.warning(); w != "" {
			list = append(list, w)
		}
	}
	return list
}

type identity struct{}

func (identity) decode(dst, src []byte, _ bool) ([]byte, int) { return append(dst, src...), len(src) }

// qpCodec decodes quoted-printable (RFC 2045 section 6.7). Blanks at the end
// of a line are transport's; bad escapes stay as they are.
type qpCodec struct{ bad bool }

func (c *qpCodec) decode(dst, src []byte, last bool) ([]byte, int) {
	for i := 0; i < len(src); {
		switch src[i] {
		case '=':
			if i+2 < len(src) && isHex(src[i+1]) && isHex(src[i+2]) {
				dst = append(dst, unhex(src[i+1])<<4|unhex(src[i+2]))
				i += 3
				continue
			}
			end, found := lineEnd(src, skipBlanks(src, i+1))
			switch {
			case found:
				i = end
			case end == len(src) && last: // at the end of all
				i = end
			case !last && (end == len(src) || i+2 >= len(src)):
				return dst, i
			default:
				c.bad = true
				dst = append(dst, '=')
				i++
			}
		case ' ', '\t':
			behind := skipBlanks(src, i)
			end, found := lineEnd(src, behind)
			if !found && end == len(src) && !last {
				return dst, i
			}
			if !found && end < len(src) {
				dst = append(dst, src[i:behind]...)
			}
			i = behind
		default:
			start := i
			for i < len(src) && src[i] != '=' && !isBlank(src[i]) {
				i++
			}
			dst = append(dst, src[start:i]...)
		}
	}
	return dst, len(src)
}

func (c *qpCodec) warning() string {
	if c.bad {
		return "the quoted-printable data has bad escapes in it"
	}
	return ""
}

func skipBlanks(src []byte, i int) int {
	for i < len(src) && isBlank(src[i]) {
		i++
	}
	return i
}

// lineEnd returns the offset behind the line end at src[i:]. Where there is
// none, it is len(src) if one could still follow.
func lineEnd(src []byte, i int) (end int, found bool) {
	start := i
	for i < len(src) && src[i] == '\r' {
		i++
	}
	switch {
	case i < len(src) && src[i] == '\n':
		return i + 1, true
	case i == len(src):
		return i, false
	}
	return min(start, i), false
}

// uuCodec decodes uuencode (POSIX). What stands in front of "begin" and
// behind "end" is left out.
type uuCodec struct{ begun, ended, bad bool }

func (c *uuCodec) decode(dst, src []byte, last bool) ([]byte, int) {
	taken := 0
	for taken < len(src) {
		line := src[taken:]
		n := bytes.IndexByte(line, '\n')
		switch {
		case n >= 0:
			line = line[:n]
			n++
		case last:
			n = len(line)
		default:
			return dst, taken
		}
		dst = c.line(dst, bytes.TrimRight(line, "\r"))
		taken += n
	}
	return dst, taken
}

func (c *uuCodec) line(dst, line []byte) []byte {
	switch {
	case c.ended || len(line) == 0:
	case !c.begun:
		c.begun = bytes.HasPrefix(line, []byte("begin "))
	case string(bytes.TrimRight(line, " \t")) == "end":
		c.ended = true
	default:
		count := int(line[0]-' ') & 0x3f
		if line[0] < ' ' || line[0] > '`' {
			c.bad = true
			return dst
		}
		at := func(i int) byte { // blanks at the end may have been cut
			if i < len(line) {
				return (line[i] - ' ') & 0x3f
			}
			return 0
		}
		c.bad = c.bad || count > 0 && len(line) < 2
		for i := 1; count > 0; i, count = i+4, count-3 {
			three := [3]byte{at(i)<<2 | at(i+1)>>4, at(i+1)<<4 | at(i+2)>>2, at(i+2)<<6 | at(i+3)}
			dst = append(dst, three[:min(3, count)]...)
		}
	}
	return dst
}

func (c *uuCodec) warning() string {
	switch {
	case !c.begun:
		return "no uuencoded data found"
	case !c.ended || c.bad:
		return "the uuencoded data is damaged or cut"
	}
	return ""
}
