package sandbox

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// Fetch implements imapserver.Session. Only a BODY[] or BINARY[] without PEEK
// in a mailbox that is not read-only sets \Seen. Messages are written one by
// one, with no lock held: a client that reads slowly stops only itself.
func (s *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	rev2 := s.rev2()
	s.acct.mu.Lock()
	rows, err := s.rows(set)
	s.acct.mu.Unlock()
	if err != nil {
		return err
	}
	for _, i := range rows {
		seq := uint32(i + 1)
		s.acct.mu.Lock()
		r := &s.view[i]
		withFlags := o.Flags
		if setsSeen(o) && !s.readOnly && !hasFlag(r.flags, imap.FlagSeen) {
			s.acct.setFlags(s.box, r.message, union(r.flags, []imap.Flag{imap.FlagSeen}))
			withFlags = true
		}
		if withFlags {
			r.known = r.changed
		}
		m, flags := r.message, r.shown(rev2)
		s.acct.mu.Unlock()
		if !withFlags {
			flags = nil
		} else if flags == nil {
			flags = []imap.Flag{}
		}
		if err := m.fetch(w, seq, flags, o); err != nil {
			return err
		}
	}
	return nil
}

func setsSeen(o *imap.FetchOptions) bool {
	return slices.ContainsFunc(o.BodySection, func(b *imap.FetchItemBodySection) bool { return !b.Peek }) ||
		slices.ContainsFunc(o.BinarySection, func(b *imap.FetchItemBinarySection) bool { return !b.Peek })
}

// fetch writes one FETCH response; flags is nil when they are not to be there.
func (m *message) fetch(fw *imapserver.FetchWriter, seq uint32, flags []imap.Flag, o *imap.FetchOptions) error {
	binary := make([][]byte, len(o.BinarySection))
	for i, b := range o.BinarySection { // before anything is written: it can fail
		data, err := m.binary(b.Part)
		if err != nil {
			return err
		}
		binary[i] = cutPartial(data, b.Partial)
	}
	sizes := make([]uint32, len(o.BinarySectionSize))
	for i, b := range o.BinarySectionSize {
		data, err := m.binary(b.Part)
		if err != nil {
			return err
		}
		sizes[i] = uint32(len(data))
	}

	w := fw.CreateMessage(seq)
	if o.UID {
		w.WriteUID(m.uid)
	}
	if flags != nil {
		w.WriteFlags(flags)
	}
	if o.InternalDate {
		w.WriteInternalDate(m.date)
	}
	if o.RFC822Size {
		w.WriteRFC822Size(int64(len(m.raw)))
	}
	if o.Envelope {
		w.WriteEnvelope(m.root().envelope())
	}
	if o.BodyStructure != nil {
		w.WriteBodyStructure(m.root().structure())
	}
	for i, size := range sizes {
		w.WriteBinarySectionSize(o.BinarySectionSize[i], size)
	}
	var err error
	for _, b := range o.BodySection {
		data := cutPartial(m.section(b), b.Partial)
		err = writeLiteral(w.WriteBodySection(b, int64(len(data))), data, err)
	}
	for i, b := range o.BinarySection {
		err = writeLiteral(w.WriteBinarySection(b, int64(len(binary[i]))), binary[i], err)
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	return err
}

func writeLiteral(w io.WriteCloser, data []byte, err error) error {
	if _, writeErr := w.Write(data); err == nil {
		err = writeErr
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	return err
}

// section returns a BODY[...] section before <partial>; nothing for a part
// that is not there.
func (m *message) section(b *imap.FetchItemBodySection) []byte {
	p := m.root()
	if len(b.Part) > 0 {
		if p = p.find(b.Part); p == nil {
			return nil
		}
		switch b.Specifier {
		case imap.PartSpecifierNone:
			return p.body
		case imap.PartSpecifierMIME:
			return p.header
		}
		if p = p.embedded; p == nil { // HEADER and TEXT are a message's
			return nil
		}
	}
	switch {
	case b.Specifier == imap.PartSpecifierHeader && len(b.HeaderFields)+len(b.HeaderFieldsNot) > 0:
		return p.headerFields(b.HeaderFields, b.HeaderFieldsNot)
	case b.Specifier == imap.PartSpecifierHeader || b.Specifier == imap.PartSpecifierMIME:
		return p.header
	case b.Specifier == imap.PartSpecifierText:
		return p.body
	}
	return m.raw
}

// headerFields is HEADER.FIELDS, or HEADER.FIELDS.NOT when only is empty: the
// fields as they stand, in their order, and the empty line.
func (p *part) headerFields(only, not []string) []byte {
	names := only
	if len(only) == 0 {
		names = not
	}
	var out bytes.Buffer
	for _, f := range p.fields {
		named := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, f.name) })
		if named == (len(only) > 0) {
			out.Write(f.raw)
		}
	}
	out.WriteString("\r\n")
	return out.Bytes()
}

// binary is a part without its transfer encoding (RFC 3516); a multipart, and
// the whole message, is as it stands.
func (m *message) binary(numbers []int) ([]byte, error) {
	if len(numbers) == 0 {
		return m.raw, nil
	}
	p := m.root().find(numbers)
	if p == nil {
		return nil, nil
	}
	data, ok := p.decoded()
	if !ok || p.encoding == "base64" && bytes.ContainsFunc(p.body, notBase64) {
		return nil, no(imap.ResponseCodeUnknownCTE, "Cannot decode that part")
	}
	return data, nil
}

func cutPartial(data []byte, partial *imap.SectionPartial) []byte {
	if partial == nil {
		return data
	}
	size := int64(len(data))
	start := min(partial.Offset, size)
	return data[start : start+min(partial.Size, size-start)]
}
