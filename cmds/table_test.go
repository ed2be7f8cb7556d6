package cmds

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// TestRegistry: a flag name has one meaning and one arity everywhere.
func TestRegistry(t *testing.T) {
	names, shorts := map[string]bool{}, map[string]bool{}
	for _, f := range registry {
		if names[f.name] {
			t.Errorf("--%s is registered twice", f.name)
		}
		if f.short != "" && shorts[f.short] {
			t.Errorf("-%s is registered twice", f.short)
		}
		names[f.name], shorts[f.short] = true, true
		if f.help == "" || f.group == "" {
			t.Errorf("--%s lacks help or a heading", f.name)
		}
		if f.group == groupCriteria && f.env {
			t.Errorf("--%s is a criterion and must not come from the environment", f.name)
		}
	}
	for _, v := range leaves() {
		seen := map[*flag]bool{}
		for _, f := range v.flags {
			if !slices.Contains(registry, f) {
				t.Errorf("%s has --%s, which is not in the registry", v.path, f.name)
			}
			if seen[f] {
				t.Errorf("%s has --%s twice", v.path, f.name)
			}
			seen[f] = true
		}
	}
	used := map[*flag]bool{}
	for _, v := range leaves() {
		for _, f := range v.flags {
			used[f] = true
		}
	}
	for _, f := range registry {
		if !used[f] && f.name != "help" {
			t.Errorf("no verb has --%s", f.name)
		}
	}
}

// TestVerbs: what a verb must have beside its code.
func TestVerbs(t *testing.T) {
	for _, v := range leaves() {
		for line := range strings.Lines(v.about) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("help %s is wider than a terminal: %s", v.path, line)
			}
		}
		if v.summary == "" || v.about == "" || v.group == "" || v.setup == nil {
			t.Errorf("%s lacks a summary, a description, a group or a setup", v.path)
		}
		if len(v.examples) == 0 {
			t.Errorf("%s has no example", v.path)
		}
		for _, e := range v.examples {
			if !strings.Contains(e.line, "imapknife "+v.path) {
				t.Errorf("the example %q does not show %s", e.line, v.path)
			}
		}
		name := strings.Fields(v.path)[0]
		scripts, err := filepath.Glob(filepath.Join("..", "testdata", "script", name+"*.txtar"))
		if err != nil || len(scripts) == 0 {
			t.Errorf("%s has no script testdata/script/%s*.txtar", v.path, name)
		}
		file := strings.ReplaceAll(name, " ", "") + ".go"
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%s has no file of its own: %v", v.path, err)
		}
	}
}

// TestExamplesParse: every example of imapknife in help is a line that parses.
func TestExamplesParse(t *testing.T) {
	for _, v := range leaves() {
		for _, e := range v.examples {
			for _, words := range shellCommands(t, e.line) {
				if words[0] != "imapknife" {
					continue
				}
				o, err := permute(words[1:])
				if err != nil {
					t.Errorf("%s: %v", e.line, err)
					continue
				}
				for _, s := range o.flags {
					if !slices.Contains(o.verb.flags, s.flag) {
						t.Errorf("%s: %s has no --%s", e.line, o.verb.path, s.flag.name)
					}
				}
			}
		}
	}
}

// shellCommands splits a line into the commands of its pipeline, as far as
// examples need it: quotes, | and >.
func shellCommands(t *testing.T, line string) [][]string {
	t.Helper()
	var out [][]string
	var words []string
	word, in, quote, file := "", false, rune(0), false
	end := func() {
		if in && !file {
			words = append(words, word)
		}
		word, in = "", false
	}
	for _, r := range line + "|" {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == '|':
			end()
			out, words, file = append(out, words), nil, false
		case r == '>':
			end()
			file = true
		case r == ' ':
			end()
		default:
			word, in = word+string(r), true
		}
	}
	if quote != 0 {
		t.Fatalf("unbalanced quotes: %s", line)
	}
	return out
}

// TestPermute: flags may stand anywhere, and `--` ends them.
func TestPermute(t *testing.T) {
	for _, tt := range []struct {
		line  string
		verb  string
		flags string
		args  string
	}{
		{"search UNSEEN --json", "search", "json", "UNSEEN"},
		{"--json search UNSEEN", "search", "json", "UNSEEN"},
		{"search --json UNSEEN", "search", "json", "UNSEEN"},
		{"fetch 5 --raw", "fetch", "raw", "5"},
		{"-m Sent fetch 5 --flags", "fetch", "mailbox=Sent flags", "5"},
		{"-mSent fetch 5", "fetch", "mailbox=Sent", "5"},
		{"search -lm Sent", "search", "long mailbox=Sent", ""},
		{"search -m=Sent", "search", "mailbox=Sent", ""},
		{"search --mailbox=A=B", "search", "mailbox=A=B", ""},
		{"search --has-attachment UNSEEN", "search", "has-attachment", "UNSEEN"},
		{"search --has-attachment=*.pdf", "search", "has-attachment=*.pdf", ""},
		{"fetch - --flags", "fetch", "flags", "-"},
		{"search -- --json -1", "search", "", "--json -1"},
		{"delete 5 --dry-run", "delete", "dry-run", "5"},
		{"-y delete 5 --expunge", "delete", "yes expunge", "5"},
		{"mailbox -y delete A B --dry-run", "mailbox delete", "yes dry-run", "A B"},
		{"mailbox create --special-use archive A", "mailbox create", "special-use=archive", "A"},
		{"attachments --json save 5 --dir d", "attachments save", "json dir=d", "5"},
		{"list help", "list", "", "help"},
		{"list h", "list", "", "h"},
		{"search --subject a,b", "search", "subject=a,b", ""},
		{"sandbox --seed d -- sh -c x", "sandbox", "seed=d", "sh -c x"},
		{"sandbox sh -c x --json", "sandbox", "", "sh -c x --json"},
		{"sandbox -- imapknife search -- x", "sandbox", "", "imapknife search -- x"},
		{"--json sandbox", "sandbox", "json", ""},
	} {
		o, err := permute(strings.Fields(tt.line))
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		var flags []string
		for _, s := range o.flags {
			text := s.flag.name
			if s.has {
				text += "=" + s.value
			}
			flags = append(flags, text)
		}
		if got := o.verb.path; got != tt.verb {
			t.Errorf("%s: verb %q, want %q", tt.line, got, tt.verb)
		}
		if got := strings.Join(flags, " "); got != tt.flags {
			t.Errorf("%s: flags %q, want %q", tt.line, got, tt.flags)
		}
		if got := strings.Join(o.args, " "); got != tt.args {
			t.Errorf("%s: args %q, want %q", tt.line, got, tt.args)
		}
	}
	for _, line := range []string{"search --nope", "search -Z", "search --mailbox", "search -m", "search --json=1", "attachments", "attachments open 5", "frob"} {
		if _, err := permute(strings.Fields(line)); fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v, want a usage error", line, err)
		}
	}
}

// TestFlagsAnywhere: for every verb, a flag counts wherever it stands.
func TestFlagsAnywhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte("[accounts.1]\nurl = 'imaps://h/'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range leaves() {
		if v.opaque {
			continue
		}
		for _, f := range v.flags {
			word := "--" + f.name
			if f.arity == one || f.arity == many {
				value := "1"
				switch {
				case len(f.enum) > 0:
					value = f.enum[0]
				case f.kind == duration:
					value = "1s"
				}
				word += "=" + value
			}
			path := strings.Fields(v.path)
			for _, line := range [][]string{
				append([]string{word}, append(path, "x")...),
				append(slices.Clone(path), word, "x"),
				append(slices.Clone(path), "x", word),
			} {
				in, err := parse(&Process{Args: append([]string{"imapknife"}, line...), Stdout: io.Discard, Stderr: io.Discard, Now: time.Now, Environ: []string{"IMAPKNIFE_CONFIG=" + file}})
				if err != nil {
					t.Errorf("%v: %v", line, err)
					continue
				}
				if !in.flagged(f.name) || len(in.args) != 1 || in.args[0] != "x" {
					t.Errorf("%v: flags and arguments are not what was typed: %v", line, in.args)
				}
			}
		}
	}
}
