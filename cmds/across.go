package cmds

import (
	"cmp"
	"context"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// across is one order over several mailboxes: what is found in each is noted
// first, and read when the order of all is known.
type across struct {
	sel    *selection
	boxes  []acrossBox
	found  []located
	octets int
}

// acrossBox is a mailbox that has been searched.
type acrossBox struct {
	place result.Place
	gone  query.Set // UIDs that were named singly and are not there
	told  bool      // gone has been reported
}

// located is a message in one of the mailboxes.
type located struct {
	key string // of the collation; empty where nothing is compared
	box int
	uid uint32
}

// lateOctets is the length of the arrival in a key, which comes first.
const lateOctets = 8

// lightWindow is how many messages are read at a time to be put in order, where
// no texts and contents are read.
const lightWindow = 500

// crosses reports whether an order or a number is meant over all mailboxes.
func (sel *selection) crosses() bool { return len(sel.sort) > 0 || sel.limited || sel.tailed }

// search notes what is chosen in the mailbox that is open.
func (a *across) search(ctx context.Context, s *session.Session, p *picked) error {
	explicit := p.explicit
	if p.direct {
		if err := resolve(ctx, s, p); err != nil {
			return err
		}
		var err error
		if p.place, err = place(ctx, s); err != nil {
			return err
		}
	}
	box := acrossBox{place: p.place}
	if !a.sel.limited && !a.sel.tailed {
		box.gone = explicit.Subtract(p.set)
		p.lacking = !box.gone.Empty()
	}
	a.boxes = append(a.boxes, box)
	keys := a.sel.sort
	if a.sel.tailed {
		keys = slices.Concat([]query.SortKey{{Name: "arrival"}}, keys)
	}
	if len(keys) > 0 {
		return s.SortKeys(ctx, keys, p.set, a.add)
	}
	for uid := range p.set.All() {
		if err := a.add(uid, ""); err != nil {
			return err
		}
	}
	return nil
}

// add notes a message. Where only some of them are wanted, no more than about
// twice as many are held.
func (a *across) add(uid uint32, key string) error {
	a.found = append(a.found, located{key, len(a.boxes) - 1, uid})
	a.octets += len(key) + 40
	most := a.sel.limit
	if a.sel.tailed {
		most = a.sel.newest
	} else if !a.sel.limited {
		most = session.MaxSortOctets
	}
	if n := uint64(len(a.found)); n >= 1000 && n/2 >= most {
		a.trim()
	}
	if a.octets > session.MaxSortOctets {
		return fault.New(fault.Protocol, "too many messages to put in order here").Hint("select fewer messages or mailboxes, or lower --limit")
	}
	return nil
}

// trim lets go of what cannot be among those wanted, and leaves the others in
// their order.
func (a *across) trim() {
	compare, most := a.compare, a.sel.limit
	if a.sel.tailed {
		compare, most = later, a.sel.newest
	}
	slices.SortFunc(a.found, compare)
	if (a.sel.tailed || a.sel.limited) && uint64(len(a.found)) > most {
		clear(a.found[most:])
		a.found = a.found[:most]
	}
	a.octets = 0
	for _, m := range a.found {
		a.octets += len(m.key) + 40
	}
}

// later has the latest arrival first; of messages that arrived together, those
// of the first mailbox, and there those with the highest UIDs.
func later(x, y located) int {
	return cmp.Or(cmp.Compare(y.key[:lateOctets], x.key[:lateOctets]), cmp.Compare(x.box, y.box), cmp.Compare(y.uid, x.uid))
}

// compare is the order that is wanted.
func (a *across) compare(x, y located) int {
	if a.sel.reverse {
		x, y = y, x
	}
	return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.box, y.box), cmp.Compare(x.uid, y.uid))
}

// order puts all that was found in order, and cuts it.
func (a *across) order() {
	a.trim()
	if !a.sel.tailed {
		return
	}
	for i := range a.found {
		a.found[i].key = a.found[i].key[lateOctets:]
	}
	slices.SortFunc(a.found, a.compare)
	if a.sel.limited && uint64(len(a.found)) > a.sel.limit {
		a.found = a.found[:a.sel.limit]
	}
}

// hand calls fn with what was found, some consecutive messages at a time: once
// for each of their mailboxes, in its order. What fn emits through inOrder
// comes out in the order of all.
func (a *across) hand(ctx context.Context, s *session.Session, fn func(*picked) error) error {
	a.order()
	n := batch
	switch {
	case a.sel.counts:
		return a.window(ctx, s, a.found, true, fn)
	case a.sel.light || a.sel.blind:
		n = lightWindow
	}
	first := true
	for first || len(a.found) > 0 {
		some := a.found[:min(n, len(a.found))]
		a.found = a.found[len(some):]
		if err := a.window(ctx, s, some, false, fn); err != nil {
			return err
		}
		first = false
	}
	return nil
}

// window is hand for some messages. With empty, mailboxes without any of them
// count, too.
func (a *across) window(ctx context.Context, s *session.Session, some []located, empty bool, fn func(*picked) error) error {
	orders := map[int][]uint32{}
	for _, m := range some {
		orders[m.box] = append(orders[m.box], m.uid)
	}
	held := map[messageName]func() error{}
	a.sel.held = held
	var err error
	for i := range a.boxes {
		if box := &a.boxes[i]; err == nil && (empty || len(orders[i]) > 0 || !box.told && !box.gone.Empty()) {
			err = a.read(ctx, s, box, orders[i], fn)
		}
	}
	a.sel.held = nil
	for _, m := range some { // what has come is shown, whatever came after it
		if emit := held[messageName{a.boxes[m.box].place.Mailbox, m.uid}]; emit != nil {
			if eerr := emit(); eerr != nil {
				return eerr
			}
		}
	}
	return err
}

// read calls fn with messages of one mailbox.
func (a *across) read(ctx context.Context, s *session.Session, box *acrossBox, order []uint32, fn func(*picked) error) error {
	if open := s.Opened(); !a.sel.blind && (open == nil || open.Name != box.place.Mailbox) {
		if err := s.Examine(ctx, box.place.Mailbox); err != nil {
			return err
		}
		now, err := place(ctx, s)
		if err != nil {
			return err
		}
		if now.UIDValidity != box.place.UIDValidity {
			return fault.New(fault.Stale, "the mailbox %q has UIDVALIDITY %s now, not %s as when it was searched", now.Mailbox, now.UIDValidity, box.place.UIDValidity).
				Hint("search again")
		}
	}
	p := &picked{place: box.place, set: query.MakeSet(order...), order: order}
	if p.order == nil {
		p.order = []uint32{}
	}
	if !box.told {
		p.explicit, box.told = box.gone, true
	}
	return fn(p)
}

// messageName names one message.
type messageName struct {
	mailbox string
	uid     uint32
}

// inOrder runs emit, which shows a message, when it is its turn in the order
// over several mailboxes.
func (sel *selection) inOrder(m *result.Message, emit func() error) error {
	if sel.held == nil {
		return emit()
	}
	sel.held[messageName{m.Mailbox, m.UID}] = emit
	return nil
}
