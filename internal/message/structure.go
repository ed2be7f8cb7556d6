package message

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/result"
)

// Structure is the MIME structure of a message or part as BODYSTRUCTURE (RFC
// 9051 section 7.5.2) or the message itself tells it. All strings are the
// octets as sent, undecoded.
type Structure struct {
	Type              string // media type; "multipart" or empty when there are Children
	Subtype           string
	Params            [][2]string
	ID                string // Content-ID
	Description       string
	Encoding          string // content transfer encoding
	Size              uint64 // octets as encoded
	Lines             uint64 // of a text or message/rfc822 part
	MD5               string
	Disposition       string
	DispositionParams [][2]string
	Language          []string
	Location          string

	Children []*Structure // the parts of a multipart
	Message  *Structure   // the message inside a message/rfc822 part
}

func (s *Structure) multipart() bool {
	return len(s.Children) > 0 || strings.EqualFold(s.Type, "multipart")
}

// MediaType is the media type in lower case. A part that has none is
// text/plain (RFC 2045 section 5.2), one that has half of one
// application/octet-stream.
func (s *Structure) MediaType() string {
	switch typ, sub := keyword(s.Type), keyword(s.Subtype); {
	case s.multipart() && sub == "":
		return "multipart/mixed"
	case s.multipart():
		return "multipart/" + sub
	case (typ == "text" || typ == "") && sub == "":
		return "text/plain"
	case typ == "" || sub == "":
		return "application/octet-stream"
	default:
		return typ + "/" + sub
	}
}

// Name is the file name the sender gave, decoded, and empty for none. It is
// to be shown, not to be opened: see SafeName. sure is false when something
// in it was guessed or replaced.
func (s *Structure) Name() (name string, sure bool) {
	disposition, sureD := params(s.DispositionParams)
	typ, sureT := params(s.Params)
	return nameOf(disposition, typ, sureD || !sureT), sureD && sureT
}

// nameOf looks where the name should be, and where some mailers put it. Where
// the disposition had to be guessed, unlike the type, the type's name is better.
func nameOf(disposition, typ map[string]string, byDisposition bool) string {
	if name := typ["name"]; name != "" && !byDisposition {
		return name
	}
	for _, name := range [...]string{disposition["filename"], typ["name"], disposition["name"], typ["filename"]} {
		if name != "" {
			return name
		}
	}
	return ""
}

// Part is the tree as rows show it, decoded. The parts are numbered as RFC
// 9051 section 6.4.5.1 has it; the root of a multipart message, inside a
// message/rfc822 part too, has no number. The warnings name the parts whose
// names or parameters had to be guessed.
func (s *Structure) Part() (p *result.Part, warnings []string) {
	b := partBuilder{}
	return b.root(s, "", 0), b.warnings
}

// TooDeep is the warning for a message that has parts nested deeper than
// MaxDepth, and empty for any other.
func (s *Structure) TooDeep() string {
	if s.deeper(0) {
		return fmt.Sprintf("parts nested more than %d deep were left out", MaxDepth)
	}
	return ""
}

func (s *Structure) deeper(depth int) bool {
	if depth >= MaxDepth {
		return s.multipart() || s.Message != nil
	}
	for _, c := range s.Children {
		if c.deeper(depth + 1) {
			return true
		}
	}
	return s.Message != nil && s.Message.deeper(depth+1)
}

// rootNumber gives the number of a message's root, and what the numbers of
// its children begin with. prefix is the number of the message/rfc822 part
// around it.
func rootNumber(s *Structure, prefix string) (number, below string) {
	if s.multipart() {
		return "", prefix
	}
	number = partNumber(prefix, 0)
	return number, number
}

// partNumber is the number of the i-th child, counted from 0.
func partNumber(prefix string, i int) string {
	if prefix == "" {
		return strconv.Itoa(i + 1)
	}
	return prefix + "." + strconv.Itoa(i+1)
}

type partBuilder struct{ warnings []string }

func (b *partBuilder) root(s *Structure, prefix string, depth int) *result.Part {
	number, below := rootNumber(s, prefix)
	return b.part(s, number, below, depth)
}

func (b *partBuilder) part(s *Structure, number, below string, depth int) *result.Part {
	sure := true
	text := func(raw string) string {
		t, ok := decodeText(trim(raw))
		sure = sure && ok
		return t
	}
	typ, ok := params(s.Params)
	disposition, ok2 := params(s.DispositionParams)
	sure = ok && ok2
	p := &result.Part{
		Part: number, Type: s.MediaType(), Params: typ, Name: nameOf(disposition, typ, ok2 || !ok),
		Disposition: keyword(s.Disposition), Encoding: keyword(s.Encoding), Size: s.Size, Lines: s.Lines,
		ContentID: text(s.ID), Description: text(s.Description), MD5: text(s.MD5), Location: text(s.Location),
	}
	for _, l := range s.Language {
		p.Language = append(p.Language, text(l))
	}
	if !sure {
		b.warnings = append(b.warnings, fmt.Sprintf("part %q: octets that are not in a known charset were guessed or replaced", number))
	}
	if depth >= MaxDepth {
		if s.Message != nil || len(s.Children) > 0 {
			b.warnings = append(b.warnings, fmt.Sprintf("part %q: the parts inside are nested too deeply and were left out", number))
		}
		return p
	}
	for i, c := range s.Children {
		n := partNumber(below, i)
		p.Parts = append(p.Parts, b.part(c, n, n, depth+1))
	}
	if s.Message != nil && len(s.Children) == 0 {
		p.Parts = append(p.Parts, b.root(s.Message, number, depth+1))
	}
	return p
}
