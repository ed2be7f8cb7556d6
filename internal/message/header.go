package message

import (
	"strings"

	"github.com/imapknife/imapknife/internal/result"
)

// Field is one header field.
type Field struct {
	Name string // as sent, ASCII
	Raw  []byte // the value, unfolded and trimmed, not decoded
}

// ParseHeader splits a header block into its fields (RFC 5322 section 2.2),
// in order. It reads up to the first empty line, accepts LF, CRLF or CR as
// line end, skips lines that are no field (an mbox "From " line, junk without
// a colon), and stops at MaxFields fields or MaxHeader octets. The result does
// not share memory with raw.
func ParseHeader(raw []byte) []Field {
	var out []Field
	for s := newFieldScanner(raw); s.next(); {
		out = append(out, Field{Name: s.name, Raw: []byte(s.value)})
	}
	return out
}

// MessageID is the Message-ID field of a header block, not decoded, empty where
// there is none. Octets that are not UTF-8 are replaced.
func MessageID(raw []byte) string {
	for s := newFieldScanner(raw); s.next(); {
		if strings.EqualFold(s.name, "message-id") {
			return strings.ToValidUTF8(s.value, "\uFFFD")
		}
	}
	return ""
}

// Headers is ParseHeader with the values decoded, for a row's headers.
func Headers(raw []byte) (fields []result.Header, warnings []string) {
	fields = []result.Header{}
	s := newFieldScanner(raw)
	for s.next() {
		value, ok := decodeText(s.value)
		if !ok {
			warnings = append(warnings, guessed(s.name))
		}
		fields = append(fields, result.Header{Name: s.name, Value: value})
	}
	if s.cut {
		warnings = append(warnings, warnHeaderCut)
	}
	return fields, warnings
}

const warnHeaderCut = "the header is larger than the limit and was cut"

func guessed(name string) string {
	return strings.ToLower(name) + ": octets that are not in a known charset were guessed or replaced"
}

// fieldScanner walks over the fields of a header block. After next returned
// true, name and value hold the field; value shares memory with the block
// unless the field was folded.
type fieldScanner struct {
	name, value string
	cut         bool // a limit was hit

	rest  string
	eol   byte // '\n' or '\r'
	count int
}

func newFieldScanner(raw []byte) *fieldScanner {
	s := &fieldScanner{eol: '\n'}
	if len(raw) > MaxHeader {
		raw, s.cut = raw[:MaxHeader], true
	}
	s.rest = string(raw)
	// A CR alone ends a line only in a block without any LF but at its end,
	// which servers add; elsewhere it is an octet of the value.
	lines := strings.TrimRight(s.rest, "\r\n")
	if strings.IndexByte(lines, '\n') < 0 && strings.IndexByte(lines, '\r') >= 0 {
		s.eol = '\r'
	}
	return s
}

// line takes the next line without its end.
func (s *fieldScanner) line() string {
	line := s.rest
	if i := strings.IndexByte(s.rest, s.eol); i < 0 {
		s.rest = ""
	} else {
		line, s.rest = s.rest[:i], s.rest[i+1:]
		if s.eol == '\r' && s.rest != "" && s.rest[0] == '\n' {
			s.rest = s.rest[1:]
		}
	}
	for line != "" && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line
}

func (s *fieldScanner) next() bool {
	for s.rest != "" {
		line := s.line()
		if line == "" {
			break
		}
		colon := strings.IndexByte(line, ':')
		if colon <= 0 {
			continue
		}
		name := trim(line[:colon])
		if len(name) == 0 || isBlank(line[0]) || !isFieldName(name) {
			continue
		}
		if s.count++; s.count > MaxFields {
			s.cut = true
			break
		}
		s.name, s.value = name, trim(line[colon+1:])
		if s.rest != "" && isBlank(s.rest[0]) {
			s.unfold()
		}
		return true
	}
	s.rest = ""
	return false
}

// unfold adds the continuation lines to value. The tab that some mailers
// write behind the line break stood for a space.
func (s *fieldScanner) unfold() {
	var b strings.Builder
	b.WriteString(s.value)
	for s.rest != "" && isBlank(s.rest[0]) {
		b.WriteByte(' ')
		b.WriteString(s.line()[1:])
	}
	s.value = trim(b.String())
}

// isFieldName tells whether s is made of RFC 5322's ftext.
func isFieldName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isSpace tells whether c is white space in a header value; line ends occur
// there only where they were not folds.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// trim is strings.TrimSpace for header octets: it leaves 0x85 and 0xA0 alone,
// which are parts of characters here.
func trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
