package session

import (
	"context"

	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// Expunge removes those of the messages for good that are flagged \Deleted,
// and no others: UID EXPUNGE (RFC 4315), for which the caller has made sure of
// UIDPLUS. refusal is the server's NO or BAD; err means that the outcome is
// not known. Present tells what is left.
func (s *Session) Expunge(ctx context.Context, set query.Set) (refused, err error) {
	return s.expunge(ctx, wire.NewCommand("UID EXPUNGE").Atom(sequence(set)))
}

// ExpungeAll removes every message that is flagged \Deleted, whoever flagged
// it: EXPUNGE.
func (s *Session) ExpungeAll(ctx context.Context) (refused, err error) {
	return s.expunge(ctx, wire.NewCommand("EXPUNGE"))
}

func (s *Session) expunge(ctx context.Context, cmd *wire.Command) (refused, err error) {
	st, err := s.do(ctx, cmd)
	if err == nil && !st.OK() {
		refused = refusal(st, "cannot expunge %q", s.box.title())
	}
	return refused, err
}

// Present returns which of the messages are in the open mailbox. An answer that
// the server cut short is an error.
func (s *Session) Present(ctx context.Context, set query.Set) (query.Set, error) {
	if set.Empty() {
		return nil, nil
	}
	return s.Fetch(ctx, FetchRequest{Set: set, Whole: true})
}
