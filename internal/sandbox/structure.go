package sandbox

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/emersion/go-imap/v2"

	mail "github.com/imapknife/imapknife/internal/message"
)

// structure is BODYSTRUCTURE (RFC 9051, section 7.5.2) with all extension
// data; imapserver leaves that out for BODY.
func (p *part) structure() imap.BodyStructure {
	typ, sub, _ := strings.Cut(p.media, "/")
	if p.isMultipart() {
		out := &imap.BodyStructureMultiPart{Subtype: sub, Extended: &imap.BodyStructureMultiPartExt{
			Params: p.params, Disposition: p.disposition(), Language: p.language(), Location: p.get("Content-Location"),
		}}
		for _, c := range p.children {
			out.Children = append(out.Children, c.structure())
		}
		if len(out.Children) == 0 { // the grammar wants one
			empty := part{media: "text/plain"}
			out.Children = append(out.Children, empty.structure())
		}
		return out
	}
	params := p.params
	if p.isText() && params["charset"] == "" && !p.has("Content-Type") {
		params = map[string]string{"charset": "us-ascii"}
	}
	out := &imap.BodyStructureSinglePart{
		Type: typ, Subtype: sub, Params: params, ID: p.get("Content-ID"), Description: p.get("Content-Description"),
		Encoding: p.encoding, Size: uint32(len(p.body)),
		Extended: &imap.BodyStructureSinglePartExt{
			Disposition: p.disposition(), Language: p.language(), Location: p.get("Content-Location"),
		},
	}
	lines := int64(bytes.Count(p.body, []byte("\n")))
	switch {
	case p.embedded != nil:
		out.MessageRFC822 = &imap.BodyStructureMessageRFC822{
			Envelope: p.embedded.envelope(), BodyStructure: p.embedded.structure(), NumLines: lines,
		}
	case p.isMessage(): // not looked into, so not a message in the grammar either
		out.Type, out.Subtype = "application", "octet-stream"
	case p.isText():
		out.Text = &imap.BodyStructureText{NumLines: lines}
	}
	return out
}

func (p *part) disposition() *imap.BodyStructureDisposition {
	v := p.get("Content-Disposition")
	if v == "" {
		return nil
	}
	value, params, _ := parseParams(v)
	return &imap.BodyStructureDisposition{Value: value, Params: params}
}

func (p *part) language() (out []string) {
	for tag := range strings.SplitSeq(stripComments(p.get("Content-Language")), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			out = append(out, tag)
		}
	}
	return out
}

// envelope gives fields as they stand in the message, encoded-words and all:
// imapserver would encode decoded text once more, in words of its own.
func (p *part) envelope() *imap.Envelope {
	date, _ := mail.ParseDate(p.get("Date")) // zero, hence NIL, when it is none
	e := &imap.Envelope{
		Date: date, Subject: asUTF8(p.get("Subject")),
		From: p.addresses("From"), Sender: p.addresses("Sender"), ReplyTo: p.addresses("Reply-To"),
		To: p.addresses("To"), Cc: p.addresses("Cc"), Bcc: p.addresses("Bcc"),
		InReplyTo: messageIDs(p.get("In-Reply-To")),
	}
	if ids := messageIDs(p.get("Message-ID")); len(ids) > 0 {
		e.MessageID = ids[0]
	}
	return e
}

// messageIDs are the identifiers between angle brackets.
func messageIDs(s string) (out []string) {
	for {
		_, rest, ok := strings.Cut(s, "<")
		id, rest, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			return out
		}
		out = append(out, id)
		s = rest
	}
}

func asUTF8(s string) string { return toUTF8([]byte(s), "") }

// What stands for the half of an address that is not there, as Dovecot does
// it: with NIL it would be the start or the end of a group.
const (
	missingHost  = "MISSING_DOMAIN"
	missingLocal = "MISSING_MAILBOX"
)

// addresses reads every field of that name, tolerantly. A group is a start
// (no host), its members and an end (neither), as RFC 9051, section 7.5.2,
// wants it.
func (p *part) addresses(name string) (out []imap.Address) {
	for _, f := range p.fields {
		if strings.EqualFold(f.name, name) {
			out = append(out, parseAddresses(asUTF8(f.value()))...)
		}
	}
	return out
}

func parseAddresses(s string) (out []imap.Address) {
	inGroup := false
	for s != "" {
		var item string
		var sep byte
		item, sep, s = nextAddress(s)
		if sep == ':' && !inGroup {
			inGroup = true
			if name := phrase(item); name != "" {
				out = append(out, imap.Address{Mailbox: name})
			} else {
				inGroup = false
			}
			continue
		}
		if a, ok := parseAddress(item); ok {
			out = append(out, a)
		}
		if sep == ';' && inGroup {
			inGroup = false
			out = append(out, imap.Address{})
		}
	}
	if inGroup {
		out = append(out, imap.Address{})
	}
	return out
}

// nextAddress cuts at the first ",", ";" or ":" outside quotes, comments and
// angle brackets.
func nextAddress(s string) (item string, sep byte, rest string) {
	quoted, comment, angle := false, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && (quoted || comment > 0):
			i++
		case c == '"' && comment == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			comment++
		case c == ')' && comment > 0:
			comment--
		case comment > 0:
		case c == '<' || c == '>':
			angle = c == '<'
		case !angle && (c == ',' || c == ';' || c == ':'):
			return s[:i], c, s[i+1:]
		}
	}
	return s, 0, ""
}

// parseAddress reads `phrase <local@host>`, `local@host` or `local@host (name)`.
func parseAddress(s string) (a imap.Address, ok bool) {
	before, spec := cutUnquoted(s, '<')
	if spec != "" {
		spec, _ = cutUnquoted(spec, '>')
		if i := strings.LastIndexByte(spec, ':'); i >= 0 && strings.HasPrefix(spec, "@") {
			spec = spec[i+1:] // an obsolete route
		}
		a.Name = phrase(before)
	} else {
		spec = stripComments(before)
		if i := strings.IndexByte(before, '('); i >= 0 && !strings.HasPrefix(strings.TrimSpace(before), `"`) {
			a.Name = strings.TrimSpace(strings.Trim(strings.TrimSpace(before[i:]), "()"))
		}
	}
	spec = strings.TrimSpace(stripComments(spec))
	a.Mailbox = spec
	if i := strings.LastIndexByte(spec, '@'); i >= 0 {
		a.Mailbox, a.Host = spec[:i], spec[i+1:]
	}
	if strings.HasPrefix(a.Mailbox, `"`) {
		a.Mailbox = unquote(a.Mailbox)
	}
	a.Mailbox, a.Host = cmp.Or(a.Mailbox, missingLocal), cmp.Or(a.Host, missingHost)
	return a, spec != ""
}

// phrase is a display name: quoted-strings without their quotes, words and
// encoded-words as they are.
func phrase(s string) string {
	var words []string
	for s = strings.TrimSpace(stripComments(s)); s != ""; s = strings.TrimSpace(s) {
		n := strings.IndexAny(s, "\" \t")
		switch {
		case n == 0:
			n = quotedLen(s)
			words = append(words, unquote(s))
		case n < 0:
			n = len(s)
			fallthrough
		default:
			words = append(words, s[:n])
		}
		s = s[n:]
	}
	return strings.Join(words, " ")
}

// quotedLen is the length of the quoted-string that s begins with.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}
