package session

import "github.com/imapknife/imapknife/internal/query"

// told remembers which UIDs were told: in order at 8 octets a range, those
// out of order apart.
type told struct {
	order query.Set
	late  map[uint32]bool
}

// maxLate is how many messages may come out of order.
const maxLate = 1_000_000

func (t *told) contains(uid uint32) bool { return t.order.Contains(uid, 0) || t.late[uid] }

func (t *told) add(uid uint32) bool {
	n := len(t.order)
	switch {
	case n == 0 || uid-1 > t.order[n-1].Hi:
		t.order = append(t.order, query.Range{Lo: uid, Hi: uid})
	case uid-1 == t.order[n-1].Hi:
		t.order[n-1].Hi = uid
	default:
		if t.late == nil {
			t.late = map[uint32]bool{}
		}
		t.late[uid] = true
	}
	return len(t.late) < maxLate
}

func (t *told) set() query.Set {
	var b query.Builder
	for _, r := range t.order {
		b.Add(r.Lo, r.Hi)
	}
	for uid := range t.late {
		b.Add(uid, uid)
	}
	return b.Set()
}
