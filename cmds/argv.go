package cmds

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/suggest"
)

// permuted is a command line put in order.
type permuted struct {
	verb  *verb
	flags []setting
	args  []string
	// command is, behind -- of a verb that runs one, another program's command
	// line.
	command []string
}

// setting is one flag as given.
type setting struct {
	flag  *flag
	value string
	has   bool // a value was given
	// source is where it is from: empty for the command line, else the
	// environment variable or the line of the account file.
	source string
}

// permute finds the verb, its flags and its arguments, in whatever order they
// stand; `--` ends flags. It knows from the registry which flags take values,
// so a flag behind the arguments is never taken for one.
func permute(argv []string) (permuted, error) {
	var out permuted
	var words []string
	var raw []setting
	for i := 0; i < len(argv); i++ {
		word := argv[i]
		if word == "--" {
			if runsCommand(words) {
				out.command = argv[i+1:]
				break
			}
			words = append(words, argv[i+1:]...)
			break
		}
		if len(word) < 2 || word[0] != '-' {
			words = append(words, word)
			if v := findVerb(words); v != nil && v.opaque {
				rest := argv[i+1:]
				if j := leadingFlags(rest); j < len(rest) {
					// what follows is somebody else's command line
					more, err := permute(append([]string{v.name}, rest[:j]...))
					if err != nil {
						return out, err
					}
					out.verb, out.flags = v, append(raw, more.flags...)
					out.args = append(words[len(strings.Fields(v.path)):], rest[j:]...)
					if rest[j] == "--" {
						out.args = slices.Delete(out.args, len(out.args)-len(rest)+j, len(out.args)-len(rest)+j+1)
					}
					return out, nil
				}
			}
			continue
		}
		settings, used, err := readFlag(argv[i:])
		if err != nil {
			return out, hintFlag(err, word, argv)
		}
		raw = append(raw, settings...)
		i += used
	}
	var err error
	out.verb, out.args, err = resolveVerb(words)
	if err != nil && !slices.ContainsFunc(raw, func(s setting) bool { return s.flag.name == "help" }) {
		return out, err
	}
	out.flags = raw
	return out, nil
}

// runsCommand reports whether the words name a verb that runs a command.
func runsCommand(words []string) bool {
	v, _, err := resolveVerb(words)
	return err == nil && v.runs
}

// leadingFlags is where, behind an opaque verb, the command of another
// program begins: the first word that is not a flag or a flag's value.
func leadingFlags(argv []string) int {
	for i := 0; i < len(argv); i++ {
		if len(argv[i]) < 2 || argv[i][0] != '-' || argv[i] == "--" {
			return i
		}
		_, used, err := readFlag(argv[i:])
		if err != nil {
			return len(argv)
		}
		i += used
	}
	return len(argv)
}

// readFlag reads the flags of one word, such as --json, --limit=3, -m NAME or
// -lm NAME, and tells how many words behind it were values.
func readFlag(argv []string) (settings []setting, used int, err error) {
	word := argv[0]
	if long, ok := strings.CutPrefix(word, "--"); ok {
		name, value, has := strings.Cut(long, "=")
		f := flagNamed(name)
		if f == nil {
			return nil, 0, unknownFlag("--" + name)
		}
		s := setting{flag: f, value: value, has: has}
		if !has && (f.arity == one || f.arity == many) {
			if len(argv) < 2 {
				return nil, 0, fault.New(fault.Usage, "--%s needs a value: %s", name, f.placeholder())
			}
			s.value, s.has, used = argv[1], true, 1
		}
		if has && f.arity == none {
			return nil, 0, fault.New(fault.Usage, "--%s takes no value", name)
		}
		return []setting{s}, used, nil
	}
	for rest := word[1:]; rest != ""; {
		_, n := utf8.DecodeRuneInString(rest)
		letter := rest[:n]
		rest = rest[n:]
		i := slices.IndexFunc(registry, func(f *flag) bool { return f.short == letter })
		if i < 0 {
			return nil, 0, unknownFlag("-" + letter)
		}
		s := setting{flag: registry[i]}
		if s.flag.arity == one || s.flag.arity == many {
			switch {
			case rest != "":
				s.value, s.has, rest = strings.TrimPrefix(rest, "="), true, ""
			case len(argv) < 2:
				return nil, 0, fault.New(fault.Usage, "-%s needs a value: %s", letter, s.flag.placeholder())
			default:
				s.value, s.has, used = argv[1], true, 1
			}
		}
		settings = append(settings, s)
	}
	return settings, used, nil
}

func flagNamed(name string) *flag {
	if i := slices.IndexFunc(registry, func(f *flag) bool { return f.name == name }); i >= 0 {
		return registry[i]
	}
	return nil
}

// errUnknownFlag is the cause of an error about a flag that there is not.
type errUnknownFlag struct{ word string }

func (e errUnknownFlag) Error() string { return "unknown flag " + e.word }

func unknownFlag(word string) error { return fault.Wrap(fault.Usage, errUnknownFlag{word}, "") }

// hintFlag adds to an error about an unknown flag the name that was likely
// meant: one of the verb's own flags, where the line names a verb.
func hintFlag(err error, word string, argv []string) error {
	e, _ := errors.AsType[*fault.Error](err)
	name, long := strings.CutPrefix(word, "--")
	name, _, _ = strings.Cut(name, "=")
	if _, unknown := errors.AsType[errUnknownFlag](err); !unknown || e == nil {
		return err
	}
	var names []string
	for _, f := range flagsNear(argv) {
		names = append(names, f.name)
	}
	if name == "password" { // whose value is not repeated
		return e.Hint("a password is never a flag's value: use --password-stdin, --password-file, --password-command or IMAPKNIFE_PASSWORD")
	}
	if name == "max-time" { // curl's
		name = "timeout"
	}
	if near := nearFlag(name, names); long && near != "" {
		return e.Hint("did you mean --%s?", near)
	}
	return e.Hint("an argument that begins with a hyphen goes behind --")
}

// nearFlag is the flag that name begins, or else the one spelt like it.
func nearFlag(name string, names []string) string {
	if len(name) > 1 {
		for _, n := range names {
			if strings.HasPrefix(n, name) {
				return n
			}
		}
	}
	return suggest.Nearest(name, names)
}

// flagsNear are the flags of the first word that names a verb, or all there
// are.
func flagsNear(argv []string) []*flag {
	for _, word := range argv {
		for _, v := range verbs() {
			if v.name != word {
				continue
			}
			flags := v.flags
			for _, sub := range v.subs {
				flags = append(flags, sub.flags...)
			}
			return append(flags, lookup("help")...)
		}
	}
	return registry
}
