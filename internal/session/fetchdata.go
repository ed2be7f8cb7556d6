package session

import (
	"bytes"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/wire"
)

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
			if bytes.IndexByte(item, '[') < 0 && !isRFC822(item) {
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

// isRFC822 reports whether the item is a section by another name.
func isRFC822(item []byte) bool {
	return len(item) >= 6 && bytes.EqualFold(item[:6], []byte("RFC822")) &&
		(len(item) == 6 || bytes.EqualFold(item[6:], []byte(".TEXT")))
}

// number reads a number; what is none is told as a warning.
func (m *Fetched) number(r *wire.Response, bit int, item string) uint64 {
	n, ok := r.TryNumber()
	if m.has |= bit; !ok && r.Err() == nil {
		m.none |= bit
		m.Warn(item + " is no number of 64 bits")
	}
	return n
}

// item reads the value of one item without a section.
func (m *Fetched) item(r *wire.Response, item []byte) {
	switch string(item) {
	case "UID":
		m.named = true
		m.UID = r.Number32()
	case "FLAGS":
		if r.Next() != '(' {
			m.void(hasFlags, "FLAGS")
		}
		m.Flags = readFlags(r.Reader, m.Flags[:0])
		m.has |= hasFlags
	case "INTERNALDATE":
		if m.InternalDate = m.readDate(r, "INTERNALDATE"); m.InternalDate.IsZero() {
			m.none |= hasDate
		}
		m.has |= hasDate
	case "RFC822.SIZE":
		m.Size = m.number(r, hasSize, "RFC822.SIZE")
	case "MODSEQ":
		list := r.Open() // some servers leave out the parentheses
		m.Modseq = m.number(r, hasModseq, "MODSEQ")
		if list {
			r.Close()
		}
	case "BODYSTRUCTURE", "BODY":
		m.Structure = readStructure(r.Reader)
		m.has |= hasStructure
		if wire.IsSyntax(r.Err()) {
			m.Structure = nil
		} else if m.Structure == nil && r.Err() == nil {
			m.Warn("the server tells no structure")
		}
		if m.Structure == nil {
			m.none |= hasStructure
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
		m.GmailID = m.number(r, hasGmailID, item)
	case "X-GM-THRID":
		m.GmailThread = m.number(r, hasGmailThread, item)
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
	h, ok := r.String(MaxHeader)
	m.Header = append(m.Header[:0], h...)
	m.has |= hasHeader
	if !ok && r.Err() == nil {
		m.void(hasHeader, "the header")
	}
	if r.Cut() {
		m.Warn("the header was cut")
	}
}
