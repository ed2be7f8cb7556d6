package query

import "strings"

// blanks separate words in a program that is one string.
const blanks = " \t\r\n"

// word is one word of a program.
type word struct {
	text   string
	quoted bool // it stood in quotes: never a key, never parentheses
	split  bool // it has been cut at a parenthesis already: never a value
}

// splitWords cuts a program into words. "..." and '...' are one word; in "..."
// \" and \\ stand for a quote and a backslash (RFC 9051 "quoted"), any other
// backslash for itself. Outside quotes a parenthesis is a word of its own.
func splitWords(s string) ([]word, error) {
	var words []word
	for {
		s = strings.TrimLeft(s, blanks)
		if s == "" {
			return words, nil
		}
		switch s[0] {
		case '(', ')':
			words = append(words, word{text: s[:1], split: true})
			s = s[1:]
		case '"', '\'':
			text, rest, ok := unquote(s)
			if !ok {
				return nil, usage("no closing %c behind %s", s[0], quote(s[1:])).Hint("a quoted string ends with the quote it began with")
			}
			if rest != "" && !strings.ContainsAny(rest[:1], blanks+"()") {
				return nil, usage("%s follows a closing quote", quote(rest)).Hint(`put a blank behind the quote, or write \" for a quote inside "..."`)
			}
			words = append(words, word{text: text, quoted: true})
			s = rest
		default:
			end := strings.IndexAny(s, blanks+"()")
			if end < 0 {
				end = len(s)
			}
			words = append(words, word{text: s[:end]})
			s = s[end:]
		}
	}
}

// unquote reads the quoted string that s begins with.
func unquote(s string) (text, rest string, ok bool) {
	mark := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == mark:
			return b.String(), s[i+1:], true
		case mark == '"' && s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// closers finds how many closing parentheses at the end of a value close a
// group of the program: as many as the value does not open itself, at most
// open.
func closers(value string, open int) int {
	surplus := strings.Count(value, ")") - strings.Count(value, "(")
	trailing := len(value) - len(strings.TrimRight(value, ")"))
	return max(0, min(surplus, trailing, open))
}
