package extract

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// The lengths that a one-time code can have where none is asked for.
const (
	shortest = 4
	longest  = 10
)

// How sure a value is. What was quoted from another mail counts less than
// everything else.
const (
	sure   = 4 // named in its sentence, or alone below the word that names it
	likely = 3 // named elsewhere in the mail
	quoted = -2
)

// How far, in lines that say something, a word reaches to a number alone.
const (
	reach      = 6
	reachOther = 2
	reachBack  = 2
	never      = -1 << 30
)

// codes finds one-time codes. Each word about codes names the number that is
// nearest to it; a number that a word of another kind is nearer to is none.
type codes struct {
	length int
	found  values
	quote  int

	line     int // that says something
	subject  bool
	named    int    // the last line with a word about codes that has no number yet
	other    int    // the last line that says that a number of another kind follows
	above    string // a number alone that nothing has named yet
	aboveAt  int
	expected bool // a word about codes stands above
	took     int  // the last line that was taken as the code
	titled   bool // the subject is about a code that is not in it
}

// OTP lists the one-time codes that a mail names, several where it names
// several. length is how many letters and digits the code has; 0 is any number
// from 4 to 10. Blanks and hyphens between groups are left out.
func OTP(ctx context.Context, m Mail, length int) ([]string, error) {
	c := &codes{length: length}
	texts := m.texts()
	if len(texts) == 0 {
		texts = []string{""}
	}
	for _, text := range texts {
		c.line, c.named, c.other, c.aboveAt, c.took, c.titled = 0, never, never, never, never, false
		s := &scanner{end: c.sentence}
		c.subject, c.quote = true, 0
		s.scan(normalise(m.Subject))
		c.subject = false
		for p := range paragraphs(text) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			c.line++
			c.quote = 0
			if p.quoted {
				c.quote = quoted
			}
			s.scan(p.text)
		}
	}
	return c.found.list, nil
}

func (c *codes) add(t token, score int) {
	if t.shape == letters {
		score--
	}
	c.found.add(t.value, score+c.quote)
}

// sentence looks at the tokens of one.
func (c *codes) sentence(tokens []token) {
	if one := alone(tokens); one != nil {
		c.alone(*one)
		return
	}
	words := classify(tokens)
	took, free := c.claim(tokens)
	switch {
	case took:
		c.named, c.took = never, never
	case free:
		if c.line-c.aboveAt <= reachBack && c.above != "" {
			c.found.add(c.above, likely+c.quote)
		}
		c.named = c.line
		c.titled = c.titled || c.subject
	}
	c.above = ""
	last := tokens[len(tokens)-1]
	if !took && !free && words.other && !words.numbers && (words.count <= reach || last.text == ":") {
		c.other = c.line
	}
}

// alone returns the only number of a sentence without words.
func alone(tokens []token) (one *token) {
	for i := range tokens {
		switch t := &tokens[i]; {
		case t.kind == sign:
		case one != nil || t.shape == foreign:
			return nil
		default:
			one = t
		}
	}
	return one
}

// alone judges a number alone in its line by the lines above.
func (c *codes) alone(t token) {
	switch {
	case c.line-c.other <= reachOther && c.other > c.named:
		c.other = never
		return
	case !c.fits(t):
	case t.shape == letters && (c.line-c.named != 1 && c.length == 0 || linkWords().of(t.text) != 0):
	case c.line-c.named <= reach, c.line-c.took == 1:
		c.add(t, sure)
		c.named, c.took = never, c.line
		return
	case c.titled && t.shape != letters:
		c.add(t, likely)
		return
	case t.shape == figures || t.shape == capital:
		c.above, c.aboveAt = t.value, c.line
		return
	}
	if t.shape == letters {
		c.above = ""
	}
}

// fits reports whether a number can be a code.
func (c *codes) fits(t token) bool {
	n := len(t.value)
	if c.length != 0 {
		return t.shape != foreign && n == c.length
	}
	return t.shape != foreign && n >= shortest && n <= longest
}

// summary is what a sentence says beside its numbers.
type summary struct {
	other   bool
	numbers bool
	count   int // of words
}

// classify settles what words mean beside others: a postal code is no code, and
// a number with a unit is a quantity.
func classify(tokens []token) (s summary) {
	discount := false
	for i := range tokens {
		t := &tokens[i]
		if t.kind == word {
			s.count++
		}
		s.numbers = s.numbers || t.kind == number
		switch t.class {
		case named:
			if i > 0 && (tokens[i-1].class == promo || tokens[i-1].class == kinds) {
				t.class = other
				break
			}
			if i > 0 && things[fold(tokens[i-1].text)] && strings.HasPrefix(fold(t.text), "code") {
				t.class = other
				break
			}
			if isProgram(tokens, i) {
				t.class = 0
				break
			}
			next := i + 1
			for next < len(tokens) && tokens[next].kind == word && tokens[next].class == joins && next < i+3 {
				next++
			}
			if next < len(tokens) && tokens[next].kind == word && isOther(tokens[next].class) {
				t.class = other
			}
		case unit:
			if i > 0 && tokens[i-1].kind == number {
				tokens[i-1].shape = foreign
			}
			if i+1 < len(tokens) && tokens[i+1].kind == number && currencies[fold(t.text)] {
				tokens[i+1].shape = foreign // EUR 4800
			}
		case promo:
			discount = true
		}
		s.other = s.other || isOther(t.class)
	}
	for i := range tokens {
		if t := &tokens[i]; discount && t.kind == number && t.shape != figures {
			t.shape = foreign
		}
	}
	return s
}

// isProgram reports whether "code" is what programs are made of, or a verb.
func isProgram(tokens []token, i int) bool {
	if fold(tokens[i].text) != "code" {
		return false
	}
	of := i > 1 && tokens[i-1].text == "of" && tokens[i-2].class == unit // lines of code
	return of || i > 0 && tokens[i-1].text == "to" || i+1 < len(tokens) && programs[fold(tokens[i+1].text)]
}

func isOther(c class) bool { return c == other || c == firm || c == promo || c == kinds }

// pair is a word and a number that it may be about.
type pair struct {
	label, number, cost int
}

// claim gives each word the number nearest to it, the nearest pair first. It
// reports whether a word about codes has taken one, and whether there is one
// that has taken none.
func (c *codes) claim(tokens []token) (took, free bool) {
	naming, score := named, sure
	if !slices.ContainsFunc(tokens, func(t token) bool { return t.class == named }) {
		naming, score = acts, likely
		c.expected = c.titled || c.line-c.named <= reach
	}
	var pairs []pair
	owner := make([]class, len(tokens))
	for i := range tokens {
		switch tokens[i].class {
		case naming, other, firm, promo, kinds:
			pairs = c.pairs(pairs, tokens, i, naming)
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.cost, b.cost) })
	done := make([]bool, len(tokens))
	for _, p := range pairs {
		is := other
		if tokens[p.label].class == naming {
			is = naming
		}
		switch {
		case done[p.label]:
		case owner[p.number] == naming:
			done[p.label] = true
		case owner[p.number] == 0:
			owner[p.number], done[p.label] = is, true
			if is == naming {
				took = true
				c.add(tokens[p.number], score)
			}
		}
	}
	return took, naming == named && !took
}

// pairs appends the numbers that the word at i may be about: the nearest few
// behind it and before it.
func (c *codes) pairs(pairs []pair, tokens []token, i int, naming class) []pair {
	const few = 3
	isNaming := tokens[i].class == naming
	for dir, left := 1, few; dir >= -1; dir, left = dir-2, few {
		for j := i + dir; j >= 0 && j < len(tokens) && left > 0; j += dir {
			t := tokens[j]
			d := max(t.pos-tokens[i].pos, tokens[i].pos-t.pos)
			if d > farthest {
				break
			}
			if t.kind != number && t.shape != letters {
				continue
			}
			cost, ok := 2*d, false
			switch {
			case isNaming:
				ok = c.canName(tokens, i, j, d) && (naming == named || c.expected || names(tokens[i].text, t.colon, j-i))
				if dir < 0 {
					cost++
				}
			case t.kind == number:
				cost, ok = otherCost(tokens, i, j, d)
			}
			if t.kind == number {
				left--
			}
			if ok {
				pairs = append(pairs, pair{i, j, cost})
			}
		}
	}
	return pairs
}

// farthest is how many words may stand between a word and its number.
const farthest = 24

// canName reports whether the number at j can be the code that the word at i
// is about.
func (c *codes) canName(tokens []token, i, j, d int) bool {
	t := tokens[j]
	if !c.fits(t) {
		return false
	}
	before := token{}
	if j > 0 {
		before = tokens[j-1]
	}
	near := j > i && d <= 2 || t.colon
	first := j == 0 || before.kind == sign || before.class == acts
	switch {
	case j > i && !introduced(tokens, j) && slices.ContainsFunc(tokens[i:j], func(t token) bool { return t.kind == number }):
		return false // the code for order 17 is 482913, but not: the code and 17 from shop 118820
	case j < i && !first && (d < 2 || d > 3):
		return false // 482913 is your code, but not: 12000 people learn to code
	case t.shape == letters:
		return t.colon && j == i+2 || c.length != 0 && near
	case t.shape == mixed:
		return t.colon || c.length != 0
	case t.shape == figures && (isYear(t.value) || isDate(t.value)):
		return near && before.class != month || j == 0 && len(tokens) > 1 && tokens[1].kind == word
	case t.shape == figures && len(t.value) == 4 && times[fold(before.text)]:
		return false // until 1430
	case t.shape == figures && len(t.value) > 8:
		return !directions[fold(before.text)]
	}
	return true
}

// introduced reports whether a sign or a word such as "is" stands right before
// the number at j.
func introduced(tokens []token, j int) bool {
	before := tokens[j-1]
	if before.kind == sign || links[fold(before.text)] {
		return true
	}
	for _, end := range [...]string{"是", "为", "為", "は", "คือ"} {
		if strings.HasSuffix(before.text, end) {
			return true
		}
	}
	return before.class == named
}

// names reports whether a word names the code that follows at once, although
// no word about codes is near: enter 482913, verification: 482913.
func names(text string, colon bool, d int) bool {
	text = fold(text)
	return d == 1 && entering[text] || colon && d == 2 && strings.HasPrefix(text, "verif")
}

// otherCost is how near the number at j is to a word of another kind.
func otherCost(tokens []token, i, j, d int) (cost int, ok bool) {
	t := tokens[i]
	marker := len(t.text) <= 3
	switch {
	case j < i:
		apart := slices.ContainsFunc(tokens[j:i], func(t token) bool { return t.kind == sign })
		return 2*d + 4, d <= 4 && !marker && !apart
	case marker:
		return 2*d - 1, d == 1
	case d > 4:
		return 0, false
	}
	cost = 2*d - 1
	if t.class == firm || tokens[j-1].class == other && j-1 > i {
		return cost, true // order number 17
	}
	// "The code for your account is": the account is what the code is for.
	for k, words := i-1, 3; k >= 0 && words > 0 && tokens[k].kind != sign && (d > 1 || tokens[j].colon); k-- {
		switch t := tokens[k]; {
		case t.class == named:
			return cost + 16, true
		case t.kind == word && t.class != unit:
			words--
		}
	}
	return cost, true
}

// isYear reports whether a number may be a year of our time, and isDate whether
// it may be a day, as 20261126.
func isYear(s string) bool {
	return len(s) == 4 && (strings.HasPrefix(s, "19") || strings.HasPrefix(s, "20"))
}

func isDate(s string) bool {
	return len(s) == 8 && isYear(s[:4]) && s[4:6] >= "01" && s[4:6] <= "12" && s[6:] >= "01" && s[6:] <= "31"
}
