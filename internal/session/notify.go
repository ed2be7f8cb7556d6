package session

import (
	"context"

	"github.com/imapknife/imapknife/internal/wire"
)

// Notify asks a server that offers NOTIFY (RFC 5465) to tell of messages in
// these mailboxes, whichever is open, and with list also of mailboxes that come
// and go; Idle hears it. It reports whether the server will. It holds for
// the rest of the session, in the place of what was asked before.
func (s *Session) Notify(ctx context.Context, names []string, list bool) (bool, error) {
	s.notified = false
	if has, err := s.Has(ctx, "NOTIFY"); !has || err != nil {
		return false, err
	}
	events := func(c *wire.Command) *wire.Command { return c.List("MessageNew", "MessageExpunge", "FlagChange") }
	cmd := events(wire.NewCommand("NOTIFY").Atom("SET").Open().Atom("SELECTED")).Close()
	if len(names) > 0 {
		cmd.Open().Atom("MAILBOXES").Open()
		for _, name := range names {
			cmd.String(s.octets(name))
		}
		events(cmd.Close()).Close()
	}
	if list {
		cmd.Open().Atom("PERSONAL").List("MailboxName").Close()
	}
	st, err := s.do(ctx, cmd)
	s.notified = err == nil && st.OK()
	return s.notified, err
}

// Listed reports, once, whether the server has told of mailboxes that came or
// went.
func (s *Session) Listed() bool {
	listed := s.listed
	s.listed = false
	return listed
}

// heard notes what a server tells unasked, by IDLE or beside the answers to
// other commands.
func (s *Session) heard(r *wire.Response) {
	if r.Kind == "EXISTS" && s.box != nil {
		s.box.grow(r.Num)
	}
	switch kind := r.Kind; kind {
	case "EXISTS", "EXPUNGE", "VANISHED", "FETCH":
		s.stirred, s.news = true, s.notified
	case "STATUS", "LIST":
		s.news = s.notified
		s.listed = s.listed || s.notified && kind == "LIST"
	}
}
