package cmds

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/output"
)

func newHelp() *verb {
	return &verb{
		name: "help", group: groupMeta, args: "[VERB]",
		summary:  "show help",
		about:    "Shows all commands, or one with its flags and examples. With --json it is the\ntable that all of this is made from.",
		examples: []example{{"all about search", "imapknife help search"}, {"the flags of search for a program", "imapknife help search --jq '.[].flags[].name'"}},
		flags:    inGroup(groupOutput),
		row:      result.Command{},
		setup: func(in *input) (runner, error) {
			if in.structured() || in.flagged("jsonl") || in.flagged("fields") {
				return in.helpRows()
			}
			if len(in.args) == 0 {
				return func(context.Context) error { return write(in.p.Stdout, overview()) }, nil
			}
			text, err := helpOn(in.args)
			if err != nil {
				return nil, err
			}
			return func(context.Context) error { return write(in.p.Stdout, text) }, nil
		},
	}
}

// helpRows is the table of commands, or of those that the arguments name.
func (in *input) helpRows() (runner, error) {
	var rows []any
	for _, d := range Docs() {
		under := d.Path == strings.Join(in.args, " ") || strings.HasPrefix(d.Path, strings.Join(in.args, " ")+" ")
		if len(in.args) > 0 && !under {
			continue
		}
		c := &result.Command{Command: d.Path, Group: d.Group, Arguments: d.Args, Summary: d.Summary, About: d.About, Rows: d.Row != nil, Flags: []result.CommandFlag{}, Examples: []result.CommandExample{}}
		for _, f := range d.Flags {
			c.Flags = append(c.Flags, result.CommandFlag{Name: f.Name, Usage: f.Usage, Group: f.Group, Env: f.Env, Help: f.Help})
		}
		for _, e := range d.Examples {
			c.Examples = append(c.Examples, result.CommandExample{What: e.What, Line: e.Line})
		}
		rows = append(rows, c)
	}
	if len(rows) == 0 {
		_, err := helpOn(in.args)
		return nil, err
	}
	spec := output.Spec{Row: result.Command{}, Columns: []output.Column{{Field: "command"}, {Field: "summary", Flex: true}}}
	return func(ctx context.Context) error { return in.rows(ctx, spec, rows...) }, nil
}

// write prints text on standard output.
func write(w io.Writer, text string) error {
	_, err := io.WriteString(output.Text(w, false), text)
	return err
}

// helpFor is the input of a line with --help: help on the verb it names.
func helpFor(in *input, o permuted) *input {
	h := newHelp()
	out := &input{p: in.p, verb: h, args: o.args}
	if o.verb != nil {
		out.args = strings.Fields(o.verb.path)
		if len(o.verb.subs) > 0 {
			out.args = append(out.args, o.args...)
		}
	}
	return out
}

// helpOn is the help of the verb, or group of verbs, that args name.
func helpOn(args []string) (string, error) {
	v, rest, err := resolveVerb(args)
	if err != nil && (v == nil || len(args) > 1) {
		return "", err
	}
	if len(rest) > 0 {
		return "", fault.New(fault.Usage, "help takes one command, not %q too", rest[0])
	}
	if len(v.subs) > 0 {
		var parts []string
		for _, s := range v.subs {
			parts = append(parts, verbHelp(s))
		}
		return strings.Join(parts, "\n"), nil
	}
	return verbHelp(v), nil
}

// overview lists the verbs by group, an example each, and the exit statuses.
func overview() string { return usage() + "\n" + exitStatuses() }

// usage lists the verbs by group, an example each.
func usage() string {
	var out strings.Builder
	out.WriteString("imapknife is a swiss-army knife for IMAP: each command opens a session, does one\nthing and prints text or JSON for a pipeline.\n\n")
	out.WriteString("usage: imapknife [flags] COMMAND [flags] [arguments]\n")
	for _, group := range []string{groupAccounts, groupMailboxes, groupMessages, groupCI, groupServer, groupMeta} {
		fmt.Fprintf(&out, "\n%s\n", group)
		for _, v := range verbs() {
			if v.group != group {
				continue
			}
			fmt.Fprintf(&out, "  %-13s %s\n", v.name, v.summary)
			ex := v.examples
			if len(ex) == 0 {
				ex = v.subs[0].examples
			}
			fmt.Fprintf(&out, "  %-13s   %s\n", "", ex[0].line)
		}
	}
	out.WriteString("\nThe account is --url imaps://user@host/ or IMAPKNIFE_URL; the password comes\nfrom --password-stdin, --password-file, --password-command, IMAPKNIFE_PASSWORD\nor a prompt.\n")
	out.WriteString("imapknife help COMMAND shows its flags.\n")
	return out.String()
}

func exitStatuses() string {
	var out strings.Builder
	out.WriteString("EXIT STATUS\n")
	for _, r := range fault.Table() {
		fmt.Fprintf(&out, "  %3d  %s\n", r.Status, wrap(r.Meaning, 72, "       "))
	}
	return out.String()
}

// verbHelp is one verb's help.
func verbHelp(v *verb) string {
	var out strings.Builder
	fmt.Fprintf(&out, "imapknife %s: %s\n\nusage: imapknife %s", v.path, v.summary, v.path)
	if len(v.flags) > 0 {
		out.WriteString(" [flags]")
	}
	if v.args != "" {
		out.WriteString(" " + v.args)
	}
	fmt.Fprintf(&out, "\n\n%s\n", v.about)
	for _, group := range []string{groupVerb, groupSafety, groupSelect, groupCriteria, groupOutput, groupConnection} {
		title := false
		for _, f := range v.flags {
			if f.group != group {
				continue
			}
			if !title {
				fmt.Fprintf(&out, "\n%s\n", group)
				title = true
			}
			help := f.help
			if f.env {
				help += " [" + f.envName() + "]"
			}
			fmt.Fprintf(&out, "  %-28s %s\n", f.usage(), wrap(help, 49, strings.Repeat(" ", 31)))
		}
	}
	if slices.ContainsFunc(v.flags, func(f *flag) bool { return f.name == "url" }) {
		out.WriteString("\nFlags may stand before or after the command and its arguments; -- ends them.\n")
	}
	out.WriteString("\nEXAMPLES\n")
	for _, e := range v.examples {
		fmt.Fprintf(&out, "  # %s\n  %s\n", e.what, e.line)
	}
	return out.String()
}

// wrap breaks text at blanks into lines of width columns.
func wrap(text string, width int, indent string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n"+indent)
}
