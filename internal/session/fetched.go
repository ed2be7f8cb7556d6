package session

import (
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/message"
)

// maxWarnings is how many warnings one message keeps.
const maxWarnings = 20

// Fetched is what FETCH told about one message. The slices are reused for the
// next one.
type Fetched struct {
	Seq, UID     uint32
	Flags        []string
	InternalDate time.Time // zero when not told or unreadable
	Size         uint64
	Modseq       uint64
	Header       []byte // raw octets of HEADER or HEADER.FIELDS
	Structure    *message.Structure
	Preview      *string
	SaveDate     *time.Time
	EmailID      string
	ThreadID     string
	GmailID      uint64
	GmailThread  uint64
	GmailLabels  []string
	Warnings     []string
	// Lacks are the items that were asked for and have no value: left out, NIL
	// where there must be something, or unreadable. They are spelt as they were
	// asked for, without .PEEK. A warning tells of each, but for a section of body
	// that is NIL: it may be one that the message does not have.
	Lacks []string

	has    int    // the items told, as bits of want
	none   int    // those of them that have no value
	bodies []body // of the sections asked for, in that order
	octets int64  // of the whole message, where that was told; -1 without
	named  bool   // UID was told, be it 0
}

// body is what has come of a section.
type body byte

const (
	untold  body = iota
	nothing      // NIL
	empty        // no octets; handed on when the message is emitted
	came
)

// The items whose presence is tracked.
const (
	hasFlags = 1 << iota
	hasDate
	hasSize
	hasModseq
	hasHeader
	hasStructure
	hasPreview
	hasSaveDate
	hasEmailID
	hasThreadID
	hasGmailID
	hasGmailThread
	hasGmailLabels
)

func (m *Fetched) reset(sections int) {
	*m = Fetched{Flags: m.Flags[:0], Header: m.Header[:0], bodies: m.bodies[:0], octets: -1}
	for range sections {
		m.bodies = append(m.bodies, untold)
	}
}

// Warn notes what is wrong with the message's data.
func (m *Fetched) Warn(text string) {
	if len(m.Warnings) < maxWarnings {
		m.Warnings = append(m.Warnings, text)
	}
}

// Told reports whether the server told the item, spelt as it was asked for,
// with a value.
func (m *Fetched) Told(item string) bool { return m.has&^m.none&itemBit(item) != 0 }

// void notes that an item was told without a value.
func (m *Fetched) void(bit int, item string) {
	m.none |= bit
	m.Warn(item + " is NIL")
}

// isBody reports whether an item asks for a section of body other than a header.
func isBody(item string) bool {
	return itemBit(item) == 0 && (strings.HasPrefix(item, "BODY") || strings.HasPrefix(item, "BINARY"))
}

// itemBit is the bit of an item as it is asked for; 0 for sections of body.
func itemBit(item string) int {
	switch {
	case item == "FLAGS":
		return hasFlags
	case item == "INTERNALDATE":
		return hasDate
	case item == "RFC822.SIZE":
		return hasSize
	case item == "MODSEQ":
		return hasModseq
	case item == "BODYSTRUCTURE":
		return hasStructure
	case strings.HasPrefix(item, "BODY.PEEK[HEADER"), item == "BODY[HEADER]":
		return hasHeader
	}
	return extensionBit(item)
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

// lacks lists the items that were asked for and have no value, and those among
// them of which the server said nothing.
func (f *fetch) lacks(m *Fetched) (all, silent []string) {
	section := 0
	for _, item := range f.q.Items {
		bit, shown := itemBit(item), strings.Replace(item, ".PEEK[", "[", 1)
		told, value := m.has&bit == bit, m.none&bit == 0
		if isBody(item) {
			told, value = m.bodies[section] != untold, m.bodies[section] != nothing
			section++
		}
		if !told || !value {
			all = append(all, shown)
		}
		if !told {
			silent = append(silent, shown)
		}
	}
	return all, silent
}

// whole reports whether everything that was asked for has come.
func (f *fetch) whole(m *Fetched) bool {
	if m.has&^m.none&f.want != f.want {
		return false
	}
	for _, b := range m.bodies {
		if b == untold || b == nothing {
			return false
		}
	}
	return true
}

// standIn reports whether the answer may be what some servers make up for a
// message that is gone (Dovecot does): values that are empty.
func (f *fetch) standIn(m *Fetched) bool {
	for _, b := range m.bodies {
		if b == empty {
			return true
		}
	}
	is := func(bit int, blank bool) bool { return f.want&bit != 0 && blank }
	return is(hasHeader, len(m.Header) == 0) || is(hasSize, m.Size == 0) || is(hasDate, m.InternalDate.Unix() == 0) ||
		is(hasStructure, m.Structure != nil && m.Structure.Size == 0 && m.Structure.Children == nil)
}

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
	mergeExtensions(old, m)
	for i, b := range m.bodies {
		old.bodies[i] = max(old.bodies[i], b)
	}
	old.octets = max(old.octets, m.octets)
	old.Warnings = append(old.Warnings, m.Warnings[:min(len(m.Warnings), maxWarnings-len(old.Warnings))]...)
	old.none = old.none&^m.has | m.none
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
