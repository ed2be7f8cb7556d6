package cmds

import (
	"context"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/session"
)

// find runs the node's plan. Where the server sorts and one search says it
// all, one SORT command does both.
func (sel *selection) find(ctx context.Context, s *session.Session, node *query.Node, p *picked) (query.Set, error) {
	sorted := false
	if len(sel.sort) > 0 && !sel.tailed {
		var err error
		if sorted, err = s.CanSort(ctx, sel.sort); err != nil {
			return nil, err
		}
	}
	if node.HasLast() {
		last, err := s.LastUID(ctx)
		if err != nil {
			return nil, err
		}
		node = node.Resolve(last)
	}
	has := sel.has(s)
	step, err := query.Plan(node, has, sel.in.p.Now())
	if err != nil && fault.KindOf(err) == fault.Refused {
		// What is known of the server may be old, or nothing: ask.
		if _, err := s.Has(ctx, "IMAP4REV1"); err != nil {
			return nil, err
		}
		step, err = query.Plan(node, has, sel.in.p.Now())
	}
	if err != nil {
		return nil, err
	}
	if sorted && step.Op == query.OpSearch {
		if p.order, err = s.Sorted(ctx, session.SearchRequest{Program: step.Program, UTF8: step.UTF8}, sel.sort); err != nil {
			return nil, err
		}
		if p.order == nil {
			p.order = []uint32{}
		}
		return query.MakeSet(p.order...), nil
	}
	return s.Find(ctx, step)
}

// has is what plans may count on. Among new messages, of which there are few,
// texts are decided here; elsewhere the server narrows them down.
func (sel *selection) has(s *session.Session) func(string) bool {
	if sel.texts == nil {
		return s.Offers
	}
	s.Texts = sel.texts
	texts := query.CheckedTexts
	if sel.since != nil || sel.few {
		texts = query.LocalTexts
	}
	return func(name string) bool { return name == texts || s.Offers(name) }
}

// cut applies --limit to the order.
func (sel *selection) cut(p *picked) {
	if !sel.limited || p.count() <= sel.limit {
		return
	}
	if p.order != nil {
		p.order = p.order[:sel.limit]
		p.set = query.MakeSet(p.order...)
		return
	}
	var b query.Builder
	left := sel.limit
	for _, r := range p.set {
		n := min(uint64(r.Hi-r.Lo)+1, left)
		if n == 0 {
			break
		}
		b.Add(r.Lo, r.Lo+uint32(n)-1)
		left -= n
	}
	p.set = b.Set()
}
