package query

import (
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// unknownKey is the error for a word that is no key, with the likeliest cause.
func (p *parser) unknownKey(name string) error {
	err := usage("unknown search key %s", quote(name))
	switch strings.ToUpper(name) {
	case "AND", "&&", "&":
		return err.Hint("keys side by side are joined by AND: leave it out")
	case "||", "|":
		return err.Hint("OR stands before its two keys: OR FROM alice FROM bob")
	case "!", "-":
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
	if best := nearest(strings.ToUpper(name), keyNames()); best != "" {
		err.Hint("did you mean %s?", best)
	}
	return p.explain(err)
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

// nearest is the name closest to s, or "" when none is close.
func nearest(s string, names []string) string {
	best, limit := "", min(3, 1+len(s)/3)
	if len(s) > maxQuoted {
		return ""
	}
	for _, name := range names {
		if d := distance(s, name); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, change or swap to make
// b of a (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
