// Package change carries out changes to messages that are known to be there:
// part by part, each step checked before the next. When the connection is lost
// behind a command, it looks on a new one what has become of each message
// before anything is sent again, so that every message gets a receipt that is
// true. It must not select messages, ask a person, or know how rows are
// printed.
package change

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// PartSize is how many messages one command changes at most: what a lost
// connection leaves open is bounded by it.
const PartSize = 1000

// A lost connection is followed by at most maxConns others for the same part,
// the second after pause, the third after two of them, and so on. On each, what
// the server may still be at work on is looked for maxLooks times, with pauses
// that grow in the same way: for three seconds.
const (
	maxConns = 2
	maxLooks = 5
	pause    = 200 * time.Millisecond
)

// unsettled begins the reason of a receipt that is unknown.
const unsettled = "the connection was lost, and looking again does not settle it: "

// Target is the messages to change in one mailbox.
type Target struct {
	Place   result.Place
	Set     query.Set // known to be there
	Missing query.Set // named and not there
	Absent  string    // the reason of receipts about these; empty for NoSuchMessage
}

// Writer changes messages over one session, and over others when that is lost.
type Writer struct {
	// Session is the one in use. The Writer closes those it opens itself, and
	// never the first.
	Session *session.Session
	// Open opens another session to the same account.
	Open func(context.Context) (*session.Session, error)
	// Emit gets each receipt, by ascending UID within a mailbox, and for refused
	// ones the server's refusal, if any. The row is the callee's.
	Emit func(row *result.Receipt, refusal error) error
	// Flush hands rows on before the next command is sent.
	Flush func() error

	first   *session.Session
	stopped error // why nothing more is sent
}

// Action is one way to change messages. Its methods are called for one part
// at a time.
type Action interface {
	// name is the receipt's action.
	name() string
	// begin runs before a part: it only reads.
	begin(ctx context.Context, w *Writer, p *part) error
	// do sends what is next for each item that is not over. An error means
	// that the connection is lost or the context has ended.
	do(ctx context.Context, w *Writer, p *part) error
	// look finds out, in a new session with the mailbox open, what has become of
	// the items whose state is sent. It makes those todo that can be sent again
	// even if the server is still at work on what it was sent before, and leaves
	// alone those of which nothing can be told yet.
	look(ctx context.Context, w *Writer, p *part) error
}

// Name is the action that receipts tell.
func Name(a Action) string { return a.name() }

// Why returns the reason of receipts that are missing.
func (t Target) Why() string { return cmp.Or(t.Absent, NoSuchMessage) }

// NoSuchMessage is the reason of a receipt that is missing.
const NoSuchMessage = "there is no such message"

// state is how far a message has got.
type state int

const (
	todo   state = iota // nothing was sent, or it is known not to have worked
	sent                // a command was sent, and its outcome is not known
	copied              // the copy is confirmed, the original not yet removed
	over                // the receipt is final
)

// item is one message of a part.
type item struct {
	uid     uint32
	state   state
	row     result.Receipt
	refusal error
	id      ident
	copy    uint32 // UID of the copy that was found, even where it may be a twin's
}

// end settles the item's receipt.
func (it *item) end(status, reason string, refusal error) {
	it.state, it.row.Status, it.row.Reason, it.refusal = over, status, reason, refusal
}

func (it *item) warn(text string) {
	if text != "" {
		it.row.Warnings = append(it.row.Warnings, text)
	}
}

// part is the messages that one command is about.
type part struct {
	target Target
	set    query.Set
	items  map[uint32]*item
	begun  bool
	base   baseline  // of the destination
	landed query.Set // UIDs of copies of which nobody knows which message each is of
	there  query.Set // still in the mailbox, where somebody has looked
}

// in yields the items in a state, by ascending UID.
func (p *part) in(want ...state) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for uid := range p.set.All() {
			// Once each, though the caller may put it into another state.
			if it := p.items[uid]; slices.Contains(want, it.state) && !yield(it) {
				return
			}
		}
	}
}

// uids is the set of the items in a state.
func (p *part) uids(want ...state) query.Set {
	var b query.Builder
	for it := range p.in(want...) {
		b.Add(it.uid, it.uid)
	}
	return b.Set()
}

// move puts the items of a set into a state.
func (p *part) move(set query.Set, to state) {
	for uid := range set.All() {
		p.items[uid].state = to
	}
}

// Run changes the messages of one mailbox and emits a receipt for each. Its
// error is the context's or Emit's; what else went wrong stands in receipts.
func (w *Writer) Run(ctx context.Context, t Target, a Action) error {
	if w.first == nil {
		w.first = w.Session
	}
	for uid := range t.Missing.All() {
		row := &result.Receipt{Place: t.Place, UID: uid, Action: a.name(), Status: result.Missing, Reason: t.Why()}
		if err := w.Emit(row, nil); err != nil {
			return err
		}
	}
	for set := range parts(t.Set, w.Session.MessageLimit()) {
		p := &part{target: t, set: set, items: map[uint32]*item{}}
		for uid := range set.All() {
			p.items[uid] = &item{uid: uid, row: result.Receipt{Place: t.Place, UID: uid, Action: a.name()}}
		}
		w.part(ctx, p, a)
		if err := w.emit(p); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// Close closes the session if it is not the first one.
func (w *Writer) Close() {
	if w.first != nil && w.Session != w.first {
		w.Session.Close()
	}
}

// part changes one part, over as many connections as that takes.
func (w *Writer) part(ctx context.Context, p *part, a Action) {
	err := w.stopped
	if err == nil {
		err = w.enter(ctx, p.target.Place)
	}
	if err == nil {
		err = w.forward(ctx, p, a)
	}
	for try := 0; err != nil && w.lost(ctx, err) && try < maxConns; try++ {
		if err = w.again(ctx, p, a, try); err == nil {
			err = w.forward(ctx, p, a)
		}
		if err != nil && try == maxConns-1 && w.lost(ctx, err) {
			err = fault.Wrap(fault.Connect, err, "over %d connections", maxConns+1)
		}
	}
	w.close(p, err)
}

// forward does what is next.
func (w *Writer) forward(ctx context.Context, p *part, a Action) error {
	if !p.begun {
		if err := a.begin(ctx, w, p); err != nil {
			return err
		}
		p.begun = true
	}
	return a.do(ctx, w, p)
}

// lost reports whether the error means that another connection may settle
// things.
func (w *Writer) lost(ctx context.Context, err error) bool {
	return ctx.Err() == nil && w.stopped == nil && fault.KindOf(err) != fault.Closed && w.Session.Broken()
}

// again opens a session, enters the mailbox and looks, until nothing is open.
func (w *Writer) again(ctx context.Context, p *part, a Action, try int) error {
	if err := sleep(ctx, try); err != nil {
		return err
	}
	s, err := w.Open(ctx)
	if err != nil {
		return err
	}
	w.Close()
	w.Session = s
	if err := w.enter(ctx, p.target.Place); err != nil {
		return err
	}
	return w.settle(ctx, p, a)
}

// settle looks until nothing is open. A server goes on with what it was sent
// when the connection is gone, for a moment or for long: what has not been done
// yet may still be, and what cannot be undone if it is done twice is not sent
// again.
func (w *Writer) settle(ctx context.Context, p *part, a Action) error {
	for n := 0; ; n++ {
		if err := a.look(ctx, w, p); err != nil {
			return err
		}
		if p.uids(sent).Empty() || n == maxLooks {
			break
		}
		if err := sleep(ctx, n+1); err != nil {
			return err
		}
	}
	for it := range p.in(sent) {
		it.end(result.Unknown, unsettled+"nothing has happened yet, and the server may still be at work", nil)
	}
	return nil
}

// sleep waits for n pauses.
func sleep(ctx context.Context, n int) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Duration(n) * pause):
		return nil
	}
}

// close gives a receipt to every item that has none: what was never sent is
// refused, what was is unknown. What comes behind a refused or an unknown one
// is not sent: it would fare the same.
func (w *Writer) close(p *part, err error) {
	if err == nil {
		err = errors.New("the server did not say what became of it")
	}
	for it := range p.in(todo) {
		it.end(result.Refused, "not sent: "+err.Error(), err)
	}
	for it := range p.in(sent) {
		it.end(result.Unknown, err.Error(), nil)
	}
	for it := range p.in(copied) {
		it.end(result.Unknown, "it is copied, and the original may still be there: "+err.Error(), nil)
	}
	for it := range p.in(over) {
		switch {
		case w.stopped != nil:
			return
		case it.row.Status == result.Unknown:
			w.stopped = errors.New("the outcome of an earlier message is unknown")
		case it.refusal != nil:
			w.stopped = it.refusal
		}
	}
}

// emit hands the part's receipts on.
func (w *Writer) emit(p *part) error {
	for it := range p.in(over) {
		if err := w.Emit(&it.row, it.refusal); err != nil {
			return err
		}
	}
	return w.Flush()
}

// enter opens the mailbox for writing, unless it is open so, and makes sure
// that UIDs still mean the same messages.
func (w *Writer) enter(ctx context.Context, place result.Place) error {
	if box := w.Session.Opened(); box == nil || box.Name != place.Mailbox || box.ReadOnly {
		if err := w.Session.Select(ctx, place.Mailbox); err != nil {
			return err
		}
	}
	box, err := w.Session.Box(ctx)
	switch {
	case err != nil:
		return err
	case w.Session != w.first && !place.UIDValidity.Usable():
		return fault.New(fault.Stale, "the mailbox %q has no UIDVALIDITY: in another session its UIDs may mean other messages", place.Mailbox)
	case box.Validity() != place.UIDValidity:
		return fault.New(fault.Stale, "the mailbox %q has UIDVALIDITY %s now, not %s: its UIDs mean other messages", place.Mailbox, box.Validity(), place.UIDValidity)
	case box.ReadOnly:
		return fault.New(fault.Refused, "the server opens the mailbox %q read-only", place.Mailbox)
	}
	return nil
}

// parts cuts a set into pieces of PartSize messages, or as many as the server
// takes in one command (0 for any number), that fit into a line.
func parts(set query.Set, limit uint64) iter.Seq[query.Set] {
	size := uint64(PartSize)
	if limit > 0 {
		size = min(size, limit)
	}
	return func(yield func(query.Set) bool) {
		var piece query.Set
		n := uint64(0)
		for _, r := range set {
			for lo := uint64(r.Lo); lo <= uint64(r.Hi); {
				hi := min(uint64(r.Hi), lo+size-n-1)
				piece = append(piece, query.Range{Lo: uint32(lo), Hi: uint32(hi)})
				n += hi - lo + 1
				lo = hi + 1
				if n == size || len(piece) == query.MaxSetOctets/22 {
					if !yield(piece) {
						return
					}
					piece, n = nil, 0
				}
			}
		}
		if n > 0 {
			yield(piece)
		}
	}
}
