package sandbox

import (
	"errors"
	"io"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-sasl"
)

// session is one connection's state. Its view of the selected mailbox is what
// the client has been told; Poll and Idle bring it up to date. Everything
// below conn is guarded by the account's lock.
type session struct {
	srv  *Server
	acct *account
	conn *imapserver.Conn

	box      *mailbox // nil: nothing selected
	readOnly bool
	view     []row       // by sequence number - 1
	seen     imap.UID    // the highest UID that was ever in the view
	synced   uint64      // box.changed when the view was last whole
	keywords int         // how many of box.keywords the client knows
	saved    imap.UIDSet // $ (RFC 5182)
}

// row is a message as the client knows it: by this sequence number until an
// EXPUNGE is sent, with the flags of this change.
type row struct {
	*message
	known  uint64
	recent bool // \Recent, in this session only
}

// Close implements imapserver.Session.
func (s *session) Close() error { return s.Unselect() }

// Login implements imapserver.Session.
func (s *session) Login(user, password string) error {
	a, err := s.srv.login(user, password)
	if err == nil {
		s.acct = a
	}
	return err
}

// AuthenticateMechanisms implements imapserver.SessionSASL.
func (s *session) AuthenticateMechanisms() []string { return []string{sasl.Plain} }

// Authenticate implements imapserver.SessionSASL.
func (s *session) Authenticate(mech string) (sasl.Server, error) {
	if mech != sasl.Plain {
		return nil, no(imap.ResponseCodeCannot, "No such SASL mechanism")
	}
	return strictSASL{sasl.NewPlainServer(func(identity, user, password string) error {
		if identity != "" && identity != user {
			return no(imap.ResponseCodeAuthorizationFailed, "Cannot act for another user")
		}
		return s.Login(user, password)
	})}, nil
}

// strictSASL answers BAD to a malformed response, for which imapserver would
// blame itself, and keeps it from writing an empty challenge as "=", which is
// what an empty initial response looks like (RFC 4959), not a challenge.
type strictSASL struct{ sasl.Server }

func (s strictSASL) Next(response []byte) ([]byte, bool, error) {
	challenge, done, err := s.Server.Next(response)
	if _, ok := errors.AsType[*imap.Error](err); err != nil && !ok {
		err = bad("Malformed SASL response")
	}
	if len(challenge) == 0 {
		challenge = nil
	}
	return challenge, done, err
}

// Unauthenticate implements imapserver.SessionUnauthenticate (RFC 8437).
func (s *session) Unauthenticate() error { return s.Unselect() }

// AppendLimit implements imapserver.SessionAppendLimit (RFC 7889).
func (s *session) AppendLimit() uint32 { return maxMessage }

// Append implements imapserver.Session.
func (s *session) Append(name string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	raw, err := io.ReadAll(r) // imapserver has held it against AppendLimit
	if err != nil {
		return nil, err
	}
	date := o.Time
	if date.IsZero() {
		date = s.srv.now()
	}
	data, err := s.acct.append(name, raw, o.Flags, date)
	if !s.srv.caps.has(imap.CapUIDPlus) {
		data = nil
	}
	return data, err
}

// Select implements imapserver.Session, EXAMINE too.
func (s *session) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	rev2 := s.rev2()
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	b, err := s.acct.box(name, imap.ResponseCodeNonExistent)
	if err != nil {
		return nil, err
	}
	s.box, s.readOnly, s.view, s.seen, s.saved = b, o.ReadOnly, nil, 0, nil
	recents := s.extend()
	s.synced, s.keywords = b.changed, len(b.keywords)
	data := &imap.SelectData{
		Flags: b.defined(), PermanentFlags: append(b.defined(), imap.FlagWildcard),
		NumMessages: uint32(len(s.view)), NumRecent: recents, UIDNext: b.uidNext, UIDValidity: b.uidValidity,
	}
	if o.ReadOnly {
		data.PermanentFlags = nil
	}
	unseen := func(r row) bool { return !hasFlag(r.flags, imap.FlagSeen) }
	data.FirstUnseenSeqNum = uint32(slices.IndexFunc(s.view, unseen) + 1)
	if rev2 {
		data.List = &imap.ListData{Mailbox: b.name, Delim: delim}
	}
	return data, nil
}

func (s *session) rev2() bool { return s.conn.EnabledCaps().Has(imap.CapIMAP4rev2) }

// extend adds to the view what has arrived since, and returns how many are
// \Recent in it. The first session that could write to the mailbox has them.
func (s *session) extend() (recents uint32) {
	for _, m := range s.box.after(s.seen) {
		r := row{message: m, known: m.changed, recent: m.uid >= s.box.notRecent}
		s.view = append(s.view, r)
		s.seen = m.uid
	}
	if !s.readOnly {
		s.box.notRecent = s.box.uidNext
	}
	for _, r := range s.view {
		if r.recent && !r.expunged {
			recents++
		}
	}
	return recents
}

// Unselect implements imapserver.Session.
func (s *session) Unselect() error {
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	s.box, s.view, s.saved = nil, nil, nil
	return nil
}

// update is one untagged response that Poll owes.
type update struct {
	expunge, exists uint32
	recents         uint32
	keywords        []imap.Flag // the mailbox's flags
	seq             uint32      // a message's flags
	uid             imap.UID
	flags           []imap.Flag
}

func (u update) write(w *imapserver.UpdateWriter) error {
	switch {
	case u.expunge > 0:
		return w.WriteExpunge(u.expunge)
	case u.exists > 0:
		if err := w.WriteNumMessages(u.exists); err != nil {
			return err
		}
		return w.WriteNumRecent(u.recents)
	case u.keywords != nil:
		return w.WriteMailboxFlags(u.keywords)
	}
	return w.WriteMessageFlags(u.seq, u.uid, u.flags)
}

// Poll implements imapserver.Session: it tells what others changed.
func (s *session) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	rev2 := s.rev2()
	s.acct.mu.Lock()
	updates := s.updates(allowExpunge, rev2)
	s.acct.mu.Unlock()
	for _, u := range updates {
		if err := u.write(w); err != nil {
			return err
		}
	}
	return nil
}

// updates brings the view up to date and returns what the client must be told
// for it: what went, what came, what flags changed.
func (s *session) updates(allowExpunge, rev2 bool) (out []update) {
	if s.box == nil || s.synced == s.box.changed {
		return nil
	}
	ghosts := false
	kept := s.view[:0]
	for _, r := range s.view {
		if r.expunged && allowExpunge {
			out = append(out, update{expunge: uint32(len(kept) + 1)})
			continue
		}
		ghosts = ghosts || r.expunged
		kept = append(kept, r)
	}
	clear(s.view[len(kept):])
	s.view = kept
	before := len(s.view)
	if recents := s.extend(); len(s.view) > before {
		out = append(out, update{exists: uint32(len(s.view)), recents: recents})
	}
	if n := len(s.box.keywords); n > s.keywords {
		s.keywords = n
		out = append(out, update{keywords: s.box.defined()})
	}
	for i := range s.view {
		r := &s.view[i]
		if r.changed != r.known && !r.expunged {
			r.known = r.changed
			out = append(out, update{seq: uint32(i + 1), uid: r.uid, flags: r.shown(rev2)})
		}
	}
	if !ghosts {
		s.synced = s.box.changed
	}
	return out
}

// shown is the row's flags as the client sees them; IMAP4rev2 knows no \Recent.
func (r row) shown(rev2 bool) []imap.Flag {
	if r.recent && !rev2 {
		return union(r.flags, []imap.Flag{recent})
	}
	return r.flags
}

// Idle implements imapserver.Session (RFC 2177). The channel to wait on is
// taken under the same lock as the state, so that no change is missed.
func (s *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	if s.srv.faults.dropIdle {
		<-stop
		return nil
	}
	for {
		s.acct.mu.Lock()
		wake := s.acct.wake
		s.acct.mu.Unlock()
		if err := s.Poll(w, true); err != nil {
			return err
		}
		select {
		case <-wake:
		case <-stop:
			return nil
		}
	}
}

// rows resolves a set to indexes of the view, ascending, without messages that
// are gone. A sequence number that the client cannot know is BAD.
func (s *session) rows(set imap.NumSet) ([]int, error) {
	set, err := s.static(set)
	if err != nil {
		return nil, err
	}
	var out []int
	for i, r := range s.view {
		if !r.expunged && contains(set, uint32(i+1), r.uid) {
			out = append(out, i)
		}
	}
	return out, nil
}

func contains(set imap.NumSet, seq uint32, uid imap.UID) bool {
	switch set := set.(type) {
	case imap.SeqSet:
		return set.Contains(seq)
	case imap.UIDSet:
		return set.Contains(uid)
	}
	return false
}

// static resolves "*" and "$" in a set. "n:*" holds the last message even when
// n is above it (RFC 9051, section 9, seq-range).
func (s *session) static(set imap.NumSet) (imap.NumSet, error) {
	if imap.IsSearchRes(set) {
		return s.saved, nil
	}
	switch set := set.(type) {
	case imap.SeqSet:
		var out imap.SeqSet
		last := uint32(len(s.view))
		for _, r := range set {
			start, stop := order(r.Start, r.Stop, last)
			if r.Stop != 0 && stop > last {
				return nil, bad("No message has that sequence number")
			}
			if stop > 0 {
				out.AddRange(max(start, 1), stop)
			}
		}
		return out, nil
	case imap.UIDSet:
		var out imap.UIDSet
		var last uint32
		for _, r := range s.view {
			if !r.expunged {
				last = uint32(r.uid)
			}
		}
		for _, r := range set {
			if start, stop := order(uint32(r.Start), uint32(r.Stop), last); stop > 0 {
				out.AddRange(imap.UID(max(start, 1)), imap.UID(stop))
			}
		}
		return out, nil
	}
	return nil, bad("Not a message set")
}

// order puts "*", which is 0, at last, and the smaller bound first.
func order(start, stop, last uint32) (uint32, uint32) {
	if start == 0 {
		start = last
	}
	if stop == 0 {
		stop = last
	}
	return min(start, stop), max(start, stop)
}
