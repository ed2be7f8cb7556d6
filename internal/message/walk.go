package message

import (
	"fmt"
	"io"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// WalkPart is one part of a message as Walk meets it.
type WalkPart struct {
	Number    string     // as Structure.Part numbers it; empty for the root of a multipart message
	Header    []byte     // the header block, without the empty line behind it
	Structure *Structure // what the header says; Children, Message, Size and Lines come later
	Body      io.Reader  // the octets as sent, valid during the call; nil for a multipart
	Depth     int        // levels of parts around it
	Warnings  []string   // what was wrong with the part
}

// Walk reads a whole message from r and calls fn for each part in the order
// of the message, the root and every multipart included. A message/rfc822
// part whose Body fn has not read is walked into; what fn leaves of a Body is
// skipped. It is tolerant: a missing last boundary, unknown encodings, junk in
// headers, a boundary that is not declared or not the declared one. Time is
// linear and memory constant besides the header at hand.
//
// It ends with the error of fn, with that of r (a cut message is read as far
// as it goes), or with fault.Protocol where the message has more than MaxParts
// parts or larger headers than MaxHeaders. Parts nested deeper than MaxDepth
// are leaves.
func Walk(r io.Reader, fn func(p *WalkPart) error) error {
	_, err := walk(r, fn)
	return err
}

// ReadStructure makes the structure of a whole message, as BODYSTRUCTURE would
// tell it, in the way of Walk. With an error it returns what it has.
func ReadStructure(r io.Reader) (*Structure, error) {
	return walk(r, func(*WalkPart) error { return nil })
}

func walk(r io.Reader, fn func(p *WalkPart) error) (*Structure, error) {
	w := &walker{in: newLineReader(r), fn: fn}
	s, err := w.message("", 0, false)
	switch {
	case err != nil:
		return s, err
	case w.in.err != nil:
		return s, w.in.err
	}
	return s, w.tooLarge
}

type walker struct {
	in       *lineReader
	fn       func(p *WalkPart) error
	parts    int
	headers  int   // octets of headers so far
	tooLarge error // the headers were more than MaxHeaders
}

// message reads a whole message; prefix is the number of the part around it.
func (w *walker) message(prefix string, depth int, inside bool) (*Structure, error) {
	limit := MaxHeader
	if inside {
		limit = MaxPartHeader
	}
	h := w.header(limit, false)
	h.number, h.below = rootNumber(h.s, prefix)
	return h.s, w.body(h, depth)
}

// entity is a part whose header was read.
type entity struct {
	raw           []byte
	s             *Structure
	boundary      string
	number, below string
	warnings      []string
}

func (w *walker) header(limit int, digest bool) *entity {
	raw, cut := w.in.header(limit)
	h := &entity{raw: raw}
	if cut {
		h.warnings = append(h.warnings, warnHeaderCut)
	}
	if w.headers += len(raw); w.headers > MaxHeaders {
		h.raw = nil
		w.tooLarge = fault.New(fault.Protocol, "the headers in the message are larger than %d octets together", MaxHeaders)
	}
	h.s = structureOf(h.raw, digest)
	if h.s.multipart() {
		p, _ := params(h.s.Params)
		h.boundary = w.in.findBoundary(rawParam(h.s.Params, "boundary"), p["boundary"])
		if h.boundary == "" {
			h.warnings = append(h.warnings, "the multipart has no boundary and is read as text")
			h.s.Type, h.s.Subtype, h.s.Params = "text", "plain", nil
		}
	}
	return h
}

// body reads the body of the part whose header is h, up to the boundary that
// ends it, and fills in what only the body tells.
func (w *walker) body(h *entity, depth int) (err error) {
	if w.parts++; w.parts > MaxParts {
		return fault.New(fault.Protocol, "the message has more than %d parts", MaxParts)
	}
	p := &WalkPart{Number: h.number, Header: h.raw, Structure: h.s, Depth: depth, Warnings: h.warnings}
	start := w.in.mark()
	deep := depth >= MaxDepth
	message := strings.EqualFold(h.s.Type, "message") && (strings.EqualFold(h.s.Subtype, "rfc822") || strings.EqualFold(h.s.Subtype, "global"))
	if deep && (message || h.boundary != "") {
		p.Warnings = append(p.Warnings, fmt.Sprintf("parts nested more than %d deep were left out", MaxDepth))
	}
	if h.boundary != "" && !deep {
		if err = w.fn(p); err == nil {
			err = w.multipart(h, depth)
		}
		return err
	}
	body := &bodyReader{in: w.in}
	p.Body = body
	if err = w.fn(p); err != nil {
		return err
	}
	if message && !deep && !body.read && !encoded(h.s.Encoding) {
		h.s.Message, err = w.message(h.number, depth+1, true)
		if err != nil {
			return err
		}
	}
	w.in.skip()
	h.s.Size, h.s.Lines = w.in.since(start)
	return nil
}

// encoded tells whether a message/rfc822 has an encoding, which it must not:
// servers do not look into it either.
func encoded(encoding string) bool {
	switch keyword(encoding) {
	case "base64", "quoted-printable", "x-uuencode", "x-uue", "uuencode", "uue":
		return true
	}
	return false
}

// multipart reads the parts of h.
func (w *walker) multipart(h *entity, depth int) error {
	level := w.in.push(h.boundary)
	digest := strings.EqualFold(h.s.Subtype, "digest")
	for {
		w.in.skip() // the preamble, or what a part left
		switch {
		case w.in.level != level: // of a multipart around this one, or the end
			w.in.pop()
			return nil
		case w.in.final:
			w.in.pop()
			w.in.resume()
			w.in.skip() // the epilogue
			return nil
		}
		w.in.resume()
		c := w.header(MaxPartHeader, digest)
		c.number = partNumber(h.below, len(h.s.Children))
		c.below = c.number
		h.s.Children = append(h.s.Children, c.s)
		if err := w.body(c, depth+1); err != nil {
			return err
		}
	}
}

// bodyReader is the Body of a part.
type bodyReader struct {
	in   *lineReader
	rest []byte
	read bool
}

// Read is io.Reader's.
func (b *bodyReader) Read(p []byte) (int, error) {
	b.read = true
	for len(b.rest) == 0 {
		piece, ok := b.in.piece()
		if !ok {
			if b.in.err != nil {
				return 0, b.in.err
			}
			return 0, io.EOF
		}
		b.rest = piece
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// structureOf reads the MIME fields of a header (RFC 2045). Without a
// Content-Type a part is text/plain, in a multipart/digest message/rfc822; one
// that makes no sense is text/plain too (RFC 2045 section 5.2).
func structureOf(raw []byte, digest bool) *Structure {
	s := &Structure{}
	for f := newFieldScanner(raw); f.next(); {
		if len(f.name) < 10 || !strings.EqualFold(f.name[:8], "content-") {
			continue
		}
		switch name := strings.ToLower(f.name[8:]); {
		case name == "type" && s.Type == "":
			var typ string
			typ, s.Params = ParseParams(f.value)
			s.Type, s.Subtype = splitType(typ)
		case name == "disposition" && s.Disposition == "":
			s.Disposition, s.DispositionParams = ParseParams(f.value)
		case name == "transfer-encoding" && s.Encoding == "":
			s.Encoding = f.value
		case name == "id" && s.ID == "":
			s.ID = f.value
		case name == "description" && s.Description == "":
			s.Description = f.value
		case name == "md5" && s.MD5 == "":
			s.MD5 = f.value
		case name == "location" && s.Location == "":
			s.Location = withoutBlanks(f.value)
		case name == "language" && s.Language == nil:
			s.Language = strings.FieldsFunc(f.value, func(r rune) bool { return r == ',' || r <= ' ' })
			s.Language = s.Language[:min(len(s.Language), MaxParams)]
		}
	}
	if s.Encoding == "" {
		s.Encoding = "7bit"
	}
	switch {
	case s.Type != "":
	case digest:
		s.Type, s.Subtype = "message", "rfc822"
	default:
		s.Type, s.Subtype = "text", "plain"
	}
	return s
}

// splitType splits "text / plain", forgives quotes and what stands behind it.
func splitType(s string) (typ, sub string) {
	typ, sub, found := strings.Cut(strings.ReplaceAll(s, `"`, ""), "/")
	typ = trim(typ)
	if f := strings.Fields(sub); found && len(f) > 0 && typ != "" && !strings.ContainsAny(typ, " \t") {
		return typ, f[0]
	}
	if strings.EqualFold(typ, "multipart") {
		return typ, "mixed"
	}
	return "text", "plain"
}
