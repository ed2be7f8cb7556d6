package message

import (
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/result"
)

// Leaf is a part whose text is to be shown.
type Leaf struct {
	Part     string // its number
	HTML     bool   // text/html; everything else is read as plain text
	Charset  string // as declared, empty for none
	Encoding string // content transfer encoding as declared
	Size     uint64 // octets as encoded
	Flowed   bool   // format=flowed (RFC 3676)
	DelSp    bool   // delsp=yes

	// Instead is what is to be read where this plain text turns out to have
	// nothing in it that is seen: another alternative, nil for none.
	Instead []*Leaf

	sibling string // charset that another part declares, for octets of none
}

// TextParts chooses the parts that a person reads, in order.
//
// text has plain text where there is some and HTML leaves elsewhere (a caller
// makes text of them), so a mail of an HTML part and a plain footer gives
// both; html has the HTML leaves only. The rules:
//
//   - multipart/alternative: for text the first alternative that is all plain
//     and not empty, else the last one with any text that is not empty; for
//     html the last one with HTML. A plain leaf names the next best Instead;
//   - multipart/related: its root, by the start parameter, by the type parameter
//     or the first part;
//   - multipart/signed: the first part; multipart/encrypted: nothing;
//   - any other multipart: all parts one after the other;
//   - a text part is skipped when its disposition is "attachment", when it has
//     a file name without the disposition "inline" and is not the first text,
//     or when its type is data (text/calendar, text/vcard, text/csv …);
//   - message/rfc822: its text follows where it is shown inline, that is with
//     the disposition "inline" or in a multipart/digest without disposition;
//   - where that gives no text at all, texts of an unknown disposition count.
func TextParts(s *Structure) (text, html []*Leaf) {
	number, below := rootNumber(s, "")
	c := partContext{number: number, below: below, first: true}
	if text, html = textLeaves(s, c, false), textLeaves(s, c, true); len(text) == 0 {
		c.lenient = true
		text, html = textLeaves(s, c, false), textLeaves(s, c, true)
	}
	sibling := s.charset(0)
	for _, l := range slices.Concat(text, html) {
		l.setSibling(sibling)
	}
	return text, html
}

// setSibling notes the charset of another part.
func (l *Leaf) setSibling(charset string) {
	l.sibling = charset
	for _, other := range l.Instead {
		other.setSibling(charset)
	}
}

// charset returns the first charset that a text part declares, besides ASCII
// and UTF-8; empty for none.
func (s *Structure) charset(depth int) string {
	if depth > MaxDepth {
		return ""
	}
	p, _ := params(s.Params)
	if _, c := charsetOf(p["charset"]); c == classOther {
		return p["charset"]
	}
	for _, child := range s.Children {
		if found := child.charset(depth + 1); found != "" {
			return found
		}
	}
	return ""
}

// partContext is where a part stands.
type partContext struct {
	number, below string
	parent        string // subtype of the multipart around it, empty for a root
	resource      bool   // in a multipart/related, but not its root
	first         bool   // the first text of the message can be here
	lenient       bool   // texts of an unknown disposition count
	depth         int
}

// children gives the context of each child of s.
func (c partContext) children(s *Structure) func(yield func(*Structure, partContext) bool) {
	sub := strings.TrimPrefix(s.MediaType(), "multipart/")
	root := relatedRoot(s, sub)
	return func(yield func(*Structure, partContext) bool) {
		if c.depth >= MaxDepth {
			return
		}
		for i, child := range s.Children {
			n := partNumber(c.below, i)
			if !yield(child, partContext{
				number: n, below: n, parent: sub, depth: c.depth + 1, lenient: c.lenient,
				resource: sub == "related" && i != root,
				first:    c.first && (i == 0 || sub == "alternative" || sub == "related" && i == root),
			}) {
				return
			}
		}
	}
}

// inside is the context of the message in a message/rfc822 part.
func (c partContext) inside(s *Structure) partContext {
	number, below := rootNumber(s.Message, c.number)
	return partContext{number: number, below: below, first: true, depth: c.depth + 1, lenient: c.lenient}
}

// relatedRoot returns the index of a multipart/related's root (RFC 2387): the
// part that start names, else the first of the type that the type parameter
// names, else the first. Where that is neither text nor holds any, it is the
// first that does: some mailers put a picture in front and say nothing.
func relatedRoot(s *Structure, sub string) int {
	if sub != "related" {
		return 0
	}
	start := strings.Trim(trim(rawParam(s.Params, "start")), "<>")
	typ := keyword(rawParam(s.Params, "type"))
	root := func(is func(*Structure) bool) int {
		return slices.IndexFunc(s.Children, func(c *Structure) bool { return keyword(c.Disposition) != "attachment" && is(c) })
	}
	readable := func(c *Structure) bool {
		return c.multipart() || c.MediaType() == "text/html" || c.MediaType() == "text/plain"
	}
	if i := root(func(c *Structure) bool { return start != "" && strings.Trim(trim(c.ID), "<>") == start }); i >= 0 {
		return i
	}
	if i := root(func(c *Structure) bool { return typ != "" && c.MediaType() == typ }); i >= 0 {
		return i
	}
	if len(s.Children) > 0 && !readable(s.Children[0]) {
		return max(root(readable), 0)
	}
	return 0
}

// shownInline tells whether a message/rfc822 part is read with the message
// around it.
func (c partContext) shownInline(s *Structure) bool {
	if s.Message == nil || c.depth >= MaxDepth {
		return false
	}
	d := keyword(s.Disposition)
	return d == "inline" || d == "" && c.parent == "digest"
}

// isData lists the text types that are not prose.
func isData(sub string) bool {
	switch sub {
	case "calendar", "vcard", "x-vcard", "directory", "csv", "tab-separated-values", "x-amp-html", "watch-html",
		"rtf", "rfc822-headers", "css", "javascript", "xml":
		return true
	}
	return false
}

// isBody tells whether a leaf is text that a person reads with the message.
func (c partContext) isBody(s *Structure) bool {
	sub, isText := strings.CutPrefix(s.MediaType(), "text/")
	if !isText || isData(sub) || c.resource {
		return false
	}
	switch keyword(s.Disposition) {
	case "inline":
		return true
	case "":
		name, _ := s.Name()
		return name == "" || c.first
	case "attachment":
		return false
	}
	return c.lenient
}

func textLeaves(s *Structure, c partContext, html bool) []*Leaf {
	switch {
	case s.multipart():
		return multipartLeaves(s, c, html)
	case c.shownInline(s):
		return textLeaves(s.Message, c.inside(s), html)
	case !c.isBody(s):
		return nil
	}
	l := &Leaf{Part: c.number, HTML: s.MediaType() == "text/html", Encoding: s.Encoding, Size: s.Size}
	if html && !l.HTML {
		return nil
	}
	p, _ := params(s.Params)
	l.Charset = p["charset"]
	l.Flowed = !l.HTML && strings.EqualFold(trim(p["format"]), "flowed")
	l.DelSp = l.Flowed && strings.EqualFold(trim(p["delsp"]), "yes")
	return []*Leaf{l}
}

func multipartLeaves(s *Structure, c partContext, html bool) []*Leaf {
	sub := strings.TrimPrefix(s.MediaType(), "multipart/")
	if sub == "encrypted" {
		return nil
	}
	if sub == "alternative" {
		return alternative(s, c, html)
	}
	var all []*Leaf
	for child, cc := range c.children(s) {
		leaves := textLeaves(child, cc, html)
		if sub == "related" && !cc.resource && len(leaves) > 0 {
			return leaves
		}
		all = append(all, leaves...)
		if sub == "signed" {
			break
		}
	}
	return all
}

// alternative chooses among the alternatives of a multipart/alternative. The
// last is the best (RFC 2046 section 5.1.4), but for text a plain one is
// better; one that is empty is worse than any other.
func alternative(s *Structure, c partContext, html bool) []*Leaf {
	var plain, rich, empty [][]*Leaf // the best first
	for child, cc := range c.children(s) {
		switch leaves := textLeaves(child, cc, html); {
		case len(leaves) == 0:
		case isEmpty(leaves):
			empty = append([][]*Leaf{leaves}, empty...)
		case !html && isPlainText(leaves):
			plain = append(plain, leaves)
		default:
			rich = append([][]*Leaf{leaves}, rich...)
		}
	}
	all := slices.Concat(plain, rich, empty)
	switch {
	case len(all) == 0:
		return nil
	case len(all) > 1 && len(all[0]) == 1 && !all[0][0].HTML:
		all[0][0].Instead = all[1]
	}
	return all[0]
}

// isEmpty reports leaves with at most an empty line in them: some senders add
// an empty alternative.
func isEmpty(leaves []*Leaf) bool {
	var size uint64
	for _, l := range leaves {
		size += l.Size
	}
	return size <= 2
}

func isPlainText(leaves []*Leaf) bool {
	return !slices.ContainsFunc(leaves, func(l *Leaf) bool { return l.HTML })
}

// Alternative is the disposition of parts that are another form of the text.
const Alternative = "alternative"

// Attachments lists what a person calls attachments, in order. It is:
//
//   - every part with the disposition "attachment" (or one that is unknown,
//     RFC 2183 section 2.8), and every part with a file name;
//   - every message/rfc822 part: an attached message is one attachment, and
//     what is inside is not listed, unless it is shown inline (see TextParts);
//   - every other part that is not read as text, except the resources of a
//     multipart/related that have a Content-ID or Content-Location (inline
//     images), signatures, and the machine-readable parts of a multipart/report
//     or multipart/encrypted.
//
// A nameless part of a multipart/alternative that is not read as text, such as
// an invitation, has the disposition Alternative: it is there for who asks for
// its type, and is no attachment for who asks for any.
//
// Where the sender gave no disposition it is "inline" for what is shown with
// the text (named inline images, named text that is read), else "attachment".
// The result is never nil.
func Attachments(s *Structure) []result.Attachment {
	number, below := rootNumber(s, "")
	return attachments([]result.Attachment{}, s, partContext{number: number, below: below, first: true})
}

func attachments(list []result.Attachment, s *Structure, c partContext) []result.Attachment {
	if s.multipart() {
		for child, cc := range c.children(s) {
			list = attachments(list, child, cc)
		}
		return list
	}
	name, _ := s.Name()
	d := keyword(s.Disposition)
	body := c.isBody(s)
	message := s.Message != nil || s.MediaType() == "message/rfc822"
	if name == "" && (d == "" || d == "inline") && (body || !message && c.isPartOfWhole(s)) {
		return list
	}
	if name == "" && (d == "" || d == "inline") && c.parent == Alternative && !c.resource && !message {
		d = Alternative
	}
	if d == "" {
		d = "attachment"
		if body || c.resource || c.shownInline(s) {
			d = "inline"
		}
	}
	id, _ := decodeText(trim(s.ID))
	list = append(list, result.Attachment{
		Part: c.number, Name: name, Type: s.MediaType(), Size: s.Size,
		Encoding: keyword(s.Encoding), Disposition: d, ContentID: id,
	})
	if c.shownInline(s) {
		list = attachments(list, s.Message, c.inside(s))
	}
	return list
}

// isPartOfWhole tells whether a nameless part without the disposition
// "attachment" only serves the parts beside it.
func (c partContext) isPartOfWhole(s *Structure) bool {
	typ := s.MediaType()
	if c.resource {
		return s.ID != "" || s.Location != ""
	}
	switch c.parent {
	case "signed":
		return strings.HasSuffix(typ, "-signature")
	case "encrypted":
		return typ == "application/pgp-encrypted"
	case "report":
		return strings.HasPrefix(typ, "message/") || typ == "text/rfc822-headers"
	case "appledouble":
		return typ == "application/applefile"
	}
	return false
}
