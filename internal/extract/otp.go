package extract

import "context"

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
