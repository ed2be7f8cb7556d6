package session

import (
	"io"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
)

const (
	// maxTexts is how much decoded text of one message is looked at, in octets.
	maxTexts = 16 << 20
	// maxKept is how much a TextCache holds, in octets.
	maxKept = 8 << 20
)

// TextCache keeps what messages say, so that looking at a mailbox again and
// again reads each once. It outlives a session that is lost. When it is full,
// further messages are read each time.
type TextCache struct {
	texts  map[textKey]*query.Texts
	octets int
	first  map[textKey]time.Time // when each message was first looked at
}

// settling is for how long a message that is new may still be in the writing:
// GNU imap4d shows what has not been appended to its end, without a header.
const settling = 3 * time.Second

// Settled reports whether a message has been known for long enough for what it
// says to stay; it begins to count when it is first asked.
func (c *TextCache) Settled(mailbox string, validity result.UIDValidity, uid uint32, now time.Time) bool {
	if c.first == nil {
		c.first = map[textKey]time.Time{}
	}
	key := textKey{mailbox: mailbox, validity: validity, uid: uid}
	first, known := c.first[key]
	if !known {
		c.first[key] = now
	}
	return known && now.Sub(first) >= settling
}

type textKey struct {
	mailbox  string
	validity result.UIDValidity
	uid      uint32
	body     bool
}

func (c *TextCache) get(key textKey) *query.Texts {
	if c == nil {
		return nil
	}
	return c.texts[key]
}

func (c *TextCache) put(key textKey, t *query.Texts) {
	if c == nil || c.octets+t.Octets() > maxKept {
		return
	}
	if c.texts == nil {
		c.texts = map[textKey]*query.Texts{}
	}
	c.texts[key] = t
	c.octets += t.Octets()
}

// texts calls each with what messages say. Nothing but texts and the UID is
// filled in.
func (b backend) texts(uids query.Set, body bool, each func(*query.Facts)) error {
	box, err := b.s.Box(b.ctx)
	if err != nil {
		return err
	}
	key := textKey{mailbox: box.Name, validity: box.Validity(), body: body}
	var unknown query.Builder
	for uid := range uids.All() {
		key.uid = uid
		if t := b.s.Texts.get(key); t != nil {
			each(&query.Facts{UID: uid, Texts: t})
		} else {
			unknown.Add(uid, uid)
		}
	}
	set := unknown.Set()
	if set.Empty() {
		return nil
	}
	req := FetchRequest{Set: set, Items: []string{"BODY.PEEK[HEADER]"}}
	read := map[uint32]*query.Texts{}
	if body {
		req.Items = []string{"BODY.PEEK[]"}
		req.Body = func(m *Fetched, _ string, r io.Reader, _ int64) error {
			header, texts, err := message.Texts(r, maxTexts)
			read[m.UID] = query.NewTexts(queryFields(header), texts)
			if fault.KindOf(err) == fault.Connect {
				return err
			}
			return nil // a message that is odd is searched as far as it can be read
		}
	}
	req.Row = func(m *Fetched) error {
		t := read[m.UID]
		delete(read, m.UID)
		if t == nil {
			t = query.NewTexts(queryFields(m.Header), nil)
		}
		key.uid = m.UID
		if b.s.Texts != nil && b.s.Texts.Settled(key.mailbox, key.validity, key.uid, b.s.cfg.Now()) {
			b.s.Texts.put(key, t)
		}
		each(&query.Facts{UID: m.UID, Texts: t})
		return nil
	}
	_, err = b.s.Fetch(b.ctx, req)
	return err
}

// queryFields reads a header block as it is searched.
func queryFields(header []byte) []query.Field {
	var out []query.Field
	for _, f := range message.ParseHeader(header) {
		value, _ := message.DecodeText(f.Raw)
		field := query.Field{Name: f.Name, Value: value}
		if query.IsRecipient(f.Name) {
			for _, a := range message.Addresses(f.Raw) {
				field.Addresses = append(field.Addresses, a.Address)
			}
		}
		out = append(out, field)
	}
	return out
}
