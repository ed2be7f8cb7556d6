// Package query is the search language: which messages a command means. It
// parses UID sets, IMAP search programs and criteria flags into one tree,
// checks them, plans how a server with given capabilities can answer them
// (Plan), and holds the RFC 5256 sort keys. docs/query.md is its reference.
//
// Numbers are UIDs everywhere, in search programs too; message sequence
// numbers are not part of the language. The package is pure: it must not dial,
// read files, look at the clock or know how octets go on the wire. What it
// needs from a server it states as tokens and facts, and a caller brings them.
package query

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
)

// Limits on what one program may ask. They bound memory and recursion; none
// is near what a person types.
const (
	MaxProgramOctets = 1 << 20 // length of a program in octets
	MaxKeys          = 10000   // search keys in one program
	MaxDepth         = 1000    // nesting of parentheses, NOT, OR and FUZZY
)

// Env is what dates are relative to.
type Env struct {
	Now      time.Time      // the moment "today" and "12h" count from
	Location *time.Location // time zone of dates without one; nil means UTC
	// Recipient makes --to ask for RECIPIENT instead of TO.
	Recipient bool
}

func (e Env) now() time.Time {
	if e.Location == nil {
		return e.Now.UTC()
	}
	return e.Now.In(e.Location)
}

// maxQuoted is how many octets of a bad piece an error repeats.
const maxQuoted = 60

// quote shows a piece of the input in an error: on one line, free of control
// characters, cut when long.
func quote(s string) string {
	if len(s) <= maxQuoted {
		return strconv.Quote(s)
	}
	cut := maxQuoted
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "..."
}

func usage(format string, args ...any) *fault.Error {
	return fault.New(fault.Usage, format, args...)
}
