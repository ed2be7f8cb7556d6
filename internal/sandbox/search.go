package sandbox

import (
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"golang.org/x/text/unicode/norm"
)

// Search implements imapserver.Session, with ESEARCH (RFC 4731) and SEARCHRES
// (RFC 5182).
func (s *session) Search(kind imapserver.NumKind, c *imap.SearchCriteria, o *imap.SearchOptions) (*imap.SearchData, error) {
	s.acct.mu.Lock()
	if err := s.resolve(c); err != nil {
		s.acct.mu.Unlock()
		return nil, err
	}
	candidates := s.candidates()
	s.acct.mu.Unlock()

	var seqs imap.SeqSet
	var uids imap.UIDSet
	var first, last imap.UID
	data := &imap.SearchData{}
	for _, r := range candidates {
		if !r.matches(r.seq, c) {
			continue
		}
		seqs.AddNum(r.seq)
		uids.AddNum(r.uid)
		num := r.seq
		if kind == imapserver.NumKindUID {
			num = uint32(r.uid)
		}
		if data.Count == 0 {
			first, data.Min = r.uid, num
		}
		last, data.Max = r.uid, num
		data.Count++
	}
	if data.All = seqs; kind == imapserver.NumKindUID {
		data.All = uids
	}
	if o.ReturnSave {
		s.save(uids, first, last, o)
	}
	return data, nil
}

// candidate is a message as it was when the search began; reading it needs no
// lock.
type candidate struct {
	seq uint32
	row
}

func (s *session) candidates() []candidate {
	out := make([]candidate, 0, len(s.view))
	for i, r := range s.view {
		if !r.expunged {
			m := *r.message
			r.message = &m
			out = append(out, candidate{uint32(i + 1), r})
		}
	}
	return out
}

// save keeps what "$" stands for: with MIN or MAX alone just these.
func (s *session) save(uids imap.UIDSet, first, last imap.UID, o *imap.SearchOptions) {
	if len(uids) > 0 && !o.ReturnAll && !o.ReturnCount {
		uids = nil
		if o.ReturnMin {
			uids.AddNum(first)
		}
		if o.ReturnMax {
			uids.AddNum(last)
		}
	}
	s.acct.mu.Lock()
	s.saved = uids
	s.acct.mu.Unlock()
}

// resolve makes the sets in criteria static, all the way down.
func (s *session) resolve(c *imap.SearchCriteria) error {
	var seqs []imap.SeqSet
	for _, set := range c.SeqNum {
		static, err := s.static(set)
		if err != nil {
			return err
		}
		seqs = append(seqs, static.(imap.SeqSet)) // imapserver keeps "$" among the UIDs
	}
	c.SeqNum = seqs
	for i, set := range c.UID {
		static, err := s.static(set)
		if err != nil {
			return err
		}
		c.UID[i] = static.(imap.UIDSet)
	}
	for i := range c.Not {
		if err := s.resolve(&c.Not[i]); err != nil {
			return err
		}
	}
	for i := range c.Or {
		for j := range c.Or[i] {
			if err := s.resolve(&c.Or[i][j]); err != nil {
				return err
			}
		}
	}
	return nil
}

// matches evaluates criteria (RFC 9051, section 6.4.4), cheap ones first.
func (r row) matches(seq uint32, c *imap.SearchCriteria) bool {
	return r.matchesSets(seq, c) && r.matchesFlags(c) &&
		(c.Larger == 0 || int64(len(r.raw)) > c.Larger) &&
		(c.Smaller == 0 || int64(len(r.raw)) < c.Smaller) &&
		within(r.date, c.Since, c.Before) && r.matchesText(c) &&
		!slices.ContainsFunc(c.Not, func(n imap.SearchCriteria) bool { return r.matches(seq, &n) }) &&
		!slices.ContainsFunc(c.Or, func(or [2]imap.SearchCriteria) bool {
			return !r.matches(seq, &or[0]) && !r.matches(seq, &or[1])
		})
}

func (r row) matchesSets(seq uint32, c *imap.SearchCriteria) bool {
	for _, set := range c.SeqNum {
		if !set.Contains(seq) {
			return false
		}
	}
	for _, set := range c.UID {
		if !set.Contains(r.uid) {
			return false
		}
	}
	return true
}

func (r row) matchesFlags(c *imap.SearchCriteria) bool {
	flags := r.shown(false)
	for _, f := range c.Flag {
		if !hasFlag(flags, f) {
			return false
		}
	}
	for _, f := range c.NotFlag {
		if hasFlag(flags, f) {
			return false
		}
	}
	return true
}

// within compares calendar dates, each in its own zone, without the time
// (RFC 9051, section 6.4.4, BEFORE).
func within(t, since, before time.Time) bool {
	y, m, d := t.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

func (m *message) matchesText(c *imap.SearchCriteria) bool {
	if len(c.Header)+len(c.Body)+len(c.Text) == 0 && c.SentSince.IsZero() && c.SentBefore.IsZero() {
		return true
	}
	p := m.root()
	if !c.SentSince.IsZero() || !c.SentBefore.IsZero() {
		sent := p.envelope().Date
		if sent.IsZero() || !within(sent, c.SentSince, c.SentBefore) {
			return false
		}
	}
	for _, h := range c.Header {
		if !p.headerContains(h.Key, fold(h.Value)) {
			return false
		}
	}
	for _, words := range c.Body {
		if !p.bodyContains(fold(words), false) {
			return false
		}
	}
	for _, words := range c.Text {
		if words = fold(words); !p.anyField(words) && !p.bodyContains(words, true) {
			return false
		}
	}
	return true
}

// fold makes texts comparable: case and compatibility forms do not count, the
// way i;unicode-casemap (RFC 5051) does it.
func fold(s string) string { return norm.NFKC.String(strings.ToLower(norm.NFKC.String(s))) }

// headerContains looks for folded words in the fields of that name. Empty words
// match where there is one.
func (p *part) headerContains(name, words string) bool {
	return slices.ContainsFunc(p.fields, func(f field) bool {
		return strings.EqualFold(f.name, name) && strings.Contains(fold(decodeWords(f.value())), words)
	})
}

// anyField looks for folded words anywhere in the header, names included.
func (p *part) anyField(words string) bool {
	return slices.ContainsFunc(p.fields, func(f field) bool {
		return strings.Contains(fold(f.name+": "+decodeWords(f.value())), words)
	})
}

// bodyContains looks for folded words in every text below p; with headers, in
// the headers of body parts and of messages within p too. BODY is without and
// TEXT is with them, as Dovecot and Courier have it.
func (p *part) bodyContains(words string, headers bool) bool {
	if words == "" {
		return true
	}
	for _, c := range p.children {
		if headers && c.anyField(words) || c.bodyContains(words, headers) {
			return true
		}
	}
	if e := p.embedded; e != nil {
		return headers && e.anyField(words) || e.bodyContains(words, headers)
	}
	return p.isText() && strings.Contains(fold(p.text()), words)
}
