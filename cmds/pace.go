package cmds

import (
	"context"
	"fmt"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/session"
)

// Some servers end IDLE as soon as it begins, or announce messages beside each
// answer. After maxHasty looks without a pause there is one before the next:
// hastyPause while the mailboxes do change, and else one that grows.
const (
	maxHasty    = 5
	hastyPause  = 100 * time.Millisecond
	firstPause  = time.Second
	longestHush = 30 * time.Second
)

// pace says how long a pause must be before the server is asked again.
type pace struct {
	hasty int               // looks in a row without a pause before them
	quiet int               // of these, the last ones in which nothing had changed
	known map[string]string // what the mailboxes said of themselves at the last look
	news  bool              // since the last pause, one of them says something else
}

// saw compares a mailbox that is open with the last time.
func (p *pace) saw(box *session.Box) {
	if box == nil {
		return
	}
	say := fmt.Sprint(box.Validity(), " ", box.Exists)
	for _, n := range [...]*uint64{box.UIDNext, box.HighestModseq} {
		if n != nil {
			say += fmt.Sprint(" ", *n)
		}
	}
	if p.known == nil {
		p.known = map[string]string{}
	}
	p.news = p.news || p.known[box.Name] != say
	p.known[box.Name] = say
}

// next is the pause before the server is asked to IDLE again.
func (p *pace) next() time.Duration {
	news := p.news
	p.news = false
	p.hasty++
	if news || p.hasty <= maxHasty {
		p.quiet = 0
	}
	switch {
	case p.hasty <= maxHasty:
		return 0
	case news:
		return hastyPause
	}
	p.quiet++
	return min(firstPause<<min(p.quiet-1, 10), longestHush)
}

// lasted notes how long the server has let IDLE go on.
func (p *pace) lasted(d time.Duration) {
	if d >= firstPause {
		p.hasty = 0
	}
}

// rest waits for the next look: for the server to tell of a change, or for a
// while. When the time is over it does not.
func (v *vigil) rest(ctx context.Context) error {
	now := v.c.in.p.Now
	left := v.end.Sub(now())
	if left <= 0 {
		return context.Cause(ctx)
	}
	if v.idles && !v.soon && (len(v.sel.boxes) == 1 || v.notified) {
		leg, pause := idleLeg, v.pace.next()
		if v.poll > 0 {
			leg, pause = v.poll, min(pause, v.poll)
		}
		if err := sleep(ctx, min(pause, left)); err != nil {
			return err
		}
		began := now()
		left = v.end.Sub(began)
		if left <= 0 {
			return nil
		}
		_, err := v.s.Idle(ctx, min(leg, left))
		v.pace.lasted(now().Sub(began))
		if fault.KindOf(err) != fault.Refused || v.s.Broken() {
			return err
		}
		v.idles = false
		left = v.end.Sub(now())
	}
	pause := pollWait
	if v.poll > 0 {
		pause = v.poll
	}
	return sleep(ctx, min(pause, left))
}
