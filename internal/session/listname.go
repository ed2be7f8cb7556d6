package session

import (
	"bytes"
	"regexp"

	"github.com/imapknife/imapknife/internal/wire"
)

// maxEnds is how many places are tried where a name could end.
const maxEnds = 100

// cutName takes the mailbox name from the front of text, the rest of a LIST,
// LSUB or STATUS response. Servers send names with blanks unquoted and leave
// quotes inside a quoted name bare, so the name ends where nothing follows it or
// where tail accepts what follows. whole is false where there is no such place:
// the name then ends where it may, and is nil where there is none.
func cutName(text []byte, tail func([]byte) bool) (name, rest []byte, whole bool) {
	if len(text) > 0 && text[0] == '"' {
		return cutQuoted(text, tail)
	}
	for i, tries := 1, 0; i < len(text) && tries < maxEnds; i++ {
		if text[i] != '(' {
			continue
		}
		if tries++; tail(text[i:]) {
			return bytes.TrimRight(text[:i], " "), text[i:], true
		}
	}
	return text, nil, true
}

func cutQuoted(text []byte, tail func([]byte) bool) (name, rest []byte, whole bool) {
	var likely, likelyRest []byte // up to the first quote in front of a blank or the like
	for i, tries := 1, 0; i < len(text); i++ {
		b := text[i]
		if b == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\') {
			i++
			b = text[i]
		} else if b == '"' {
			rest := bytes.TrimLeft(text[i+1:], " ")
			if len(rest) == 0 {
				return name, nil, true
			}
			if tries++; tries <= maxEnds && rest[0] == '(' && tail(rest) {
				return name, rest, true
			}
			if likely == nil && (text[i+1] == ' ' || text[i+1] == '(' || text[i+1] == ')') {
				likely, likelyRest = append([]byte{}, name...), rest
			}
		}
		name = append(name, b)
	}
	if likely == nil && len(text) > 1 && text[len(text)-1] == '"' { // behind a bare backslash
		likely = text[1 : len(text)-1]
	}
	return likely, likelyRest, false
}

// literalAtEnd matches the announcement of a literal.
var literalAtEnd = regexp.MustCompile(`\{[0-9]+\+?\}$`)

// extended reports whether text is the extended data of a LIST response, such
// as ("OLDNAME" ("x")) or (CHILDINFO ("SUBSCRIBED")) (RFC 9051 section 7.3.1),
// maybe up to a literal in it.
func extended(text []byte) bool {
	if at := literalAtEnd.FindIndex(text); at != nil {
		// One string in place of the literal, and as many lists may be open.
		text = append(bytes.Clone(text[:at[0]]), `""`...)
		for range 3 {
			if text = append(text, ')'); extendedData(text) {
				return true
			}
		}
		return false
	}
	return extendedData(text)
}

func extendedData(text []byte) bool {
	r := wire.NewReader(text)
	if !r.Open() {
		return false
	}
	for !r.Close() {
		if _, ok := r.String(wire.MaxToken); !ok || r.Next() != '(' {
			return false
		}
		if r.Skip(); r.Err() != nil {
			return false
		}
	}
	return r.Err() == nil && r.AtEnd()
}

// counted reports whether text is the list of a STATUS response: names, each
// with a value.
func counted(text []byte) bool {
	r := wire.NewReader(text)
	if !r.Open() {
		return false
	}
	for !r.Close() {
		name := r.Item()
		if len(name) == 0 || r.Next() == 0 || r.Next() == ')' {
			return false
		}
		if r.Skip(); r.Err() != nil {
			return false
		}
	}
	return r.Err() == nil && r.AtEnd()
}

// mailboxName reads the name that a LIST or LSUB response ends with. whole is
// false where something follows it that is no extended data.
func mailboxName(r *wire.Response) (raw []byte, whole bool) {
	switch r.Next() {
	case 0:
		return nil, false
	case '{', '~':
		raw, _ = r.String(wire.MaxToken)
		return raw, true
	}
	text := r.Text()
	raw, rest, whole := cutName(text, extended)
	if literalAtEnd.Match(rest) {
		r.LiteralFollows()
	}
	return raw, whole
}

// statusItems begins the list of a STATUS response that does not end.
var statusItems = regexp.MustCompile(`(?i) *\((?:[A-Z]+ (?:[0-9(]|NIL)|\)).*$`)

// statusName reads the name of a STATUS response and returns a reader of what
// follows.
func statusName(r *wire.Reader) (raw []byte, rest *wire.Reader) {
	switch r.Next() {
	case '{', '~':
		raw, _ = r.String(wire.MaxToken)
		return raw, r
	}
	text := bytes.Clone(r.Text())
	raw, tail, whole := cutName(text, counted)
	if at := statusItems.FindIndex(text); tail == nil && whole && at != nil && text[0] != '"' {
		raw, tail = text[:at[0]], text[at[0]:]
	}
	if tail == nil && len(text) > 0 && text[0] != '"' {
		tail = text
	}
	return raw, wire.NewReader(tail)
}
