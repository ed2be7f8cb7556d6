package output

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
)

// What a program names is what it uses; a field that no row has is an error.
func TestUses(t *testing.T) {
	for _, c := range []struct {
		program string // one that begins with { { is a template
		want    string // an error begins with "no "
	}{
		{".", ""},
		{".[]", ""},
		{".[] | keys", ""},
		{".[].subject", "subject"},
		{`.[] | "\(.subject) \(.size)"`, "size subject"},
		{`.[]["subject"], .[0]."size"`, "size subject"},
		{"map(.from[0].address) | group_by(.) | map(length)", "from"},
		{"map({uid, s: .subject}) | .[].s", "subject uid"},
		{"map({r: .}) | .[].r.subject", "subject"},
		{"[.[] | select(.flags | index(\"x\"))] | length", "flags"},
		{"sort_by(.size) | reverse | first | .subject", "size subject"},
		{"group_by(.size)[] | .[0].subject", "size subject"},
		{"max_by(.size).subject", "size subject"},
		{"map(select(any(.to[]; .address == \"x\")))", "to"},
		{"any(.[]; .subject == \"x\")", "subject"},
		{".[] as $m | $m.subject", "subject"},
		{".[] as {subject: $s, from: [$f]} | $s, $f.name", "from subject"},
		{".[] as {$subject} | $subject", "subject"},
		{"reduce .[] as $m (0; . + $m.size)", "size"},
		{"foreach .[] as $m (0; . + $m.size; [., $m.subject])", "size subject"},
		{"def s: .subject; .[] | s", "subject"},
		{"def f(g): map(g); f(.size)", "size"},
		{"def f($x): $x.size; f(.[0])", "size"},
		{"def r: r; r", ""},
		{"if .[0].seen then .[0].size else .[].subject end", "no seen"},
		{"if length > 0 then .[0].size else empty end", "size"},
		{"[limit(2; .[])] | .[].subject", "subject"},
		{"first(.[]).subject", "subject"},
		{".[].subject // \"none\"", "subject"},
		{".[].nosuch // \"none\"", ""},
		{".[].nosuch?", ""},
		{"try .[].nosuch catch \"x\"", ""},
		{".[].nosuch", "no nosuch"},
		{"map(.subjct)", "no subjct"},
		{".[].from[].adress", "no adress"},
		{"map(select(.nosuch))", "no nosuch"},
		{".[] | .x = .subject | .x", "subject"},
		{".[] | to_entries[] | .key", ""},
		{".[] | with_entries(.value |= tostring) | .anything", ""},
		{"map(.subject | ascii_downcase | test(\"x\"))", "subject"},
		{"[.[] | [.uid, .subject] | @tsv] | join(\"\\n\")", "subject uid"},
		{"map(has(\"subject\"))", ""},
		{"map(.[\"sub\" + \"ject\"])", ""},
		{".[:2][].subject", "subject"},
		{"..|.subject?", ""},
		{"label $out | .[] | .subject, break $out", "subject"},
		{"this is (no program", ""},

		{"{{.subject}} {{.size}}", "size subject"},
		{"{{if .flags}}{{.uid}}{{else}}{{.seq}}{{end}}", "flags seq uid"},
		{"{{range .from}}{{.address}}{{$.subject}}{{end}}", "from subject"},
		{"{{range $i, $f := .from}}{{$f.name}}{{end}}", "from"},
		{"{{with .subject}}{{.}}{{end}}", "subject"},
		{"{{with $m := .}}{{$m.subject}}{{end}}", "subject"},
		{"{{index . \"subject\"}}{{(index .from 0).name}}", "from subject"},
		{"{{define \"a\"}}{{.subject}}{{end}}{{template \"a\" .}}", "subject"},
		{"{{define \"a\"}}{{template \"a\" .}}{{.subject}}{{end}}{{template \"a\" .}}", "subject"},
		{"{{.subject | truncate 3}}{{printf \"%s\" .message_id}}", "message_id subject"},
		{"{{json .}}", ""},
		{"{{.nosuch}}", "no nosuch"},
		{"{{.gmail.nosuch}}", "no nosuch"},
		{"{{range .from}}{{.adress}}{{end}}", "no adress"},
		{"{{define \"a\"}}{{.nosuch}}{{end}}{{template \"a\" .}}", "no nosuch"},
	} {
		o := Options{JQ: c.program, Format: JSON}
		if strings.HasPrefix(c.program, "{{") {
			o = Options{Template: c.program}
		}
		if bad, ok := strings.CutPrefix(c.want, "no "); ok {
			_, err := New(context.Background(), io.Discard, o, Spec{Row: result.Message{}})
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), bad) {
				t.Errorf("%s: %v", c.program, err)
			}
			continue
		}
		used := Uses(o, result.Message{}, false)
		slices.Sort(used)
		if got := strings.Join(used, " "); got != c.want {
			t.Errorf("%s: uses %q, want %q", c.program, got, c.want)
		}
		if _, err := New(context.Background(), io.Discard, o, Spec{Row: result.Message{}}); err != nil && c.program[0] != 't' {
			t.Errorf("%s: %v", c.program, err)
		}
	}
}

// A line of JSON Lines and a single row are looked at without the array, and
// --fields says what there is.
func TestUsesForms(t *testing.T) {
	if got := Uses(Options{JQ: ".subject", Format: JSONL}, result.Message{}, false); !slices.Equal(got, []string{"subject"}) {
		t.Errorf("a line: %v", got)
	}
	if got := Uses(Options{JQ: ".messages[].to", Format: JSON}, result.Expectation{}, true); !slices.Equal(got, []string{"messages", "to"}) {
		t.Errorf("rows in a row: %v", got)
	}
	for program, good := range map[string]bool{".[].uid": true, ".[].size": false, `.[]."from.address"`: true} {
		_, err := New(context.Background(), io.Discard, Options{JQ: program, Format: JSON, Fields: []string{"uid", "from.address"}}, Spec{Row: result.Message{}})
		if (err == nil) != good {
			t.Errorf("%s: %v", program, err)
		}
	}
}
