package query

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
)

// leaf makes the node of a key with the values given. name is how errors call
// the key: as in the program, or as the flag on the command line.
func leaf(name string, spec *keySpec, values []string, env Env) (*Node, error) {
	for _, v := range values {
		if err := checkString(name, v); err != nil {
			return nil, err
		}
	}
	n := &Node{spec: spec}
	var err error
	switch spec.arg {
	case argNone, argAttachment:
	case argText, argLabel:
		n.text = values[0]
	case argHeader:
		n.field, n.text = values[0], values[1]
		err = checkField(name, n.field)
	case argDate, argSent, argDay:
		n.date, err = leafDate(name, spec, values[0], env)
	case argSize:
		if n.num, err = ParseSize(values[0]); err != nil {
			err = fault.Wrap(fault.Usage, err, "%s", name)
		}
	case argAge:
		n.num, err = leafAge(name, values[0], env)
	case argKeyword:
		n.text = values[0]
		err = checkKeyword(name, n.text)
	case argUID:
		var sel Selection
		if sel, err = ParseSet(values[0]); err != nil {
			return nil, fault.Wrap(fault.Usage, err, "%s", name)
		}
		return UIDs(sel.Set()), nil
	case argModseq:
		err = n.modseq(name, values)
	case argObjectID:
		n.text = values[0]
		err = checkObjectID(name, n.text)
	case argGmailID:
		if n.num, err = parseNumber(values[0], math.MaxUint64); err != nil {
			err = badValue(name, values[0], "Gmail's identifiers are decimal numbers")
		}
	case argGlob:
		n.text = values[0]
		if _, e := path.Match(n.text, ""); e != nil || n.text == "" {
			err = badValue(name, n.text, "not a pattern").
				Hint("a pattern is *.pdf, invoice-?.* or, for media types, image/*; [abc] is one of these characters")
		}
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// valueCount is how many values a key takes; first is the first of them.
func (k *keySpec) valueCount(first string) int {
	switch k.arg {
	case argNone, argAttachment, argKey, argTwoKeys:
		return 0
	case argHeader:
		return 2
	case argModseq:
		if strings.HasPrefix(first, "/") { // with entry name and type
			return 3
		}
	}
	return 1
}

func badValue(name, value, format string, args ...any) *fault.Error {
	return usage("%s %s: %s", name, quote(value), usage(format, args...).Op)
}

// checkString refuses what no string of a search command can hold.
func checkString(name, v string) error {
	switch {
	case strings.ContainsAny(v, "\r\n"):
		return badValue(name, v, "a search value has no line breaks").
			Hint("servers compare header fields as one line, so a line break never matches; search for the text before or behind it")
	case strings.ContainsRune(v, 0):
		return badValue(name, v, "a search value has no NUL")
	case !utf8.ValidString(v):
		return badValue(name, v, "not valid UTF-8").
			Hint("strings are sent as UTF-8; convert the value, for example with iconv -t UTF-8")
	}
	return nil
}

// checkField accepts field names of RFC 5322 section 2.2.
func checkField(name, field string) error {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }
	if field == "" || strings.IndexFunc(field, bad) >= 0 {
		return badValue(name, field, "not the name of a header field").
			Hint("a field name is printable ASCII without blanks and colons, such as Message-ID")
	}
	return nil
}

// isAtom accepts RFC 9051 "atom".
func isAtom(s string) bool {
	special := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r) }
	return s != "" && strings.IndexFunc(s, special) < 0
}

// checkKeyword accepts RFC 9051 "flag-keyword".
func checkKeyword(name, flag string) error {
	if isAtom(flag) {
		return nil
	}
	err := badValue(name, flag, "not a keyword flag")
	if system, ok := strings.CutPrefix(flag, `\`); ok && findKey(system) != nil {
		return err.Hint("the system flag %s has the search key %s", flag, strings.ToUpper(system))
	}
	return err.Hint(`a keyword is ASCII without blanks, control characters and ( ) { %% * " \ ]`)
}

// maxObjectID is the longest object identifier (RFC 8474 section 7).
const maxObjectID = 255

func checkObjectID(name, id string) error {
	other := func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", r)
	}
	if id == "" || len(id) > maxObjectID || strings.IndexFunc(id, other) >= 0 {
		return badValue(name, id, "not an object identifier").
			Hint("an identifier is 1 to 255 letters, digits, _ and -, as fetch shows it")
	}
	return nil
}

func parseNumber(s string, limit uint64) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err == nil && n > limit {
		err = strconv.ErrRange
	}
	return n, err
}

func leafDate(name string, spec *keySpec, value string, env Env) (Date, error) {
	d, err := ParseDate(value, env)
	if err != nil {
		return d, fault.Wrap(fault.Usage, err, "%s", name)
	}
	switch {
	case d.IsDay():
	case spec.arg == argDay:
		return d, badValue(name, value, "save dates are compared by day").Hint("give a date without a time of day")
	case (spec.name == keyOn || spec.name == keySentOn) && !strings.Contains(value, ":"):
		return d, badValue(name, value, "this is a moment, not a day").
			Hint("name a day, such as today or 7d, or a minute, such as 2026-11-20T15:04")
	}
	return d, nil
}

// IsNumber reports whether a value is digits alone.
func IsNumber(value string) bool { return value != "" && strings.Trim(value, "0123456789") == "" }

// leafAge reads what YOUNGER and OLDER count, as seconds (RFC 5032 section 3).
func leafAge(name, value string, env Env) (uint64, error) {
	n, err := parseNumber(value, math.MaxUint32)
	if err != nil {
		a, ok := parseAge(value)
		if !ok {
			return 0, badValue(name, value, "not a length of time").
				Hint("a length of time is seconds (3600), or 90s, 30m, 12h, 7d, 2w, 3mo or 1y")
		}
		now := env.now().UTC()
		length := a.length
		if !a.moment {
			length = time.Duration(a.days) * 24 * time.Hour
			if a.months > 0 {
				then, _ := relativeDate(value, now)
				today, _ := relativeDate("today", now)
				length = today.Time.Sub(then.Time)
			}
		}
		n = uint64(length / time.Second)
	}
	if n == 0 || n > math.MaxUint32 {
		return 0, badValue(name, value, "a length of time is 1 to %d seconds", uint32(math.MaxUint32))
	}
	return n, nil
}

// modseq fills in MODSEQ (RFC 7162 section 3.1.5): a number, or an entry name,
// an entry type and a number.
func (n *Node) modseq(name string, values []string) error {
	number := values[len(values)-1]
	var err error
	if n.num, err = parseNumber(number, math.MaxInt64); err != nil {
		return badValue(name, number, "not a mod-sequence number").
			Hint("it is a number from 0 on, as fetch and status show it")
	}
	if len(values) == 1 {
		return nil
	}
	n.field, n.text = values[0], strings.ToLower(values[1])
	flag, ok := strings.CutPrefix(n.field, "/flags/")
	if !ok || !isAtom(strings.TrimPrefix(flag, `\`)) {
		return badValue(name, n.field, "not an entry name").Hint(`an entry name is /flags/ and a flag, such as /flags/\Seen`)
	}
	if !slices.Contains([]string{"priv", "shared", "all"}, n.text) {
		return badValue(name, values[1], "not an entry type").Hint("an entry type is priv, shared or all")
	}
	return nil
}
