package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// maxHeld is how many messages may be told in pieces at the same time.
const maxHeld = 1000

// settle emits m if all that was asked for has come, else keeps it: an
// update of flags may come before the answer, and an answer in pieces. What
// may be made up for a message that is gone is kept, too.
func (f *fetch) settle(m *Fetched) error {
	old := f.held[m.UID]
	if old != nil {
		merge(old, m)
		m = old
	}
	if f.whole(m) && !f.standIn(m) {
		delete(f.held, m.UID)
		return f.emit(m)
	}
	if old != nil {
		return nil
	}
	if len(f.held) >= maxHeld {
		f.forgetUpdates()
	}
	if len(f.held) >= maxHeld { // they will not be told any better
		return f.emit(m)
	}
	f.held[m.UID] = m
	f.cur = &Fetched{}
	return nil
}

// forgetUpdates drops the messages of which only flags are held: nearly always
// those are updates, and the answers are still to come.
func (f *fetch) forgetUpdates() {
	maps.DeleteFunc(f.held, func(uid uint32, m *Fetched) bool {
		update := m.has&^(hasFlags|hasModseq) == 0 && !m.begun() && m.Warnings == nil
		if update {
			f.again.Add(uid, uid)
		}
		return update
	})
}

// askAgain fetches the messages that forgetUpdates dropped and that have not
// been told since: their flags were all that the server tells of them.
func (f *fetch) askAgain(ctx context.Context) error {
	var piece query.Builder
	n := 0
	ask := func() error {
		f.q.Set, n = piece.Set(), 0
		piece = query.Builder{}
		for set := range f.q.Set.Split(query.MaxSetOctets) {
			if err := f.run(ctx, set); err != nil {
				return err
			}
		}
		return nil
	}
	all := f.q.Set
	defer func() { f.q.Set = all }()
	for uid := range f.again.Set().Subtract(f.done.set()).All() {
		piece.Add(uid, uid)
		if n++; n == maxHeld/2 {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return ask()
}

// letGo emits what is held, when the server has nothing more to say. What has
// not come whole, or may be made up, is looked for first: it may have been
// removed, and then it is lost.
func (f *fetch) letGo(ctx context.Context) error {
	var b query.Builder
	for uid, m := range f.held {
		if f.removed || !f.whole(m) {
			b.Add(uid, uid)
		}
	}
	doubtful := b.Set()
	there, err := f.s.still(ctx, doubtful)
	if err != nil {
		return err
	}
	gone := doubtful.Subtract(there)
	f.lost = f.lost.Union(gone)
	for _, uid := range slices.Sorted(maps.Keys(f.held)) {
		m := f.held[uid]
		delete(f.held, uid)
		if gone.Contains(uid, 0) || !f.asked(m) { // an update of another message than that of `*`
			continue
		}
		if err := f.emit(m); err != nil {
			return err
		}
	}
	return nil
}

// still returns which of the messages are in the open mailbox now. NOOP lets a
// server forget those that are gone: while a command runs, many go on as if
// these were there. Where it refuses to say, they count as there.
func (s *Session) still(ctx context.Context, set query.Set) (query.Set, error) {
	if set.Empty() {
		return nil, nil
	}
	noop, err := s.send(ctx, wire.NewCommand("NOOP"))
	if err != nil {
		return nil, err
	}
	var there query.Builder
	for piece := range set.Split(query.MaxSetOctets) {
		var found query.Builder
		st, err := s.do(ctx, wire.NewCommand("UID FETCH").Atom(piece).Atom("(UID)").On(func(r *wire.Response) error {
			if uid := readUID(r); set.Contains(uid, 0) {
				found.Add(uid, uid)
			}
			return nil
		}, "FETCH"))
		if err != nil {
			return nil, err
		}
		if !st.OK() {
			return set, nil
		}
		for _, r := range found.Set() {
			there.Add(r.Lo, r.Hi)
		}
	}
	_, err = s.finish(ctx, noop)
	return there.Set(), err
}

func (f *fetch) emit(m *Fetched) error {
	var silent []string
	if m.Lacks, silent = f.lacks(m); silent != nil && m.Warnings == nil {
		m.Warn("the server did not tell " + strings.Join(silent, ", "))
	}
	if m.has&^m.none&hasSize != 0 && m.octets >= 0 && uint64(m.octets) != m.Size {
		m.Warn(fmt.Sprintf("the server sent %d octets, and says that the message has %d", m.octets, m.Size))
	}
	if !f.done.add(m.UID) {
		return fault.New(fault.Protocol, "the server answers FETCH in no order at all")
	}
	if f.last != 0 {
		f.star = m.UID
	}
	if err := f.handEmpty(m); err != nil || f.q.Row == nil {
		return err
	}
	return f.q.Row(m)
}
