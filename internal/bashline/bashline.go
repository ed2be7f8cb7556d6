// Package bashline reads a command line as bash parts it into words, without
// expanding anything, and quotes a word so that it can go on there.
package bashline

import "strings"

// Line is a bash command line up to the cursor.
type Line struct {
	// Words are without quotes, the program aside; the last one, which may be
	// empty, is under the cursor.
	Words []string
	open  byte // the quote that the last word stands in, 0 for none
	// cut is how many octets of the last word, without quotes, readline leaves
	// alone: what is in front of the last character that parts words for it.
	cut int
}

// Read reads a line as bash parts it into words, without expanding
// anything: what follows a separator begins a new command.
func Read(line, breaks string) Line {
	t := Line{}
	var word []byte
	started := false
	end := func() {
		if started {
			t.Words = append(t.Words, string(word))
		}
		word, started, t.cut = nil, false, 0
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case t.open == '\'' && c != '\'', t.open == '"' && c != '"' && c != '\\':
			word = append(word, c)
		case t.open != 0 && c == t.open:
			t.open = 0
		case c == '\\' && t.open == '"':
			if i+1 < len(line) && strings.IndexByte("\\\"$`\n", line[i+1]) >= 0 {
				i++
				c = line[i]
			}
			word = append(word, c)
		case c == '\\':
			started = true
			if i+1 < len(line) {
				i++
				word = append(word, line[i])
			}
		case c == '\'' || c == '"':
			t.open, started, t.cut = c, true, len(word)
		case c == ' ' || c == '\t' || c == '\n':
			end()
		case strings.IndexByte("|;&()", c) >= 0:
			end()
			t.Words = nil
		case c == '<' || c == '>':
			end()
		default:
			started = true
			word = append(word, c)
			if strings.IndexByte(breaks, c) >= 0 {
				t.cut = len(word)
			}
		}
	}
	t.Words = append(t.Words, string(word)) // empty where a new one begins
	if len(t.Words) > 1 {
		t.Words = t.Words[1:] // the program
	}
	return t
}

// plainInBash are the characters, besides letters and digits of ASCII and all
// others, that need no quotes in a word.
const plainInBash = "-_./,:=@%+"

// Quote is a value as bash must find it in the place of the word, ok false
// where it cannot stand in the quotes that are open.
func (t *Line) Quote(value string) (text string, ok bool) {
	if t.cut > len(value) {
		return "", false
	}
	value = value[t.cut:]
	var b strings.Builder
	switch t.open {
	case '\'':
		return value, !strings.Contains(value, "'")
	case '"':
		for i := range len(value) {
			if strings.IndexByte("\\\"$`", value[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(value[i])
		}
		return b.String(), !strings.Contains(value, "!") // which bash would look up in its history
	}
	for i := range len(value) {
		c := value[i]
		plain := c >= 0x80 || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte(plainInBash, c) >= 0
		if !plain || c == '~' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
