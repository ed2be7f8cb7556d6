package message

import (
	"strings"

	"github.com/imapknife/imapknife/internal/result"
)

// Addresses reads an address list (RFC 5322 section 3.4, with its obsolete
// forms and RFC 6532's UTF-8), as careless senders write it too: comments as
// names, missing angle brackets or commas, unescaped quotes, commas in
// unquoted names, encoded-words inside quotes. Groups are flattened to their
// members, so an empty group yields nothing; so does "<>". At most
// MaxAddresses are returned; the result is never nil.
func Addresses(raw []byte) []result.Address {
	list, _ := parseAddresses([]result.Address{}, string(raw))
	return list
}

// parseAddresses appends the addresses of s to list. ok is false when text
// had to be guessed or the limit was hit.
func parseAddresses(list []result.Address, s string) (_ []result.Address, ok bool) {
	p := addressParser{s: s, ok: true, list: list, limit: len(list) + MaxAddresses, lastSemicolon: strings.LastIndexByte(s, ';')}
	p.quotes, p.comments, p.literals = true, true, true
	for p.pos < len(s) && len(p.list) < p.limit {
		p.mailbox()
	}
	p.flush()
	return p.list, p.ok && p.pos >= len(s)
}

// maxNameParts is the number of unquoted commas that a name may have.
const maxNameParts = 8

// addressParser reads one list. A delimiter that is not closed is an octet
// like any other; the flags remember that no later one of its kind is closed
// either, which keeps the whole linear.
type addressParser struct {
	s     string
	pos   int
	ok    bool
	list  []result.Address
	limit int
	// pending are texts before commas that are no addresses: the first parts
	// of a name with unquoted commas if an address follows, else local names.
	pending []string

	lastSemicolon              int
	quotes, comments, literals bool
}

// span is what mailbox finds between two commas.
type span struct {
	from, to int    // the text in front of the angle brackets, or all of it
	addr     string // between the angle brackets
	behind   int    // the offset behind them
	angle    bool
	at       bool // an "@" outside quotes and comments
	special  bool // quotes or comments
}

// mailbox reads up to and including the next comma or semicolon.
func (p *addressParser) mailbox() {
	m := span{from: p.pos, to: -1}
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		if m.angle && c != ',' && c != ';' && c != '(' && !isSpace(c) {
			break // the comma is missing
		}
		switch c {
		case '"', '(', '[', '=':
			end := p.unit()
			m.special = m.special || end > p.pos+1 && (c == '"' || c == '(')
			p.pos = end
			continue
		case '<':
			end, next := p.angleEnd()
			m.to, m.angle, m.addr, m.behind = p.pos, true, p.s[p.pos+1:end], next
			p.pos = next
			continue
		case ',', ';':
			if m.to < 0 {
				m.to = p.pos
			}
			p.pos++
			p.emit(m)
			if c == ';' {
				p.flush()
			}
			return
		case ':':
			if !m.at && (p.pos < p.lastSemicolon || trim(p.s[p.pos+1:]) == "") {
				m = span{from: p.pos + 1, to: -1} // a group: its name is nobody's
				p.pending = nil
			}
		case '@':
			m.at = true
		}
		p.pos++
	}
	if m.to < 0 {
		m.to = p.pos
	}
	p.emit(m)
}

// unit returns the end of the quoted string, comment, domain literal or
// encoded-word that starts at pos, or pos+1 when there is none.
func (p *addressParser) unit() int {
	var open *bool
	end := -1
	switch p.s[p.pos] {
	case '"':
		if open = &p.quotes; *open {
			end = quoteEnd(p.s, p.pos)
		}
	case '(':
		if open = &p.comments; *open {
			end = commentEnd(p.s, p.pos)
		}
	case '[':
		if p.pos == 0 || p.s[p.pos-1] != '@' {
			return p.pos + 1
		}
		if open = &p.literals; *open {
			if k := strings.IndexByte(p.s[p.pos:], ']'); k >= 0 {
				end = p.pos + k + 1
			}
		}
	default:
		if strings.HasPrefix(p.s[p.pos:], "=?") {
			if w := parseWord(p.s, p.pos); w.end > 0 {
				return w.end
			}
		}
		return p.pos + 1
	}
	if end < 0 {
		*open = false
		return p.pos + 1
	}
	return end
}

// angleEnd returns the offset of the ">" for the "<" at pos and the one
// behind it. Where there is none before the next comma that follows an "@",
// the address ends at that comma.
func (p *addressParser) angleEnd() (end, next int) {
	at := false
	for i := p.pos + 1; i < len(p.s); i++ {
		switch p.s[i] {
		case '>':
			return i, i + 1
		case '@':
			at = i > p.pos+1 && p.s[p.pos+1] != '@' // not a route
		case ',', ';':
			if at {
				return i, i
			}
		case '"':
			if p.quotes {
				end := quoteEnd(p.s, i)
				p.quotes = end > 0
				if end > 0 && strings.HasPrefix(p.s[end:], "@") {
					i = end - 1
				}
			}
		}
	}
	return len(p.s), len(p.s)
}

// quoteEnd returns the offset behind the quoted string that starts at s[i:],
// or -1.
func quoteEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// commentEnd is quoteEnd for a comment, which may hold others.
func commentEnd(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// emit adds the address that m spans.
func (p *addressParser) emit(m span) {
	text := trim(p.s[m.from:m.to])
	if m.angle {
		if len(p.pending) > 0 && text != "" {
			text, m.special = strings.Join(p.pending, ", ")+", "+text, true
			p.pending = nil
		}
		p.flush()
		addr := cleanAddress(m.addr)
		name := p.name(text, m.special)
		if name == "" { // <a@x> (Name)
			name = p.name(strings.TrimRight(trim(p.s[m.behind:p.pos]), ",;"), true)
		}
		if addr != "" || name != "" {
			p.add(name, addr)
		}
		return
	}
	switch text = strings.TrimRight(text, ">"); { // brackets not opened
	case text == "":
	case m.at:
		p.flush()
		p.bare(text, m.special)
	default:
		if len(p.pending) == maxNameParts {
			p.flush()
		}
		p.pending = append(p.pending, text)
	}
}

// flush emits texts without an "@" that turned out not to be parts of a name:
// local mailboxes, or names whose address is missing.
func (p *addressParser) flush() {
	for _, text := range p.pending {
		if onlyComments(text) {
			continue // nobody's name
		}
		if strings.ContainsAny(text, " \t\"(") || strings.Contains(text, "=?") {
			if name := p.name(text, true); name != "" {
				p.add(name, "")
			}
		} else {
			p.add("", text)
		}
	}
	p.pending = nil
}

// onlyComments reports a text of nothing but comments.
func onlyComments(text string) bool {
	if text[0] != '(' {
		return false
	}
	for _, t := range phraseTokens(text) {
		if !t.comment {
			return false
		}
	}
	return true
}

// bare reads text without angle brackets: a word with an "@" is an address,
// what else there is its name.
func (p *addressParser) bare(text string, special bool) {
	if !special && !strings.ContainsAny(text, " \t") {
		p.add("", text)
		return
	}
	var name, comment []string
	addr := ""
	emit := func() {
		display := p.name(strings.Join(name, " "), true)
		if display == "" {
			display = p.name(strings.Join(comment, " "), true)
		}
		p.add(display, addr)
		addr, name, comment = "", nil, nil
	}
	for _, t := range phraseTokens(text) {
		isAddr := !t.quoted && strings.Contains(t.text, "@") && !strings.HasPrefix(t.text, "=?")
		switch {
		case t.comment:
			comment = append(comment, t.text)
		case addr != "" && openAddress(addr, t.text): // a @ x . org
			addr += t.text
		case isAddr && t.text[0] == '@' && addr == "" && len(name) > 0: // a @x, "a b"@x
			addr = name[len(name)-1] + t.text
			name = name[:len(name)-1]
		case isAddr && addr != "": // the comma is missing
			emit()
			addr = t.text
		case isAddr:
			addr = t.text
		default:
			name = append(name, t.text)
		}
	}
	emit()
}

// openAddress tells whether an address in blanks goes on: "a@" or ". x".
func openAddress(addr, next string) bool {
	return strings.HasSuffix(addr, "@") || strings.HasSuffix(addr, ".") || strings.HasPrefix(next, ".")
}

// add appends an address. Its octets become valid UTF-8; nothing else in the
// addr-spec changes.
func (p *addressParser) add(name, addr string) {
	if len(p.list) >= p.limit {
		p.ok = false
		return
	}
	if !isASCII(addr) {
		var sure bool
		addr, sure = guess(addr)
		p.ok = p.ok && sure
	}
	p.list = append(p.list, result.Address{Name: name, Address: addr})
}

// cleanAddress strips blanks, comments and the route (`@a,@b:c@d`) from the
// text between angle brackets.
func cleanAddress(s string) string {
	s = trim(s)
	if strings.HasPrefix(s, "@") {
		if k := strings.LastIndexByte(s, ':'); k >= 0 {
			s = trim(s[k+1:])
		}
	}
	s = strings.Trim(s, "<>")
	if !strings.ContainsAny(s, " \t\r\n(") {
		return s
	}
	var b strings.Builder
	for _, t := range phraseTokens(s) {
		if !t.comment {
			b.WriteString(t.text)
		}
	}
	return b.String()
}
