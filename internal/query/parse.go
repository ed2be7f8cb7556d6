package query

import (
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// Parse reads an IMAP search program given as words of a command line. Keys
// are case-insensitive; keys side by side are joined by AND; OR and NOT stand
// before their operands, as in IMAP; parentheses are words of their own or
// attached to one. The word after a key is its value, whole and as it is,
// even when it looks like a key. A bare UID set is a key: `1:5` is `UID 1:5`.
// A program that is a single word with blanks is read like ParseString.
// Errors are fault.Usage.
//
// A value keeps closing parentheses at its end (`SUBJECT :)`) if the program
// comes out even that way; otherwise they close groups (`(FROM alice)`).
func Parse(argv []string, env Env) (*Node, error) {
	if len(argv) == 1 && strings.ContainsAny(argv[0], blanks) {
		return ParseString(argv[0], env)
	}
	words := make([]word, len(argv))
	octets := 0
	for i, arg := range argv {
		words[i] = word{text: arg}
		octets += len(arg) + 1
	}
	return parse(words, octets, env)
}

// ParseString reads a program that is one string, such as
// `FROM ci@ SUBJECT "two words"`. Words are separated by blanks; "..." and
// '...' keep one together; parentheses outside quotes group. Otherwise it is
// like Parse.
func ParseString(s string, env Env) (*Node, error) {
	words, err := splitWords(s)
	if err != nil {
		return nil, err
	}
	return parse(words, len(s), env)
}

func parse(words []word, octets int, env Env) (*Node, error) {
	switch {
	case octets > MaxProgramOctets:
		return nil, usage("search program of %d octets: at most %d are allowed", octets, MaxProgramOctets).
			Hint("give many UIDs on standard input, with - as the set")
	case len(words) == 0:
		return nil, usage("empty search program").Hint("ALL finds every message")
	}
	p := parser{words: slices.Clone(words), env: env}
	n, err := p.program()
	if err != nil && p.doubtful {
		p = parser{words: slices.Clone(words), env: env, closing: true}
		n, err = p.program()
	}
	return n, err
}

// parser reads words from the front. It cuts parentheses off them as it goes.
type parser struct {
	words []word
	env   Env

	open, depth, keys int
	closing           bool   // parentheses at the end of values close groups
	doubtful          bool   // a value had some, and kept them
	before            string // the key just read, for hints
	beforeText        bool   // it took a text
}

func (p *parser) program() (*Node, error) {
	n, err := p.list()
	if err == nil && len(p.words) > 0 {
		err = usage(`")" without a "(" before it`).Hint(parenHint)
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

const parenHint = `a parenthesis in a value must be quoted in one string for everything: 'SUBJECT ":)"'`

// list reads keys until the program or the group ends.
func (p *parser) list() (*Node, error) {
	var kids []*Node
	for !p.atEnd() {
		kid, err := p.key()
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
	return And(kids...), nil
}

// atEnd tells whether no key follows: the program ends or a group closes.
func (p *parser) atEnd() bool {
	return len(p.words) == 0 || !p.words[0].quoted && strings.HasPrefix(p.words[0].text, ")")
}

// cut takes the first n octets of the first word away.
func (p *parser) cut(n int) {
	w := &p.words[0]
	if w.text = w.text[n:]; w.text == "" {
		p.words = p.words[1:]
		return
	}
	w.split = true
}

// key reads one search key; something is there, and no ")".
func (p *parser) key() (*Node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.keys++; p.keys > MaxKeys {
		return nil, usage("search program of more than %d keys", MaxKeys)
	}
	if p.depth > MaxDepth {
		return nil, usage("search program nested deeper than %d", MaxDepth)
	}
	w := p.words[0]
	switch {
	case w.quoted:
		return nil, p.explain(usage("%s stands where a search key is expected", quote(w.text)))
	case strings.HasPrefix(w.text, "("):
		return p.group()
	}
	name := w.text
	if i := strings.IndexAny(name, "()"); i >= 0 {
		name = name[:i]
	}
	if name == "" { // an empty word, which cut cannot shorten
		return nil, p.explain(usage("an empty word stands where a search key is expected"))
	}
	p.cut(len(name))
	if isSet(name) {
		sel, err := ParseSet(name)
		if err != nil {
			return nil, err
		}
		p.before, p.beforeText = keyUID, false
		return UIDs(sel.Set()), nil
	}
	spec := findKey(name)
	if spec == nil {
		return nil, p.unknownKey(name)
	}
	p.before, p.beforeText = spec.name, spec.arg == argText || spec.arg == argHeader || spec.arg == argLabel
	switch spec.arg {
	case argKey, argTwoKeys:
		return p.operator(spec)
	}
	return p.leaf(spec)
}

func (p *parser) group() (*Node, error) {
	p.cut(1)
	p.open++
	p.before, p.beforeText = "(", false
	n, err := p.list()
	switch {
	case err != nil:
		return nil, err
	case len(p.words) == 0:
		return nil, usage(`"(" without a ")" behind it`).Hint("the closing parenthesis is missing; in quotes, a parenthesis is part of a value")
	case p.before == "(":
		return nil, usage("empty parentheses")
	}
	p.cut(1)
	p.open--
	return n, nil
}

// isSet tells whether a word in the place of a key is meant as a UID set.
func isSet(s string) bool {
	return s[0] >= '0' && s[0] <= '9' || s[0] == '*' || strings.EqualFold(strings.TrimRight(s, ":,*0123456789"), "last")
}

// operator reads the operands of NOT, FUZZY or OR.
func (p *parser) operator(spec *keySpec) (*Node, error) {
	want := 1
	if spec.arg == argTwoKeys {
		want = 2
	}
	var kids []*Node
	for len(kids) < want {
		switch {
		case !p.atEnd():
		case want == 1:
			return nil, usage("%s needs a search key behind it", spec.name)
		default:
			return nil, usage("OR needs two search keys behind it and has %s", [...]string{"none", "one"}[len(kids)]).
				Hint("OR stands before its two keys: OR FROM alice FROM bob")
		}
		kid, err := p.key()
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
	switch spec.name {
	case keyNot:
		return Not(kids[0]), nil
	case keyFuzzy:
		return fuzzy(kids[0]), nil
	}
	return Or(kids...), nil
}

// leaf reads the values of a key.
func (p *parser) leaf(spec *keySpec) (*Node, error) {
	var values []string
	want := spec.valueCount("")
	for len(values) < want {
		v, ok := p.value()
		if !ok {
			return nil, missing(spec, len(values))
		}
		if values = append(values, v); len(values) == 1 {
			want = spec.valueCount(v)
		}
	}
	return leaf(spec.name, spec, values, p.env)
}

func missing(spec *keySpec, have int) *fault.Error {
	what := "a value"
	if spec.arg == argHeader {
		what = [...]string{"a field name and a value", "a value behind the field name"}[have]
		return usage("%s needs %s", spec.name, what).
			Hint(`HEADER NAME VALUE: VALUE in the header field NAME; with "" as VALUE, the field is there`)
	}
	return usage("%s needs %s", spec.name, what).
		Hint("%s %s: %s", spec.name, strings.ReplaceAll(spec.value, ":", " "), spec.help)
}

// value takes the next word as it is.
func (p *parser) value() (string, bool) {
	if len(p.words) == 0 || p.words[0].split {
		return "", false
	}
	w := p.words[0]
	n := 0
	if !w.quoted {
		n = closers(w.text, p.open)
	}
	switch {
	case n > 0 && !p.closing:
		p.doubtful = true
		fallthrough
	case n == 0:
		p.words = p.words[1:]
		return w.text, true
	case n == len(w.text): // ")" alone closes a group
		return "", false
	}
	p.cut(len(w.text) - n)
	return w.text[:len(w.text)-n], true
}
