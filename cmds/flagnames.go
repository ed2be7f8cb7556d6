package cmds

import (
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/suggest"
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
	if keyword, ok := strings.CutPrefix(name, explicitKeyword); ok && keyword != "" {
		return keyword, nil
	}
	return name, slip(name)
}

// explicitKeyword begins a keyword that would be taken for a slip.
const explicitKeyword = "keyword:"

// slips are words that people say for system flags. Sent as they are, they would
// become keywords that no other program knows.
var slips = map[string]string{
	"read": "seen", "flag": "flagged", "star": "flagged", "starred": "flagged", "reply": "answered", "replied": "answered", "answer": "answered",
	"delete": "deleted", "trash": "deleted", "trashed": "deleted", "drafts": "draft",
}

// opposites are words for the absence of a flag.
var opposites = map[string]string{
	"unread": "seen", "unseen": "seen", "unflagged": "flagged", "unstarred": "flagged", "unanswered": "answered", "undeleted": "deleted", "undraft": "draft",
}

// slip is an error of kind Usage for a keyword that was meant to be a system
// flag. One that begins with $ is a keyword.
func slip(name string) error {
	word := strings.ToLower(name)
	flag, not := slips[word], opposites[word]
	if flag == "" && not == "" {
		flag = suggest.Slip(word, []string{"seen", "answered", "flagged", "deleted", "draft"})
	}
	if strings.HasPrefix(word, "$") || flag == "" && not == "" {
		return nil
	}
	e := fault.New(fault.Usage, "%q is not a system flag", name)
	if not != "" {
		e.Hint("did you mean --remove %s?", not)
	} else {
		e.Hint("did you mean %q?", flag)
	}
	return e.Hint("%s%s is the keyword of that name", explicitKeyword, name)
}
