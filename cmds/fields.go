package cmds

import (
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/result"
)

// longEnvelope is what search --long tells of the envelope.
const longEnvelope = message.FieldDate | message.FieldFrom | message.FieldSubject

// addFields wants what --fields, --jq or --template names of a message, too.
func (w *want) addFields(in *input) error {
	used := in.uses()
	need := func(names ...string) bool {
		return slices.ContainsFunc(used, func(f string) bool {
			top, _, _ := strings.Cut(f, ".")
			return slices.Contains(names, top)
		})
	}
	if need("date", "subject", "from") {
		w.envelope |= longEnvelope
	}
	if need("sender", "reply_to", "to", "cc", "bcc", "message_id", "in_reply_to", "references") {
		w.envelope = message.AllFields
	}
	for field, on := range map[string]*bool{
		"flags": &w.flags, "size": &w.size, "internal_date": &w.date, "structure": &w.structure, "attachments": &w.attachments,
		"modseq": &w.modseq, "headers": &w.headers, "text": &w.text, "html": &w.html, "seq": &w.seq,
	} {
		*on = *on || need(field)
	}
	for field, items := range map[string]string{
		"preview": "PREVIEW", "save_date": "SAVEDATE", "email_id": "EMAILID", "thread_id": "THREADID", "gmail": gmailItems,
	} {
		for item := range strings.FieldsSeq(items) {
			if need(field) && !slices.Contains(w.extension, item) {
				w.extension = append(w.extension, item)
			}
		}
	}
	slices.Sort(w.extension)
	return w.addContent(in, need)
}

// gmailItems are the FETCH items of Gmail's own.
const gmailItems = "X-GM-MSGID X-GM-THRID X-GM-LABELS"

// addContent wants the octets that --fields names: there can be those of one
// section only.
func (w *want) addContent(in *input, need func(...string) bool) error {
	asked := []string{}
	for _, name := range []string{"raw", "body", "part"} {
		if in.flagged(name) || need(name) {
			asked = append(asked, name)
		}
	}
	switch {
	case len(asked) > 1:
		return fault.New(fault.Usage, "%s exclude each other", strings.Join(asked, " and "))
	case w.content != nil:
	case need("raw"):
		w.content = func(m *result.Message) **result.Content { return &m.Raw }
	case need("body"):
		w.section, w.content = "TEXT", func(m *result.Message) **result.Content { return &m.Body }
	case need("part"):
		return fault.New(fault.Usage, "the field part needs fetch --part N")
	}
	return nil
}
