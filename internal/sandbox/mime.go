package sandbox

import (
	"bytes"
	"strings"
	"sync"

	mail "github.com/imapknife/imapknife/internal/message"
)

// Limits on what a message's structure can cost. What lies deeper or comes
// later stays part of the octets around it.
const (
	maxParts     = 1000
	maxPartDepth = 110
)

// content is a message's octets, shared by its copies. They never change.
type content struct {
	raw  []byte
	once sync.Once
	tree *part
}

// root parses the message the first time.
func (c *content) root() *part {
	c.once.Do(func() {
		p := parser{}
		c.tree = p.entity(c.raw, 0, "text/plain")
	})
	return c.tree
}

// part is a message or a body part, as slices of the raw octets, so that a
// section is always exactly what was stored.
type part struct {
	header   []byte // with the empty line that ends it
	body     []byte
	fields   []field
	media    string            // lower case type/subtype
	params   map[string]string // of Content-Type, lower case names, values as written
	boundary string            // of a multipart
	encoding string            // lower case Content-Transfer-Encoding
	children []*part           // of a multipart
	embedded *part             // of a message/rfc822
}

// field is one header field, or a line that is none (its name is empty).
type field struct {
	name string
	raw  []byte // with its line ends
}

// value is the unfolded text behind the colon.
func (f field) value() string {
	v := f.raw[bytes.IndexByte(f.raw, ':')+1:]
	return strings.TrimSpace(strings.NewReplacer("\r\n", "", "\n", "").Replace(string(v)))
}

// get is the value of the first field of that name, or "".
func (p *part) get(name string) string {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) {
			return f.value()
		}
	}
	return ""
}

// has reports that a field of that name is there.
func (p *part) has(name string) bool {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) {
			return true
		}
	}
	return false
}

func (p *part) isMultipart() bool { return strings.HasPrefix(p.media, "multipart/") }
func (p *part) isText() bool      { return strings.HasPrefix(p.media, "text/") }
func (p *part) isMessage() bool {
	return p.media == "message/rfc822" || p.media == "message/global"
}

type parser struct{ parts int }

// entity parses a header and its body; media is its type when it names none.
func (ps *parser) entity(raw []byte, depth int, media string) *part {
	ps.parts++
	p := &part{media: media}
	var n int
	p.fields, n = splitHeader(raw)
	p.header, p.body = raw[:n], raw[n:]
	if v := p.get("Content-Type"); v != "" {
		p.media, p.params, p.boundary = parseParams(v)
		if typ, sub, ok := strings.Cut(p.media, "/"); !ok || typ == "" || sub == "" {
			p.media, p.params = "text/plain", nil
		}
	}
	p.encoding = strings.ToLower(p.get("Content-Transfer-Encoding"))
	if depth >= maxPartDepth {
		if p.isMultipart() {
			p.media, p.params = "application/octet-stream", nil
		}
		return p
	}
	switch {
	case p.isMultipart():
		childMedia := "text/plain"
		if p.media == "multipart/digest" {
			childMedia = "message/rfc822"
		}
		for _, child := range splitMultipart(p.body, p.boundary) {
			if ps.parts < maxParts {
				p.children = append(p.children, ps.entity(child, depth+1, childMedia))
			}
		}
	case p.isMessage() && p.encoding != "base64" && p.encoding != "quoted-printable":
		p.embedded = ps.entity(p.body, depth+1, "text/plain")
	}
	return p
}

// splitHeader cuts a header into fields and returns where the body begins.
func splitHeader(raw []byte) (fields []field, n int) {
	for line := range bytes.Lines(raw) {
		n += len(line)
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if (line[0] == ' ' || line[0] == '\t') && len(fields) > 0 {
			last := &fields[len(fields)-1]
			last.raw = raw[n-len(line)-len(last.raw) : n]
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t") // obsolete (RFC 5322, section 4.5)
		if !ok || bytes.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			name = nil
		}
		fields = append(fields, field{name: string(name), raw: line})
	}
	return fields, n
}

// splitMultipart returns the parts between boundary lines (RFC 2046, section
// 5.1.1); the line end before a boundary belongs to it. A missing last
// boundary ends the last part where the body ends.
func splitMultipart(body []byte, boundary string) (parts [][]byte) {
	if boundary == "" {
		return nil
	}
	delimiter := []byte("--" + boundary)
	start, pos := -1, 0
	for line := range bytes.Lines(body) {
		begin := pos
		pos += len(line)
		rest, ok := bytes.CutPrefix(line, delimiter)
		rest = bytes.TrimRight(rest, " \t\r\n")
		if !ok || len(rest) != 0 && string(rest) != "--" {
			continue
		}
		if start >= 0 {
			parts = append(parts, cutLineEnd(body[start:max(begin, start)]))
		}
		if start = pos; len(rest) != 0 {
			return parts
		}
	}
	if start >= 0 {
		parts = append(parts, body[start:])
	}
	return parts
}

func cutLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

// find walks a section's part numbers (RFC 9051, section 6.4.5.1). It returns
// nil where there is no such part.
func (p *part) find(numbers []int) *part {
	message := true // p's body parts are numbered, rather than p being one
	for _, n := range numbers {
		if !message && p.embedded != nil {
			p, message = p.embedded, true
		}
		switch {
		case n >= 1 && n <= len(p.children):
			p, message = p.children[n-1], false
		case len(p.children) == 0 && message && n == 1:
			message = false
		default:
			return nil
		}
	}
	return p
}

// parseParams reads "value; name=value; name="quoted value"" as written, with
// encodings of RFC 2231 and 2047 left alone, for BODYSTRUCTURE gives them so.
// The value and the names come in lower case; of a name given twice, the first
// counts. boundary is the parameter of that name with RFC 2231 undone.
func parseParams(s string) (value string, params map[string]string, boundary string) {
	head, list := mail.ParseParams(s)
	value, _, _ = strings.Cut(strings.ToLower(head), " ")
	params = make(map[string]string)
	for _, p := range list {
		name := strings.ToLower(strings.TrimSpace(stripComments(p[0])))
		if _, twice := params[name]; !twice && name != "" {
			params[name] = p[1]
		}
	}
	return value, params, mail.Boundary(list)
}

// cutUnquoted cuts around the first sep outside quotes.
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unquote reads a quoted-string at the start of s, closed or not.
func unquote(s string) string {
	var out strings.Builder
	for i := 1; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// stripComments drops "(...)" outside quotes, nested too (RFC 5322, section
// 3.2.2).
func stripComments(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	var out strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && (quoted || depth > 0) && i+1 < len(s):
			if i++; quoted {
				out.WriteString(s[i-1 : i+1])
			}
			continue
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
		case c == ')' && depth > 0:
			depth--
			continue
		}
		if depth == 0 {
			out.WriteByte(c)
		}
	}
	return out.String()
}
