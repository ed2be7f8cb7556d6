package message

import "strings"

// token is a piece of a phrase: an atom, a quoted string or a comment, as
// sent.
type token struct {
	text            string
	quoted, comment bool
	tight           bool // no blank between it and the token before
}

// phraseTokens splits a phrase. Delimiters that are not closed are octets of
// an atom.
func phraseTokens(s string) []token {
	var out []token
	quotes, comments := true, true
	for i := 0; i < len(s); {
		if isSpace(s[i]) {
			i++
			continue
		}
		t := token{tight: i > 0 && !isSpace(s[i-1])}
		start, end := i, -1
		switch {
		case s[i] == '"' && quotes:
			end = quoteEnd(s, i)
			t.quoted, quotes = end > 0, end > 0
		case s[i] == '(' && comments:
			end = commentEnd(s, i)
			t.comment, comments = end > 0, end > 0
		}
		if end < 0 {
			end = atomEnd(s, i, quotes, comments)
		}
		t.text, i = s[start:end], end
		out = append(out, t)
	}
	return out
}

// atomEnd returns the end of the atom or encoded-word that starts at s[i:].
func atomEnd(s string, i int, quotes, comments bool) int {
	start := i
	for i < len(s) && !isSpace(s[i]) {
		if i > start && (s[i] == '"' && quotes || s[i] == '(' && comments) {
			break
		}
		if strings.HasPrefix(s[i:], "=?") {
			if w := parseWord(s, i); w.end > 0 {
				i = w.end
				continue
			}
		}
		i++
	}
	return i
}

// name decodes a display name: quotes and comments removed, words joined by
// one blank where there was any, encoded-words decoded, inside quotes too. A
// phrase of nothing but a comment is the comment's text.
func (p *addressParser) name(s string, special bool) string {
	if !special {
		if !strings.Contains(s, "  ") && strings.IndexByte(s, '\t') < 0 {
			text, ok := decodeText(s)
			p.ok = p.ok && ok
			return trim(text)
		}
	} else if n := len(s); n >= 2 && s[0] == '"' && quoteEnd(s, 0) == n {
		if inner := s[1 : n-1]; isPlain(inner) && strings.IndexByte(inner, '\\') < 0 {
			return trim(inner)
		}
	}
	var b, comment strings.Builder
	for _, t := range phraseTokens(s) {
		to := &b
		if t.comment {
			to = &comment
		}
		if to.Len() > 0 && (!t.tight || t.comment) {
			to.WriteByte(' ')
		}
		switch {
		case t.comment, t.quoted:
			unescape(to, t.text[1:len(t.text)-1])
		default:
			to.WriteString(t.text)
		}
	}
	raw := b.String()
	if raw == "" {
		raw = comment.String()
	}
	text, ok := decodeText(trim(raw))
	p.ok = p.ok && ok
	return trim(text)
}

// unescape writes s without the backslashes of quoted-pairs.
func unescape(b *strings.Builder, s string) {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
}
