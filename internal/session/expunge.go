package session

import (
	"context"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// Expunged is how the server answered an expunge.
type Expunged struct {
	Refusal error         // the server's NO or BAD, of kind Refused; nil for OK
	Answer  *fault.Server // its words; OK may come with a reason why nothing was done
}

// Expunge removes those of the messages for good that are flagged \Deleted,
// and no others: UID EXPUNGE (RFC 4315), for which the caller has made sure of
// UIDPLUS. An error means that the outcome is not known. Present says what is left.
func (s *Session) Expunge(ctx context.Context, set query.Set) (Expunged, error) {
	return s.expunge(ctx, wire.NewCommand("UID EXPUNGE").Atom(sequence(set)))
}

// ExpungeAll removes every message that is flagged \Deleted, whoever flagged
// it: EXPUNGE.
func (s *Session) ExpungeAll(ctx context.Context) (Expunged, error) {
	return s.expunge(ctx, wire.NewCommand("EXPUNGE"))
}

func (s *Session) expunge(ctx context.Context, cmd *wire.Command) (out Expunged, err error) {
	st, err := s.do(ctx, cmd)
	if err == nil {
		out.Answer = st.Server()
	}
	if err == nil && !st.OK() {
		out.Refusal = refusal(st, "cannot expunge %q", s.box.title())
	}
	return out, err
}

// Present returns which of the messages are in the open mailbox. An answer that
// the server cut short is an error.
func (s *Session) Present(ctx context.Context, set query.Set) (query.Set, error) {
	if set.Empty() {
		return nil, nil
	}
	return s.Fetch(ctx, FetchRequest{Set: set, Whole: true})
}
