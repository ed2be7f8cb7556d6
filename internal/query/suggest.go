package query

import (
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/suggest"
)

// unknownKey is the error for a word that is no key, with the likeliest cause.
func (p *parser) unknownKey(name string) error {
	err := usage("unknown search key %s", quote(name))
	switch strings.ToUpper(name) {
	case "AND", "&&", "&":
		return err.Hint("keys side by side are joined by AND: leave it out")
	case "||", "|":
		return err.Hint("OR stands before its two keys: OR FROM alice FROM bob")
	case "-":
		return err.Hint("messages from standard input stand in front of the program: - UNSEEN")
	case "!":
		return err.Hint("NOT stands before its key: NOT SEEN")
	case "CHARSET", "RETURN":
		return err.Hint("leave it out: the charset and the form of the answer are chosen for you")
	case "$":
		return err.Hint("saved search results are not offered; pipe UIDs into the next command and give - as its set")
	}
	if strings.ContainsAny(name, blanks) {
		return err.Hint("a key and its value are two words: SUBJECT 'two words'")
	}
	for i := range keys {
		if keys[i].flag != "" && strings.EqualFold(keys[i].flag, strings.TrimLeft(name, "-")) {
			return err.Hint("did you mean %s?", keys[i].name)
		}
	}
	if best := suggest.Nearest(strings.ToUpper(name), keyNames()); best != "" {
		err.Hint("did you mean %s?", best)
	}
	if p.explain(err); len(err.Hints) == 0 {
		err.Hint("keys are IMAP's, such as UNSEEN, FROM alice or SINCE 7d; a word to look for stands behind TEXT, SUBJECT or BODY")
	}
	return err
}

// explain adds the usual reason for a word in the wrong place: a value of
// several words without quotes.
func (p *parser) explain(err *fault.Error) *fault.Error {
	if p.beforeText {
		err.Hint("a value of several words is quoted: %s 'two words'", p.before)
	}
	return err
}

func keyNames() []string {
	names := make([]string, len(keys))
	for i := range keys {
		names[i] = keys[i].name
	}
	return names
}
