package output

import (
	"regexp"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
)

func TestTemplate(t *testing.T) {
	m := sample(42)
	m.Structure = &result.Part{Type: "text/plain"}
	m.Headers = &[]result.Header{{Name: "X", Value: "<y>"}}
	m.Modseq = 1<<64 - 1
	for _, c := range []struct{ template, want string }{
		{"{{.uid}} {{.subject}}", "42 Re: Build #1234 failed: größere Änderungen <&>\n"},
		{"{{.uid}}\n", "42\n"},
		{"{{.uid}}\n\n", "42\n\n"},
		{"x", "x\n"},
		{"[{{.preview}}|{{.gmail.labels}}|{{(index .from 0).name}}]", "[||Alice Example]\n"},
		{"{{.structure.type}} {{.modseq}} {{.from}} {{.to}} {{.flags}} {{.headers}}",
			`text/plain 18446744073709551615 Alice Example <alice@example.org> "Doe, Bob" <bob@example.org>, c@example.net \Seen,$Forwarded [{"name":"X","value":"<y>"}]` + "\n"},
		{`{{range .to}}{{.address}};{{else}}none{{end}}`, "bob@example.org;c@example.net;\n"},
		{`{{range .cc}}{{.address}};{{else}}none{{end}}`, "none\n"},
		{`{{if .seq}}seq{{else}}{{.uid}}{{end}}{{with .preview}}{{.}}{{else}}{{.size}}{{end}}`, "4212345\n"},
		{`{{if eq .uid 42}}yes{{end}}{{if gt .size 1000}}big{{end}}{{if eq .preview "x"}}no{{end}}`, "yesbig\n"},
		{`{{$u := .uid}}{{$u}}{{with $x := .uid}}{{$x}}{{end}}`, "4242\n"},
		{`{{define "a"}}<{{.address}}>{{end}}{{template "a" index .from 0}}`, "<alice@example.org>\n"},
		{`{{json .flags}} {{json .preview}} {{json .subject}}`, `["\\Seen","$Forwarded"] null "Re: Build #1234 failed: größere Änderungen <&>"` + "\n"},
		{`{{join " " .flags}}|{{.to | join "; "}}|{{join "," .preview}}|{{join "," .uid}}`, "\\Seen $Forwarded|\"Doe, Bob\" <bob@example.org>; c@example.net||42\n"},
		{`{{date "2006-01-02 15:04" .internal_date}}|{{date "2006" .save_date}}|`, "2026-11-20 15:04||\n"},
		{`{{.subject | truncate 10}}|{{truncate 3 .preview}}|{{truncate -1 .uid}}`, "Re: Build…||\n"},
		{`{{pad 5 .uid}}|{{pad -5 .uid}}|{{pad 1 .uid}}`, "42   |   42|42\n"},
		{`{{tsv .uid "a\tb\nc" .preview .mailbox}}`, "42\ta b c\t\tINBOX\n"},
		{`{{printf "%05d" .uid}} {{len .flags}} {{index .flags 0}}`, "00042 2 \\Seen\n"},
	} {
		got, err := render(t, Options{Template: c.template}, messages, true, m)
		if c.want == "" {
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("%s: %q, error %v", c.template, got, err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, want %q, error %v", c.template, got, c.want, err)
		}
	}
}

func TestTemplateRecords(t *testing.T) {
	m := sample(1)
	m.Subject = ptr("a\x1b[31m\nb\u202e")
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Template: "{{.subject}}"}, "a\x1b[31m\nb\u202e\n"},
		{Options{Template: "{{.subject}}", TTY: true}, "a^[[31m\nb<U+202E>\n"},
		{Options{Template: "{{.uid}}\n", Zero: true}, "1\x00"},
		{Options{Template: "{{.uid}}{{.seq}}", Fields: []string{"uid", "seq"}}, "1\n"},
	} {
		if got, err := render(t, c.o, messages, true, m); err != nil || got != c.want {
			t.Errorf("%+v: got %q, want %q, error %v", c.o, got, c.want, err)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	for _, c := range []string{`{{date "2006" .subject}}`, `{{index .flags 9}}`, `{{template "nosuch"}}`, `{{call .uid}}`,
		`{{define "a"}}<{{.}}{{.name}}>{{end}}{{template "a" .from}}`} {
		got, err := render(t, Options{Template: c}, messages, true, sample(1))
		if got != "" || fault.KindOf(err) != fault.Local || !strings.HasPrefix(err.Error(), "the template failed: ") {
			t.Errorf("%s: %q, error %v", c, got, err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{.uid}}", "{{range .to}}{{.name}}{{end}}", `{{join "," .flags | pad 9}}`, `{{date "Jan" .date}}`,
		"{{define \"x\"}}{{.}}{{end}}{{template \"x\" .}}", "{{with .a.b.c}}{{else with .uid}}{{.}}{{end}}", "{{break}}", "{{tsv . .uid nil}}"} {
		f.Add(s, "subject")
		f.Add(s, "\x1b]0;x\a\u202e\xff")
	}
	digits := regexp.MustCompile(`[0-9]{4}|%[^a-z]|\*|template|block|range|while`)
	f.Fuzz(func(t *testing.T, text, subject string) {
		if digits.MatchString(text) {
			return // recursion, and widths that only cost memory
		}
		m := sample(1)
		m.Subject = &subject
		got, err := render(t, Options{Template: text, TTY: true}, messages, true, m)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Usage && k != fault.Local {
				t.Fatal(err)
			}
			return
		}
		if text != "" {
			checkSafe(t, got)
		}
	})
}
