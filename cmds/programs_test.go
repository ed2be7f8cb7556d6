package cmds_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestPrograms runs every example of the documents for programs that drive
// imapknife, and looks that none of them takes in mail without a bound.
func TestPrograms(t *testing.T) {
	for _, tt := range []struct {
		file   string
		blocks int
	}{
		{"../docs/llms.txt", 7},
		{"../docs/skill/SKILL.md", 7},
	} {
		if ran, other := runDocument(t, tt.file, nil); ran < tt.blocks || other > 0 {
			t.Errorf("%s: %d blocks ran, %d did not", tt.file, ran, other)
		}
		_, all := readBlocks(t, tt.file)
		bounded := 0
		for _, b := range all {
			n, bad := bounds(b.text)
			bounded += n
			for _, line := range bad {
				t.Errorf("%s: %s takes in mail without --limit or --max-bytes", b, line)
			}
		}
		t.Logf("%d examples of %s take in mail, each with --limit or --max-bytes", bounded, tt.file)
	}
}

// readers are the verbs that print mail, and what bounds them: where they print
// texts, a number of messages is no bound.
var readers = map[string]string{
	"search": "--limit", "attachments": "--limit", "fetch": "--max-bytes", "show": "--max-bytes",
	"wait": "--max-bytes", "expect": "--max-bytes", "watch": "--max-bytes", "changes": "--max-bytes",
}

var commandLine = regexp.MustCompile(`\bimapknife ([a-z]+)\b[^|;&\n)]*`)

// bounds counts the commands of a block that print mail, and lists those without
// their bound. --count prints a number.
func bounds(text string) (n int, bad []string) {
	for _, m := range commandLine.FindAllStringSubmatch(text, -1) {
		words := strings.Fields(m[0])
		need, reads := readers[m[1]]
		if !reads || slices.Contains(words, "--count") {
			continue
		}
		n++
		// What --max-bytes bounds are the texts in rows, and show's.
		rows := m[1] == "show" || slices.Contains(words, "--json") || slices.Contains(words, "--jsonl")
		if !slices.Contains(words, need) || !rows {
			bad = append(bad, m[0])
		}
	}
	return n, bad
}

// TestBounds: the rule finds what breaks it.
func TestBounds(t *testing.T) {
	for line, want := range map[string]int{
		"imapknife search --unseen --json":                                1,
		"imapknife search --unseen --limit 5 --json":                      0,
		"imapknife search --unseen --limit 5":                             1,
		"imapknife search --unseen --count":                               0,
		"imapknife fetch 1 --text --limit 5 --json":                       1,
		"imapknife fetch 1 --text --max-bytes 5":                          1,
		"imapknife search --limit 1 --json | imapknife fetch - --jsonl":   1,
		"x=$(imapknife wait --extract otp --json); imapknife show last":   2,
		"imapknife mark; imapknife list --json":                           0,
		"imapknife search UNSEEN --limit 1 --json\nimapknife show last\n": 1,
	} {
		if _, bad := bounds(line); len(bad) != want {
			t.Errorf("%s: %q", line, bad)
		}
	}
}

// TestSkillHead: what programs read of a skill first.
func TestSkillHead(t *testing.T) {
	text, _ := readBlocks(t, "../docs/skill/SKILL.md")
	parts := strings.SplitN(text, "---\n", 3)
	var head struct{ Name, Description string }
	if len(parts) != 3 || parts[0] != "" || yaml.Unmarshal([]byte(parts[1]), &head) != nil {
		t.Fatalf("no YAML in front:\n%.200s", text)
	}
	if head.Name != "imapknife" || len(head.Description) < 50 || len(head.Description) > 1024 {
		t.Errorf("%+v", head)
	}
	for file, first := range map[string]string{"../docs/llms.txt": "# imapknife\n\n> ", "../docs/skill/SKILL.md": "---\nname: "} {
		if text, _ := readBlocks(t, file); !strings.HasPrefix(text, first) || !strings.Contains(text, "x-untrusted") {
			t.Errorf("%s begins with %.40q", file, text)
		}
		text, _ := readBlocks(t, file)
		if mode, other := strings.Index(text, "IMAPKNIFE_MODE=readonly"), strings.Index(text, "imapknife search"); mode < 0 || mode > other {
			t.Errorf("%s: reading only does not come first", file)
		}
	}
}
