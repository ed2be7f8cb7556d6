package imaptest

import (
	"fmt"
	"strconv"
	"strings"
)

// uidSet is a parsed sequence-set; a bound of 0 is *.
type uidSet [][2]uint32

func parseSet(s string) uidSet {
	var out uidSet
	for part := range strings.SplitSeq(s, ",") {
		lo, hi, ok := strings.Cut(part, ":")
		if !ok {
			hi = lo
		}
		l, _ := strconv.ParseUint(lo, 10, 32) // * is 0
		h, _ := strconv.ParseUint(hi, 10, 32)
		out = append(out, [2]uint32{uint32(l), uint32(h)})
	}
	return out
}

// holds knows that n:* holds the last message in any case.
func (s uidSet) holds(n, last uint32) bool {
	for _, r := range s {
		lo, hi := r[0], r[1]
		if lo == 0 {
			lo = last
		}
		if hi == 0 {
			hi = last
		}
		if n >= min(lo, hi) && n <= max(lo, hi) {
			return true
		}
	}
	return false
}

func (p *player) fetch(args string, uid bool) error {
	set, rest, _ := strings.Cut(args, " ")
	wanted := parseSet(set)
	items := fetchItems(rest)
	for n := uint32(1); n <= p.script.messages; n++ {
		if wanted.holds(n, p.script.messages) {
			if err := p.send(p.script.fetchReply(n, items, uid)); err != nil {
				return err
			}
		}
	}
	return p.send(p.tagged("OK", "FETCH done"))
}

// fetchItems splits the items of FETCH; a section stays with its name.
func fetchItems(s string) []string {
	if strings.HasPrefix(s, "(") {
		s = matching(s)
	}
	var items []string
	depth, start := 0, 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == ' ' && depth == 0:
			if i > start {
				items = append(items, s[start:i])
			}
			start = i + 1
		case s[i] == '[' || s[i] == '(':
			depth++
		case s[i] == ']' || s[i] == ')':
			depth--
		}
	}
	macros := map[string]string{
		"ALL": "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE", "FAST": "FLAGS INTERNALDATE RFC822.SIZE", "FULL": "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY",
	}
	if len(items) == 1 && macros[strings.ToUpper(items[0])] != "" {
		return strings.Fields(macros[strings.ToUpper(items[0])])
	}
	return items
}

// matching is what stands between the first parenthesis and its partner.
func matching(s string) string {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[1:i]
			}
		}
	}
	return s[1:]
}

func (s *script) fetchReply(n uint32, items []string, uid bool) string {
	var out []string
	hasUID := false
	for _, name := range items {
		hasUID = hasUID || strings.EqualFold(name, "UID")
		if strings.EqualFold(name, "UID") && s.uidLast {
			continue
		}
		if text := s.fetchItem(n, name); text != "" {
			out = append(out, text)
		}
	}
	own := s.fetchItem(n, "UID")
	switch {
	case own == "" || !hasUID && !uid:
	case s.uidLast:
		out = append(out, own)
	case !hasUID:
		out = append([]string{own}, out...)
	}
	for _, e := range s.extras {
		if e.uid == 0 || e.uid == n {
			out = append(out, e.name+" "+e.value)
		}
	}
	return fmt.Sprintf("* %d FETCH (%s)\r\n", n, strings.Join(out, " "))
}

// fetchItem is one item as the reply has it, or empty.
func (s *script) fetchItem(n uint32, name string) string {
	name = strings.Replace(strings.ToUpper(name), "BODY.PEEK[", "BODY[", 1)
	name = strings.Replace(name, "BINARY.PEEK[", "BINARY[", 1)
	base, first, count := cutPartial(name)
	key := base
	if fields, _, ok := strings.Cut(base, " ("); ok {
		key = fields + "]"
	}
	if first >= 0 {
		base = fmt.Sprintf("%s<%d>", base, first)
	}
	for _, o := range s.items {
		if (o.uid == 0 || o.uid == n) && o.name == key {
			if o.value == "NONE" {
				return ""
			}
			return base + " " + o.value
		}
	}
	value, literal, ok := sample(n).item(n, key, base)
	if !ok {
		return ""
	}
	if !literal {
		return base + " " + value
	}
	if first >= 0 {
		value = value[min(first, len(value)):]
		value = value[:min(count, len(value))]
	}
	return fmt.Sprintf("%s {%d}\r\n%s", base, len(value), value)
}

// cutPartial splits <first.count> off; first is -1 when there is none.
func cutPartial(name string) (base string, first, count int) {
	open := strings.LastIndexByte(name, '<')
	if open < 0 || !strings.HasSuffix(name, ">") {
		return name, -1, 0
	}
	if _, err := fmt.Sscanf(name[open:], "<%d.%d>", &first, &count); err != nil {
		return name, -1, 0
	}
	return name[:open], first, count
}
