package extract

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalise makes one form of what looks the same: compatibility forms are
// decomposed and composed again (NFKC), decimal digits of every script become
// ASCII, invisible characters go, and every blank is a space.
func normalise(text string) string {
	if ascii(text) {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	// A comma of full width ends a clause, and stands in no number.
	text = strings.ReplaceAll(text, "，", "、")
	for _, r := range norm.NFKC.String(text) {
		switch {
		case r < utf8.RuneSelf:
			out.WriteRune(r)
		case unicode.Is(unicode.Nd, r):
			out.WriteByte(digit(r))
		case unicode.Is(unicode.Cf, r):
		case unicode.Is(unicode.Zs, r):
			out.WriteByte(' ')
		case unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			out.WriteByte('\n')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// digit returns the ASCII digit of a decimal digit. Each block of them has ten,
// and begins with its zero, so the distance from the start of a range counts.
func digit(r rune) byte {
	for _, at := range unicode.Nd.R16 {
		if lo, hi := rune(at.Lo), rune(at.Hi); lo <= r && r <= hi {
			return byte('0' + (r-lo)%10)
		}
	}
	for _, at := range unicode.Nd.R32 {
		if lo, hi := rune(at.Lo), rune(at.Hi); lo <= r && r <= hi {
			return byte('0' + (r-lo)%10)
		}
	}
	return '0'
}

// fold makes of a word the form that the tables have: lower case, without
// accents and vowel points.
func fold(word string) string {
	if ascii(word) {
		return strings.ToLower(word)
	}
	var out strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(word)) {
		switch {
		case 0x300 <= r && r <= 0x36f, 0x591 <= r && r <= 0x5c7, 0x64b <= r && r <= 0x652:
		case r == 'ı':
			out.WriteByte('i')
		case r == 'ł':
			out.WriteByte('l')
		case r == 'ø':
			out.WriteByte('o')
		case r == 'đ', r == 'ð':
			out.WriteByte('d')
		case r == 'ß':
			out.WriteString("ss")
		case r == 'ς':
			out.WriteRune('σ')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// unspaced reports whether a letter is of a script that is written without
// blanks, or whose endings touch what they belong to. Words there have no
// borders.
func unspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) ||
		r == 'ー'
}

// table finds words: those listed, and those that begin with a stem, which is
// written with "*" at its end. Words of scripts without blanks are found in the
// middle of a text.
type table struct {
	words map[string]class
	stems map[string]class
	long  map[rune]int // the longest word without borders, in octets, by first letter
}

// class says what a word is about; 0 is none.
type class uint8

// tableOf makes a table of lists of words.
func tableOf(lists map[class]string) *table {
	t := &table{words: map[string]class{}, stems: map[string]class{}, long: map[rune]int{}}
	for c, list := range lists {
		for entry := range strings.FieldsSeq(normalise(list)) {
			first, _ := utf8.DecodeRuneInString(entry)
			stem, isStem := strings.CutSuffix(entry, "*")
			switch exact, isExact := strings.CutPrefix(entry, "="); {
			case isExact: // with its accents, which tell it from other words
				t.words["="+exact] = c
			case unspaced(first):
				t.words[entry] = c
				t.long[first] = max(t.long[first], len(entry))
			case isStem:
				t.stems[fold(stem)] = c
			default:
				t.words[fold(entry)] = c
			}
		}
	}
	return t
}

// lazily makes a table when it is first needed: most commands extract nothing,
// and should not take longer to start for it.
func lazily(lists map[class]string) func() *table {
	return sync.OnceValue(func() *table { return tableOf(lists) })
}

// maxWord bounds the octets of a word that is looked up.
const maxWord = 64

// of returns the class of a word with borders.
func (t *table) of(word string) class {
	if len(word) > maxWord {
		return 0
	}
	folded := fold(word)
	if !ascii(word) {
		if c := t.words["="+strings.ToLower(word)]; c != 0 {
			return c
		}
	}
	if c := t.folded(folded); c != 0 {
		return c
	}
	for _, prefix := range prefixes(folded) {
		if c := t.folded(folded[len(prefix):]); c != 0 {
			return c
		}
	}
	return 0
}

// folded looks a folded word up: as it is, then its longest stem.
func (t *table) folded(word string) class {
	if c := t.words[word]; c != 0 {
		return c
	}
	for n := len(word); n > 1; n-- {
		if c := t.stems[word[:n]]; c != 0 {
			return c
		}
	}
	return 0
}

// prefixes are articles and prepositions that Hebrew and Arabic write as one
// with the word.
func prefixes(word string) []string {
	first, n := utf8.DecodeRuneInString(word)
	switch {
	case strings.ContainsRune("הבלושכמ", first):
		return []string{word[:n]}
	case strings.ContainsRune("اوبلفك", first):
		out := []string{word[:n]}
		for _, p := range [...]string{"ال", "لل", "وال", "بال"} {
			if strings.HasPrefix(word, p) {
				out = append(out, p)
			}
		}
		return out
	}
	return nil
}

// at returns the longest word of a script without blanks that a text begins
// with, in octets, and its class.
func (t *table) at(text string) (int, class) {
	first, _ := utf8.DecodeRuneInString(text)
	for n := min(t.long[first], len(text)); n > 0; n-- {
		if c := t.words[text[:n]]; c != 0 {
			return n, c
		}
	}
	return 0, 0
}
