package query

import (
	"path"
	"slices"
	"strings"
	"time"
)

// test is how a node is decided by facts.
type test struct {
	narrow *Node // what the server can say: every match fulfils it; nil for nothing
	need   Fact
	match  func(*Facts) bool
}

// test makes the test for n, or for its negation.
func (p *planner) test(n *Node, negate bool) test {
	switch n.op {
	case opLeaf:
		return p.leafTest(n, negate)
	case opNot:
		return p.test(n.kids[0], !negate)
	}
	all := (n.op == opAnd) != negate
	var narrows []*Node
	var matches []func(*Facts) bool
	var out test
	for _, kid := range n.kids {
		t := p.test(kid, negate)
		out.need |= t.need
		matches = append(matches, t.match)
		if t.narrow != nil {
			narrows = append(narrows, t.narrow)
		}
	}
	switch {
	case len(narrows) == 0:
	case all:
		out.narrow = And(narrows...)
	case len(narrows) == len(n.kids):
		out.narrow = Or(narrows...)
	}
	out.match = func(f *Facts) bool {
		for _, match := range matches {
			if match(f) != all {
				return !all
			}
		}
		return all
	}
	return out
}

// leafTest makes the test of a leaf. A test that is negated has no narrowing,
// but for dates, where the negation is another date.
func (p *planner) leafTest(n *Node, negate bool) test {
	var t test
	switch n.spec.arg {
	case argText, argHeader:
		return p.textTest(n, negate)
	case argDate:
		t = dateTest(n.spec.name, n.date, negate)
	case argAge:
		t = p.ageTest(n, negate)
	case argSent:
		t = sentTest(n.spec.name, n.date)
	case argSize:
		t = sizeTest(n.spec.name, n.num)
	case argUID:
		first, end := n.uids[0].Lo, n.uids[len(n.uids)-1].Hi
		t = test{UIDs(Set{{first, end}}), 0, func(f *Facts) bool { return n.uids.Contains(f.UID, 0) }}
		if p.has(WrongUIDs) {
			t.narrow = nil
		}
	case argAttachment:
		t = test{nil, NeedAttachments, func(f *Facts) bool { return likeAttachments(nil, f.Attachments) }}
	case argGlob:
		t = test{nil, NeedAttachments, func(f *Facts) bool { return likeAttachment(n.text, f.Attachments) }}
	}
	if negate {
		match := t.match
		t.match = func(f *Facts) bool { return !match(f) }
		if n.spec.arg != argDate && n.spec.arg != argAge {
			t.narrow = nil
		}
	}
	return t
}

// A server compares dates in a time zone of its own, which may be any from
// 12 hours behind UTC to 14 ahead. There, a message of the instant t has the
// date of earliest(t) or a later one, and a date before that of beyond(t).
func earliest(t time.Time) time.Time { return t.Add(-12 * time.Hour) }
func beyond(t time.Time) time.Time   { return t.Add((14 + 24) * time.Hour) }

// The years in which servers can be trusted to compare dates: Courier finds
// nothing since a date before 1970, GNU imap4d nothing before one after 2038.
const firstYear, lastYear = 1971, 2037

// dayLeaf compares with the date of t. It is nil, for no narrowing, outside
// the years that servers know.
func dayLeaf(key string, t time.Time) *Node {
	if t.Year() < firstYear || t.Year() > lastYear {
		return nil
	}
	return &Node{spec: findKey(key), date: day(t.Date())}
}

// dateTest compares INTERNALDATE with an instant.
func dateTest(key string, d Date, negate bool) test {
	t := test{need: NeedInternalDate}
	switch {
	case key == keyOn && negate:
	case key == keyOn:
		t.narrow = And(dayLeaf(keySince, earliest(d.Time)), dayLeaf(keyBefore, beyond(d.Time.Add(d.Unit))))
	case (key == keySince) != negate:
		t.narrow = dayLeaf(keySince, earliest(d.Time))
	default:
		t.narrow = dayLeaf(keyBefore, beyond(d.Time))
	}
	holds := dateHolds(key, d)
	t.match = func(f *Facts) bool { return holds(f.InternalDate) }
	return t
}

// dateHolds compares with an instant as key says.
func dateHolds(key string, d Date) func(time.Time) bool {
	return func(t time.Time) bool {
		switch key {
		case keySince, keySentSince:
			return !t.Before(d.Time)
		case keyBefore, keySentBefore:
			return t.Before(d.Time)
		}
		return !t.Before(d.Time) && t.Before(d.Time.Add(d.Unit))
	}
}

// ageTest stands in for YOUNGER and OLDER, both of which include the very
// second (RFC 5032 section 3).
func (p *planner) ageTest(n *Node, negate bool) test {
	at := p.now.UTC().Truncate(time.Second).Add(-time.Duration(n.num) * time.Second)
	younger := n.spec.name == keyYounger
	t := test{need: NeedInternalDate, narrow: dayLeaf(keyBefore, beyond(at))}
	if younger != negate {
		t.narrow = dayLeaf(keySince, earliest(at))
	}
	t.match = func(f *Facts) bool {
		if younger {
			return !f.InternalDate.Before(at)
		}
		return !f.InternalDate.After(at)
	}
	return t
}

// sentMargin is more than the date in a Date field can be away from the date
// of its instant in UTC. Zones such as -2359 occur in mail.
const sentMargin = 72 * time.Hour

// sentTest compares the Date field with an instant. A message whose field
// cannot be read matches none of the keys.
func sentTest(key string, d Date) test {
	since := dayLeaf(keySentSince, d.Time.Add(-sentMargin))
	before := dayLeaf(keySentBefore, d.Time.Add(sentMargin))
	t := test{need: NeedSentDate}
	switch key {
	case keySentSince:
		t.narrow = since
	case keySentBefore:
		t.narrow = before
	default:
		t.narrow = And(since, before)
	}
	holds := dateHolds(key, d)
	t.match = func(f *Facts) bool { return !f.SentDate.IsZero() && holds(f.SentDate) }
	return t
}

// sizeTest compares sizes beyond maxNumber.
func sizeTest(key string, octets uint64) test {
	if key == keySmaller {
		return test{nil, NeedSize, func(f *Facts) bool { return f.Size < octets }}
	}
	most := &Node{spec: findKey(keyLarger), num: maxNumber}
	return test{most, NeedSize, func(f *Facts) bool { return f.Size > octets }}
}

// LikeAttachment reports whether an attachment is like one of the patterns, as
// those of --has-attachment are. An empty one, or none, fits each that is not
// only an alternative.
func LikeAttachment(patterns []string, a Attachment) bool {
	for _, p := range patterns {
		if p == "" && !a.Alternative || p != "" && likeAttachment(p, []Attachment{a}) {
			return true
		}
	}
	return len(patterns) == 0 && !a.Alternative
}

func likeAttachments(patterns []string, attachments []Attachment) bool {
	return slices.ContainsFunc(attachments, func(a Attachment) bool { return LikeAttachment(patterns, a) })
}

// likeAttachment tells whether an attachment's name, or its media type when
// the pattern has a slash, is like the pattern, whatever the letter case.
func likeAttachment(pattern string, attachments []Attachment) bool {
	pattern = strings.ToLower(pattern)
	for _, a := range attachments {
		subject := a.Type
		if !strings.Contains(pattern, "/") {
			subject = strings.ReplaceAll(a.Name, "/", "_") // * must not stop at a slash
		}
		if a.Alternative && !strings.Contains(pattern, "/") {
			continue
		}
		if ok, _ := path.Match(pattern, strings.ToLower(subject)); ok {
			return true
		}
	}
	return false
}
