package session

import (
	"context"
	"time"

	"github.com/imapknife/imapknife/internal/wire"
)

// Idle waits until the server tells of a change in the open mailbox, or in one
// that Notify has named, at most d (IDLE, RFC 2177), and reports whether it did. One that it has told of since
// the mailbox was opened, beside the answer to another command, counts: that
// will not be told again. What it does not tell may have happened all the same:
// look again in any case. A server without IDLE, or that refuses it, is an error
// of kind Refused.
func (s *Session) Idle(ctx context.Context, d time.Duration) (changed bool, err error) {
	if err := s.Settle(ctx); err != nil {
		return false, err
	}
	if err := s.Need(ctx, "IDLE", "waiting"); err != nil {
		return false, err
	}
	if s.stirred || s.news {
		s.news = false
		return true, nil
	}
	end := s.cfg.Now().Add(d)
	p, err := s.c.Send(ctx, wire.NewCommand("IDLE").Idles().On(func(r *wire.Response) error {
		changed = true
		s.heard(r)
		return nil
	}, "EXISTS", "EXPUNGE", "VANISHED", "FETCH", "STATUS", "LIST"))
	if err != nil {
		return false, err
	}
	for !changed && !p.Done() {
		left := end.Sub(s.cfg.Now())
		if left <= 0 {
			break
		}
		ready, err := s.c.Ready(ctx, left)
		if err == nil && ready {
			err = s.c.Step(ctx)
		}
		if err != nil {
			return false, err
		}
	}
	st, err := s.c.End(ctx, p)
	s.news = false
	if err == nil && !st.OK() {
		err = refusal(st, "IDLE is refused")
	}
	return changed, err
}
