package result

import (
	"encoding/json"
	"reflect"
	"strings"
)

// UIDValidity is a mailbox's UIDVALIDITY (RFC 9051 section 2.3.1.1) as decimal
// digits without leading zeros: 32 bits by the grammar, and longer with servers
// that count milliseconds. It is empty where there is none; values compare with
// ==.
//
// In JSON it is a number up to 2^53-1, a string of digits above, because
// programs such as jq would round such a number, and 0 where there is none.
type UIDValidity string

// ParseUIDValidity reads a number as a server or a user writes it; 0 is none.
// ok is false for what is no number.
func ParseUIDValidity(text string) (v UIDValidity, ok bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return "", false
	}
	return UIDValidity(strings.TrimLeft(text, "0")), true
}

// Usable reports whether there is one: without it, nobody can know whether
// UIDs still mean the same messages.
func (v UIDValidity) Usable() bool { return v != "" }

// String returns the digits, 0 where there is none.
func (v UIDValidity) String() string {
	if v == "" {
		return "0"
	}
	return string(v)
}

// largestExact is 2^53-1, the highest number up to which every integer is one
// to programs that compute in floating point.
const largestExact = "9007199254740991"

// AppendJSON appends the value as JSON.
func (v UIDValidity) AppendJSON(dst []byte) []byte {
	if len(v) > len(largestExact) || len(v) == len(largestExact) && v > largestExact {
		return append(append(append(dst, '"'), v...), '"')
	}
	return append(dst, v.String()...)
}

// MarshalJSON returns what AppendJSON appends.
func (v UIDValidity) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// UnmarshalJSON reads a number or a string of digits; null is none.
func (v *UIDValidity) UnmarshalJSON(text []byte) error {
	word := string(text)
	if word == "null" {
		*v = ""
		return nil
	}
	if len(word) > 2 && word[0] == '"' {
		word = word[1 : len(word)-1]
	}
	read, ok := ParseUIDValidity(word)
	if !ok {
		return &json.UnmarshalTypeError{Value: jsonKind(text), Type: reflect.TypeFor[UIDValidity]()}
	}
	*v = read
	return nil
}

// jsonKind names a JSON value as encoding/json does in its errors.
func jsonKind(text []byte) string {
	switch text[0] {
	case '"':
		return "string"
	case '[':
		return "array"
	case '{':
		return "object"
	case 't', 'f':
		return "bool"
	}
	return "number " + string(text)
}
