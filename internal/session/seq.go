package session

import (
	"context"

	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// SeqUIDs returns the UIDs of the messages whose sequence numbers are in set.
// It asks with FETCH: SEARCH understands `*` differently from server to server.
func (s *Session) SeqUIDs(ctx context.Context, set query.Set) (query.Set, error) {
	box, err := s.Box(ctx)
	if err != nil || box.Exists == 0 {
		return nil, err
	}
	last := uint32(min(box.Exists, query.MaxUID))
	set = set.Resolve(last).Intersect(query.Set{{Lo: 1, Hi: last}})
	var found query.Builder
	for piece := range set.Split(query.MaxSetOctets) {
		st, err := s.do(ctx, wire.NewCommand("FETCH").Atom(piece).Atom("(UID)").On(func(r *wire.Response) error {
			if uid := readUID(r); uid != 0 && r.Num <= query.MaxUID && set.Contains(uint32(r.Num), 0) {
				found.Add(uid, uid)
			}
			return nil
		}, "FETCH"))
		if err != nil {
			return nil, err
		}
		if !st.OK() {
			return nil, refusal(st, "cannot tell the UIDs of %q", box.Name)
		}
	}
	return found.Set(), nil
}

// LastUID is the highest UID in the open mailbox, 0 when it is empty.
func (s *Session) LastUID(ctx context.Context) (uint32, error) {
	set, err := s.SeqUIDs(ctx, query.Set{{}})
	if err != nil || set.Empty() {
		return 0, err
	}
	return set[len(set)-1].Hi, nil
}

// readUID reads the UID out of a FETCH response.
func readUID(r *wire.Response) (uid uint32) {
	if !r.Open() {
		return 0
	}
	for !r.Close() {
		if string(r.Item()) == "UID" {
			uid = r.Number32()
		} else {
			r.Skip()
		}
	}
	return uid
}
