package query

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What a caller may say of a server, asked of has like a capability: how much
// its searches in texts are worth. Servers search encoded words and bodies as
// they were sent, or an index that lags behind or knows whole words only.
const (
	// LocalTexts: the keys about texts (FROM, TO, CC, BCC, SUBJECT, HEADER,
	// BODY, TEXT) are decided by facts alone.
	LocalTexts = "LOCAL-TEXTS"
	// CheckedTexts: what the server finds for these keys is looked at again.
	CheckedTexts = "CHECKED-TEXTS"
)

// Field is a header field with its value decoded and unfolded. Addresses are
// those in it, without names and comments; only fields of recipients need them.
type Field struct {
	Name, Value string
	Addresses   []string
}

// Texts is what a message says, decoded, without a difference between letter
// cases and between kinds of blank.
type Texts struct {
	fields []Field
	body   []string
}

// NewTexts prepares a message's header fields and the texts of its body: each
// text part decoded, HTML both as it was written and as a person reads it.
func NewTexts(fields []Field, body []string) *Texts {
	t := &Texts{}
	for _, f := range fields {
		own := Field{Name: f.Name, Value: flat(f.Value)}
		for _, a := range f.Addresses {
			own.Addresses = append(own.Addresses, flat(a))
		}
		t.fields = append(t.fields, own)
	}
	for _, text := range body {
		t.body = append(t.body, flat(text))
	}
	return t
}

// Octets is about how much memory the texts take.
func (t *Texts) Octets() (n int) {
	for _, f := range t.fields {
		n += len(f.Name) + len(f.Value) + 64
		for _, a := range f.Addresses {
			n += len(a) + 16
		}
	}
	for _, text := range t.body {
		n += len(text)
	}
	return n
}

// flat is a text as texts are compared: title case as in RFC 5051, compatible
// forms of letters made one, runs of blanks made one blank.
func flat(s string) string {
	return strings.Join(strings.Fields(norm.NFKC.String(strings.Map(unicode.ToTitle, s))), " ")
}

// field reports whether a field of one of the names contains the needle. An
// empty needle asks whether there is such a field.
func (t *Texts) field(needle string, names ...string) bool {
	for _, f := range t.fields {
		for _, name := range names {
			if strings.EqualFold(f.Name, name) && strings.Contains(f.Value, needle) {
				return true
			}
		}
	}
	return false
}

func (t *Texts) inBody(needle string) bool {
	for _, text := range t.body {
		if strings.Contains(text, needle) {
			return true
		}
	}
	return false
}

func (t *Texts) anywhere(needle string) bool {
	for _, f := range t.fields {
		if strings.Contains(f.Value, needle) || strings.Contains(flat(f.Name)+": "+f.Value, needle) {
			return true
		}
	}
	return t.inBody(needle)
}

// recipientFields are the fields that tell whom a message was for: those that
// its sender wrote, and those that the servers on its way added.
var recipientFields = [...]string{"To", "Cc", "Delivered-To", "X-Original-To"}

// recipient reports whether the message was for an address: exactly this one
// where it is whole, every one of a domain (@example.org), every one with a
// local part (alice@), or one that contains the text.
func (t *Texts) recipient(needle string) bool {
	local, domain, whole := strings.Cut(needle, "@")
	whole = whole && !strings.ContainsAny(needle, " <>\"")
	return slices.ContainsFunc(t.fields, func(f Field) bool {
		switch {
		case !IsRecipient(f.Name):
			return false
		case !whole:
			return strings.Contains(f.Value, needle)
		}
		return slices.ContainsFunc(f.Addresses, func(a string) bool {
			l, d, _ := cutLast(a, "@")
			return (local == "" || l == local) && (domain == "" || d == domain)
		})
	})
}

// IsRecipient reports the name of a field of recipients, whatever its case.
func IsRecipient(name string) bool {
	return slices.ContainsFunc(recipientFields[:], func(f string) bool { return strings.EqualFold(f, name) })
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// textTest is the test of a key about texts.
func (p *planner) textTest(n *Node, negate bool) test {
	needle := flat(n.text)
	t := test{need: NeedHeader}
	switch n.spec.name {
	case keyHeader:
		t.match = func(f *Facts) bool { return f.Texts.field(needle, n.field) }
	case keyRecipient:
		t.match = func(f *Facts) bool { return f.Texts.recipient(needle) }
	case keyBody:
		t.need = NeedBody
		t.match = func(f *Facts) bool { return f.Texts.inBody(needle) }
	case keyText:
		t.need = NeedHeader | NeedBody
		t.match = func(f *Facts) bool { return f.Texts.anywhere(needle) }
	default: // the key is the field's name
		t.match = func(f *Facts) bool { return f.Texts.field(needle, n.spec.name) }
	}
	switch {
	case n.spec.name == keyRecipient:
		if !negate && !p.has(LocalTexts) {
			t.narrow = n.widened()
		}
	case p.has(CheckedTexts):
		t.narrow = signed(n, negate)
	}
	if negate {
		match := t.match
		t.match = func(f *Facts) bool { return !match(f) }
	}
	return t
}

// widened is what a server can say of RECIPIENT.
func (n *Node) widened() *Node {
	text, _ := strings.CutPrefix(n.text, "@")
	var either []*Node
	for _, name := range recipientFields {
		either = append(either, &Node{spec: findKey(keyHeader), field: name, text: text})
	}
	return Or(either...)
}

// isText tells which leaves are about texts.
func (n *Node) isText() bool {
	return n.op == opLeaf && (n.spec.arg == argHeader || n.spec.arg == argText && n.spec.name != keyRaw)
}
