package cmds

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/completions"
	"github.com/imapknife/imapknife/internal/bashline"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/sandbox"
	"github.com/imapknife/imapknife/output"
)

// completeVerb is the command that the shells' scripts ask. It is nobody
// else's, and in no list.
const completeVerb = "__complete"

// choice is one way to go on with a word.
type choice struct{ value, help string }

// completion is what can stand for the word under the cursor.
type completion struct {
	list   []choice
	prefix string // stands in front of each value
	kind   string // what the shell does besides: :files, :dirs, :nospace, :none
}

// complete answers a shell. In bash the line comes as it is, with the cursor's
// place in octets and the characters that part words for readline, and values go
// back in the quoting that was begun; other shells send words and quote by
// themselves.
func (p *Process) complete(args []string) int {
	if len(args) == 0 {
		return 2
	}
	shell, args := args[0], args[1:]
	var line bashline.Line
	switch {
	case shell == "bash" && len(args) == 3:
		point, err := strconv.Atoi(args[1])
		if err != nil || point < 0 || point > len(args[0]) {
			return 2
		}
		line = bashline.Read(args[0][:point], args[2])
	case shell == "bash" || len(args) == 0:
		line.Words = []string{""}
	default:
		line.Words = args
	}
	c := p.candidates(line.Words)
	word := line.Words[len(line.Words)-1]
	var out strings.Builder
	for _, x := range c.list {
		value := c.prefix + x.value
		if !strings.HasPrefix(value, word) || output.Visible(value) != value {
			continue // what could act on the terminal is not offered
		}
		if shell == "bash" {
			if quoted, ok := line.Quote(value); ok {
				out.WriteString(quoted + "\n")
			}
			continue
		}
		fmt.Fprintf(&out, "%s\t%s\n", value, oneHelp(x.help))
	}
	if c.kind == "" {
		c.kind = ":none"
	}
	if _, err := io.WriteString(p.Stdout, out.String()+c.kind+"\n"); err != nil {
		return 1
	}
	return 0
}

// oneHelp is a help text as a word's description.
func oneHelp(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

// candidates finds out what the last word can be; the others stand before it.
func (p *Process) candidates(words []string) completion {
	word, before := words[len(words)-1], words[:len(words)-1]
	var named []string // words that are not flags, nor their values
	var settings []setting
	for i := 0; i < len(before); i++ {
		w := before[i]
		if w == "--" {
			if runsCommand(named) || opaque(named) {
				return completion{kind: ":files"}
			}
			named = append(named, before[i+1:]...)
			return p.argument(named, settings, word)
		}
		if len(w) < 2 || w[0] != '-' {
			if opaque(named) { // somebody else's command line
				return completion{kind: ":files"}
			}
			named = append(named, w)
			continue
		}
		found, used, err := readFlag(before[i:])
		if err != nil && i == len(before)-1 { // its value is what is typed now
			if f := lastFlag(w); f != nil && (f.arity == one || f.arity == many) {
				return p.value(f, named, settings, word, "")
			}
		}
		settings = append(settings, found...)
		i += used
	}
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "--") {
		if f := flagNamed(name[2:]); f != nil && f.arity != none {
			return p.value(f, named, settings, value, name+"=")
		}
		return completion{}
	}
	if strings.HasPrefix(word, "-") {
		return flagCandidates(named)
	}
	c := p.argument(named, settings, word)
	// Without a -- in front the line would read them as flags.
	c.list = slices.DeleteFunc(c.list, func(x choice) bool { return strings.HasPrefix(x.value, "-") })
	return c
}

// opaque reports whether the words name a verb that takes a command line.
func opaque(words []string) bool {
	v := findVerb(words)
	return v != nil && v.opaque
}

// lastFlag is the flag that a word such as --from, -m or -lm ends with.
func lastFlag(word string) *flag {
	if name, long := strings.CutPrefix(word, "--"); long {
		return flagNamed(name)
	}
	letter := word[len(word)-1:]
	if i := slices.IndexFunc(registry, func(f *flag) bool { return f.short == letter }); i >= 0 {
		return registry[i]
	}
	return nil
}

// flagCandidates are the flags of the verb, or before it those of every
// connection.
func flagCandidates(named []string) completion {
	flags := append(sessionFlags(), lookup("help")...)
	if v, _, err := resolveVerb(named); err == nil {
		flags = append(slices.Clone(v.flags), lookup("help")...)
	}
	var c completion
	for _, f := range flags {
		c.list = append(c.list, choice{"--" + f.name, f.help})
	}
	return c
}

// argument is what can stand where no flag does.
func (p *Process) argument(named []string, settings []setting, word string) completion {
	v, rest, err := resolveVerb(named)
	if err != nil {
		return verbCandidates(named)
	}
	switch v.path {
	case "help", "schema":
		return verbCandidates(rest)
	case "completion":
		return valuesOf(completions.Shells())
	case "accounts show", "accounts default", "accounts remove", "accounts rename", "logout", "doctor", "token":
		return p.accountNames()
	case "list", "status", "select", "mailbox create", "mailbox delete", "mailbox rename", "mailbox subscribe", "mailbox unsubscribe":
		return p.mailboxNames(settings)
	case "copy", "move":
		if len(rest) > 0 || !strings.ContainsAny(word, "0123456789") {
			return p.mailboxNames(settings)
		}
	case "append":
		return completion{kind: ":files"}
	case "search", "wait", "expect none", "expect some", "expect count", "watch":
		var c completion
		for _, k := range query.Keys() {
			c.list = append(c.list, choice{k.Name, k.Help})
		}
		return c
	case "fetch", "show", "store", "delete", "attachments list", "attachments save":
		return completion{list: []choice{{"last", "the message with the highest UID"}, {"1:", "every message"}}}
	}
	if v.opaque {
		return completion{kind: ":files"}
	}
	return completion{}
}

// verbCandidates are the commands, or those of a group.
func verbCandidates(named []string) completion {
	list := verbs()
	if len(named) > 0 {
		i := slices.IndexFunc(list, func(v *verb) bool { return v.name == named[0] })
		if i < 0 || len(named) > 1 {
			return completion{}
		}
		list = list[i].subs
	}
	var c completion
	for _, v := range list {
		c.list = append(c.list, choice{v.name, v.summary})
	}
	return c
}

func valuesOf(values []string) completion {
	var c completion
	for _, v := range values {
		c.list = append(c.list, choice{value: v})
	}
	return c
}

// value is what a flag's value can be; of a list, its last item.
func (p *Process) value(f *flag, named []string, settings []setting, word, prefix string) completion {
	c := completion{prefix: prefix}
	switch {
	case len(f.enum) > 0:
		c.list = valuesOf(f.enum).list
	case f.name == "mailbox":
		c.list = p.mailboxNames(settings).list
		for _, name := range specialNames {
			c.list = append(c.list, choice{"@" + strings.ToLower(name[1:]), "the mailbox of this use"})
		}
	case f.name == "account":
		c.list = p.accountNames().list
	case f.name == "fields":
		if v, _, err := resolveVerb(named); err == nil && v.row != nil {
			for _, field := range result.Fields(reflect.TypeOf(v.row)) {
				c.list = append(c.list, choice{value: field.Name})
			}
			c.kind = ":nospace"
		}
	case f.name == "sort":
		c.list, c.kind = valuesOf(query.SortKeyNames()).list, ":nospace"
	case f.name == "events":
		c.list, c.kind = valuesOf([]string{eventNew, eventFlags, eventExpunged, eventCreated, eventDeleted}).list, ":nospace"
	case f.name == "fault":
		for _, name := range sandbox.FaultNames() {
			name, _, value := strings.Cut(name, "=")
			if value {
				name += "="
			}
			c.list = append(c.list, choice{value: name})
		}
		c.kind = ":nospace"
	case f.name == "extract":
		c.list, c.kind = valuesOf([]string{"otp", "otp=", "link", "link=", "regex=", "header=", "attachment="}).list, ":nospace"
	case f.name == "special-use":
		for _, name := range specialNames {
			c.list = append(c.list, choice{value: strings.ToLower(name[1:])})
		}
	case f.kind == directory || f.name == "keep":
		return completion{kind: ":dirs"}
	case f.kind == file:
		return completion{kind: ":files"}
	}
	if i := strings.LastIndexByte(word, ','); i >= 0 && c.kind == ":nospace" {
		c.prefix += word[:i+1]
	}
	return c
}

// accountNames are those of the account file.
func (p *Process) accountNames() (c completion) {
	file, err := p.accounts()
	if err != nil {
		return c
	}
	for _, a := range file.Profiles {
		c.list = append(c.list, choice{a.Name, a.User})
	}
	return c
}

// mailboxNames are the mailboxes that list has seen of the account meant.
func (p *Process) mailboxNames(settings []setting) (c completion) {
	in := &input{p: p, verb: findVerb([]string{"list"})}
	for _, s := range settings {
		if in.verb.takes(s.flag.name) {
			in.settings = append(in.settings, s)
		}
	}
	if in.environment(in.verb.flags) != nil || in.layer() != nil {
		return c
	}
	conn, err := in.connection()
	if err != nil {
		return c
	}
	for _, name := range p.seenMailboxes(conn.cfg.AccountID()) {
		c.list = append(c.list, choice{value: name})
	}
	return c
}
