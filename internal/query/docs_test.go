package query

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func readDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/query.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The reference has every key, with the words of the table in code.
func TestDocsListEveryKey(t *testing.T) {
	docs := readDocs(t)
	for _, k := range keys {
		flag, needs := " ", " "
		if k.flag != "" {
			flag = " `--" + k.flag + "` "
		}
		if k.needs != "" {
			needs = " " + k.needs + " "
		}
		key := strings.TrimSpace(k.name + " " + strings.ReplaceAll(k.value, ":", " "))
		if row := fmt.Sprintf("| `%s` |%s| %s |%s|\n", key, flag, k.help, needs); !strings.Contains(docs, row) {
			t.Errorf("docs/query.md lacks\n%s", row)
		}
	}
	if want := "`" + strings.Join(SortKeyNames(), "`, `") + "`"; !strings.Contains(docs, want) {
		t.Errorf("docs/query.md lacks %s", want)
	}
}

// The examples are what happens: a program, then what a server without
// extensions is sent.
func TestDocsExamples(t *testing.T) {
	env := Env{Now: time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)}
	examples := 0
	_, rest, _ := strings.Cut(readDocs(t), "```query\n")
	for rest != "" {
		block, after, ok := strings.Cut(rest, "```")
		if !ok {
			t.Fatal("a block without an end")
		}
		program := ""
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			want, isPlan := strings.CutPrefix(line, "=> ")
			if !isPlan {
				program = line
				continue
			}
			n, err := ParseString(program, env)
			if err != nil {
				t.Errorf("%s: %v", program, err)
				continue
			}
			step, err := Plan(n, offers(""), env.Now)
			if err != nil || step.String() != want {
				t.Errorf("%s: %v, %v, want %s", program, step, err, want)
			}
			examples++
		}
		_, rest, _ = strings.Cut(after, "```query\n")
	}
	if examples < 10 {
		t.Errorf("only %d examples were found", examples)
	}
}
