package cmds

import (
	"context"
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// The longest pauses between two looks at the mailboxes. A search is the truth,
// and IDLE a hint that it is time for one: where it is not told, or lost, the
// next look comes all the same.
const (
	idleLeg  = 15 * time.Second
	pollWait = 2 * time.Second // without IDLE, or for several mailboxes
)

// lastLook is how long the look at the deadline may take at most, of a server
// that has been slow before.
const lastLook = 10 * time.Second

// grace is how long the look at the deadline may take. Of one that is the first
// nothing is known: expect looks at once, and the mailbox may be large.
func (v *vigil) grace() time.Duration {
	if v.slowest == 0 {
		return lastLook
	}
	return min(lastLook, max(time.Second, 2*v.slowest))
}

// lostPauses are the waits before each try to open a lost session again; the
// last one is repeated. A session that has lasted as long as steadyFor begins
// from the first again: one that ends sooner has lasted for nothing, and its
// server must not be asked as fast as it answers.
var lostPauses = [...]time.Duration{0, 300 * time.Millisecond, time.Second, 3 * time.Second}

const steadyFor = 5 * time.Second

// vigil looks for messages again and again until a deadline.
type vigil struct {
	c     *connection
	sel   *selection
	match *matchers
	s     *session.Session
	out   *output.Printer
	end   time.Time     // the deadline
	poll  time.Duration // --poll, 0 for the usual
	idles bool          // the server has not refused IDLE
	// notified: the server tells of all the mailboxes, whichever is open. names:
	// it shall also tell of mailboxes that come and go.
	notified, names bool
	wide            bool     // --all-mailboxes
	soon            bool     // do not wait for the server to tell that it is time
	closed          []string // of several, those that could not be opened yet
	pace            pace
	lost            int       // tries to open a session since one was steady
	since           time.Time // when the session was opened
	last            bool      // the try that is made when the time is over has been
	looked          bool
	// partly: what is found in some of the mailboxes can be enough.
	partly bool
	// existing: without a mark, what is there already counts, too.
	existing  bool
	slowest   time.Duration // of the looks so far
	hasLooked func()        // called after a look; may be nil
}

// watchFlags are the flags of the verbs that wait for messages.
func watchFlags() []*flag { return append(watchMatchers(), selectionFlags()...) }

// watchMatchers are the flags of every verb that looks again and again.
func watchMatchers() []*flag {
	return lookup("poll", "subject-regex", "from-regex", "to-regex", "text-regex", "header-regex", "auth-result", "trust-authserv")
}

// begin prepares the vigil on an open session: what counts as new is what comes
// from now on, unless --mark or --existing say otherwise.
func (v *vigil) begin(ctx context.Context) error {
	names, err := v.sel.named(ctx, v.s)
	if err != nil {
		return err
	}
	v.wide, v.names, v.sel.all, v.sel.boxes = v.sel.all, v.sel.all, false, names
	v.idles, v.since = true, v.c.in.p.Now()
	if err := v.attach(ctx); err != nil || v.sel.since != nil || v.existing {
		return err
	}
	token, closed, err := marks(ctx, v.s, names)
	if err != nil {
		return err
	}
	v.sel.since, v.sel.boxes, v.sel.shut = &token, nil, nil
	for _, b := range token.Boxes {
		v.sel.boxes = append(v.sel.boxes, b.Name)
	}
	for _, x := range closed {
		v.closed, v.sel.shut = append(v.closed, x.name), append(v.sel.shut, x.err)
		v.c.in.say("%v", x.err)
	}
	v.c.in.say("waiting for what comes after --mark %s", token)
	return nil
}

// knock tries the mailboxes again that could not be opened: what comes to one
// after it opens is new.
func (v *vigil) knock(ctx context.Context) error {
	again := v.closed
	v.closed, v.sel.shut = nil, nil
	for i, name := range again {
		box, err := markOf(ctx, v.s, name)
		if shutOut(v.s, err) {
			v.closed, v.sel.shut = append(v.closed, name), append(v.sel.shut, err)
			continue
		}
		if err != nil {
			v.closed = append(v.closed, again[i:]...)
			return err
		}
		v.sel.since.Boxes, v.sel.boxes = append(v.sel.since.Boxes, box), append(v.sel.boxes, name)
	}
	if len(v.closed) == len(again) {
		return nil
	}
	return v.attach(ctx)
}

// attach prepares a session, the first or another one: with NOTIFY (RFC 5465),
// IDLE in one mailbox is about all of them.
func (v *vigil) attach(ctx context.Context) (err error) {
	v.notified = false
	if len(v.sel.boxes) > 1 || v.names {
		v.notified, err = v.s.Notify(ctx, v.sel.boxes, v.names)
	}
	return err
}

// until looks until enough is content with what is there, and once more at the
// deadline. It reports whether enough was.
//
// A server that falls silent at the deadline is not waited for much longer.
func (v *vigil) until(ctx context.Context, enough func([]*picked) bool) (found []*picked, ok bool, err error) {
	now := v.c.in.p.Now
	timely := func(fn func(context.Context) error) (ended bool, err error) {
		grace := v.grace()
		ctx, cancel := context.WithDeadlineCause(ctx, v.end.Add(grace),
			fault.New(fault.Connect, "no answer from the server %s for %v, when the time was over", v.c.cfg.Addr(), grace))
		defer cancel()
		err = fn(ctx)
		return ctx.Err() != nil, err
	}
	for {
		began := now()
		late := !began.Before(v.end)
		_, err = timely(func(ctx context.Context) error {
			return v.steadily(ctx, func() (err error) {
				found, err = v.look(ctx)
				return err
			})
		})
		v.slowest = max(v.slowest, now().Sub(began))
		if (err == nil || fault.KindOf(err) == fault.Partial) && v.hasLooked != nil {
			v.hasLooked()
		}
		switch partly := fault.KindOf(err) == fault.Partial && v.partly; {
		case partly && total(found) > 0 && enough(found):
			return found, true, nil
		case partly && !late: // the mailbox may come back, or another one do
		case err != nil:
			return nil, false, err
		case enough(found):
			return found, true, nil
		case late:
			return found, false, nil
		}
		if ended, err := timely(v.rest); err != nil && (!v.s.Broken() || ended) {
			return nil, false, err
		}
	}
}

// steadily does fn, in another session when the one it began in is lost.
func (v *vigil) steadily(ctx context.Context, fn func() error) error {
	for {
		err := fn()
		if err == nil {
			v.c.firm = true
		}
		if err == nil || !v.s.Broken() || ctx.Err() != nil {
			return err
		}
		if err := v.again(ctx, err); err != nil {
			return err
		}
	}
}

// look searches every mailbox once.
func (v *vigil) look(ctx context.Context) (found []*picked, err error) {
	if err := v.widen(ctx); err != nil {
		return nil, err
	}
	if v.looked {
		if err := v.knock(ctx); err != nil {
			return nil, err
		}
	}
	v.looked = true
	err = v.sel.each(ctx, v.s, func(p *picked) error {
		found = append(found, p)
		v.pace.saw(v.s.Opened())
		return nil
	})
	return found, err
}

// widen, with --all-mailboxes, takes in the mailboxes that have been made
// meanwhile: all that is in them is new.
func (v *vigil) widen(ctx context.Context) error {
	if !v.wide {
		return nil
	}
	names, err := v.sel.everywhere(ctx, v.s)
	if err != nil {
		return err
	}
	known := len(v.sel.boxes)
	for _, name := range names {
		if slices.Contains(v.sel.boxes, name) || slices.Contains(v.closed, name) {
			continue
		}
		if v.sel.since != nil {
			box, err := markOf(ctx, v.s, name)
			if fault.KindOf(err) == fault.Refused && !v.s.Broken() { // it is gone again
				continue
			}
			if err != nil {
				return err
			}
			box.Next = 1
			v.sel.since.Boxes = append(v.sel.since.Boxes, box)
		}
		v.sel.boxes = append(v.sel.boxes, name)
	}
	if len(v.sel.boxes) == known {
		return nil
	}
	return v.attach(ctx)
}

// read reads what was found, mailbox by mailbox, each message once.
func (v *vigil) read(ctx context.Context, found []*picked, w *want, emit func(*result.Message) error) error {
	for _, p := range found {
		if err := v.steadily(ctx, func() error { return v.readOne(ctx, p, w, emit) }); err != nil {
			return err
		}
	}
	return nil
}

func (v *vigil) readOne(ctx context.Context, p *picked, w *want, emit func(*result.Message) error) error {
	if p.count() == 0 {
		return nil
	}
	if err := v.open(ctx, p.place); err != nil {
		return err
	}
	var done query.Builder
	rd := &reading{s: v.s, w: w, emit: func(m *result.Message) error {
		err := emit(m)
		if err == nil {
			done.Add(m.UID, m.UID)
		}
		return err
	}}
	_, err := rd.read(ctx, p)
	if err != nil {
		p.without(done.Set())
	}
	return err
}

// open has a mailbox open in which messages were found.
func (v *vigil) open(ctx context.Context, where result.Place) error {
	if box := v.s.Opened(); box != nil && box.Name == where.Mailbox {
		return nil
	}
	if err := v.s.Examine(ctx, where.Mailbox); err != nil {
		return err
	}
	now, err := place(ctx, v.s)
	if err == nil && now.UIDValidity != where.UIDValidity {
		err = fault.New(fault.Stale, "the mailbox %q was made anew meanwhile: its UIDs mean other messages now", where.Mailbox)
	}
	return err
}

// sleep waits, or returns why ctx has ended.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// again opens a session in the place of one that was lost, until the deadline,
// and once more then. Its error is the last one.
func (v *vigil) again(ctx context.Context, lost error) error {
	now := v.c.in.p.Now
	v.c.firm = true
	if now().Sub(v.since) >= steadyFor {
		v.lost = 0
	}
	if v.lost == 0 {
		v.c.in.say("%v; connecting again", lost)
	}
	for ; ; v.lost++ {
		pause := lostPauses[min(v.lost, len(lostPauses)-1)]
		if left := v.end.Sub(now()); left <= pause {
			if v.last {
				return lost
			}
			v.last, pause = true, left
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		v.since = now()
		s, _, err := v.c.open(ctx, v.out)
		if err == nil {
			err = s.Settle(ctx)
		}
		if err == nil {
			v.s, v.idles = s, true
			err = v.attach(ctx)
		}
		if err == nil {
			v.lost++ // until it has lasted
			return nil
		}
		if fault.KindOf(err) != fault.Connect && fault.KindOf(err) != fault.Refused || ctx.Err() != nil {
			return err
		}
		lost = err
	}
}

// seen tells of what is new which does not match: how many messages, and which
// condition the one fails that fulfils most of them.
func (v *vigil) seen(ctx context.Context) (count uint64, nearest result.Message, fails string, err error) {
	conditions := query.Conditions(v.sel.node)
	best := -1
	for _, name := range v.sel.boxes {
		if err := v.s.Examine(ctx, name); err != nil {
			return 0, nearest, "", err
		}
		fresh, late := query.All(), query.Set(nil)
		if v.sel.since != nil {
			if late, err = v.sel.new(name); err != nil {
				return 0, nearest, "", err
			}
			fresh = query.UIDs(late)
		}
		all, err := v.sel.find(ctx, v.s, fresh, &picked{})
		if err != nil {
			return 0, nearest, "", err
		}
		if v.sel.since != nil {
			all = all.Intersect(late) // whatever the server makes of a range without an end
		}
		count += all.Len()
		all = all.Newest(maxNearest)
		var holds []query.Set
		for _, n := range conditions {
			set, err := v.sel.find(ctx, v.s, query.And(query.UIDs(all), n), &picked{})
			if err != nil {
				return 0, nearest, "", err
			}
			holds = append(holds, set)
		}
		for uid := range all.All() {
			score, failed := 0, ""
			for i, set := range holds {
				if set.Contains(uid, 0) {
					score++
				} else if failed == "" {
					failed = conditions[i].String()
				}
			}
			if failed == "" {
				failed = v.match.failure(name, uid)
			}
			if failed != "" && score >= best {
				best, fails = score, failed
				nearest = result.Message{Place: result.Place{Mailbox: name}, UID: uid}
			}
		}
	}
	return count, nearest, fails, nil
}

// maxNearest bounds how many messages of a mailbox are looked at to say why
// none matched.
const maxNearest = 100

// total is how many messages were found.
func total(found []*picked) (n uint64) {
	for _, p := range found {
		n += p.count()
	}
	return n
}

// without takes UIDs away from what is picked.
func (p *picked) without(gone query.Set) {
	p.set = p.set.Subtract(gone)
	p.order = slices.DeleteFunc(p.order, func(uid uint32) bool { return gone.Contains(uid, 0) })
}
