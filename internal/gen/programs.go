package main

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
	"text/template"

	"github.com/imapknife/imapknife/cmds"
)

var (
	//go:embed llms.tmpl
	llmsText string
	//go:embed skill.tmpl
	skillText string
)

// group is a heading of the table of commands.
type group struct {
	Name  string
	Verbs []command
}

// command is one line of it.
type command struct {
	Line    string // name and arguments
	Summary string
	Writes  bool   // changes mail or mailboxes
	Flags   string // those that few others have
}

// programs are the documents for programs that drive imapknife, by their path.
func programs(docs []cmds.Doc) (map[string][]byte, error) {
	data := struct {
		Statuses string
		Groups   []group
	}{Statuses: exitStatuses()}
	for _, d := range docs {
		if len(data.Groups) == 0 || data.Groups[len(data.Groups)-1].Name != d.Group {
			data.Groups = append(data.Groups, group{Name: d.Group})
		}
		g := &data.Groups[len(data.Groups)-1]
		g.Verbs = append(g.Verbs, command{
			Line: strings.TrimSpace(d.Path + " " + d.Args), Summary: d.Summary, Flags: ownFlags(d),
			Writes: slices.ContainsFunc(d.Flags, func(f cmds.FlagDoc) bool { return f.Name == "dry-run" }),
		})
	}
	out := map[string][]byte{}
	for path, text := range map[string]string{"docs/llms.txt": llmsText, "docs/skill/SKILL.md": skillText} {
		tmpl, err := template.New(path).Parse(text)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := tmpl.Execute(&b, data); err != nil {
			return nil, err
		}
		out[path] = b.Bytes()
	}
	return out, nil
}

// ownFlags are the flags that are the verb's own, without those of OAuth.
func ownFlags(d cmds.Doc) string {
	var out []string
	for _, f := range d.Flags {
		if f.Group == "Flags" && !strings.Contains(f.Help, "OAuth") {
			out = append(out, "`"+f.Usage+"`")
		}
	}
	return strings.Join(out, ", ")
}
