package cmds

import (
	"context"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// batch is how many messages are held at once where rows cannot stream:
// sorted ones, and those whose text comes in a second step.
const batch = 50

// envelopeFields are the header fields that make an envelope.
const envelopeFields = "DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC MESSAGE-ID IN-REPLY-TO REFERENCES"

// want says what to tell of each message.
type want struct {
	envelope    message.Fields // which of the envelope's fields
	flags       bool
	size        bool
	date        bool // INTERNALDATE
	structure   bool
	attachments bool
	// alternatives are other forms of the text, listed with the attachments.
	alternatives bool
	headers      bool
	names        []string // header fields asked for by name; empty for all
	text, html   bool
	textForHTML  bool   // where there is no HTML
	htmlByName   bool   // HTML is asked for by --fields only
	section      string // of body, what goes into content
	part         string // the number of the part that section is of or in, if it is
	content      func(m *result.Message) **result.Content
	partial      string // <offset.length> or empty
	extension    []string
	modseq       bool
	seq          bool
	maxBytes     uint64 // 0: no limit of the person's
}

// items is the want as FETCH items.
func (w *want) items() []string {
	var items []string
	add := func(on bool, item string) {
		if on {
			items = append(items, item)
		}
	}
	add(w.flags, "FLAGS")
	add(w.date, "INTERNALDATE")
	add(w.size, "RFC822.SIZE")
	add(w.modseq, "MODSEQ")
	items = append(items, w.extension...)
	add(w.structure || w.attachments || w.text || w.html || w.part != "", "BODYSTRUCTURE")
	switch {
	case w.headers && len(w.names) == 0:
		items = append(items, "BODY.PEEK[HEADER]")
	case w.headers:
		fields := slices.Clone(w.names)
		if w.envelope != 0 {
			fields = append(fields, strings.Fields(envelopeFields)...)
		}
		items = append(items, "BODY.PEEK[HEADER.FIELDS ("+strings.ToUpper(strings.Join(fields, " "))+")]")
	case w.envelope == message.AllFields:
		items = append(items, "BODY.PEEK[HEADER.FIELDS ("+envelopeFields+")]")
	case w.envelope != 0:
		items = append(items, "BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)]")
	}
	add(w.content != nil, "BODY.PEEK["+w.section+"]"+w.partial)
	return items
}

// needs is an error where an item needs a capability that the server lacks.
func (w *want) needs(ctx context.Context, s *session.Session) error {
	for _, item := range w.extension {
		cap, what := "", ""
		switch item {
		case "PREVIEW":
			cap, what = "PREVIEW", "--preview"
		case "SAVEDATE":
			cap, what = "SAVEDATE", "--savedate"
		case "EMAILID":
			cap, what = "OBJECTID", "--email-id"
		case "THREADID":
			cap, what = "OBJECTID", "--thread-id"
		default:
			cap, what = "X-GM-EXT-1", "--gmail"
		}
		if err := s.Need(ctx, cap, what); err != nil {
			return err
		}
	}
	if w.modseq {
		return s.Need(ctx, "CONDSTORE", "--modseq")
	}
	return nil
}

// partOf finds the part that is wanted in the message's structure. It counts
// as there when the structure cannot be read.
func (w *want) partOf(m *session.Fetched) (part *result.Part, there bool) {
	if w.part == "" || m.Structure == nil {
		return nil, true
	}
	tree, _ := m.Structure.Part()
	part = findPart(tree, w.part)
	return part, part != nil
}

// lackable is what a message can lack of what is wanted.
func (w *want) lackable() string {
	if w.part == "" {
		return "HTML"
	}
	return "part " + w.part
}

func (w *want) noPart() string { return "there is no " + w.lackable() }

// findPart finds a part by its number.
func findPart(p *result.Part, number string) *result.Part {
	if p.Part == number {
		return p
	}
	for _, child := range p.Parts {
		if found := findPart(child, number); found != nil {
			return found
		}
	}
	return nil
}
