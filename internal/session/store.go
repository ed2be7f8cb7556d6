package session

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// StoreRequest changes the flags of messages in the open mailbox.
type StoreRequest struct {
	Set   query.Set // at most some thousands of UIDs
	Item  string    // FLAGS, +FLAGS, -FLAGS or the same with X-GM-LABELS
	Flags []string  // flags as sent; labels of Gmail decoded
	// UnchangedSince leaves alone what has changed since that modification
	// sequence (RFC 7162 section 3.1.3); nil for none.
	UnchangedSince *uint64
}

// Stored is what the server confirmed of STORE.
type Stored struct {
	Refusal  error               // the server's NO or BAD, of kind Refused; nil for OK
	Flags    map[uint32][]string // flags after, of the messages the server told
	Cut      bool                // done for some of the messages only (RFC 9738)
	Expunged uint64              // messages that the server removed before its OK
	Modified query.Set           // not changed: they had changed before
}

// Store runs UID STORE. An error means that the outcome is not known.
func (s *Session) Store(ctx context.Context, q StoreRequest) (*Stored, error) {
	res := &Stored{Flags: map[uint32][]string{}}
	cmd := wire.NewCommand("UID STORE").Atom(sequence(q.Set))
	if q.UnchangedSince != nil {
		cmd.List("UNCHANGEDSINCE", strconv.FormatUint(*q.UnchangedSince, 10))
	}
	cmd.Atom(q.Item).Open()
	labels := strings.HasSuffix(q.Item, "LABELS")
	for _, f := range q.Flags {
		if labels && !strings.HasPrefix(f, `\`) {
			cmd.String(EncodeName(f))
		} else {
			cmd.Atom(f)
		}
	}
	cmd.Close().On(func(r *wire.Response) error {
		if r.Kind == "EXPUNGE" {
			res.Expunged++
			s.heard(r)
			return nil
		}
		m := &Fetched{}
		f := &fetch{q: &FetchRequest{}}
		if err := f.items(r, m); err != nil || m.UID == 0 || !q.Set.Contains(m.UID, 0) {
			return err
		}
		switch {
		case labels && m.has&hasGmailLabels != 0:
			res.Flags[m.UID] = slices.Clone(m.GmailLabels)
		case !labels && m.has&hasFlags != 0:
			res.Flags[m.UID] = slices.Clone(m.Flags)
		}
		return nil
	}, "FETCH", "EXPUNGE")
	st, err := s.do(ctx, cmd)
	if err != nil {
		return res, err
	}
	res.Cut = st.OK() && st.Code == "MESSAGELIMIT"
	if st.Code == "MODIFIED" {
		var b query.Builder
		wire.NewReader([]byte(st.Args)).Set(func(lo, hi uint32) { b.Add(min(lo, hi), max(lo, hi)) })
		res.Modified = b.Set().Intersect(q.Set)
	}
	// With UNCHANGEDSINCE, NO [MODIFIED …] tells of the messages left alone, and
	// the others are done.
	if !st.OK() && st.Code != "MODIFIED" {
		res.Refusal = refusal(st, "cannot change flags in %q", s.box.title())
	}
	return res, nil
}
