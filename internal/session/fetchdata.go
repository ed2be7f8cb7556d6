package session

import (
	"bytes"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/wire"
)

// merge adds to old what m tells.
func merge(old, m *Fetched) {
	if m.has&hasFlags != 0 {
		old.Flags = append(old.Flags[:0], m.Flags...)
	}
	if m.has&hasDate != 0 {
		old.InternalDate = m.InternalDate
	}
	if m.has&hasSize != 0 {
		old.Size = m.Size
	}
	if m.has&hasModseq != 0 {
		old.Modseq = m.Modseq
	}
	if m.has&hasHeader != 0 {
		old.Header = append(old.Header[:0], m.Header...)
	}
	if m.has&hasStructure != 0 {
		old.Structure = m.Structure
	}
	old.NoBody = old.NoBody || m.NoBody
	old.bodies += m.bodies
	mergeExtensions(old, m)
	old.Warnings = append(old.Warnings, m.Warnings...)
	old.has |= m.has
}

func mergeExtensions(old, m *Fetched) {
	if m.has&hasPreview != 0 {
		old.Preview = m.Preview
	}
	if m.has&hasSaveDate != 0 {
		old.SaveDate = m.SaveDate
	}
	if m.has&hasEmailID != 0 {
		old.EmailID = m.EmailID
	}
	if m.has&hasThreadID != 0 {
		old.ThreadID = m.ThreadID
	}
	if m.has&hasGmailID != 0 {
		old.GmailID = m.GmailID
	}
	if m.has&hasGmailThread != 0 {
		old.GmailThread = m.GmailThread
	}
	if m.has&hasGmailLabels != 0 {
		old.GmailLabels = m.GmailLabels
	}
}

// extensionBit is the bit of an extension's item, 0 where it is none that is
// known.
func extensionBit(item string) int {
	switch item {
	case "PREVIEW":
		return hasPreview
	case "SAVEDATE":
		return hasSaveDate
	case "EMAILID":
		return hasEmailID
	case "THREADID":
		return hasThreadID
	case "X-GM-MSGID":
		return hasGmailID
	case "X-GM-THRID":
		return hasGmailThread
	case "X-GM-LABELS":
		return hasGmailLabels
	}
	return 0
}

// items reads the parenthesised list of items.
func (f *fetch) items(r *wire.Response, m *Fetched) error {
	if !r.Open() {
		return nil
	}
	for !r.Close() {
		if !r.Take(f.item.item) { // nearly always the one of the message before
			item := r.Item()
			if len(item) == 0 {
				r.Skip()
				continue
			}
			if bytes.IndexByte(item, '[') < 0 {
				m.item(r, item)
				continue
			}
			f.item = f.named(string(item))
		}
		if err := f.section(r, m, &f.item); err != nil {
			return err
		}
	}
	return nil
}

// item reads the value of one item without a section.
func (m *Fetched) item(r *wire.Response, item []byte) {
	switch string(item) {
	case "UID":
		m.UID = r.Number32()
	case "FLAGS":
		m.Flags = readFlags(r.Reader, m.Flags[:0])
		m.has |= hasFlags
	case "INTERNALDATE":
		m.InternalDate = m.readDate(r, "INTERNALDATE")
		m.has |= hasDate
	case "RFC822.SIZE":
		m.Size = r.Number()
		m.has |= hasSize
	case "MODSEQ":
		if r.Open() {
			m.Modseq = r.Number()
			r.Close()
		} else {
			r.Skip()
		}
		m.has |= hasModseq
	case "BODYSTRUCTURE", "BODY":
		m.Structure = readStructure(r.Reader)
		m.has |= hasStructure
		if wire.IsSyntax(r.Err()) {
			m.Structure = nil
		} else if m.Structure == nil && r.Err() == nil {
			m.Warn("the server tells no structure")
		}
	default:
		m.extension(r, string(item))
	}
}

func (m *Fetched) extension(r *wire.Response, item string) {
	upper := strings.ToUpper(item)
	if upper != item {
		m.item(r, []byte(upper))
		return
	}
	m.has |= extensionBit(item)
	switch item {
	case "PREVIEW":
		if s, ok := r.String(wire.MaxToken); ok {
			text := strings.ToValidUTF8(string(s), "\uFFFD")
			m.Preview = &text
		}
	case "SAVEDATE":
		if t := m.readDate(r, ""); !t.IsZero() {
			m.SaveDate = &t
		}
	case "EMAILID":
		m.EmailID = objectID(r)
	case "THREADID":
		m.ThreadID = objectID(r)
	case "X-GM-MSGID":
		m.GmailID = r.Number()
	case "X-GM-THRID":
		m.GmailThread = r.Number()
	case "X-GM-LABELS":
		m.GmailLabels = readFlags(r.Reader, nil)
		for i, l := range m.GmailLabels {
			m.GmailLabels[i], _ = DecodeName(l)
		}
	case "RFC822.HEADER":
		m.readHeader(r)
	default:
		r.Skip()
	}
}

// objectID reads `(id)` or NIL (RFC 8474).
func objectID(r *wire.Response) string {
	if !r.Open() {
		r.Skip()
		return ""
	}
	id, _ := r.String(wire.MaxToken)
	out := string(id)
	r.Close()
	return out
}

// readFlags appends the flags of a parenthesised list. Keywords that are quoted
// or hold odd octets are taken as they are.
func readFlags(r *wire.Reader, flags []string) []string {
	if !r.Open() {
		r.Skip()
		return flags
	}
	for !r.Close() {
		f, _ := r.String(wire.MaxToken)
		if r.Err() != nil {
			break
		}
		if len(flags) < maxFlags {
			flags = append(flags, flagName(f))
		}
	}
	return flags
}

// readDate reads a date-time; what is none becomes a warning, unless what is
// empty.
func (m *Fetched) readDate(r *wire.Response, what string) time.Time {
	s, ok := r.String(wire.MaxToken)
	if t, good := parseDate(s); good {
		return t
	}
	if what != "" && r.Err() == nil {
		if !ok {
			m.Warn(what + " is NIL")
		} else {
			m.Warn(what + " cannot be read: " + strings.ToValidUTF8(string(s[:min(len(s), 60)]), "\uFFFD"))
		}
	}
	return time.Time{}
}

func (m *Fetched) readHeader(r *wire.Response) {
	h, _ := r.String(MaxHeader)
	m.Header = append(m.Header[:0], h...)
	m.has |= hasHeader
	if r.Cut() {
		m.Warn("the header was cut")
	}
}

// section is an item such as BODY[1.MIME]<0> taken apart.
type section struct {
	item   string // as told
	name   string // what stands in the brackets, in upper case
	header bool   // the header or fields of it, and that was asked for
	body   bool   // a body that was asked for
}

func (f *fetch) named(item string) section {
	s := section{item: item}
	kind, rest, _ := strings.Cut(item, "[")
	end := strings.LastIndexByte(rest, ']')
	if end < 0 {
		return s
	}
	s.name = strings.ToUpper(rest[:end])
	if s.name == "HEADER" || strings.HasPrefix(s.name, "HEADER.FIELDS ") {
		s.header = f.want&hasHeader != 0
		return s
	}
	s.body = !strings.EqualFold(kind, "BINARY.SIZE") && f.q.Body != nil && f.wantsSection(kind, s.name)
	return s
}

// section reads the value of BODY[…] or BINARY[…].
func (f *fetch) section(r *wire.Response, m *Fetched, s *section) error {
	switch {
	case s.header:
		m.readHeader(r)
		return nil
	case !s.body:
		r.Skip()
		return nil
	}
	b := r.Body()
	m.bodies++
	if b == nil {
		m.NoBody = r.Err() == nil
		return nil
	}
	return f.deliver(m, s.name, b, b.Size)
}

// wantsSection reports whether the section was asked for: servers have sent
// bodies unasked.
func (f *fetch) wantsSection(name, section string) bool {
	for _, it := range f.q.Items {
		it = strings.Replace(strings.ToUpper(it), ".PEEK[", "[", 1)
		if rest, ok := strings.CutPrefix(it, strings.ToUpper(name)+"["+section+"]"); ok && (rest == "" || rest[0] == '<') {
			return true
		}
	}
	return false
}
