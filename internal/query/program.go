package query

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// TokenKind is how a token goes on the wire.
type TokenKind uint8

// The kinds of tokens.
const (
	Atom   TokenKind = iota // sent as it is
	String                  // a string: quoted or literal, as the connection needs
	Open                    // an opening parenthesis; no space after it
	Close                   // a closing parenthesis; no space before it
)

// Token is one piece of a search or sort program. One space stands between two
// tokens, but not after Open and not before Close. A String holds UTF-8
// without NUL, CR and LF; whoever sends it chooses quoted string or literal.
type Token struct {
	Kind TokenKind
	Text string
}

// Format writes a program for people to read, strings quoted where needed.
func Format(program []Token) string {
	var b strings.Builder
	for i, t := range program {
		if i > 0 && program[i-1].Kind != Open && t.Kind != Close {
			b.WriteByte(' ')
		}
		if t.Kind == String {
			b.WriteString(quoteValue(t.Text))
			continue
		}
		b.WriteString(t.Text)
	}
	return b.String()
}

// quoteValue writes a value so that ParseString reads it as one word.
func quoteValue(s string) string {
	if s != "" && s[0] != '"' && s[0] != '\'' && !strings.ContainsAny(s, blanks+"()") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// hasUTF8 tells whether a string of the program is not ASCII, so that the
// command must name its charset.
func hasUTF8(program []Token) bool {
	for _, t := range program {
		if t.Kind == String && strings.IndexFunc(t.Text, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			return true
		}
	}
	return false
}

// modifiedUTF7 encodes s as RFC 3501 section 5.1.3 says. Gmail spells labels
// that way in X-GM-LABELS.
func modifiedUTF7(s string) string {
	var b strings.Builder
	enc := base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)
	plain := func(r rune) bool { return r >= 0x20 && r <= 0x7e }
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return !plain(r) })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(strings.ReplaceAll(s[:n], "&", "&-"))
		s = s[n:]
		if n = strings.IndexFunc(s, plain); n < 0 {
			n = len(s)
		}
		if n > 0 {
			var units []byte
			for _, u := range utf16.Encode([]rune(s[:n])) {
				units = append(units, byte(u>>8), byte(u))
			}
			b.WriteString("&" + enc.EncodeToString(units) + "-")
		}
		s = s[n:]
	}
	return b.String()
}
