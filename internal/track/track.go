// Package track follows mailboxes: what is new, what has changed and what is
// gone since they were last looked at. It must not know who asks, nor how that
// is shown.
package track

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/session"
)

// Box is what is known of a mailbox.
type Box struct {
	mark.Box
	Known bool      // UIDs says which messages there are
	UIDs  query.Set // below Next
	// Late are messages below Next that a search has named and whose row has not
	// come: they are new when it does.
	Late query.Set
	// Flags tells, where the server has no modification sequences, which
	// messages have which flags; nil where that is not known.
	Flags map[string]query.Set
	// told are changes above Modseq that have been told already: a look takes
	// longer than a moment, and Modseq is that of its beginning.
	told map[uint32]uint64
}

// Delta is what has happened to a mailbox.
type Delta struct {
	Gone    query.Set
	Changed Changes
	New     query.Set
	Before  *Box // what is known when Gone and Changed have been told; New is Late in it
	After   *Box // and when New has
}

// Options says what Look looks for besides new messages.
type Options struct {
	Gone, Flags bool
	Qresync     bool // Session.EnableQresync has said yes
}

// New is what is known of a mailbox that was marked.
func New(b mark.Box) *Box { return &Box{Box: b} }

// Mark returns the point behind which everything is still to be told. What is
// told out of order behind it will be told again from there.
func (b *Box) Mark() mark.Box {
	m := b.Box
	if !b.Late.Empty() {
		m.Next = min(m.Next, b.Late[0].Lo)
	}
	return m
}

// Empty is a mailbox of which no message is known.
func Empty(b mark.Box) *Box {
	b.Next = 1
	box := &Box{Box: b, Known: true}
	if b.Modseq == 0 {
		box.Flags = map[string]query.Set{}
	}
	return box
}

// Begin learns what there is, in the open mailbox that b marks.
func (b *Box) Begin(ctx context.Context, s *session.Session, o Options) error {
	there, err := find(ctx, s, query.All())
	if err != nil {
		return err
	}
	b.Known, b.UIDs = true, there.Intersect(b.old())
	if o.Flags && b.Modseq == 0 {
		b.Flags, _, err = flags(ctx, s, b.UIDs)
	}
	return err
}

// old are the UIDs below Next, but for those still to be told.
func (b *Box) old() query.Set {
	if b.Next <= 1 {
		return nil
	}
	return query.Set{{Lo: 1, Hi: b.Next - 1}}.Subtract(b.Late)
}

// Verify compares the open mailbox with what is known of it. One made anew, or
// put back to an earlier state, is an error of kind Stale.
func Verify(ctx context.Context, s *session.Session, b mark.Box) error {
	box, err := s.Box(ctx)
	if err != nil {
		return err
	}
	if err := b.Check(box.Validity(), modseq(box)); err != nil {
		return err
	}
	next, has := box.NextUID()
	if !has || next >= b.Next {
		return nil
	}
	late := query.Set{{Lo: next, Hi: query.MaxUID}}
	there, err := find(ctx, s, query.UIDs(late))
	if err != nil || !there.Intersect(late).Empty() { // UIDNEXT itself is behind the messages
		return err
	}
	return b.Rewound(next)
}

// modseq returns HIGHESTMODSEQ, 0 where the mailbox has none.
func modseq(box *session.Box) uint64 {
	if box.HighestModseq == nil || box.NoModseq {
		return 0
	}
	return *box.HighestModseq
}

// Look opens the mailbox with EXAMINE and tells what has happened since. A
// mailbox that Verify does not know again is an error of kind Stale. b stays as
// it is.
func Look(ctx context.Context, s *session.Session, b *Box, o Options) (*Delta, error) {
	if err := s.Examine(ctx, b.Name); err != nil {
		return nil, err
	}
	if err := Verify(ctx, s, b.Box); err != nil {
		return nil, err
	}
	box, err := s.Box(ctx)
	if err != nil {
		return nil, err
	}
	l := &look{s: s, o: o, b: b, d: &Delta{Before: b.clone()}}
	if b.Modseq > 0 {
		l.modseq = modseq(box)
	}
	return l.d, l.run(ctx)
}

// look is a look under way.
type look struct {
	s      *session.Session
	o      Options
	b      *Box
	d      *Delta
	modseq uint64 // when the mailbox was opened; 0 where it does not tell
	// unknown are messages that have changed and of which nothing was known.
	unknown query.Builder
}

func (l *look) run(ctx context.Context) error {
	d, before := l.d, l.d.Before
	old, fresh := l.b.old(), query.Set{{Lo: l.b.Next, Hi: query.MaxUID}}.Union(l.b.Late)
	var gone query.Builder
	if l.modseq > 0 {
		if err := l.bySequence(ctx, &gone); err != nil {
			return err
		}
	}
	byServer := l.modseq > 0 && l.o.Qresync
	node := query.All()
	if byServer && l.b.Known || !l.o.Gone && !(l.o.Flags && l.modseq == 0) {
		node = query.UIDs(fresh)
	}
	there, err := find(ctx, l.s, node)
	if err != nil {
		return err
	}
	d.New = there.Intersect(fresh)
	there = there.Intersect(old)
	if l.b.Known { // one that comes late, below others
		d.New = d.New.Union(there.Subtract(l.b.UIDs)).Union(l.unknown.Set())
		there = there.Intersect(l.b.UIDs)
	}
	switch {
	case !l.o.Gone:
	case byServer && l.b.Known:
		d.Gone = gone.Set().Intersect(l.b.UIDs)
	case l.b.Known:
		if d.Gone, err = l.shown(ctx, l.b.UIDs.Subtract(there), there.Union(d.New)); err != nil {
			return err
		}
	default: // from a mark
		d.Gone = gone.Set().Intersect(old).Subtract(there)
		before.Known, before.UIDs = true, there
	}
	before.UIDs, before.Late = before.UIDs.Subtract(d.Gone), d.New
	if l.o.Flags && l.modseq == 0 {
		if err := l.byComparison(ctx, there.Union(d.New)); err != nil {
			return err
		}
	}
	d.After = before.clone()
	d.After.UIDs, d.After.Late = d.After.UIDs.Union(d.New), nil
	if n := len(d.New); n > 0 {
		d.After.Next = max(d.After.Next, after(d.New[n-1].Hi))
	}
	return nil
}

// shown leaves of what seems to be gone what the server would show: of a mailbox
// that it shows the end of only, what is below that end need not be gone.
func (l *look) shown(ctx context.Context, gone, there query.Set) (query.Set, error) {
	if gone.Empty() || there.Empty() {
		return gone, nil
	}
	hidden, err := l.s.Hidden(ctx)
	if hidden > 0 {
		l.s.CutShort("", "the server does not show %d messages of the mailbox %q", hidden, l.b.Name)
		gone = gone.Intersect(query.Set{{Lo: there[0].Lo, Hi: query.MaxUID}})
	}
	return gone, err
}

// after is the UID behind another.
func after(uid uint32) uint32 {
	if uid == query.MaxUID {
		return uid
	}
	return uid + 1
}

// bySequence asks for what has changed since the modification sequence.
func (l *look) bySequence(ctx context.Context, gone *query.Builder) error {
	before := l.d.Before
	before.Modseq = l.modseq
	since := l.b.Modseq
	maps.DeleteFunc(before.told, func(_ uint32, modseq uint64) bool { return modseq <= l.modseq })
	quiet := l.modseq == since && len(l.b.told) == 0
	if quiet || l.b.Next <= 1 || !l.o.Flags && !(l.o.Gone && l.o.Qresync) {
		return nil
	}
	q := session.FetchRequest{Set: l.b.old(), Items: []string{"FLAGS", "MODSEQ"}, Since: since, Row: func(m *session.Fetched) error {
		switch {
		case l.b.Known && !l.b.UIDs.Contains(m.UID, 0):
			l.unknown.Add(m.UID, m.UID)
			return nil
		case m.Modseq > 0 && (m.Modseq <= since || m.Modseq <= l.b.told[m.UID]): // some servers include the number itself
			return nil
		case !m.Told("FLAGS"):
			return nil
		}
		if m.Modseq > l.modseq {
			before.tell(m.UID, m.Modseq)
		}
		if !l.o.Flags {
			return nil
		}
		return l.d.Changed.add(m.UID, m.Modseq, m.Flags)
	}}
	if l.o.Qresync {
		q.Gone = gone
	}
	_, err := l.s.Fetch(ctx, q)
	l.d.Changed.sort()
	return err
}

func (b *Box) tell(uid uint32, modseq uint64) {
	if b.told == nil {
		b.told = map[uint32]uint64{}
	}
	b.told[uid] = modseq
}

// byComparison compares the flags of all messages with those known.
func (l *look) byComparison(ctx context.Context, there query.Set) error {
	now, told, err := flags(ctx, l.s, there)
	if err != nil {
		return err
	}
	was := l.b.Flags
	l.d.Before.Flags = now
	if was == nil {
		return nil
	}
	for name, set := range was { // of what the server leaves out nothing else is known
		if kept := set.Intersect(there).Subtract(told); !kept.Empty() {
			now[name] = now[name].Union(kept)
		}
	}
	var changed query.Set
	for name, set := range was {
		changed = changed.Union(set.Subtract(now[name])).Union(now[name].Subtract(set))
	}
	for name, set := range now {
		changed = changed.Union(set.Subtract(was[name]))
	}
	for uid := range changed.Intersect(told).Intersect(l.b.old()).Subtract(l.d.New).All() {
		if err := l.d.Changed.add(uid, 0, flagsOf(now, uid)); err != nil {
			return err
		}
	}
	return nil
}

// flags reads which messages have which flags, and of which the server tells:
// of one that is being expunged it need not. \Recent is about sessions and not
// about messages.
func flags(ctx context.Context, s *session.Session, there query.Set) (map[string]query.Set, query.Set, error) {
	builders := map[string]*query.Builder{}
	var told query.Builder
	if !there.Empty() {
		_, err := s.Fetch(ctx, session.FetchRequest{Set: there, Items: []string{"FLAGS"}, Row: func(m *session.Fetched) error {
			if m.Told("FLAGS") {
				told.Add(m.UID, m.UID)
			}
			for _, name := range m.Flags {
				if strings.EqualFold(name, `\Recent`) {
					continue
				}
				if builders[name] == nil {
					builders[name] = &query.Builder{}
				}
				builders[name].Add(m.UID, m.UID)
			}
			return nil
		}})
		if err != nil {
			return nil, nil, err
		}
	}
	out := map[string]query.Set{}
	for name, b := range builders {
		out[name] = b.Set()
	}
	return out, told.Set(), nil
}

func flagsOf(all map[string]query.Set, uid uint32) []string {
	out := []string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Contains(uid, 0) {
			out = append(out, name)
		}
	}
	return out
}

// Saw notes that a new message has been told, with these flags; modseq is 0
// where it is not known.
func (b *Box) Saw(uid uint32, flags []string, modseq uint64) {
	one := query.MakeSet(uid)
	b.UIDs, b.Late, b.Next = b.UIDs.Union(one), b.Late.Subtract(one), max(b.Next, after(uid))
	if b.Modseq > 0 && modseq > b.Modseq {
		b.tell(uid, modseq)
	}
	if b.Flags == nil {
		return
	}
	for name, set := range b.Flags {
		b.Flags[name] = set.Subtract(one)
	}
	for _, name := range flags {
		if !strings.EqualFold(name, `\Recent`) {
			b.Flags[name] = b.Flags[name].Union(one)
		}
	}
}

// Wait notes which of the new messages could not be told: the next look asks for
// them again.
func (b *Box) Wait(late query.Set) { b.UIDs, b.Late = b.UIDs.Subtract(late), late }

func (b *Box) clone() *Box {
	c := *b
	c.Flags, c.told = maps.Clone(b.Flags), maps.Clone(b.told)
	return &c
}

// find runs a search as the server can answer it.
func find(ctx context.Context, s *session.Session, node *query.Node) (query.Set, error) {
	step, err := query.Plan(node, s.Offers, time.Time{}) // nothing here is about ages
	if err != nil {
		return nil, err
	}
	set, err := s.Find(ctx, step)
	if err == nil { // what is left out of an answer is not gone
		err = s.Whole()
	}
	return set, err
}
