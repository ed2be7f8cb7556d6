package session

import (
	"strings"

	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/wire"
)

// maxParts is how many parts of one message's structure are read.
const maxParts = 10000

// readStructure reads a BODYSTRUCTURE (RFC 9051 section 7.5.2). Fields that
// servers leave out, write as NIL or add are tolerated; NIL and () give nil.
func readStructure(r *wire.Reader) *message.Structure {
	b := bodyReader{r: r, left: maxParts}
	return b.body()
}

// bodyReader reads one structure; left is how many parts it still may have.
type bodyReader struct {
	r    *wire.Reader
	left int
}

func (b *bodyReader) body() *message.Structure {
	r := b.r
	if !r.Open() {
		r.Skip()
		return nil
	}
	if b.left--; b.left < 0 {
		r.Fail(&wire.SyntaxError{What: "a structure of too many parts"})
		return nil
	}
	s := &message.Structure{}
	switch {
	case r.Next() == ')':
		s = nil
	case r.Next() == '(':
		b.multipart(s)
	default:
		b.single(s)
	}
	for !r.Close() { // extension data that is not known
		r.Skip()
	}
	return s
}

// more reports whether the list goes on.
func (b *bodyReader) more() bool {
	n := b.r.Next()
	return n != ')' && n != 0 && b.r.Err() == nil
}

func (b *bodyReader) text() string {
	if !b.more() {
		return ""
	}
	if b.r.Next() == '(' { // a list where a string belongs
		b.r.Skip()
		return ""
	}
	s, _ := b.r.String(wire.MaxToken)
	return string(s)
}

// number reads a number; NIL, a string, a negative number and one over 64 bits
// give 0.
func (b *bodyReader) number() uint64 {
	if !b.more() {
		return 0
	}
	n, _ := b.r.TryNumber()
	return n
}

func (b *bodyReader) multipart(s *message.Structure) {
	s.Type = "multipart"
	for b.r.Next() == '(' {
		child := b.body()
		if b.r.Err() != nil {
			return
		}
		if child == nil {
			child = &message.Structure{Type: "application", Subtype: "octet-stream"} // its number counts
		}
		s.Children = append(s.Children, child)
	}
	s.Subtype = b.text()
	s.Params = b.params()
	b.extension(s)
}

func (b *bodyReader) single(s *message.Structure) {
	s.Type, s.Subtype = b.text(), b.text()
	s.Params = b.params()
	s.ID, s.Description, s.Encoding = b.text(), b.text(), b.text()
	s.Size = b.number()
	switch {
	case strings.EqualFold(s.Type, "text"):
		s.Lines = b.number()
	case strings.EqualFold(s.Type, "message") && (strings.EqualFold(s.Subtype, "rfc822") || strings.EqualFold(s.Subtype, "global")) && b.r.Next() == '(':
		b.r.Skip() // the envelope
		if b.more() {
			s.Message = b.body()
		}
		s.Lines = b.number()
	}
	s.MD5 = b.text()
	b.extension(s)
}

// extension reads disposition, language and location.
func (b *bodyReader) extension(s *message.Structure) {
	if !b.more() {
		return
	}
	if b.r.Next() == '(' {
		b.r.Open()
		s.Disposition = b.text()
		s.DispositionParams = b.params()
		for !b.r.Close() {
			b.r.Skip()
		}
	} else {
		s.Disposition = b.text() // some servers write the bare word
	}
	if b.r.Next() == '(' {
		b.r.Open()
		for !b.r.Close() {
			if l := b.text(); len(s.Language) < maxLanguages {
				s.Language = append(s.Language, l)
			}
		}
	} else if l := b.text(); l != "" {
		s.Language = []string{l}
	}
	s.Location = b.text()
}

// How many parameters and languages of one part are kept.
const (
	maxParams    = 1000
	maxLanguages = 100
)

func (b *bodyReader) params() [][2]string {
	var out [][2]string
	if !b.more() {
		return nil
	}
	if !b.r.Open() {
		b.r.Skip()
		return nil
	}
	for !b.r.Close() {
		name := b.text()
		value := ""
		if b.more() {
			value = b.text()
		}
		if len(out) < maxParams {
			out = append(out, [2]string{name, value})
		}
	}
	return out
}
