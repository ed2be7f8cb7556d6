package cmds

import (
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// systemFlags are the flags that a person may write without the backslash, in
// any case (RFC 9051 section 2.3.2).
var systemFlags = [...]string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}

// parseFlags reads flags, one or more to a value with commas between: system
// flags with or without the backslash, and keywords, which are atoms. Each is
// told once. Errors are of kind Usage.
func parseFlags(values []string) ([]string, error) {
	var flags []string
	for _, value := range values {
		for _, word := range strings.Split(value, ",") {
			f, err := parseFlag(strings.TrimSpace(word))
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(flags, func(g string) bool { return strings.EqualFold(f, g) }) {
				flags = append(flags, f)
			}
		}
	}
	return flags, nil
}

func parseFlag(word string) (string, error) {
	name := strings.TrimPrefix(word, `\`)
	for _, f := range systemFlags {
		if strings.EqualFold(f[1:], name) {
			return f, nil
		}
	}
	switch {
	case word == "":
		return "", fault.New(fault.Usage, "a flag without a name")
	case strings.EqualFold(word, `\Recent`):
		return "", fault.New(fault.Usage, `the flag \Recent is the server's own`)
	case name != word:
		return "", fault.New(fault.Usage, "%q is no system flag", word).
			Hint("there are: %s; keywords have no backslash", strings.Join(systemFlags[:], " "))
	case !isKeyword(word):
		return "", fault.New(fault.Usage, "%q cannot be a keyword: it must be an IMAP atom", word).
			Hint(`letters, digits and signs such as $ _ - . are; blanks, accents and ( ) { %% * " \ ] are not`)
	}
	return word, nil
}

// isKeyword reports an atom (RFC 9051 section 9, flag-keyword).
func isKeyword(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r) }) < 0
}
