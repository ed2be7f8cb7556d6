package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/imapknife/imapknife"

// allowed says which packages of the module each may import: imports go one
// way. What is not listed may import none.
var allowed = map[string][]string{
	".":                   {"cmds"},
	"completions":         {"internal/fault"},
	"cmds":                {"output", "completions", "creds", "internal/access", "internal/atomicfile", "internal/bashline", "internal/change", "internal/config", "internal/deliver", "internal/discover", "internal/extract", "internal/fault", "internal/fetch", "internal/hidden", "internal/hostname", "internal/mailsource", "internal/mark", "internal/message", "internal/oauth", "internal/pin", "internal/query", "internal/report", "internal/result", "internal/sandbox", "internal/sasl", "internal/session", "internal/suggest", "internal/track", "internal/transport", "internal/wire", "internal/zone"},
	"output":              {"internal/fault", "internal/result", "internal/suggest"},
	"creds":               {"internal/access", "internal/atomicfile", "internal/fault"},
	"internal/access":     {},
	"internal/atomicfile": {},
	"internal/bashline":   {},
	"internal/change":     {"internal/fault", "internal/query", "internal/result", "internal/session"},
	"internal/config":     {"internal/access", "internal/atomicfile", "internal/fault", "internal/hostname", "internal/pin", "internal/suggest"},
	"internal/deliver":    {"internal/fault", "internal/message", "internal/query", "internal/result", "internal/session"},
	"internal/discover":   {"internal/fault", "internal/hostname"},
	"internal/extract":    {"internal/message"},
	"internal/fault":      {},
	"internal/fetch":      {"internal/fault", "internal/query"},
	"internal/hidden":     {},
	"internal/hostname":   {"internal/fault"},
	"internal/gen":        {"cmds", "internal/fault", "internal/imaptest/limited", "internal/imaptest/terminal", "internal/result"},
	"internal/mailsource": {"internal/fault", "internal/message"},
	"internal/mark":       {"internal/fault", "internal/result"},
	"internal/message":    {"internal/fault", "internal/result"},
	"internal/oauth":      {"internal/atomicfile", "internal/fault", "internal/hidden"},
	"internal/pin":        {"internal/fault"},
	"internal/query":      {"internal/fault", "internal/suggest"},
	"internal/realserver": {"internal/fault"},
	"internal/report":     {"internal/atomicfile"},
	"internal/result":     {},
	"internal/sandbox":    {"internal/fault", "internal/mailsource", "internal/message"},
	"internal/sasl":       {"internal/fault"},
	"internal/session":    {"internal/atomicfile", "internal/fault", "internal/message", "internal/pin", "internal/query", "internal/result", "internal/sasl", "internal/transport", "internal/wire"},
	"internal/suggest":    {},
	"internal/transport":  {"internal/fault", "internal/hostname"},
	"internal/track":      {"internal/atomicfile", "internal/fault", "internal/mark", "internal/query", "internal/result", "internal/session"},
	"internal/wire":       {"internal/fault"},
	"internal/zone":       {},
}

// testing packages may import what they test.
var instruments = []string{"internal/imaptest", "internal/imaptest/harness", "bench"}

// onlyImporter says which package alone may import a library.
var onlyImporter = map[string]string{
	"github.com/urfave/cli/v2":                  "cmds",
	"github.com/itchyny/gojq":                   "output",
	"github.com/emersion/go-imap/v2":            "internal/sandbox",
	"github.com/emersion/go-imap/v2/imapserver": "internal/sandbox",
}

// TestImports keeps the layers apart: main, then cmds, then the rest.
func TestImports(t *testing.T) {
	for dir, imports := range packages(t) {
		if isInstrument(dir) {
			continue
		}
		may, known := allowed[dir]
		if !known {
			t.Errorf("%s is not in the table of this test", dir)
		}
		for _, path := range imports {
			if own, ok := strings.CutPrefix(path, module+"/"); ok && !slices.Contains(may, own) {
				t.Errorf("%s imports %s", dir, own)
			}
			if only, ok := onlyImporter[path]; ok && dir != only {
				t.Errorf("%s imports %s, which is for %s alone", dir, path, only)
			}
		}
	}
}

// TestProcessGlobals keeps the operating system's process behind one struct.
func TestProcessGlobals(t *testing.T) {
	for _, name := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(name))
		if name == "main.go" || dir == "internal/gen" || isInstrument(dir) || dir == "internal/realserver" {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for _, global := range []string{"os.Stdout", "os.Stderr", "os.Stdin", "os.Args", "os.Exit(", "time.Now(", "time.Since("} {
			if strings.Contains(text, global) {
				t.Errorf("%s uses %s", name, strings.TrimSuffix(global, "("))
			}
		}
	}
}

func isInstrument(dir string) bool {
	return slices.ContainsFunc(instruments, func(i string) bool { return dir == i || strings.HasPrefix(dir, i+"/") })
}

// sources lists the module's Go files that are not tests. A folder with a
// go.mod of its own is another module.
func sources(t *testing.T) []string {
	var out []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() && path != "." {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir
			}
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d Go files found", len(out))
	}
	return out
}

// packages maps each folder to what its files import.
func packages(t *testing.T) map[string][]string {
	out := map[string][]string{}
	for _, name := range sources(t) {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		for _, imp := range f.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[dir] = append(out[dir], path)
		}
	}
	return out
}
