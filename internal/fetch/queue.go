package fetch

import (
	"cmp"
	"slices"

	"github.com/imapknife/imapknife/internal/query"
)

// Limits of what a Queue holds back.
const (
	maxWaiting = 1000
	maxOctets  = 16 << 20
)

// Queue puts the answers to one FETCH into ascending order of their UIDs.
// Servers nearly always answer so: an answer waits only while one below it may
// still come. That is known from the sequence numbers, which ascend with the
// UIDs. Of a server that answers in no order at all, a bounded number waits; the
// others have to be asked for again.
type Queue[T any] struct {
	Asked query.Set     // the messages asked for
	Emit  func(T) error // gets the answers
	last  uint32        // the UID emitted last
	seq   uint32        // and its sequence number
	wait  []answer[T]   // ascending
	size  int           // of what waits, in octets
	again query.Builder // let go
	low   uint32        // the lowest UID let go, 0 for none
}

type answer[T any] struct {
	uid, seq uint32
	octets   int
	value    T
}

// Ready reports whether the answer is the next: no other that was asked for can
// come before it.
func (q *Queue[T]) Ready(uid, seq uint32) bool {
	switch {
	case uid <= q.last: // the sequence numbers were wrong
		return true
	case q.low != 0 && uid > q.low:
		return false
	case seq != 0 && seq <= q.seq+1:
		return true
	}
	// The first range that reaches beyond what was emitted: there may be very many.
	i, _ := slices.BinarySearchFunc(q.Asked, q.last+1, func(r query.Range, uid uint32) int { return cmp.Compare(r.Hi, uid) })
	return i == len(q.Asked) || q.Asked[i].Lo >= uid
}

// Next emits an answer that is Ready, and those that waited for it.
func (q *Queue[T]) Next(uid, seq uint32, value T) error {
	q.last, q.seq = max(q.last, uid), seq
	if err := q.Emit(value); err != nil {
		return err
	}
	for len(q.wait) > 0 && q.Ready(q.wait[0].uid, q.wait[0].seq) {
		if err := q.first(); err != nil {
			return err
		}
	}
	return nil
}

// Wait holds an answer back that is not Ready. Where that becomes too much, the
// highest are let go: see Flush. octets is what the answer takes of memory.
func (q *Queue[T]) Wait(uid, seq uint32, octets int, value T) {
	if q.low != 0 && uid > q.low {
		q.again.Add(uid, uid)
		return
	}
	i, _ := slices.BinarySearchFunc(q.wait, uid, func(a answer[T], uid uint32) int { return cmp.Compare(a.uid, uid) })
	q.wait = slices.Insert(q.wait, i, answer[T]{uid, seq, octets, value})
	q.size += octets
	for len(q.wait) > maxWaiting || q.size > maxOctets && len(q.wait) > 1 {
		high := q.wait[len(q.wait)-1]
		q.wait = slices.Delete(q.wait, len(q.wait)-1, len(q.wait))
		q.size -= high.octets
		q.again.Add(high.uid, high.uid)
		q.low = high.uid
	}
}

// Flush emits what waits, when the FETCH is over, and returns the messages that
// were let go: they are above all that were emitted.
func (q *Queue[T]) Flush() (again query.Set, err error) {
	for len(q.wait) > 0 {
		if err := q.first(); err != nil {
			return nil, err
		}
	}
	again, q.low = q.again.Set(), 0
	return again, nil
}

// first emits the first answer that waits.
func (q *Queue[T]) first() error {
	a := q.wait[0]
	q.wait = slices.Delete(q.wait, 0, 1)
	q.size -= a.octets
	q.last, q.seq = a.uid, a.seq
	return q.Emit(a.value)
}
