package cmds

import (
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// systemFlags are the flags that IMAP defines and a client may change (RFC 9051
// section 2.3.2).
var systemFlags = [...]string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}

// parseFlags reads flags, a comma between: system flags in any case, with or
// without their backslash, and keywords.
func parseFlags(values []string) ([]string, error) {
	var out []string
	for _, name := range strings.Split(strings.Join(values, ","), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		flag, err := parseFlag(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, flag) {
			out = append(out, flag)
		}
	}
	return out, nil
}

func parseFlag(name string) (string, error) {
	for _, f := range systemFlags {
		if strings.EqualFold(name, f) || strings.EqualFold(name, f[1:]) {
			return f, nil
		}
	}
	switch {
	case strings.EqualFold(strings.TrimPrefix(name, `\`), "recent"):
		return "", fault.New(fault.Usage, `\Recent is the server's own: nobody can change it`)
	case name[0] == '\\':
		return "", fault.New(fault.Usage, "%q is no flag", name).Hint("there are: %s; a keyword has no backslash", strings.Join(systemFlags[:], " "))
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r) }):
		return "", fault.New(fault.Usage, "%q is no keyword: it may hold ASCII without blanks and ( ) { %% * \" \\ ]", name)
	}
	return name, nil
}
