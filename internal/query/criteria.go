package query

import (
	"slices"
	"strings"
)

// Arity is how many values a criterion flag takes.
type Arity uint8

// The arities.
const (
	NoValue       Arity = iota // --unseen
	OneValue                   // --from TEXT
	OptionalValue              // --has-attachment, --has-attachment=GLOB
)

// CriterionSpec describes a criterion of the command line.
type CriterionSpec struct {
	Name      string // flag name without dashes
	Arity     Arity
	ValueName string // what the value is called in help; empty for NoValue
	Help      string // one line, lower case
	Key       string // the search key it stands for
}

// Criteria lists the criterion flags, the table that the command line
// registers them from.
func Criteria() []CriterionSpec {
	var out []CriterionSpec
	for _, k := range keys {
		if k.flag == "" {
			continue
		}
		c := CriterionSpec{Name: k.flag, ValueName: k.value, Help: k.help, Key: k.name}
		switch k.arg {
		case argNone:
		case argAttachment:
			c.Arity, c.ValueName = OptionalValue, "GLOB"
		default:
			c.Arity = OneValue
		}
		out = append(out, c)
	}
	return out
}

// Criterion makes the node of one criterion flag. name is without dashes;
// value is empty for flags that take none. Errors are fault.Usage.
func Criterion(name, value string, env Env) (*Node, error) {
	i := slices.IndexFunc(keys[:], func(k keySpec) bool { return k.flag != "" && k.flag == name })
	if i < 0 {
		return nil, usage("unknown criterion %s", quote(name))
	}
	spec, flag := &keys[i], "--"+name
	if env.Recipient && name == "to" {
		spec = findKey(keyRecipient)
		// Of a mailbox as mail has it, NAME <ADDRESS>, the address counts.
		if before, after, ok := cutLast(value, "<"); ok && strings.HasSuffix(after, ">") && strings.Contains(after, "@") && !strings.Contains(before, "@") {
			value = strings.TrimSuffix(after, ">")
		}
	}
	values := []string{value}
	switch spec.arg {
	case argNone:
		if value != "" {
			return nil, usage("%s takes no value, here is %s", flag, quote(value))
		}
	case argAttachment:
		if value != "" {
			spec = findKey(keyAttachment)
		}
	case argAge: // RFC 5032 counts seconds; a flag's bare number could be anything
		if IsNumber(value) {
			return nil, badValue(flag, value, "an age needs a unit").
				Hint("%sd is %s days; the units are s, m, h, d, w, mo and y", value, value)
		}
	case argKeyword: // the system flag of that name is another flag
		if i := slices.IndexFunc(systemFlags[:], func(name string) bool { return strings.EqualFold(name, value) }); i >= 0 {
			return nil, badValue(flag, value, "the system flag \\%s is no keyword", systemFlags[i]).Hint("--%s finds it", systemCriterion(systemFlags[i], name))
		}
	case argHeader: // without a colon: the field is there
		field, text, _ := strings.Cut(value, ":")
		values = []string{field, strings.TrimLeft(text, " \t")}
	}
	return leaf(flag, spec, values, env)
}

// systemFlags are the flags that have criteria of their own.
var systemFlags = [...]string{"Seen", "Answered", "Flagged", "Deleted", "Draft", "Recent"}

// systemCriterion is the criterion that does for a system flag what name, keyword
// or unkeyword, does for a keyword.
func systemCriterion(flag, name string) string {
	switch flag = strings.ToLower(flag); {
	case name == "keyword":
		return flag
	case flag == "recent":
		return "old"
	}
	return "un" + flag
}

// Flag is a criterion flag as it was given.
type Flag struct{ Name, Value string }

// Combine makes one program of criterion flags: different flags are joined by
// AND, one flag given several times by OR. Without flags it is All. Errors are
// fault.Usage.
func Combine(flags []Flag, env Env) (*Node, error) {
	var order []string
	byName := map[string][]*Node{}
	seen := map[Flag]bool{}
	for _, f := range flags {
		if seen[f] {
			continue
		}
		seen[f] = true
		n, err := Criterion(f.Name, f.Value, env)
		if err != nil {
			return nil, err
		}
		if byName[f.Name] == nil {
			order = append(order, f.Name)
		}
		byName[f.Name] = append(byName[f.Name], n)
	}
	var all []*Node
	for _, name := range order {
		all = append(all, Or(byName[name]...))
	}
	return And(all...), nil
}
