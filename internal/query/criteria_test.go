package query

import (
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestCriteria(t *testing.T) {
	want := strings.Fields(`unseen seen flagged unflagged answered unanswered deleted undeleted draft undraft recent new old
		from to cc bcc subject body-contains contains header since before on sent-since sent-before sent-on larger smaller
		keyword unkeyword has-attachment younger older gmail-raw `)
	var got []string
	for _, c := range Criteria() {
		got = append(got, c.Name)
		if c.Help == "" || (c.Arity == NoValue) != (c.ValueName == "") || findKey(c.Key) == nil {
			t.Errorf("%+v", c)
		}
		if (c.Arity == OptionalValue) != (c.Name == "has-attachment") {
			t.Errorf("%+v", c)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("criteria are %v, want %v", got, want)
	}
}

func TestCriterion(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"unseen", "", "UNSEEN"},
		{"new", "", "NEW"},
		{"from", "alice smith", `FROM "alice smith"`},
		{"from", "", `FROM ""`},
		{"contains", "x", "TEXT x"},
		{"body-contains", "x", "BODY x"},
		{"header", "List-Id:dev", "HEADER List-Id dev"},
		{"header", "List-Id: a: b", `HEADER List-Id "a: b"`},
		{"header", "List-Id:", `HEADER List-Id ""`},
		{"header", "List-Id", `HEADER List-Id ""`},
		{"since", "7d", "SINCE 2026-11-13"},
		{"sent-on", "20-Nov-2026", "SENTON 2026-11-20"},
		{"larger", "10M", "LARGER 10485760"},
		{"keyword", "$Forwarded", "KEYWORD $Forwarded"},
		{"has-attachment", "", "HAS-ATTACHMENT"},
		{"has-attachment", "*.pdf", "ATTACHMENT *.pdf"},
		{"younger", "1h", "YOUNGER 3600"},
		{"gmail-raw", "in:anywhere larger:5M", `X-GM-RAW "in:anywhere larger:5M"`},
	} {
		n, err := Criterion(tt.name, tt.value, testEnv)
		if err != nil || n.String() != tt.want {
			t.Errorf("--%s %q: %v, %v, want %s", tt.name, tt.value, n, err, tt.want)
		}
	}
	for _, tt := range []struct{ name, value, want string }{
		{"nothing", "", `unknown criterion "nothing"`},
		{"older", "30", `--older "30": an age needs a unit`},
		{"younger", "7", `--younger "7": an age needs a unit`},
		{"", "", `unknown criterion ""`},
		{"unseen", "yes", `--unseen takes no value, here is "yes"`},
		{"header", ": x", `--header "": not the name of a header field`},
		{"since", "soon", `--since: "soon" is not a date`},
		{"larger", "big", `--larger: "big" is not a size`},
		{"from", "a\nb", `--from "a\nb": a search value has no line breaks`},
		{"keyword", "a b", `--keyword "a b": not a keyword flag`},
		{"keyword", "seen", `--keyword "seen": the system flag \Seen is no keyword`},
		{"keyword", "FLAGGED", `--keyword "FLAGGED": the system flag \Flagged is no keyword`},
		{"unkeyword", "Draft", `--unkeyword "Draft": the system flag \Draft is no keyword`},
		{"has-attachment", "[", `--has-attachment "[": not a pattern`},
	} {
		n, err := Criterion(tt.name, tt.value, testEnv)
		if err == nil || err.Error() != tt.want || fault.KindOf(err) != fault.Usage {
			t.Errorf("--%s %q: %v, %v, want %s", tt.name, tt.value, n, err, tt.want)
		}
	}
}

func TestCombine(t *testing.T) {
	for _, tt := range []struct {
		flags []Flag
		want  string
	}{
		{nil, "ALL"},
		{[]Flag{{"unseen", ""}}, "UNSEEN"},
		{[]Flag{{"unseen", ""}, {"unseen", ""}}, "UNSEEN"},
		{[]Flag{{"from", "a"}, {"unseen", ""}, {"from", "b"}}, "OR FROM a FROM b UNSEEN"},
		{[]Flag{{"from", "a"}, {"from", "a"}, {"to", "a"}}, "FROM a TO a"},
		{[]Flag{{"has-attachment", "*.pdf"}, {"has-attachment", "*.doc"}, {"since", "7d"}},
			"OR ATTACHMENT *.pdf ATTACHMENT *.doc SINCE 2026-11-13"},
	} {
		n, err := Combine(tt.flags, testEnv)
		if err != nil || n.String() != tt.want {
			t.Errorf("%v: %v, %v, want %s", tt.flags, n, err, tt.want)
		}
	}
	if n, err := Combine([]Flag{{"seen", ""}, {"larger", "x"}}, testEnv); err == nil || n != nil {
		t.Errorf("%v, %v", n, err)
	}
}

func TestEveryKeyIsOfOneKind(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k.name] || k.name != strings.ToUpper(k.name) || k.help == "" {
			t.Errorf("key %q", k.name)
		}
		seen[k.name] = true
		if takes := k.arg != argNone && k.arg != argAttachment; takes != (k.value != "") {
			t.Errorf("%s: value %q", k.name, k.value)
		}
		if k.needs != "" && k.needs != capWithin && !slices.ContainsFunc(refusals[:], func(r struct{ needs, hint string }) bool { return r.needs == k.needs }) {
			t.Errorf("%s: no hint for a server without %s", k.name, k.needs)
		}
	}
	if len(Keys()) != len(keys) {
		t.Error("Keys are not all keys")
	}
}

// A keyword that is spelt like a system flag is a slip: the hint names the
// criterion, and there is one. A search program says what it says.
func TestKeywordOfSystemFlag(t *testing.T) {
	for _, flag := range systemFlags {
		for _, name := range []string{"keyword", "unkeyword"} {
			_, err := Criterion(name, strings.ToLower(flag), testEnv)
			hints := fault.Hints(err)
			if fault.KindOf(err) != fault.Usage || len(hints) != 1 {
				t.Errorf("--%s %s: %v %v", name, flag, err, hints)
				continue
			}
			meant := strings.TrimSuffix(strings.TrimPrefix(hints[0], "--"), " finds it")
			if _, err := Criterion(meant, "", testEnv); err != nil {
				t.Errorf("--%s %s: %s: %v", name, flag, hints[0], err)
			}
		}
		if n, err := Parse([]string{"KEYWORD", flag}, testEnv); err != nil || n.String() != "KEYWORD "+flag {
			t.Errorf("%v, %v", n, err)
		}
	}
}
