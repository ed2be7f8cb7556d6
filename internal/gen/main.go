// Gen writes the documents that are made from the program itself: the
// reference of the commands, manual pages, the exit statuses in README.md, the
// picture of a session, and what programs read that drive imapknife. With -check
// it writes nothing and fails where a file is not what it would write.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/cmds"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest/terminal"
)

func main() {
	if filepath.Base(os.Args[0]) == "imapknife" {
		play()
	}
	check := flag.Bool("check", false, "fail where a generated file is out of date")
	root := flag.String("root", ".", "the module's folder")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run writes, or checks, every generated file.
func run(root string, check bool) error {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return err
	}
	readme, err = between(readme, "exit-status", exitStatuses())
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"README.md":        readme,
		"docs/commands.md": []byte(commands(cmds.Docs())),
	}
	pages, err := manuals(root, cmds.Docs())
	if err != nil {
		return err
	}
	maps.Copy(files, pages)
	guides, err := programs(cmds.Docs())
	if err != nil {
		return err
	}
	maps.Copy(files, guides)
	drawn, err := picture()
	switch {
	case err == nil:
		files["docs/session.svg"] = drawn
	case !errors.Is(err, terminal.ErrUnsupported): // the picture stays what it is
		return err
	}
	var stale []string
	kept, err := filepath.Glob(filepath.Join(root, "man", "*"))
	if err != nil {
		return err
	}
	for _, path := range kept { // pages of what is gone
		if pages["man/"+filepath.Base(path)] != nil {
			continue
		}
		stale = append(stale, "man/"+filepath.Base(path))
		if !check {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, want := range files {
		path := filepath.Join(root, name)
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, want) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if check {
			stale = append(stale, name)
		} else if err := os.WriteFile(path, want, 0o644); err != nil {
			return err
		}
	}
	if check && len(stale) > 0 {
		slices.Sort(stale)
		return fmt.Errorf("out of date: %s (run make generate)", strings.Join(stale, ", "))
	}
	return nil
}

// between replaces what stands between the markers of a generated part.
func between(doc []byte, name, text string) ([]byte, error) {
	begin, end := "<!-- generated: "+name+" -->\n", "<!-- end: "+name+" -->"
	before, rest, ok := strings.Cut(string(doc), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return nil, fmt.Errorf("README.md has no markers for %q", name)
	}
	return []byte(before + begin + text + end + after), nil
}

func exitStatuses() string {
	var out strings.Builder
	out.WriteString("| status | meaning |\n|---|---|\n")
	for _, r := range fault.Table() {
		fmt.Fprintf(&out, "| %d | %s |\n", r.Status, r.Meaning)
	}
	return out.String()
}

// commands is docs/commands.md. Flags that all verbs of a kind share stand
// once, at the end.
func commands(docs []cmds.Doc) string {
	var out strings.Builder
	out.WriteString("# Commands\n\nWritten by `make generate` from the table of verbs; `imapknife help VERB` shows the same.\n")
	shared := map[string][]cmds.FlagDoc{}
	var order []string
	for _, d := range docs {
		fmt.Fprintf(&out, "\n## %s\n\n`imapknife %s`\n\n%s\n", d.Path, strings.TrimSpace(d.Path+" "+d.Args), d.About)
		var own []cmds.FlagDoc
		var groups []string
		for _, f := range d.Flags {
			if f.Group == "Flags" || count(docs, f) == 1 {
				own = append(own, f)
				continue
			}
			if !slices.Contains(groups, f.Group) {
				groups = append(groups, f.Group)
			}
			if shared[f.Group] == nil {
				order = append(order, f.Group)
			}
			if !slices.ContainsFunc(shared[f.Group], func(g cmds.FlagDoc) bool { return g.Name == f.Name }) {
				shared[f.Group] = append(shared[f.Group], f)
			}
		}
		table(&out, own)
		if len(groups) > 0 {
			fmt.Fprintf(&out, "\nShared flags: %s.\n", strings.Join(names(groups), ", "))
		}
		out.WriteString("\n```sh\n")
		for _, e := range d.Examples {
			fmt.Fprintf(&out, "# %s\n%s\n", e.What, e.Line)
		}
		out.WriteString("```\n")
	}
	for _, g := range order {
		fmt.Fprintf(&out, "\n## %s flags\n", names([]string{g})[0])
		table(&out, shared[g])
	}
	return out.String()
}

func count(docs []cmds.Doc, f cmds.FlagDoc) int {
	n := 0
	for _, d := range docs {
		if slices.ContainsFunc(d.Flags, func(g cmds.FlagDoc) bool { return g.Name == f.Name }) {
			n++
		}
	}
	return n
}

// names are headings without what stands in brackets behind them.
func names(groups []string) []string {
	var out []string
	for _, g := range groups {
		name, _, _ := strings.Cut(g, " (")
		out = append(out, name)
	}
	return out
}

func table(out *strings.Builder, flags []cmds.FlagDoc) {
	if len(flags) == 0 {
		return
	}
	out.WriteString("\n| flag | environment | meaning |\n|---|---|---|\n")
	for _, f := range flags {
		env := ""
		if f.Env != "" {
			env = "`" + f.Env + "`"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", strings.ReplaceAll(f.Usage, "|", `\|`), env, strings.ReplaceAll(f.Help, "|", `\|`))
	}
}
