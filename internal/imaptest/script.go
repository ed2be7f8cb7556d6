package imaptest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// action is one line of a script that does something.
type action struct {
	line   int
	verb   string // S, C:, C~, C-, R, DELAY …
	text   string
	re     *regexp.Regexp
	name   string // C: the name that keeps the tag
	repeat int
	from   int // N: first number, then repeat numbers step apart
	step   int
	wait   time.Duration
}

// rule answers the commands that match.
type rule struct {
	line    int
	re      *regexp.Regexp
	literal bool
	once    bool
	nth     int
	conn    int
	actions []action
}

// item is one ITEM or EXTRA setting.
type item struct {
	uid   uint32 // 0 is every message
	name  string
	value string
}

// script is a parsed script.
type script struct {
	capability string
	greeting   string
	messages   uint32
	password   string
	uidLast    bool
	items      []item
	extras     []item
	sequence   []action
	rules      []*rule
	strict     bool // nothing but the sequence
}

const defaultCapability = "IMAP4rev1 SASL-IR LITERAL+ AUTH=PLAIN ID ENABLE IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE"

func parseScript(text string) (*script, error) {
	s := &script{capability: defaultCapability, messages: 3, strict: true}
	where := &s.sequence
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		verb, rest := cutVerb(line)
		var err error
		switch {
		case verb == "ON":
			var r *rule
			if r, err = parseRule(i+1, rest); err == nil {
				s.rules = append(s.rules, r)
				where = &r.actions
			}
		case verb == "RULES":
			s.strict = false
		default:
			var known bool
			if known, err = s.setting(verb, rest); err == nil && !known {
				var a action
				if a, err = parseAction(i+1, verb, rest); err == nil {
					*where = append(*where, a)
				}
			}
		}
		if err != nil {
			return nil, fmt.Errorf("script line %d: %w", i+1, err)
		}
	}
	s.strict = s.strict && len(s.rules) == 0 && len(s.sequence) > 0
	return s, nil
}

// cutVerb splits a line behind its first word and one blank.
func cutVerb(line string) (verb, rest string) {
	verb, rest, _ = strings.Cut(line, " ")
	return verb, rest
}

func (s *script) setting(verb, rest string) (known bool, err error) {
	switch verb {
	case "CAPABILITY":
		s.capability = editWords(s.capability, strings.Fields(rest))
	case "GREETING":
		s.greeting = rest
	case "MESSAGES":
		var n uint64
		n, err = strconv.ParseUint(rest, 10, 32)
		s.messages = uint32(n)
	case "PASSWORD":
		s.password = rest
	case "UIDLAST":
		s.uidLast = true
	case "ITEM", "ITEM=":
		err = addItem(&s.items, rest, verb == "ITEM=")
	case "EXTRA", "EXTRA=":
		err = addItem(&s.extras, rest, verb == "EXTRA=")
	default:
		return false, nil
	}
	return true, err
}

func addItem(to *[]item, rest string, escapes bool) error {
	f := strings.SplitN(rest, " ", 3)
	if len(f) < 3 {
		return fmt.Errorf("want: uid NAME value")
	}
	it := item{name: strings.ToUpper(f[1])}
	if f[0] != "*" {
		n, err := strconv.ParseUint(f[0], 10, 32)
		if err != nil {
			return err
		}
		it.uid = uint32(n)
	}
	var err error
	if escapes {
		it.value, err = unescape(f[2])
	} else {
		it.value, err = inlineLiterals(f[2])
	}
	*to = append(*to, it)
	return err
}

// editWords applies +word and -word to a list, or replaces it.
func editWords(list string, words []string) string {
	have := strings.Fields(list)
	for _, w := range words {
		switch w[0] {
		case '+':
			have = append(have, w[1:])
		case '-':
			for i, h := range have {
				if h == w[1:] {
					have = append(have[:i], have[i+1:]...)
					break
				}
			}
		default:
			return strings.Join(words, " ")
		}
	}
	return strings.Join(have, " ")
}

func parseRule(line int, rest string) (*rule, error) {
	r := &rule{line: line}
	for strings.HasPrefix(rest, "-") {
		var flag string
		flag, rest, _ = strings.Cut(rest, " ")
		name, value, _ := strings.Cut(flag, "=")
		var err error
		switch name {
		case "-once":
			r.once = true
		case "-literal":
			r.literal = true
		case "-nth":
			r.nth, err = strconv.Atoi(value)
		case "-conn":
			r.conn, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("unknown flag %s", flag)
		}
		if err != nil {
			return nil, err
		}
	}
	var err error
	r.re, err = regexp.Compile("(?is)^(?:" + rest + ")")
	return r, err
}

func parseAction(line int, verb, rest string) (action, error) {
	a := action{line: line, verb: verb, text: rest}
	var err error
	switch verb {
	case "S:":
		a.verb = "S"
		a.text, err = inlineLiterals(rest)
		a.text += "\r\n"
	case "S=":
		a.verb = "S"
		a.text, err = unescape(rest)
	case "S<":
		a.verb = "S"
		a.text, err = unhex(rest)
	case "R:":
		a.verb = "R"
		count, text, _ := strings.Cut(rest, " ")
		if a.repeat, err = strconv.Atoi(count); err == nil {
			a.text, err = unescape(text)
		}
	case "N:":
		err = a.numbers(rest)
	case "E:":
		err = a.each(rest)
	case "C:":
		if strings.HasPrefix(rest, "{") {
			if name, after, ok := strings.Cut(rest[1:], "}"); ok {
				a.name, a.text = name, after
			}
		}
	case "C~", "C-":
		a.re, err = regexp.Compile("(?s)" + rest)
	case "DELAY", "DROP":
		a.wait, err = time.ParseDuration(rest)
	case "DRIP":
		gap, text, _ := strings.Cut(rest, " ")
		if a.wait, err = time.ParseDuration(gap); err == nil {
			a.text, err = unescape(text)
		}
	case "F:", "STARTTLS", "COMPRESS", "CLOSE", "RESET", "HANG", "DEFAULT":
	default:
		err = fmt.Errorf("unknown directive %q", verb)
	}
	return a, err
}

// each reads "first last text".
func (a *action) each(rest string) error {
	first, rest, _ := strings.Cut(rest, " ")
	last, text, _ := strings.Cut(rest, " ")
	if err := a.numbers(first + " " + last + " 1"); err != nil {
		return err
	}
	var err error
	a.verb = "E"
	a.text, err = unescape(text)
	return err
}

// numbers reads "first last step".
func (a *action) numbers(text string) error {
	var last int
	if _, err := fmt.Sscan(text, &a.from, &last, &a.step); err != nil {
		return err
	}
	if a.step == 0 || (last-a.from)/a.step < 0 {
		return fmt.Errorf("no way from %d to %d by %d", a.from, last, a.step)
	}
	a.verb, a.repeat = "N", (last-a.from)/a.step+1
	return nil
}
