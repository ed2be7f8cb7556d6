package sandbox

import (
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// writable refuses a change through EXAMINE.
func (s *session) writable() error {
	if s.readOnly {
		return no("READ-ONLY", "Mailbox is selected read-only")
	}
	return nil
}

// Store implements imapserver.Session (RFC 9051, section 6.4.6).
func (s *session) Store(w *imapserver.FetchWriter, set imap.NumSet, change *imap.StoreFlags, _ *imap.StoreOptions) error {
	rev2 := s.rev2()
	replies, err := s.store(set, change, rev2)
	if err != nil || change.Silent {
		return err
	}
	for _, u := range replies {
		m := w.CreateMessage(u.seq)
		m.WriteUID(u.uid)
		m.WriteFlags(u.flags)
		if err := m.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) store(set imap.NumSet, change *imap.StoreFlags, rev2 bool) ([]update, error) {
	flags, err := checkFlags(change.Flags)
	if err != nil {
		return nil, err
	}
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	if err := s.writable(); err != nil {
		return nil, err
	}
	rows, err := s.rows(set)
	if err != nil {
		return nil, err
	}
	if change.Op != imap.StoreFlagsDel {
		if err := s.box.learn(flags); err != nil {
			return nil, err
		}
	}
	var out []update
	for _, i := range rows {
		r := &s.view[i]
		uptodate := r.known == r.changed
		switch change.Op {
		case imap.StoreFlagsAdd:
			s.acct.setFlags(s.box, r.message, union(r.flags, flags))
		case imap.StoreFlagsDel:
			s.acct.setFlags(s.box, r.message, without(r.flags, flags))
		default:
			s.acct.setFlags(s.box, r.message, flags)
		}
		// A silent change that meets one of another session, which this client
		// has not heard of, is told after all.
		if uptodate || !change.Silent {
			r.known = r.changed
		}
		out = append(out, update{seq: uint32(i + 1), uid: r.uid, flags: r.shown(rev2)})
	}
	return out, nil
}

// Expunge implements imapserver.Session; uids is nil for EXPUNGE and CLOSE.
// The EXPUNGE responses come from the Poll that follows.
func (s *session) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	if s.readOnly && *w == (imapserver.ExpungeWriter{}) { // CLOSE writes nothing
		return nil
	}
	if err := s.writable(); err != nil {
		return err
	}
	picked := func(imap.UID) bool { return true }
	if uids != nil {
		set, err := s.static(*uids)
		if err != nil {
			return err
		}
		picked = func(u imap.UID) bool { return contains(set, 0, u) }
	}
	// Only what the client knows of: a message that came meanwhile stays.
	s.acct.expunge(s.box, func(m *message) bool {
		return m.uid <= s.seen && hasFlag(m.flags, imap.FlagDeleted) && picked(m.uid)
	})
	return nil
}

// Copy implements imapserver.Session. Nothing is copied unless all is.
func (s *session) Copy(set imap.NumSet, dest string) (*imap.CopyData, error) {
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	data, _, err := s.copy(set, dest)
	return data, err
}

// Move implements imapserver.SessionMove (RFC 6851). The EXPUNGE responses
// come from the Poll that follows.
func (s *session) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	data, err := s.move(set, dest)
	if err != nil || data == nil {
		return err
	}
	return w.WriteCopyData(data)
}

func (s *session) move(set imap.NumSet, dest string) (*imap.CopyData, error) {
	s.acct.mu.Lock()
	defer s.acct.mu.Unlock()
	if err := s.writable(); err != nil {
		return nil, err
	}
	data, sources, err := s.copy(set, dest)
	if err == nil {
		s.acct.expunge(s.box, func(m *message) bool { return sources[m] })
	}
	return data, err
}

// copy returns no data where there is nothing to tell: no message, or no
// UIDPLUS.
func (s *session) copy(set imap.NumSet, dest string) (*imap.CopyData, map[*message]bool, error) {
	rows, err := s.rows(set)
	if err != nil {
		return nil, nil, err
	}
	to, err := s.acct.box(dest, imap.ResponseCodeTryCreate)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range rows {
		if err := to.learn(s.view[i].flags); err != nil {
			return nil, nil, err
		}
	}
	data := &imap.CopyData{UIDValidity: to.uidValidity}
	sources := make(map[*message]bool)
	for _, i := range rows {
		m := s.view[i].message
		data.SourceUIDs.AddNum(m.uid)
		data.DestUIDs.AddNum(s.acct.add(to, m.content, m.flags, m.date).uid)
		sources[m] = true
	}
	if len(rows) == 0 || !s.srv.caps.has(imap.CapUIDPlus) {
		data = nil
	}
	return data, sources, nil
}
