// Package track follows mailboxes: what is new, what has changed and what is
// gone since they were last looked at. It must not know who asks, nor how that
// is shown.
package track

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/session"
)

// Box is what is known of a mailbox.
type Box struct {
	mark.Box
	Known bool      // UIDs says which messages there are
	UIDs  query.Set // below Next
	// Flags tells, where the server has no modification sequences, which
	// messages have which flags; nil where that is not known.
	Flags map[string]query.Set
	// told are changes above Modseq that have been told already: a look takes
	// longer than a moment, and Modseq is that of its beginning.
	told map[uint32]uint64
}

// Change is a message whose flags are others than before.
type Change struct {
	UID    uint32
	Flags  []string
	modseq uint64
}

// Delta is what has happened to a mailbox.
type Delta struct {
	Gone    query.Set
	Changed []Change // in the order in which it happened, as far as it is known
	New     query.Set
	Before  *Box // what is known when Gone and Changed have been told
	After   *Box // and when New has
}

// Options says what Look looks for besides new messages.
type Options struct {
	Gone, Flags bool
	Qresync     bool // Session.EnableQresync has said yes
}

// New is what is known of a mailbox that was marked.
func New(b mark.Box) *Box { return &Box{Box: b} }

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

// old are the UIDs below Next.
func (b *Box) old() query.Set {
	if b.Next <= 1 {
		return nil
	}
	return query.Set{{Lo: 1, Hi: b.Next - 1}}
}

// Look opens the mailbox with EXAMINE and tells what has happened since. A
// mailbox made anew is an error of kind Stale. b stays as it is.
func Look(ctx context.Context, s *session.Session, b *Box, o Options) (*Delta, error) {
	if err := s.Examine(ctx, b.Name); err != nil {
		return nil, err
	}
	box, err := s.Box(ctx)
	if err != nil {
		return nil, err
	}
	if box.Validity() != b.Validity {
		return nil, fault.New(fault.Stale, "the mailbox %q has UIDVALIDITY %s, not %s: it was made anew", b.Name, box.Validity(), b.Validity)
	}
	l := &look{s: s, o: o, b: b, d: &Delta{Before: b.clone()}}
	if box.HighestModseq != nil && !box.NoModseq && b.Modseq > 0 {
		l.modseq = *box.HighestModseq
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
}

func (l *look) run(ctx context.Context) error {
	d, before := l.d, l.d.Before
	fresh := query.Set{{Lo: l.b.Next, Hi: query.MaxUID}}
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
	switch old := there.Intersect(l.b.old()); {
	case !l.o.Gone:
	case byServer && l.b.Known:
		d.Gone = gone.Set().Intersect(l.b.UIDs)
	case l.b.Known:
		d.Gone = l.b.UIDs.Subtract(old)
	default: // from a mark
		d.Gone = gone.Set().Intersect(l.b.old()).Subtract(old)
		before.Known, before.UIDs = true, old
	}
	before.UIDs = before.UIDs.Subtract(d.Gone)
	if l.o.Flags && l.modseq == 0 {
		if err := l.byComparison(ctx, there); err != nil {
			return err
		}
	}
	d.After = before.clone()
	d.After.UIDs = d.After.UIDs.Union(d.New)
	if n := len(d.New); n > 0 {
		d.After.Next = after(d.New[n-1].Hi)
	}
	return nil
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
	if l.modseq < since { // it was counted anew: better twice than never
		since, before.told = 1, nil
	}
	maps.DeleteFunc(before.told, func(_ uint32, modseq uint64) bool { return modseq <= l.modseq })
	quiet := l.modseq == l.b.Modseq && len(l.b.told) == 0
	if quiet || l.b.Next <= 1 || !l.o.Flags && !(l.o.Gone && l.o.Qresync) {
		return nil
	}
	q := session.FetchRequest{Set: l.b.old(), Items: []string{"FLAGS", "MODSEQ"}, Since: since, Row: func(m *session.Fetched) error {
		if l.b.told[m.UID] >= m.Modseq && m.Modseq > 0 || !m.Told("FLAGS") {
			return nil
		}
		if m.Modseq > l.modseq {
			before.tell(m.UID, m.Modseq)
		}
		if l.o.Flags {
			l.d.Changed = append(l.d.Changed, Change{m.UID, slices.Clone(m.Flags), m.Modseq})
		}
		return nil
	}}
	if l.o.Qresync {
		q.Gone = gone
	}
	_, err := l.s.Fetch(ctx, q)
	slices.SortStableFunc(l.d.Changed, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.modseq, b.modseq), cmp.Compare(a.UID, b.UID))
	})
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
	var changed query.Set
	for name, set := range was {
		changed = changed.Union(set.Subtract(now[name])).Union(now[name].Subtract(set))
	}
	for name, set := range now {
		changed = changed.Union(set.Subtract(was[name]))
	}
	for uid := range changed.Intersect(told).Intersect(l.b.old()).All() {
		l.d.Changed = append(l.d.Changed, Change{UID: uid, Flags: flagsOf(now, uid)})
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
	b.UIDs, b.Next = b.UIDs.Union(one), max(b.Next, after(uid))
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
