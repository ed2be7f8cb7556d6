package cmds

import (
	"context"
	"iter"
	"slices"

	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/session"
)

// resolve finds out which UIDs of a set as given are there. A set too long
// for one line is compared here.
func resolve(ctx context.Context, s *session.Session, p *picked) error {
	if err := resolveLast(ctx, s, p); err != nil {
		return err
	}
	var program []query.Token
	if text := slices.Collect(p.set.Split(query.MaxSetOctets)); len(text) == 1 && !s.Offers(query.WrongUIDs) {
		program = []query.Token{{Kind: query.Atom, Text: "UID"}, {Kind: query.Atom, Text: text[0]}}
	}
	if !p.set.Empty() {
		res, err := s.Search(ctx, session.SearchRequest{Program: program})
		if err != nil {
			return err
		}
		p.set = res.Set.Intersect(p.set)
	}
	p.direct = false
	return nil
}

// resolveLast puts the highest UID in the place of `*`.
func resolveLast(ctx context.Context, s *session.Session, p *picked) error {
	if !p.set.HasLast() {
		return nil
	}
	last, err := s.LastUID(ctx)
	p.set = p.set.Resolve(last)
	return err
}

// batches takes the UIDs apart, in their order.
func batches(p *picked) iter.Seq[[]uint32] { return chunks(p.uids(), batch) }

// chunks takes n UIDs at a time.
func chunks(all iter.Seq[uint32], n int) iter.Seq[[]uint32] {
	return func(yield func([]uint32) bool) {
		var uids []uint32
		for uid := range all {
			if uids = append(uids, uid); len(uids) == n {
				if !yield(uids) {
					return
				}
				uids = nil
			}
		}
		if len(uids) > 0 {
			yield(uids)
		}
	}
}

// onlyLast reports whether the message with the highest UID is meant, and not
// known yet: one FETCH tells which that is and what it holds.
func (p *picked) onlyLast() bool { return p.direct && len(p.set) == 1 && p.set.HasLast() }

// pieces yields batches, in their order, and each as a set. Where only the
// last message is meant its UID is not known: uids is nil then.
func (p *picked) pieces() iter.Seq2[[]uint32, query.Set] {
	return func(yield func([]uint32, query.Set) bool) {
		if p.onlyLast() {
			yield(nil, p.set)
			return
		}
		for uids := range batches(p) {
			if !yield(uids, query.MakeSet(uids...)) {
				return
			}
		}
	}
}

// missing notes which of the messages that were named have not come: those
// named one by one, those that SEARCH named, and those that the server told of
// and then took back.
func (p *picked) missing(s *session.Session, m *fetch.Missing, came, lost query.Set) {
	named := p.explicit.Union(lost)
	if !p.direct {
		named = named.Union(p.set)
	}
	gone := named.Subtract(came)
	if box := s.Opened(); box != nil && !gone.Empty() {
		p.lacking = true
		m.Add(fetch.Gone, box.Name, "", gone)
	}
}
