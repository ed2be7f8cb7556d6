package wire

import (
	"bytes"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// Response is one untagged response, positioned behind its kind. Its tokens
// are read with the embedded Reader while the callback runs.
type Response struct {
	*Reader
	Kind   string // upper case: FETCH, SEARCH, OK …
	Num    uint64 // the number in front: `* 12 FETCH`
	HasNum bool
	Status Status // for OK, NO, BAD, BYE and PREAUTH: code and text
	Tag    string // of the command in flight that gets the response

	unwanted bool
}

// Unwanted says that the command which asked for the response's kind has no use
// for this one: it is no progress.
func (r *Response) Unwanted() { r.unwanted = true }

// Status is a status response: the end of a command, or an untagged OK, NO,
// BAD, BYE or PREAUTH (RFC 9051 section 7.1).
type Status struct {
	Status string // OK, NO, BAD, BYE or PREAUTH
	Code   string // response code's name in upper case, empty without one
	Args   string // the code's arguments as sent
	Text   string // text for a person, untrusted
	// Said is an untagged NO or BAD that came before a tagged one and may say
	// more; nil for none.
	Said *Status
}

// OK reports whether the status is OK or PREAUTH.
func (s Status) OK() bool { return s.Status == "OK" || s.Status == "PREAUTH" }

// Server is the status as an error carries it.
func (s Status) Server() *fault.Server {
	code := s.Code
	if s.Args != "" {
		code += " " + s.Args
	}
	return &fault.Server{Status: s.Status, Code: code, Text: s.Text}
}

// ParseStatus takes the text behind OK, NO, BAD, BYE or PREAUTH apart.
func ParseStatus(status string, text []byte) Status {
	s := Status{Status: status}
	text = bytes.TrimLeft(text, " ")
	if len(text) > 0 && text[0] == '[' {
		if end := codeEnd(text); end > 0 {
			name, args, _ := strings.Cut(strings.TrimSpace(string(text[1:end])), " ")
			s.Code, s.Args = strings.ToUpper(name), strings.TrimSpace(args)
			text = bytes.TrimLeft(text[end+1:], " ")
		}
	}
	s.Text = string(text)
	return s
}

// codeEnd finds the bracket that closes a response code. A keyword inside
// parentheses or quotes may hold one of its own; where those do not balance,
// the first bracket ends the code.
func codeEnd(text []byte) int {
	depth, quoted := 0, false
	for i := 1; i < len(text); i++ {
		switch b := text[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '(':
			depth++
		case b == ')':
			depth--
		case b == ']' && depth <= 0:
			return i
		}
	}
	return bytes.IndexByte(text, ']')
}

func isStatus(kind string) bool {
	switch kind {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}
