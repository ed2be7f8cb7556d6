package sandbox

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// recent is the session's own flag of IMAP4rev1 (RFC 3501, section 2.3.2).
const recent imap.Flag = `\Recent`

// systemFlags are those that can be stored, in the order they are shown.
var systemFlags = [...]imap.Flag{imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagSeen, imap.FlagDraft}

func isKeyword(f imap.Flag) bool { return !strings.HasPrefix(string(f), `\`) }

// hasFlag compares as IMAP does, in any case.
func hasFlag(set []imap.Flag, f imap.Flag) bool {
	return slices.ContainsFunc(set, func(g imap.Flag) bool { return strings.EqualFold(string(f), string(g)) })
}

// union and without return a new set.
func union(set, more []imap.Flag) []imap.Flag { return slices.Concat(set, more) }

func without(set, fewer []imap.Flag) []imap.Flag {
	return slices.DeleteFunc(slices.Clone(set), func(f imap.Flag) bool { return hasFlag(fewer, f) })
}

// checkFlags refuses what a client cannot store.
func checkFlags(flags []imap.Flag) ([]imap.Flag, error) {
	for _, f := range flags {
		if !isKeyword(f) && !hasFlag(systemFlags[:], f) {
			return nil, bad("Not a flag that can be stored")
		}
		if strings.ContainsFunc(string(f[min(1, len(f)):]), notAtom) || f == "" {
			return nil, bad("Not a flag")
		}
	}
	return flags, nil
}

// notAtom reports what cannot stand in a flag (RFC 9051, section 9, ATOM-CHAR).
func notAtom(r rune) bool { return r <= ' ' || r >= 0x7F || strings.ContainsRune(`(){%*"\]`, r) }

func toFlags(names []string) []imap.Flag {
	flags := make([]imap.Flag, len(names))
	for i, n := range names {
		flags[i] = imap.Flag(n)
	}
	return flags
}
