package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word, a number, or a sign of a sentence.
type token struct {
	kind  kind
	class class
	pos   int    // in words from the start of the sentence; signs count too
	text  string // as written
	value string // of a number, without what stands between its groups
	colon bool   // a colon stands right before it
	shape shape
}

type kind uint8

const (
	word kind = iota
	number
	sign
)

// shape is how much a number looks like a code.
type shape uint8

const (
	foreign shape = iota // a part of a date, an amount, a telephone number, an address
	figures              // digits
	capital              // digits and capital letters
	mixed                // digits and letters
	letters              // capital letters: also a word
)

const (
	maxTokens = 4096 // of a sentence; what is longer is cut into several
	maxGroups = 8    // of a number
)

// scanner takes a text apart into tokens.
type scanner struct {
	text   string
	tokens []token
	pos    int
	end    func([]token) // is called at the end of each sentence
}

// scan calls end for each sentence of a normalised text. The tokens hold until
// end returns.
func (s *scanner) scan(text string) {
	s.text, s.tokens, s.pos = text, s.tokens[:0], 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case isAlnum(r) && (hasURL(text[i:]) || hasPrefixFold(text[i:], "www.")):
			n = urlLen(text[i:])
			s.put(token{kind: number, text: text[i : i+n]})
		case isAlnum(r):
			n = s.ascii(i)
		case unspaced(r):
			n = s.unspaced(i)
		case unicode.IsLetter(r), unicode.IsMark(r):
			n = s.letters(i)
			s.word(text[i : i+n])
		case r == ' ', r == '\t', r == '\r', r == '\n':
		default:
			s.sign(i, r, n)
		}
		i += n
		if len(s.tokens) >= maxTokens {
			s.flush()
		}
	}
	s.flush()
}

func (s *scanner) flush() {
	if len(s.tokens) > 0 {
		s.end(s.tokens)
	}
	s.tokens, s.pos = s.tokens[:0], 0
}

func (s *scanner) put(t token) {
	if n := len(s.tokens); n > 0 && s.tokens[n-1].kind == sign && s.tokens[n-1].text == ":" {
		t.colon = true
	}
	if t.text != ":" {
		s.pos++
	}
	t.pos = s.pos
	s.tokens = append(s.tokens, t)
}

func (s *scanner) word(text string) { s.put(token{kind: word, text: text, class: classOf(text)}) }

// sign takes in what is neither a letter nor a digit.
func (s *scanner) sign(at int, r rune, n int) {
	rest := s.text[at+n:]
	switch r {
	case '.', '!', '?':
		if rest != "" && rest[0] > ' ' {
			return
		}
		if next, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest[:min(len(rest), 8)], " ")); r == '.' && unicode.IsLower(next) {
			return // Example Inc. and others
		}
		if last := len(s.tokens) - 1; r == '.' && last >= 0 && s.tokens[last].kind == word && len(s.tokens[last].text) <= 6 && isOther(s.tokens[last].class) {
			return // an abbreviation: No. 17
		}
		s.flush()
	case '。', '।', '؟', '！', ';', '|':
		s.flush()
	case ':', ',', '、', '،', '–', '—', '(', ')', '[', ']':
		s.put(token{kind: sign, text: string(r)})
	case '-':
		if strings.HasPrefix(rest, " ") {
			s.put(token{kind: sign, text: "-"})
		}
	}
}

// unspaced takes in letters of a script without blanks: words of the table, and
// one token for what is between them.
func (s *scanner) unspaced(at int) int {
	i, filler := at, at
	fill := func() {
		if filler < i {
			s.put(token{kind: word, text: s.text[filler:i], class: unitAt(s.text[filler:i])})
		}
	}
	for i < len(s.text) {
		r, n := utf8.DecodeRuneInString(s.text[i:])
		if !unspaced(r) && !unicode.IsMark(r) {
			break
		}
		if found, c := codeWords().at(s.text[i:]); c != 0 && c != unit {
			fill()
			s.put(token{kind: word, text: s.text[i : i+found], class: c})
			i += found
			filler = i
			continue
		}
		i += n
		if i-filler >= 12 {
			fill()
			filler = i
		}
	}
	fill()
	return i - at
}

// unitAt is the class of letters behind a number that begin with a unit.
func unitAt(text string) class {
	if _, c := codeWords().at(text); c == unit {
		return unit
	}
	return 0
}

// letters is how many octets a word with borders has.
func (s *scanner) letters(at int) int {
	i := at
	for i < len(s.text) {
		r, n := utf8.DecodeRuneInString(s.text[i:])
		if r >= utf8.RuneSelf && unspaced(r) || !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
			break
		}
		i += n
	}
	return i - at
}

// ascii takes in a word that begins with an ASCII letter or digit: a number in
// one or several groups, an address, or a word.
func (s *scanner) ascii(at int) int {
	n := s.letters(at)
	text := s.text[at : at+n]
	if mail := mailLen(s.text[at:]); mail > 0 {
		s.put(token{kind: number, text: s.text[at : at+mail]})
		return mail
	}
	if !ascii(text) {
		s.word(text)
		return n
	}
	if digits(text) {
		return s.groups(at, n)
	}
	c := classOf(text)
	if hyphenated := s.hyphenated(at, n); hyphenated > n && c == 0 {
		return s.letterGroups(at, n, hyphenated)
	}
	t := token{kind: word, text: text, value: text, class: c}
	switch hasDigit, upper := strings.ContainsAny(text, "0123456789"), text == strings.ToUpper(text); {
	case c != 0 || !hasDigit && !upper:
	case !hasDigit:
		t.shape = letters
	case s.partOf(at, at+n):
		t.kind = number
	case upper:
		t.kind, t.shape = number, capital
	default:
		t.kind, t.shape = number, mixed
	}
	s.put(t)
	return n
}

// hyphenated is the length of words that hyphens tie to the first, or a few of
// them.
func (s *scanner) hyphenated(at, n int) int {
	end := at + n
	for range 4 {
		if end+1 >= len(s.text) || s.text[end] != '-' || !isAlnum(rune(s.text[end+1])) {
			break
		}
		end += 1 + s.letters(end+1)
	}
	return end - at
}

// letterGroups takes in words with hyphens of which the first has a letter:
// G-482913, AB12-CD34, or what is no code.
func (s *scanner) letterGroups(at, n, whole int) int {
	text := s.text[at : at+whole]
	parts := strings.Split(text, "-")
	t := token{kind: number, text: text}
	same := true
	for _, p := range parts {
		same = same && len(p) == len(parts[0]) && ascii(p)
	}
	upper := text == strings.ToUpper(text)
	switch {
	case s.partOf(at, at+whole):
	case len(parts) == 2 && len(parts[0]) == 1 && upper && digits(parts[1]):
		t.value, t.shape = parts[1], figures // what is typed is the number
	case same && upper && len(parts[0]) >= 3:
		t.value, t.shape = strings.Join(parts, ""), capital
		if !strings.ContainsAny(text, "0123456789") {
			t.kind, t.shape = word, letters
		}
	case !strings.ContainsAny(text, "0123456789"):
		s.word(s.text[at : at+n])
		return n
	}
	s.put(t)
	return whole
}

// groups takes in digits, and the groups that stand behind them. More groups
// than a code has, or of no length that codes come in, are a number of another
// kind.
func (s *scanner) groups(at, n int) int {
	sizes := []int{n}
	end := at + n
	value := []byte(s.text[at:end])
	for end < len(s.text) {
		gap := gapLen(s.text[end:], sizes[len(sizes)-1] == 1)
		if gap == 0 {
			break
		}
		more := s.letters(end + gap)
		group := s.text[end+gap : end+gap+more]
		if !digits(group) || more > 1 && sizes[0] == 1 && gap == 2 {
			break
		}
		if len(sizes) <= maxGroups {
			sizes, value = append(sizes, more), append(value, group...)
		}
		end += gap + more
	}
	t := token{kind: number, text: s.text[at:end], value: string(value)}
	if grouped(sizes) && !s.partOf(at, end) {
		t.shape = figures
	}
	s.put(t)
	return end - at
}

// grouped reports whether a code can have groups of these sizes.
func grouped(sizes []int) bool {
	for _, n := range sizes {
		if n != sizes[0] {
			return false
		}
	}
	switch sizes[0] {
	case 1:
		return len(sizes) >= shortest && len(sizes) <= maxGroups || len(sizes) == 1
	case 2:
		return len(sizes) == 3 || len(sizes) == 1
	case 3:
		return len(sizes) <= 3
	case 4:
		return len(sizes) <= 2
	}
	return len(sizes) == 1
}

// gapLen is the length of what may stand between two groups of a number: a
// blank or hyphen, and two blanks, as between cells, where groups have one
// digit.
func gapLen(text string, single bool) int {
	r, n := utf8.DecodeRuneInString(text)
	if !strings.ContainsRune(" -‐‑–", r) {
		return 0
	}
	if single && r == ' ' && strings.HasPrefix(text[1:], " ") {
		n = 2
	}
	if len(text) > n && text[n] >= '0' && text[n] <= '9' {
		return n
	}
	return 0
}

// partOf reports whether a number is a piece of something longer: a date, a
// time, an amount, an address.
func (s *scanner) partOf(from, to int) bool {
	before, size := utf8.DecodeLastRuneInString(s.text[:from])
	earlier, _ := utf8.DecodeLastRuneInString(s.text[:max(from-size, 0)])
	behind, size := utf8.DecodeRuneInString(s.text[to:])
	next, _ := utf8.DecodeRuneInString(s.text[to+size:])
	switch {
	case from > 0 && strings.ContainsRune("+#$€£¥₩₹₽₺₴&@/\\_%", before), to < len(s.text) && strings.ContainsRune("/@_%$€£¥₩₹₽₺₴=", behind):
		return true
	case strings.ContainsRune(".,:'", before) && unicode.IsDigit(earlier), strings.ContainsRune(".,:'", behind) && unicode.IsDigit(next):
		return true
	case before == '.' && unicode.IsLetter(earlier), behind == '-' && isAlnum(next):
		return true
	case before == '-' && (unicode.IsLetter(earlier) || unicode.IsDigit(earlier)):
		return len(s.tokens) == 0 || s.tokens[len(s.tokens)-1].class != named // PIN-7391
	case before == ' ' && (earlier == ')' || earlier == '€' || earlier == '$'), behind == ' ' && strings.ContainsRune("€$£¥₩₹₽₺₴%", next):
		return true
	}
	return false
}

// mailLen is the length of the mail address that a text begins with.
func mailLen(text string) int {
	at := -1
	for i := range len(text) {
		switch c := text[i]; {
		case isAlnum(rune(c)), strings.IndexByte(".-_+%=", c) >= 0:
		case c == '@' && at < 0 && i > 0:
			at = i
		default:
			if at < 0 || i == at+1 {
				return 0
			}
			return i
		}
		if at < 0 && i > maxWord {
			return 0
		}
	}
	if at < 0 {
		return 0
	}
	return len(text)
}

func isAlnum(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
