package message

import (
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/result"
)

// Fields is a set of the header fields that Envelope reads.
type Fields uint16

// The fields of an envelope.
const (
	FieldFrom Fields = 1 << iota
	FieldSender
	FieldReplyTo
	FieldTo
	FieldCc
	FieldBcc
	FieldSubject
	FieldMessageID
	FieldInReplyTo
	FieldReferences
	FieldDate

	addressLists = 6 // the first six are address lists

	// AllFields asks for every one of them.
	AllFields = FieldDate<<1 - 1
)

// envelope is what one message's fields point into: a single allocation, with
// room for the addresses of an ordinary message.
type envelope struct {
	date                          time.Time
	subject, messageID, inReplyTo string
	lists                         [addressLists][]result.Address
	references                    []string
	space                         [4]result.Address
}

// Envelope reads the envelope fields of a header block into m. Fields that do
// not occur stay nil, except those in want, which become empty; Date stays
// nil when it cannot be read. Of a field that occurs more than once the first
// counts, address lists are joined. The warnings are for m.Warnings; they
// name the field and quote nothing of it. m shares no memory with raw.
func Envelope(raw []byte, want Fields, m *result.Message) (warnings []string) {
	e := &envelope{}
	r := envelopeReader{envelope: e, m: m, free: e.space[:0]}
	s := newFieldScanner(raw)
	for s.next() {
		if f := fieldOf(s.name); f != 0 {
			if !r.read(f, s.value) {
				warnings = append(warnings, r.warning(f, s.name))
			}
			if r.seen&f != 0 {
				warnings = append(warnings, strings.ToLower(s.name)+": the field occurs more than once")
			}
			r.seen |= f
		}
	}
	if s.cut {
		warnings = append(warnings, warnHeaderCut)
	}
	r.point(r.seen | want)
	return warnings
}

// warning says what was wrong with the field that was read last.
func (r *envelopeReader) warning(f Fields, name string) string {
	switch {
	case f == FieldDate && !r.date.IsZero():
		return "date: its time zone is not known, UTC was taken for it"
	case f == FieldDate:
		return "date: cannot be read"
	case r.full:
		return strings.ToLower(name) + ": the field has more entries than the limit and was cut"
	}
	return guessed(name)
}

// fieldOf finds a field by its name, without allocating; 0 for all others.
func fieldOf(name string) Fields {
	var f Fields
	var want string
	switch len(name) {
	case 2:
		f, want = FieldTo, "to"
		if name[0]|0x20 == 'c' {
			f, want = FieldCc, "cc"
		}
	case 3:
		f, want = FieldBcc, "bcc"
	case 4:
		f, want = FieldFrom, "from"
		if name[0]|0x20 == 'd' {
			f, want = FieldDate, "date"
		}
	case 6:
		f, want = FieldSender, "sender"
	case 7:
		f, want = FieldSubject, "subject"
	case 8:
		f, want = FieldReplyTo, "reply-to"
	case 10:
		f, want = FieldReferences, "references"
		if name[0]|0x20 == 'm' {
			f, want = FieldMessageID, "message-id"
		}
	case 11:
		f, want = FieldInReplyTo, "in-reply-to"
	default:
		return 0
	}
	if !strings.EqualFold(name, want) {
		return 0
	}
	return f
}

type envelopeReader struct {
	*envelope
	m     *result.Message
	seen  Fields
	free  []result.Address // where the next address list begins
	zoned bool             // the time zone of the date is known
	full  bool             // the field read last has more entries than are taken
}

// read takes one field; ok is false when it has to be warned about.
func (r *envelopeReader) read(f Fields, value string) (ok bool) {
	first := r.seen&f == 0
	r.full = false
	switch f {
	case FieldDate:
		if first {
			r.date, r.zoned, ok = ParseDateZone(value)
			return ok && r.zoned
		}
	case FieldSubject:
		if first {
			r.subject, ok = decodeText(value)
			return ok
		}
	case FieldMessageID:
		if first {
			r.messageID, ok = decodeText(firstMessageID(value))
			return ok
		}
	case FieldInReplyTo:
		if first {
			r.inReplyTo, ok = decodeText(value)
			return ok
		}
	case FieldReferences:
		if first {
			r.references, ok = messageIDs(value)
			r.full = len(r.references) == MaxReferences
			return ok
		}
	default:
		return r.addresses(f, value)
	}
	return true
}

// addresses appends the addresses of value to the list of f.
func (r *envelopeReader) addresses(f Fields, value string) (ok bool) {
	list := &r.lists[0]
	for i := range addressLists {
		if f == 1<<i {
			list = &r.lists[i]
		}
	}
	if r.full = len(*list) >= MaxAddresses; r.full {
		return false
	}
	if len(*list) > 0 {
		*list, ok = parseAddresses(*list, value)
		return ok
	}
	start := len(r.free)
	r.free, ok = parseAddresses(r.free, value)
	*list = r.free[start:len(r.free):len(r.free)]
	r.full = len(*list) >= MaxAddresses
	return ok
}

// point lets m's fields point to those that are there or wanted.
func (r *envelopeReader) point(there Fields) {
	m := r.m
	for i, p := range [addressLists]**[]result.Address{&m.From, &m.Sender, &m.ReplyTo, &m.To, &m.Cc, &m.Bcc} {
		if there&(1<<i) != 0 {
			if r.lists[i] == nil {
				r.lists[i] = []result.Address{}
			}
			*p = &r.lists[i]
		}
	}
	if there&FieldSubject != 0 {
		m.Subject = &r.subject
	}
	if there&FieldMessageID != 0 {
		m.MessageID = &r.messageID
	}
	if there&FieldInReplyTo != 0 {
		m.InReplyTo = &r.inReplyTo
	}
	if there&FieldReferences != 0 {
		if r.references == nil {
			r.references = []string{}
		}
		m.References = &r.references
	}
	if !r.date.IsZero() {
		m.Date = &r.date
	}
}

// firstMessageID is the first `<...>` of a field, or all of it when there is
// none: gateways append comments.
func firstMessageID(s string) string {
	if i := strings.IndexByte(s, '<'); i >= 0 {
		if j := strings.IndexByte(s[i:], '>'); j > 0 {
			s = s[i : i+j+1]
		}
	}
	return withoutBlanks(s)
}

// messageIDs splits a References field (RFC 5322 section 3.6.4). Identifiers
// without angle brackets are words; folding inside one is undone.
func messageIDs(s string) (ids []string, ok bool) {
	ok = true
	brackets := true // there may be more of them, which keeps the search linear
	ids = make([]string, 0, min(strings.Count(s, "<"), MaxReferences))
	for s = trim(s); s != ""; s = strings.TrimLeft(s, " \t\r\n,") {
		if len(ids) == MaxReferences {
			return ids, false
		}
		end := len(s)
		if brackets { // where the next one begins at the latest
			if end = strings.IndexByte(s[1:], '<') + 1; end == 0 {
				end, brackets = len(s), false
			}
		}
		if close := strings.IndexByte(s[:end], '>'); s[0] == '<' && close > 0 {
			end = close + 1
		} else if blank := strings.IndexAny(s[:end], " \t\r\n,"); blank > 0 {
			end = blank
		}
		id, sure := decodeText(withoutBlanks(s[:end]))
		ids, ok, s = append(ids, id), ok && sure, s[end:]
	}
	return ids, ok
}

func withoutBlanks(s string) string {
	if !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	return strings.Join(strings.Fields(s), "")
}
