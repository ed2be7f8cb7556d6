package session

import (
	"context"
	"strconv"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/wire"
)

// EnableQresync asks a server that offers QRESYNC (RFC 7162) to tell of what is
// removed by UID, and reports whether it will. It must be asked before a mailbox
// is opened.
func (s *Session) EnableQresync(ctx context.Context) (bool, error) {
	for _, needed := range [...]string{"QRESYNC", "ENABLE"} {
		if has, err := s.Has(ctx, needed); !has || err != nil {
			return false, err
		}
	}
	enabled := false
	st, err := s.do(ctx, wire.NewCommand("ENABLE").Atom("QRESYNC").On(func(r *wire.Response) error {
		enabled = enabled || parseCaps(string(r.Text())).has("QRESYNC")
		return nil
	}, "ENABLED"))
	return enabled && err == nil && st.OK(), err
}

// since makes FETCH one of what has changed, where that is asked for.
func (f *fetch) since(cmd *wire.Command) {
	if f.q.Since == 0 {
		return
	}
	modifiers := []string{"CHANGEDSINCE", strconv.FormatUint(f.q.Since, 10)}
	if f.q.Gone != nil {
		modifiers = append(modifiers, "VANISHED")
	}
	cmd.List(modifiers...)
}

// vanished hears VANISHED, of the past (EARLIER) or just now.
func (f *fetch) vanished(r *wire.Response) error {
	if r.Open() {
		for !r.Close() && r.Err() == nil {
			r.Skip()
		}
	}
	r.Set(func(lo, hi uint32) { f.q.Gone.Add(min(lo, hi), max(lo, hi)) })
	if err := r.Err(); wire.IsSyntax(err) { // passed over, what is gone would never be told
		return fault.New(fault.Protocol, "the server's VANISHED cannot be read: %v", err)
	}
	return r.Err()
}
