package query

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/imapknife/imapknife/internal/suggest"
	"golang.org/x/text/unicode/norm"
)

// SortKey is one criterion to sort by (RFC 5256 section 3, RFC 5957).
type SortKey struct {
	Name    string // arrival, date, from, to, cc, subject, size, displayfrom or displayto
	Reverse bool
}

// SortKeyNames lists the sort keys.
func SortKeyNames() []string {
	return []string{"arrival", "date", "from", "to", "cc", "subject", "size", "displayfrom", "displayto"}
}

// ParseSort reads sort keys joined by commas, most important first, each with
// a minus before it for descending order: `date,-size`. Errors are
// fault.Usage.
func ParseSort(s string) ([]SortKey, error) {
	names := SortKeyNames()
	var out []SortKey
	for piece := range strings.SplitSeq(s, ",") {
		name, reverse := strings.CutPrefix(strings.ToLower(piece), "-")
		if !slices.Contains(names, name) {
			err := usage("unknown sort key %s", quote(piece))
			if best := suggest.Nearest(name, names); best != "" {
				err.Hint("did you mean %s?", best)
			}
			return nil, err.Hint("sort keys are %s; a minus before one reverses it", strings.Join(names, ", "))
		}
		if slices.ContainsFunc(out, func(k SortKey) bool { return k.Name == name }) {
			return nil, usage("sort key %s is given twice", quote(name))
		}
		out = append(out, SortKey{name, reverse})
	}
	return out, nil
}

// SortCapability is what a server must offer to sort by keys: SORT, or
// SORT=DISPLAY.
func SortCapability(keys []SortKey) string {
	if slices.ContainsFunc(keys, func(k SortKey) bool { return strings.HasPrefix(k.Name, "display") }) {
		return "SORT=DISPLAY"
	}
	return "SORT"
}

// SortProgram is the list of criteria for the SORT command, with its
// parentheses.
func SortProgram(keys []SortKey) []Token {
	out := []Token{{Open, "("}}
	for _, k := range keys {
		if k.Reverse {
			out = append(out, Token{Atom, "REVERSE"})
		}
		out = append(out, Token{Atom, strings.ToUpper(k.Name)})
	}
	return append(out, Token{Close, ")"})
}

// SortAddress is the first address of a header field; empty without one.
type SortAddress struct {
	Name    string // display name, decoded
	Mailbox string // the part before the @
	Host    string
}

// SortFacts is what sorting needs of one message. Only the fields that the
// keys name have to be filled in, and always UID.
type SortFacts struct {
	UID     uint32
	Arrival time.Time // INTERNALDATE; needed for date too
	Sent    time.Time // the Date field; the zero time when it cannot be read
	Size    uint64    // octets
	From    SortAddress
	To      SortAddress
	Cc      SortAddress
	Subject string // decoded, not yet reduced to its base
}

// Collate returns a string for a message, such that messages are in the order
// of keys when these strings are in ascending order (cmp.Compare). It is the
// order of RFC 5256: texts by i;unicode-casemap, dates in UTC, subjects by
// their base, and ties by ascending UID.
func Collate(keys []SortKey, f *SortFacts) string {
	var out []byte
	for _, k := range keys {
		start := len(out)
		out = f.append(out, k.Name)
		if k.Reverse {
			for i := range out[start:] {
				out[start+i] ^= 0xff
			}
		}
	}
	return string(binary.BigEndian.AppendUint32(out, f.UID))
}

// CollatedUIDOctets is how many octets at the end of what Collate returns are
// the UID.
const CollatedUIDOctets = 4

// CollatedUID returns the UID of the message that Collate made the key of.
func CollatedUID(key string) uint32 {
	return binary.BigEndian.Uint32([]byte(key[len(key)-CollatedUIDOctets:]))
}

func (f *SortFacts) append(dst []byte, key string) []byte {
	switch key {
	case "arrival":
		return appendTime(dst, f.Arrival)
	case "date": // RFC 5256 section 2.2
		if f.Sent.IsZero() {
			return appendTime(dst, f.Arrival)
		}
		return appendTime(dst, f.Sent)
	case "size":
		return binary.BigEndian.AppendUint64(dst, f.Size)
	case "subject":
		base, _ := BaseSubject(f.Subject)
		return appendText(dst, base)
	case "from":
		return appendText(dst, f.From.Mailbox)
	case "to":
		return appendText(dst, f.To.Mailbox)
	case "cc":
		return appendText(dst, f.Cc.Mailbox)
	case "displayfrom":
		return appendText(dst, f.From.display())
	case "displayto":
		return appendText(dst, f.To.display())
	}
	return dst
}

// display is what RFC 5957 section 3 sorts an address by.
func (a SortAddress) display() string {
	switch {
	case a.Name != "":
		return a.Name
	case a.Host == "":
		return a.Mailbox
	}
	return a.Mailbox + "@" + a.Host
}

// appendTime writes t so that octet order is time order.
func appendTime(dst []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(t.Unix())^1<<63)
}

// appendText writes s by i;unicode-casemap (RFC 5051): title case, then
// decomposed. A zero octet ends it, so that a longer text comes later; a zero
// octet inside is followed by 0xff.
func appendText(dst []byte, s string) []byte {
	s = norm.NFKD.String(strings.Map(unicode.ToTitle, s))
	dst = append(dst, strings.ReplaceAll(s, "\x00", "\x00\xff")...)
	return append(dst, 0, 0)
}
