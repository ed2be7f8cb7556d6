package cmds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/suggest"
	"github.com/imapknife/imapknife/output"
	"github.com/urfave/cli/v2"
)

// verb is one command. Everything that help, completion, man pages and schemas
// say of it stands here.
type verb struct {
	name     string
	group    string
	args     string // synopsis of the arguments
	summary  string // one line
	about    string // more lines
	examples []example
	flags    []*flag
	subs     []*verb
	row      any       // what it emits, nil for nothing
	single   bool      // one row, not an array
	runs     bool      // what is behind -- is another program's command line
	lines    bool      // JSON Lines, where no other form is asked for
	waits    bool      // --timeout is how long it waits, and its end an answer
	vigilant bool      // looks again and again: texts are decided here
	variants []variant // what it emits with other flags
	opaque   bool      // the arguments are another program's command line
	// ownAccount keeps the account file from the flags: the verb looks there
	// by itself.
	ownAccount bool
	// userOptional tells that a server without a user is enough.
	userOptional bool
	// setup makes an options struct of the input and checks it, before
	// anything is dialled.
	setup func(in *input) (runner, error)
	path  string // with the parent's name in front
}

// variant is what a verb emits where a flag makes that something else.
type variant struct {
	flag   string
	row    any
	single bool // one row, not an array
	either bool // one row, or asked of several mailboxes an array of them
}

type example struct{ what, line string }

// runner does the work of a verb whose options are in order.
type runner func(ctx context.Context) error

// The groups of verbs, in the order of help.
const (
	groupAccounts  = "Accounts"
	groupMailboxes = "Mailboxes"
	groupMessages  = "Messages"
	groupCI        = "Test mailboxes"
	groupServer    = "Server"
	groupMeta      = "About imapknife"
)

var table struct {
	once  sync.Once
	verbs []*verb
}

// verbs is the table of commands. It is made once, and nobody changes it.
func verbs() []*verb {
	table.once.Do(func() {
		table.verbs = newTable()
		for _, v := range table.verbs {
			v.path = v.name
			for _, s := range v.subs {
				s.path = v.name + " " + s.name
				s.group = v.group
			}
		}
	})
	return table.verbs
}

func newTable() []*verb {
	return []*verb{
		newLogin(), newLogout(), newAccounts(), newToken(), newDoctor(),
		newList(), newStatus(), newSelect(), newMailbox(),
		newSearch(), newFetch(), newShow(), newAttachments(), newAppend(),
		newStore(), newCopy(), newMove(), newDelete(), newExpunge(),
		newMark(), newWait(), newExpect(), newWatch(), newChanges(), newSandbox(),
		newCapability(),
		newSchema(), newCompletion(), newHelp(), newVersion(),
	}
}

// leaves lists the verbs that can be run, those of a group by their path.
func leaves() []*verb {
	var out []*verb
	for _, v := range verbs() {
		if len(v.subs) == 0 {
			out = append(out, v)
		}
		out = append(out, v.subs...)
	}
	return out
}

// maxVerbWords is how many words name a verb at most: its group and itself.
const maxVerbWords = 2

// findVerb returns the verb that words name in full, or nil.
func findVerb(words []string) *verb {
	if len(words) == 0 || len(words) > maxVerbWords { // of the arguments there may be any number
		return nil
	}
	path := strings.Join(words, " ")
	for _, v := range leaves() {
		if v.path == path {
			return v
		}
	}
	return nil
}

// resolveVerb splits the verb from its arguments.
func resolveVerb(words []string) (*verb, []string, error) {
	if len(words) == 0 {
		return nil, nil, fault.New(fault.Usage, "no command").Hint("imapknife help lists the commands")
	}
	table := verbs()
	i := slices.IndexFunc(table, func(v *verb) bool { return v.name == words[0] })
	if i < 0 {
		e := fault.New(fault.Usage, "unknown command %q", words[0])
		var names []string
		for _, v := range table {
			names = append(names, v.name)
		}
		if near := suggest.Nearest(words[0], names); near != "" {
			return nil, words, e.Hint("did you mean %s?", near)
		}
		return nil, words, e.Hint("imapknife help lists the commands")
	}
	v := table[i]
	if len(v.subs) == 0 {
		return v, words[1:], nil
	}
	var names []string
	for _, s := range v.subs {
		if len(words) > 1 && s.name == words[1] {
			return s, words[2:], nil
		}
		names = append(names, s.name)
	}
	e := fault.New(fault.Usage, "%s needs one of: %s", v.name, strings.Join(names, ", "))
	if len(words) > 1 {
		e = fault.New(fault.Usage, "unknown command %q", v.name+" "+words[1]).Hint("there is: %s", strings.Join(names, ", "))
	}
	return v, words[1:], e
}

// input is a parsed command line: what setup fills its options struct from.
type input struct {
	p        *Process
	verb     *verb
	args     []string
	command  []string // behind --, of a verb that runs one
	settings []setting
	file     *config.File    // the account file, where it was looked into
	profile  *config.Profile // the account of it that is used, nil for none
}

// parse makes an input of the process's argv. The command line is put in order
// and checked against the registry, and then run through urfave/cli, which
// sees nothing but flags before arguments.
func parse(p *Process) (*input, error) {
	in, err := parseLine(p)
	if err != nil {
		in.asksJSON()
	}
	return in, err
}

// asksJSON looks for --json in what could not be parsed to its end: the error
// that says so is wanted in that form, too.
func (in *input) asksJSON() {
	argv := in.p.Args
	if i := slices.Index(argv, "--"); i >= 0 {
		argv = argv[:i]
	}
	for _, f := range lookup("json", "jsonl") {
		v, _ := in.p.Getenv(f.envName())
		if on, _ := strconv.ParseBool(v); on || slices.Contains(argv, "--"+f.name) {
			in.settings = append(in.settings, setting{flag: f})
		}
	}
}

func parseLine(p *Process) (*input, error) {
	in := &input{p: p}
	if len(p.Args) == 2 && (p.Args[1] == "--version" || p.Args[1] == "-V") {
		return parseLine(&Process{Args: []string{p.Args[0], "version"}, Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, Environ: p.Environ, Now: p.Now, hidden: p.hidden})
	}
	o, err := permute(p.Args[min(1, len(p.Args)):])
	in.settings = o.flags
	if err != nil {
		if len(p.Args) < 2 { // somebody looks what there is
			io.WriteString(p.Stderr, usage()+"\n")
		}
		return in, err
	}
	if in.flagged("help") {
		return helpFor(in, o), nil
	}
	in.verb, in.command = o.verb, o.command
	allowed := append(slices.Clone(o.verb.flags), lookup("help")...)
	for _, s := range o.flags {
		if !slices.Contains(allowed, s.flag) {
			return in, fault.New(fault.Usage, "--%s is not a flag of %s", s.flag.name, o.verb.path).
				Hint("imapknife help %s lists its flags", o.verb.path)
		}
		if s.has {
			if err := s.flag.check(s.value); err != nil {
				return in, fault.Wrap(fault.Usage, err, "--%s", s.flag.name)
			}
		}
	}
	if err := in.environment(allowed); err != nil {
		return in, err
	}
	if !in.verb.ownAccount {
		if err := in.layer(); err != nil {
			return in, err
		}
	}
	return in, in.run(o)
}

// run hands the ordered line to urfave/cli and takes back its arguments.
func (in *input) run(o permuted) error {
	argv := []string{"imapknife", "verb"}
	for _, s := range o.flags {
		word := "--" + s.flag.name
		if s.has {
			word += "=" + s.value
		}
		argv = append(argv, word)
	}
	argv = append(append(argv, "--"), o.args...)
	var got []setting
	cmd := &cli.Command{Name: "verb", HideHelp: true, HideHelpCommand: true, Action: func(c *cli.Context) error {
		in.args = c.Args().Slice()
		if len(in.args) > 0 && in.args[0] == "--" {
			in.args = in.args[1:]
		}
		return nil
	}}
	known := map[*flag]bool{}
	for _, s := range o.flags { // those that were given: its work grows with the square of how many it knows
		if !known[s.flag] {
			known[s.flag] = true
			cmd.Flags = append(cmd.Flags, &cli.GenericFlag{Name: s.flag.name, Value: &collector{s.flag, &got}})
		}
	}
	app := &cli.App{
		Name: "imapknife", HideHelp: true, HideHelpCommand: true, HideVersion: true,
		Commands: []*cli.Command{cmd}, Writer: io.Discard, ErrWriter: io.Discard,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return fault.Wrap(fault.Usage, err, "bad command line") },
	}
	if err := app.Run(argv); err != nil {
		return fault.Wrap(fault.Usage, err, "bad command line")
	}
	in.settings = append(in.settings[:len(in.settings)-len(o.flags)], got...)
	return nil
}

// collector gathers the settings in the order in which urfave/cli meets them.
type collector struct {
	flag *flag
	into *[]setting
}

func (c *collector) String() string { return "" }
func (c *collector) IsBoolFlag() bool {
	return c.flag != nil && (c.flag.arity == none || c.flag.arity == optional)
}
func (c *collector) Set(v string) error {
	s := setting{flag: c.flag, value: v, has: true}
	if c.IsBoolFlag() && v == "true" {
		s.value, s.has = "", false
	}
	*c.into = append(*c.into, s)
	return nil
}

// rivals are the forms of output of which one on the command line makes those
// of the environment void.
var rivals = map[string][]string{
	"json": {"jsonl", "template", "null"}, "jsonl": {"json", "template", "null"},
	"jq": {"template"}, "template": {"json", "jsonl", "jq"}, "null": {"json", "jsonl"},
}

// environment puts the settings of the environment in front, so that the
// command line wins.
func (in *input) environment(allowed []*flag) error {
	var env []setting
	for _, f := range allowed {
		v, ok := in.p.Getenv(f.envName())
		if !f.env || !ok || v == "" || in.flagged(f.name) || slices.ContainsFunc(rivals[f.name], in.given) {
			continue
		}
		s := setting{flag: f, value: v, has: true, source: f.envName()}
		if f.arity == none {
			on, err := strconv.ParseBool(v)
			if err != nil {
				return fault.New(fault.Usage, "%s: %q is none of 1, true, 0, false", f.envName(), v)
			}
			if !on {
				continue
			}
			s = setting{flag: f, source: f.envName()}
		} else if err := f.check(v); err != nil {
			return fault.Wrap(fault.Usage, err, "%s", f.envName())
		}
		env = append(env, s)
	}
	in.settings = append(env, in.settings...)
	return nil
}

// flagged reports whether the flag was given.
func (in *input) flagged(name string) bool {
	return slices.ContainsFunc(in.settings, func(s setting) bool { return s.flag.name == name })
}

// given reports whether the flag stands on the command line.
func (in *input) given(name string) bool {
	return slices.ContainsFunc(in.settings, func(s setting) bool { return s.flag.name == name && s.source == "" })
}

// set adds a flag as if it stood on the command line.
func (in *input) set(name, value string) {
	in.settings = append(in.settings, setting{flag: lookup(name)[0], value: value, has: true})
}

// last is the flag's value, the last one given.
func (in *input) last(name string) string {
	all := in.all(name)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// all lists the flag's values.
func (in *input) all(name string) []string {
	var out []string
	for _, s := range in.settings {
		if s.flag.name == name {
			out = append(out, s.value)
		}
	}
	return out
}

// list is the flag's value taken apart at commas.
func (in *input) list(name string) []string {
	var out []string
	for _, v := range strings.Split(in.last(name), ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// number is the value of a flag of kind count, 0 when it was not given.
func (in *input) number(name string) uint64 {
	n, _ := strconv.ParseUint(in.last(name), 10, 63)
	return n
}

// duration is the value of a flag of kind duration.
func (in *input) duration(name string, otherwise time.Duration) time.Duration {
	if !in.flagged(name) {
		return otherwise
	}
	d, _ := time.ParseDuration(in.last(name))
	return d
}

// json reports whether errors are wanted as JSON objects.
func (in *input) json() bool { return in.flagged("json") || in.flagged("jsonl") }

// noArgs is an error when there are arguments.
func (in *input) noArgs() error {
	if len(in.args) > 0 {
		return fault.New(fault.Usage, "%s takes no argument %q", in.verb.path, in.args[0])
	}
	return nil
}

// uses lists the fields of the verb's rows that --fields, --jq or --template
// name; of a single row also those of the rows in it.
func (in *input) uses() []string {
	o, err := in.outputOptions()
	if err != nil { // printer has it
		return nil
	}
	if used := o.Fields; len(used) > 0 {
		for _, f := range o.Fields {
			if _, inner, ok := strings.Cut(f, "."); ok && in.verb.single {
				used = append(used, inner)
			}
		}
		return used
	}
	return output.Uses(o, in.verb.row, in.verb.single)
}

// printer makes the printer for the rows described by spec.
func (in *input) printer(ctx context.Context, spec output.Spec) (*output.Printer, error) {
	o, err := in.outputOptions()
	if err != nil {
		return nil, err
	}
	out, err := output.New(ctx, in.p.Stdout, o, spec)
	return out, in.blame(err, "json", "jsonl", "fields", "jq", "template", "null")
}

// outputOptions reads the flags of the output group.
func (in *input) outputOptions() (output.Options, error) {
	o := output.Options{
		Fields: in.list("fields"), JQ: in.last("jq"), Template: in.last("template"), Zero: in.flagged("null"),
		TTY: isTerminal(in.p.Stdout), Width: in.p.width(), Color: in.p.color(),
	}
	switch {
	case in.flagged("json") && in.flagged("jsonl"):
		return o, fault.New(fault.Usage, "--json and --jsonl exclude each other")
	case in.flagged("json"):
		o.Format = output.JSON
	case in.flagged("jsonl"), in.verb.lines && o.Template == "" && o.Fields == nil:
		o.Format = output.JSONL
	}
	return o, nil
}

// say talks to the person, unless --quiet.
func (in *input) say(format string, args ...any) {
	if !in.flagged("quiet") {
		in.p.Say("%s", fmt.Sprintf(format, args...))
	}
}

// caution warns the user of what is not safe, even with --quiet.
func (in *input) caution(format string, args ...any) { in.p.Say("warning: "+format, args...) }

// warn says a row's warnings where the output has no place for them.
func (in *input) warn(of string, warnings []string) {
	if in.structured() || slices.Contains(in.list("fields"), "warnings") {
		return
	}
	for _, w := range warnings {
		in.say("%q: %s", of, w)
	}
}

// blame adds to an error about the values of flags which of them the
// environment gave.
func (in *input) blame(err error, names ...string) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	for _, f := range lookup(names...) {
		i := slices.IndexFunc(in.settings, func(s setting) bool { return s.flag == f })
		switch {
		case i < 0 || in.given(f.name):
		case in.settings[i].source == f.envName():
			e.Hint("%s is set in the environment", f.envName())
		default:
			e.Hint("it stands in %s", in.settings[i].source)
		}
	}
	return err
}
