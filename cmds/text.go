package cmds

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// Bounds on the memory that texts take.
const (
	// maxText is the longest text of a message that a row carries, in octets.
	maxText = 16 << 20
	// maxTogether is how many octets of texts are fetched in one go.
	maxTogether = 8 << 20
)

// limit is how long a text may be.
func (w *want) limit() uint64 {
	if w.maxBytes > 0 && w.maxBytes < maxText {
		return w.maxBytes
	}
	return maxText
}

// bound cuts what a sender wrote into the header and the structure at the
// person's limit. What names a message or a place is never cut.
func (w *want) bound(row *result.Message) {
	cut := func(text string) string {
		if uint64(len(text)) <= w.maxBytes {
			return text
		}
		row.Truncated = true
		b := &message.TextBuffer{Max: int(w.maxBytes)}
		io.WriteString(b, text) // fails where it cuts
		return b.String()
	}
	for _, text := range [...]*string{row.Subject, row.Preview} {
		if text != nil {
			*text = cut(*text)
		}
	}
	for _, list := range [...]*[]result.Address{row.From, row.Sender, row.ReplyTo, row.To, row.Cc, row.Bcc} {
		for i := range deref(list) {
			(*list)[i].Name = cut((*list)[i].Name)
		}
	}
	for i := range deref(row.Headers) {
		(*row.Headers)[i].Value = cut((*row.Headers)[i].Value)
	}
	for i := range deref(row.Attachments) {
		(*row.Attachments)[i].Name = cut((*row.Attachments)[i].Name)
	}
	var part func(*result.Part)
	part = func(p *result.Part) {
		p.Name, p.Description = cut(p.Name), cut(p.Description)
		for name, value := range p.Params {
			p.Params[name] = cut(value)
		}
		for _, child := range p.Parts {
			part(child)
		}
	}
	if row.Structure != nil {
		part(row.Structure)
	}
}

// deref is the list, or an empty one where it was not asked for.
func deref[T any](list *[]T) []T {
	if list == nil {
		return nil
	}
	return *list
}

// cuts counts the rows in which something was cut, and tells it where the form
// of output does not.
type cuts struct {
	in *input
	n  int
}

func (c *cuts) see(row *result.Message) {
	if row.Truncated {
		c.n++
	}
}

// tell says how many rows were cut, unless their member truncated does.
func (c *cuts) tell(limit uint64) {
	in := c.in
	shown := in.json() && !in.flagged("jq") && !in.flagged("template")
	if in.flagged("fields") {
		shown = slices.Contains(in.list("fields"), "truncated")
	}
	switch {
	case c.n == 0 || shown:
	case c.n == 1:
		in.say("texts of 1 message were cut at %d octets", limit)
	default:
		in.say("texts of %d messages were cut at %d octets", c.n, limit)
	}
}

// content is octets of a message for a row.
type content struct {
	result.Content
	cut bool
}

// readContent reads at most limit octets of a section.
func readContent(r io.Reader, section string, limit uint64) (*content, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	c := &content{}
	if uint64(len(data)) > limit {
		data, c.cut = data[:limit], true
	}
	c.Content = result.Content{Section: section, Encoding: "utf-8", Data: string(data), Size: uint64(len(data))}
	if !utf8.Valid(data) {
		c.Encoding, c.Data = "base64", base64.StdEncoding.EncodeToString(data)
	}
	return c, err
}

const noHTML = "there is no HTML"

// texts are the text parts of one message.
type texts struct {
	plain, html []*message.Leaf
	raw         map[string][]byte // part number to octets as encoded; none for one that did not come
	cut         bool
	noHTML      bool // there is none, where it is asked for
}

func newTexts(s *message.Structure, w *want) *texts {
	plain, html := message.TextParts(s)
	t := &texts{raw: map[string][]byte{}}
	if w.text {
		t.plain = plain
	}
	if w.html {
		t.html = html
		t.noHTML = len(html) == 0
	}
	if t.noHTML && w.textForHTML {
		t.plain = plain
	}
	return t
}

// parts lists the part numbers to fetch, and how many octets they have.
func (t *texts) parts() (parts []string, size uint64) {
	for _, l := range slices.Concat(t.plain, t.html) {
		if _, there := t.raw[l.Part]; !there && !slices.Contains(parts, l.Part) {
			parts = append(parts, l.Part)
			size += l.Size
		}
	}
	return parts, size
}

// reconsider takes the leaves to read instead of one that has come and has
// nothing in it that is seen; it reports whether there was one.
func (t *texts) reconsider() (changed bool) {
	for i, l := range t.plain {
		raw, there := t.raw[l.Part]
		if !there || l.Instead == nil {
			continue
		}
		b := &message.TextBuffer{Max: maxText}
		if _, err := l.WriteText(b, bytes.NewReader(raw)); err == nil && message.Blank(b.String()) {
			t.plain = slices.Concat(t.plain[:i], l.Instead, t.plain[i+1:])
			return true
		}
	}
	return false
}

// texts fetches the text parts of messages, those with the same part numbers
// together, and puts the decoded texts into the rows.
func (rd *reading) texts(ctx context.Context, uids []uint32, rows map[uint32]*result.Message, leaves map[uint32]*texts) error {
	for len(uids) > 0 {
		key, group, total := "", []uint32(nil), uint64(0)
		var rest []uint32
		for _, uid := range uids {
			t := leaves[uid]
			if t == nil {
				continue
			}
			parts, size := t.parts()
			size = min(size, rd.encoded()*uint64(len(parts)))
			k := strings.Join(parts, " ")
			switch {
			case len(parts) == 0:
				rd.decode(rows[uid], t)
			case group == nil, k == key && total+size <= maxTogether:
				key, group, total = k, append(group, uid), total+size
			default:
				rest = append(rest, uid)
			}
		}
		again, err := rd.group(ctx, key, group, rows, leaves)
		if err != nil {
			return err
		}
		uids = append(again, rest...)
	}
	return nil
}

// encoded is how many octets of an encoded part can be needed for a text of
// the limit's length: base64 makes four of three, quoted-printable three of
// one, and HTML is mostly not text.
func (rd *reading) encoded() uint64 { return min(4*rd.w.limit()+1024, maxText) }

// group fetches the same parts of several messages. again are those of which
// other parts are to be read, since these have nothing in them.
func (rd *reading) group(ctx context.Context, key string, uids []uint32, rows map[uint32]*result.Message, leaves map[uint32]*texts) (again []uint32, err error) {
	if len(uids) == 0 {
		return nil, nil
	}
	var items []string
	for part := range strings.SplitSeq(key, " ") {
		items = append(items, "BODY.PEEK["+part+"]<0."+strconv.FormatUint(rd.encoded(), 10)+">")
	}
	set := query.MakeSet(uids...)
	told, err := rd.ask(ctx, session.FetchRequest{Set: set, Items: items,
		Body: func(m *session.Fetched, section string, r io.Reader, _ int64) error {
			data, err := io.ReadAll(io.LimitReader(r, int64(rd.encoded())))
			t := leaves[m.UID]
			t.raw[section] = data
			t.cut = t.cut || uint64(len(data)) == rd.encoded()
			return err
		},
		Row: func(m *session.Fetched) error {
			rows[m.UID].Warnings = append(rows[m.UID].Warnings, m.Warnings...)
			if leaves[m.UID].reconsider() {
				again = append(again, m.UID)
				return nil
			}
			rd.decode(rows[m.UID], leaves[m.UID])
			return nil
		}})
	if err == nil { // what was there a moment ago has been removed
		rd.lost = rd.lost.Union(set.Subtract(told))
	}
	return again, err
}

// decode makes the texts of a row from the parts as fetched.
func (rd *reading) decode(row *result.Message, t *texts) {
	put := func(leaves []*message.Leaf, source bool) *string {
		out := &message.TextBuffer{Max: int(rd.w.limit())}
		came := 0
		for _, l := range leaves {
			raw, there := t.raw[l.Part]
			if !there && l.Size > 0 {
				rd.withheld(row, "BODY["+l.Part+"]")
				continue
			}
			if came++; came > 1 {
				io.WriteString(out, "\n") // too long is told by the leaf that follows
			}
			warnings, err := writeLeaf(l, source, out, bytes.NewReader(raw))
			if errors.Is(err, message.ErrCut) {
				t.cut = true
				break
			} else if err != nil {
				warnings = append(warnings, err.Error())
			}
			for _, w := range warnings {
				row.Warnings = append(row.Warnings, "part "+l.Part+": "+w)
			}
		}
		if text := out.String(); came > 0 || len(leaves) == 0 {
			return &text
		}
		return nil
	}
	if rd.w.text || t.noHTML && rd.w.textForHTML {
		row.Text = put(t.plain, false)
	}
	switch {
	case t.noHTML && rd.w.textForHTML:
		row.Warnings = append(row.Warnings, noHTML+", this is the text")
	case t.noHTML:
		row.Warnings = append(row.Warnings, noHTML)
		if !rd.w.htmlByName {
			rd.note(fetch.Absent, row.UID, "HTML")
		}
	case rd.w.html:
		row.HTML = put(t.html, true)
	}
	row.Truncated = row.Truncated || t.cut
}

func writeLeaf(l *message.Leaf, source bool, w io.Writer, r io.Reader) (warnings []string, err error) {
	if source {
		return l.WriteSource(w, r)
	}
	return l.WriteText(w, r)
}

// walk reads the structure out of the whole message, where the server's is no
// use; nil where that does not come either.
func (rd *reading) walk(ctx context.Context, uid uint32) (s *message.Structure, err error) {
	_, err = rd.ask(ctx, session.FetchRequest{Set: query.MakeSet(uid), Items: []string{"BODY.PEEK[]"},
		Body: func(_ *session.Fetched, _ string, r io.Reader, _ int64) error {
			var broken error
			if s, broken = message.ReadStructure(r); fault.KindOf(broken) == fault.Connect {
				return broken
			}
			return nil
		}})
	return s, err
}

// gmail makes the row's Gmail part.
func gmail(m *session.Fetched) *result.Gmail {
	g := &result.Gmail{MessageID: strconv.FormatUint(m.GmailID, 10), ThreadID: strconv.FormatUint(m.GmailThread, 10), Labels: m.GmailLabels}
	if g.Labels == nil {
		g.Labels = []string{}
	}
	return g
}
