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
	seen   map[textKey]*sightings // of each mailbox
}

// sightings are when messages of a mailbox were first looked at: as sets, for a
// mailbox may be large.
type sightings struct {
	settled query.Set
	young   []sighting
}

type sighting struct {
	at   time.Time
	uids query.Set
}

// settling is for how long a message that is new may still be in the writing:
// GNU imap4d shows what has not been appended to its end, without a header.
const settling = 3 * time.Second

// Settled returns which messages have been known for long enough for what they
// say to stay; it begins to count when it is first asked about one.
func (c *TextCache) Settled(mailbox string, validity result.UIDValidity, uids query.Set, now time.Time) query.Set {
	key := textKey{mailbox: mailbox, validity: validity}
	s := c.seen[key]
	if s == nil {
		if c.seen == nil {
			c.seen = map[textKey]*sightings{}
		}
		s = &sightings{}
		c.seen[key] = s
	}
	var young []sighting
	fresh := uids
	for _, y := range s.young {
		if now.Sub(y.at) >= settling {
			s.settled = s.settled.Union(y.uids)
			continue
		}
		young, fresh = append(young, y), fresh.Subtract(y.uids)
	}
	if fresh = fresh.Subtract(s.settled); !fresh.Empty() {
		young = append(young, sighting{now, fresh})
	}
	s.young = young
	return uids.Intersect(s.settled)
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
	var settled query.Set
	if b.s.Texts != nil {
		settled = b.s.Texts.Settled(key.mailbox, key.validity, set, b.s.cfg.Now())
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
		if settled.Contains(m.UID, 0) {
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
