package extract

import (
	"cmp"
	"slices"
	"strings"
)

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
	const few = 8
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
	case j < i && slices.ContainsFunc(tokens[j:i], isSign) && slices.ContainsFunc(tokens[:j], isWord):
		return false // bug 17, code
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
		apart := slices.ContainsFunc(tokens[j:i], isSign)
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
