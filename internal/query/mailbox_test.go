package query

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// message is one message of a fake mailbox.
type message struct {
	uid         uint32
	seen        bool
	from        string
	size        uint64
	received    time.Time
	sent        time.Time // zero when there is no Date field
	attachments []Attachment
}

// mailbox is a fake server: it understands the tokens that a server with its
// capabilities would, compares dates in its own time zone, and nothing else.
type mailbox struct {
	messages []*message
	has      func(string) bool
	zone     *time.Location
	now      time.Time
	asked    uint64 // UIDs that facts were asked about
}

func (b *mailbox) last() uint32 { return b.messages[len(b.messages)-1].uid }

func (b *mailbox) Search(program []Token, _ bool) (Set, error) {
	p := &tokenReader{tokens: program, mailbox: b}
	match := p.all()
	if len(p.tokens) > 0 || p.err != nil {
		return nil, fmt.Errorf("BAD %s: at %v, %v", Format(program), p.tokens, p.err)
	}
	var found Builder
	for _, m := range b.messages {
		if match(m) {
			found.Add(m.uid, m.uid)
		}
	}
	return found.Set(), nil
}

func (b *mailbox) Facts(uids Set, need Fact, each func(*Facts)) error {
	if need == 0 || uids.Empty() {
		return errors.New("nothing was asked")
	}
	b.asked += uids.Len()
	for _, m := range b.messages {
		f := &Facts{UID: m.uid} // about others too, as servers do
		if need&NeedInternalDate != 0 {
			f.InternalDate = m.received
		}
		if need&NeedSentDate != 0 {
			f.SentDate = m.sent
		}
		if need&NeedSize != 0 {
			f.Size = m.size
		}
		if need&NeedAttachments != 0 {
			f.Attachments = m.attachments
		}
		each(f)
	}
	return nil
}

// tokenReader reads a program by the grammar of RFC 3501 "search-key".
type tokenReader struct {
	tokens  []Token
	mailbox *mailbox
	err     error
}

type predicate func(*message) bool

func (p *tokenReader) take(kind TokenKind) string {
	if len(p.tokens) == 0 || p.tokens[0].Kind != kind {
		if p.err == nil {
			p.err = fmt.Errorf("token of kind %d expected before %v", kind, p.tokens)
		}
		p.tokens = nil
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t.Text
}

func (p *tokenReader) all() predicate {
	var keys []predicate
	for len(p.tokens) > 0 && p.tokens[0].Kind != Close {
		keys = append(keys, p.key())
	}
	if len(keys) == 0 && p.err == nil {
		p.err = errors.New("no key")
	}
	return func(m *message) bool {
		return !slices.ContainsFunc(keys, func(key predicate) bool { return !key(m) })
	}
}

func (p *tokenReader) key() predicate {
	if len(p.tokens) > 0 && p.tokens[0].Kind == Open {
		p.take(Open)
		match := p.all()
		p.take(Close)
		return match
	}
	switch name := p.take(Atom); name {
	case "ALL":
		return func(*message) bool { return true }
	case "SEEN":
		return func(m *message) bool { return m.seen }
	case "FROM":
		text := p.take(String)
		return func(m *message) bool { return strings.Contains(m.from, text) }
	case "LARGER", "SMALLER":
		n := p.number(31)
		if name == "LARGER" {
			return func(m *message) bool { return m.size > n }
		}
		return func(m *message) bool { return m.size < n }
	case "YOUNGER", "OLDER":
		if !p.mailbox.has("WITHIN") {
			break
		}
		at := p.mailbox.now.Add(-time.Duration(p.number(31)) * time.Second)
		if name == "YOUNGER" {
			return func(m *message) bool { return !m.received.Before(at) }
		}
		return func(m *message) bool { return !m.received.After(at) }
	case "UID":
		sel, err := ParseSet(p.take(Atom))
		if err != nil && p.err == nil {
			p.err = err
		}
		if sel.Set().HasLast() && p.err == nil {
			p.err = errors.New("Bogus number set")
		}
		return func(m *message) bool { return sel.Set().Contains(m.uid, 0) }
	case "X-GM-RAW":
		if p.take(String) == "has:attachment" && p.mailbox.has("X-GM-EXT-1") {
			return func(m *message) bool { return len(m.attachments) > 0 }
		}
	case "NOT":
		match := p.key()
		return func(m *message) bool { return !match(m) }
	case "OR":
		a, b := p.key(), p.key()
		return func(m *message) bool { return a(m) || b(m) }
	default:
		return p.date(name)
	}
	p.err = errors.New("unknown key")
	return nil
}

func (p *tokenReader) number(bits int) uint64 {
	n, err := strconv.ParseUint(p.take(Atom), 10, bits)
	if err != nil && p.err == nil {
		p.err = err
	}
	return n
}

func (p *tokenReader) date(name string) predicate {
	day, err := time.Parse("2-Jan-2006", p.take(Atom))
	kind, sent := strings.CutPrefix(name, "SENT")
	if err != nil || !slices.Contains([]string{"SINCE", "BEFORE", "ON"}, kind) {
		p.err = fmt.Errorf("%s: %v", name, err)
		return nil
	}
	return func(m *message) bool {
		at := m.received.In(p.mailbox.zone)
		if sent {
			at = m.sent // in the zone of the field
			if at.IsZero() {
				return false
			}
		}
		return compareDay(kind, at, day)
	}
}

func compareDay(kind string, at, day time.Time) bool {
	y, m, d := at.Date()
	order := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Compare(day)
	return kind == "SINCE" && order >= 0 || kind == "BEFORE" && order < 0 || kind == "ON" && order == 0
}

// holds is what a program means, said as plainly as possible.
func (b *mailbox) holds(n *Node, m *message) bool {
	switch n.op {
	case opAnd:
		return !slices.ContainsFunc(n.kids, func(kid *Node) bool { return !b.holds(kid, m) })
	case opOr:
		return slices.ContainsFunc(n.kids, func(kid *Node) bool { return b.holds(kid, m) })
	case opNot:
		return !b.holds(n.kids[0], m)
	}
	kind, sent := strings.CutPrefix(n.spec.name, "SENT")
	switch kind {
	case "ALL":
		return true
	case "SEEN":
		return m.seen
	case "FROM":
		return strings.Contains(m.from, n.text)
	case "LARGER":
		return m.size > n.num
	case "SMALLER":
		return m.size < n.num
	case "UID":
		return n.uids.Contains(m.uid, b.last())
	case "HAS-ATTACHMENT":
		return len(m.attachments) > 0
	case "ATTACHMENT":
		return slices.ContainsFunc(m.attachments, func(a Attachment) bool { return strings.HasSuffix(a.Name, n.text[1:]) })
	case "YOUNGER":
		return b.now.Sub(m.received) <= time.Duration(n.num)*time.Second
	case "OLDER":
		return b.now.Sub(m.received) >= time.Duration(n.num)*time.Second
	}
	at := m.received
	if sent {
		if at = m.sent; at.IsZero() {
			return false
		}
	}
	switch {
	case !n.date.IsDay() && kind == "SINCE":
		return !at.Before(n.date.Time)
	case !n.date.IsDay() && kind == "BEFORE":
		return at.Before(n.date.Time)
	case !n.date.IsDay():
		return at.Truncate(n.date.Unit).Equal(n.date.Time)
	case !sent:
		at = at.In(b.zone)
	}
	return compareDay(kind, at, n.date.Time)
}
