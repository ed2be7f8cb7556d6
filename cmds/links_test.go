package cmds_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	links = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	paths = regexp.MustCompile("`((?:cmds|internal|output|testdata|creds|completions)/[A-Za-z0-9_./-]+)`")
)

// TestLinks: what documents link to is there, and so are the files of this
// project that they name.
func TestLinks(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/llms.txt", "../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, found...)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		look := func(at, target string) {
			n++
			if _, err := os.Stat(filepath.Join(at, target)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		for _, m := range links.FindAllStringSubmatch(string(text), -1) {
			if target, _, _ := strings.Cut(m[1], "#"); target != "" && !strings.Contains(target, ":") {
				look(filepath.Dir(file), target)
			}
		}
		for _, m := range paths.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "NAME") { // one of your own
				look("..", m[1])
			}
		}
	}
	t.Logf("%d links and paths in %d documents", n, len(files))
}
