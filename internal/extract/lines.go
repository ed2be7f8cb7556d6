package extract

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// paragraph is lines that belong together.
type paragraph struct {
	text   string
	quoted bool // from another mail
}

const (
	wrapped   = 50       // octets from which on a line may go on in the next
	maxJoined = 4 << 10  // octets of lines that are joined
	maxLine   = 64 << 10 // octets of a line; what is longer is cut
)

// paragraphs gives the lines of a text that say something, normalised. A line
// that was broken because it was long is joined with the next, and digits that
// stand in a line each are one number.
func paragraphs(text string) iter.Seq[paragraph] {
	return func(yield func(paragraph) bool) {
		var held paragraph // until the next line
		last := 0          // octets of its last line
		single := ""       // digits in lines of their own
		flush := func() bool {
			p := held
			held = paragraph{}
			return p.text == "" || yield(p)
		}
		for raw := range strings.SplitSeq(text, "\n") {
			for part := range pieces(raw) {
				line, isQuoted := unquote(strings.TrimSpace(normalise(part)))
				line = strings.TrimSpace(line)
				if len(line) == 1 && isAlnum(rune(line[0])) && len(single) < longest {
					if single += line; len(single) == 1 && !flush() {
						return
					}
					continue
				}
				if line == "" && single != "" {
					continue
				}
				if single != "" {
					if !yield(paragraph{single, isQuoted}) {
						return
					}
					single = ""
				}
				switch joins := held.text != "" && held.quoted == isQuoted && goesOn(held.text, last, line); {
				case joins && len(held.text) < maxJoined:
					held.text += " " + line
				default:
					if !flush() {
						return
					}
					if strings.Trim(line, "-–—=_*~#.| ") != "" {
						held = paragraph{line, isQuoted}
					}
				}
				last = len(line)
			}
		}
		if flush() && single != "" {
			yield(paragraph{text: single})
		}
	}
}

// goesOn reports whether a text whose last line is that long goes on in the
// next line.
func goesOn(text string, last int, next string) bool {
	if last < wrapped || next == "" || strings.IndexByte(".:!?;|", text[len(text)-1]) >= 0 {
		return false
	}
	return strings.IndexByte("-*|>", next[0]) < 0
}

// unquote takes off the marks of a quoted line.
func unquote(line string) (string, bool) {
	rest := strings.TrimLeft(line, "> ")
	return rest, len(rest) < len(line) && line[0] == '>'
}

// pieces are a line, or several where it is very long.
func pieces(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(line) > maxLine {
			cut := strings.LastIndexByte(line[:maxLine], ' ') + 1
			if cut == 0 {
				cut = maxLine
			}
			for cut > 1 && !utf8.RuneStart(line[cut]) {
				cut--
			}
			if !yield(line[:cut]) {
				return
			}
			line = line[cut:]
		}
		yield(line)
	}
}
