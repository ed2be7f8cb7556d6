package extract

import "strings"

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

func isSign(t token) bool { return t.kind == sign }
func isWord(t token) bool { return t.kind == word }

func isOther(c class) bool { return c == other || c == firm || c == promo || c == kinds }
