package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"

	"github.com/imapknife/imapknife/cmds"
	"github.com/imapknife/imapknife/internal/result"
)

// manualDate is that of the release that the pages come with.
const manualDate = "2026-11-27"

// manuals are the manual pages, by their path: one for imapknife, one for each
// verb, and those of what is not a verb, from the documents that say it.
func manuals(root string, docs []cmds.Doc) (map[string][]byte, error) {
	out := map[string][]byte{}
	add := func(name, section, text string) {
		head := fmt.Sprintf("# %s %s \"%s\" \"imapknife\" \"imapknife manual\"\n\n", strings.ToUpper(name), section, manualDate)
		out["man/"+name+"."+section] = md2man.Render([]byte(head + text))
	}
	add("imapknife", "1", mainPage(docs))
	for _, d := range docs {
		add("imapknife-"+strings.ReplaceAll(d.Path, " ", "-"), "1", verbPage(d))
	}
	for _, page := range []struct{ name, section, what, from string }{
		{"imapknife-config", "5", "accounts, passwords and ways to connect", "docs/accounts.md"},
		{"imapknife-query", "7", "the search language of imapknife", "docs/query.md"},
	} {
		text, err := os.ReadFile(filepath.Join(root, page.from))
		if err != nil {
			return nil, err
		}
		add(page.name, page.section, nameOf(page.name, page.what)+document(string(text))+seeAlso())
	}
	add("imapknife-exit-status", "7", nameOf("imapknife-exit-status", "how imapknife ends")+
		"# DESCRIPTION\n\nEvery kind of failure has a status of its own; with **--json**, the error on standard error names the kind.\n\n"+exitList()+seeAlso())
	return out, nil
}

func nameOf(name, what string) string { return "# NAME\n\n" + name + " - " + what + "\n\n" }

func seeAlso() string {
	return "\n# SEE ALSO\n\n**imapknife**(1), **imapknife-config**(5), **imapknife-query**(7), **imapknife-exit-status**(7)\n"
}

// mainPage is imapknife(1).
func mainPage(docs []cmds.Doc) string {
	var b strings.Builder
	b.WriteString(nameOf("imapknife", "the swiss-army knife for IMAP"))
	b.WriteString("# SYNOPSIS\n\n**imapknife** [*flags*] *command* [*flags*] [*arguments*]\n\n# DESCRIPTION\n\n" +
		"Each command opens a session, does one thing, and prints text or JSON for a pipeline. Reading changes nothing: mailboxes are opened with EXAMINE.\n\n" +
		"The account is one that **imapknife login** has saved, or **--url** *imaps://user@host/*, or IMAPKNIFE_URL. Flags may stand before or after the command.\n\n# COMMANDS\n\n")
	group := ""
	for _, d := range docs {
		if d.Group != group {
			group = d.Group
			fmt.Fprintf(&b, "## %s\n\n", group)
		}
		fmt.Fprintf(&b, "**imapknife-%s**(1)\n: %s\n\n", strings.ReplaceAll(d.Path, " ", "-"), plain(d.Summary))
	}
	b.WriteString("# ENVIRONMENT\n\n")
	seen := map[string]bool{}
	for _, d := range docs {
		for _, f := range d.Flags {
			if f.Env != "" && !seen[f.Env] {
				seen[f.Env] = true
				fmt.Fprintf(&b, "**%s**\n: the flag **--%s**: %s\n\n", plain(f.Env), f.Name, plain(f.Help))
			}
		}
	}
	b.WriteString("**IMAPKNIFE_PASSWORD**\n: the password of the account that IMAPKNIFE_URL or the flags describe\n\n")
	b.WriteString("**IMAPKNIFE_TOKEN**\n: its OAuth access token\n\n**IMAPKNIFE_MODE**\n: *readonly* refuses every command that could change something\n\n")
	b.WriteString("# EXIT STATUS\n\n" + exitList())
	return b.String() + seeAlso()
}

// verbPage is the page of one verb.
func verbPage(d cmds.Doc) string {
	var b strings.Builder
	b.WriteString(nameOf("imapknife-"+strings.ReplaceAll(d.Path, " ", "-"), plain(d.Summary)))
	fmt.Fprintf(&b, "# SYNOPSIS\n\n**imapknife %s** [*flags*] %s\n\n# DESCRIPTION\n\n%s\n\n", d.Path, plain(d.Args), paragraphs(d.About))
	var groups []string
	for _, f := range d.Flags {
		if !slices.Contains(groups, f.Group) {
			groups = append(groups, f.Group)
		}
	}
	if len(groups) > 0 {
		b.WriteString("# OPTIONS\n\n")
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "## %s\n\n", names([]string{g})[0])
		for _, f := range d.Flags {
			if f.Group != g {
				continue
			}
			fmt.Fprintf(&b, "**%s**\n: %s", plain(f.Usage), plain(f.Help))
			if f.Env != "" {
				fmt.Fprintf(&b, " (%s)", plain(f.Env))
			}
			b.WriteString("\n\n")
		}
	}
	if d.Row != nil {
		b.WriteString("# OUTPUT\n\nThe fields of a row, as **--json** and **--fields** name them:\n\n")
		for _, f := range result.Fields(reflect.TypeOf(d.Row)) {
			note := ""
			if f.Optional {
				note = " (may be left out)"
			}
			fmt.Fprintf(&b, "**%s**\n: %s%s\n\n", plain(f.Name), plain(f.Doc), note)
		}
	}
	b.WriteString("# EXIT STATUS\n\n0 when it is done; **imapknife-exit-status**(7) tells the others.\n\n# EXAMPLES\n\n")
	for _, e := range d.Examples {
		fmt.Fprintf(&b, "%s:\n\n```\n%s\n```\n\n", plain(strings.ToUpper(e.What[:1])+e.What[1:]), e.Line)
	}
	return b.String() + seeAlso()
}

// paragraphs are the lines of an about text; those that are indented stay as
// they are.
func paragraphs(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.SplitSeq(text, "\n") {
		indented := strings.HasPrefix(line, "  ")
		if indented != code {
			b.WriteString("\n```\n")
			if !indented {
				b.WriteString("\n")
			}
			code = indented
		}
		if !indented {
			line = plain(line)
		}
		b.WriteString(line + "\n")
	}
	if code {
		b.WriteString("```\n")
	}
	return b.String()
}

// plain keeps text from meaning something in Markdown.
func plain(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`, "`", "\\`").Replace(text)
}

func exitList() string {
	var b strings.Builder
	for line := range strings.Lines(exitStatuses()) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		status := strings.Trim(cells[0], "| ")
		if len(cells) == 2 && status != "status" {
			fmt.Fprintf(&b, "**%s**\n: %s\n\n", status, plain(strings.TrimSuffix(cells[1], " |")))
		}
	}
	return b.String()
}

var link = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// document makes the sections of a page of a document: headings become one
// level higher, its title goes, and links become their text.
func document(text string) string {
	_, text, _ = strings.Cut(text, "\n")
	var b strings.Builder
	b.WriteString("# DESCRIPTION\n")
	code := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
		case code:
		case strings.HasPrefix(line, "## "):
			line = "# " + strings.ToUpper(line[3:])
		case strings.HasPrefix(line, "### "):
			line = line[1:]
		default:
			line = link.ReplaceAllString(line, "$1")
		}
		b.WriteString(line)
	}
	return b.String()
}
