package change

import (
	"context"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// Remove removes messages for good: it flags them \Deleted, unless they are to
// be flagged already, and expunges exactly these. Without UIDPLUS they stay
// flagged, for a plain EXPUNGE would remove other people's as well.
type Remove struct {
	Flag    bool // flag them first; else only what is flagged goes
	UIDPLUS bool
	// Everything sends a plain EXPUNGE where the server lacks UIDPLUS: whatever
	// is flagged in the mailbox goes.
	Everything bool
}

func (a *Remove) name() string { return "expunge" }

func (a *Remove) begin(context.Context, *Writer, *part) error { return nil }

func (a *Remove) do(ctx context.Context, w *Writer, p *part) error {
	r := &remover{flag: a.Flag, uidplus: a.UIDPLUS, everything: a.Everything}
	return r.do(ctx, w, p, todo, sent)
}

// look sees what has gone; what has not is removed again, which does no harm.
func (a *Remove) look(ctx context.Context, w *Writer, p *part) error {
	open := p.uids(sent)
	there, err := w.Session.Present(ctx, open)
	if err != nil {
		return err
	}
	for uid := range open.All() {
		if there.Contains(uid, 0) {
			p.items[uid].state = todo
		} else {
			p.items[uid].end(result.Done, "", nil)
		}
	}
	return nil
}

// remover is the way of messages out of a mailbox, of those that are copied as
// of those that are deleted. Both steps may be done twice.
type remover struct {
	flag       bool
	uidplus    bool
	everything bool
}

func (r *remover) do(ctx context.Context, w *Writer, p *part, from ...state) error {
	set := p.uids(from...)
	if set.Empty() {
		return nil
	}
	if from[0] == todo {
		p.move(set, sent)
	}
	if r.flag {
		refused, err := r.flagThem(ctx, w.Session, set)
		if err != nil {
			return err
		}
		if refused != nil {
			// It may be for one message that has gone.
			there, err := w.Session.Present(ctx, set)
			if err != nil {
				return err
			}
			if there.Empty() || there.Len() == set.Len() {
				return r.keep(ctx, w, p, set, refused)
			}
			for uid := range set.Subtract(there).All() {
				p.items[uid].end(result.Done, "", nil)
			}
			return r.do(ctx, w, p, from...)
		}
	}
	if !r.uidplus && !r.everything {
		return r.flagged(ctx, w, p, set)
	}
	return r.expunge(ctx, w, p, set)
}

// flagThem flags messages \Deleted and reports the server's refusal.
func (r *remover) flagThem(ctx context.Context, s *session.Session, set query.Set) (refused, err error) {
	res, err := s.Store(ctx, session.StoreRequest{Set: set, Item: "+FLAGS.SILENT", Flags: []string{`\Deleted`}})
	return res.Refusal, err
}

// keep ends items that the server refuses to flag. An earlier STORE, of which a
// lost connection has kept the answer, may have flagged them all the same, so
// that has to be looked at. One that is copied is not told to be refused: done
// again, it would be there twice.
func (r *remover) keep(ctx context.Context, w *Writer, p *part, set query.Set, refused error) error {
	there, err := w.Session.Fetch(ctx, session.FetchRequest{Set: set, Items: []string{"FLAGS"}, Whole: true, Row: func(m *session.Fetched) error {
		switch it := p.items[m.UID]; {
		case hasFlag(m.Flags, `\Deleted`):
			it.end(result.Flagged, `flagged \Deleted, not removed: `+refused.Error(), refused)
		case it.state == copied:
			it.end(result.Copied, "the original stays: "+refused.Error(), refused)
		default:
			it.end(result.Refused, refused.Error(), refused)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	for uid := range set.Subtract(there).All() {
		p.items[uid].end(result.Done, "", nil)
	}
	return nil
}

// flagged ends items that stay, flagged.
func (r *remover) flagged(ctx context.Context, w *Writer, p *part, set query.Set) error {
	return r.left(ctx, w, p, set, func(it *item) {
		it.end(result.Flagged, `flagged \Deleted, not removed: the server lacks UIDPLUS; imapknife expunge removes everything that is flagged`, nil)
	})
}

func (r *remover) expunge(ctx context.Context, w *Writer, p *part, set query.Set) error {
	send := func() (session.Expunged, error) { return w.Session.Expunge(ctx, set) }
	if !r.uidplus {
		send = func() (session.Expunged, error) { return w.Session.ExpungeAll(ctx) }
	}
	res, err := send()
	if err != nil {
		return err
	}
	refused := res.Refusal
	var left error = &fault.Error{Kind: fault.Refused, Op: "the server left it", Server: res.Answer}
	kept := query.Set(nil) // of those that were to be flagged already, what is
	if !r.flag && refused == nil {
		if kept, err = r.deleted(ctx, w, set); err != nil {
			return err
		}
	}
	return r.left(ctx, w, p, set, func(it *item) {
		switch {
		case kept.Contains(it.uid, 0):
			it.end(result.Refused, left.Error(), left)
		case refused != nil && r.flag:
			it.end(result.Flagged, `flagged \Deleted, not removed: `+refused.Error(), refused)
		case refused != nil:
			it.end(result.Refused, refused.Error(), refused)
		case r.flag:
			it.end(result.Flagged, `flagged \Deleted, not removed: `+left.Error(), left)
		default:
			it.end(result.Refused, `it is not flagged \Deleted`, nil)
		}
	})
}

// deleted returns which of the messages are there and flagged \Deleted.
func (r *remover) deleted(ctx context.Context, w *Writer, set query.Set) (query.Set, error) {
	var found query.Builder
	_, err := w.Session.Fetch(ctx, session.FetchRequest{Set: set, Items: []string{"FLAGS"}, Whole: true, Row: func(m *session.Fetched) error {
		if hasFlag(m.Flags, `\Deleted`) {
			found.Add(m.UID, m.UID)
		}
		return nil
	}})
	return found.Set(), err
}

// left looks which of the messages are still there, for whose rows stay makes
// an end; the others are done.
func (r *remover) left(ctx context.Context, w *Writer, p *part, set query.Set, stay func(*item)) error {
	there, err := w.Session.Present(ctx, set)
	if err != nil {
		return err
	}
	for uid := range set.All() {
		if it := p.items[uid]; there.Contains(uid, 0) {
			stay(it)
		} else {
			it.end(result.Done, "", nil)
		}
	}
	return nil
}
