package session

import (
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/wire"
)

// refusedFor is how long a form that a server refused is not tried again.
const refusedFor = 30 * 24 * time.Hour

// severalPatterns is remembered like a capability: one LIST takes several
// patterns (RFC 5258).
const severalPatterns = "LIST-EXTENDED=PATTERNS"

// plainly runs form, which an announced capability allows, and plain in its place
// where the server does not take the form: with BAD, or with a NO that names no
// other reason. Where plain works the form is not tried again on this server;
// where that is refused, too, the refusal was about something else.
func (s *Session) plainly(capability string, form, plain func() (wire.Status, error)) (wire.Status, error) {
	misjudged := s.misjudged
	st, err := form()
	if err != nil || !refusesForm(st) {
		return st, err
	}
	if st, err = plain(); err == nil && st.OK() {
		s.misjudged = misjudged
		s.NoteRefused(capability)
	}
	return st, err
}

// refusesForm reports whether an answer may mean that the server does not take
// the form of a command. A NO with another code has a reason of its own.
func refusesForm(st wire.Status) bool {
	return st.Status == "BAD" || st.Status == "NO" && slices.Contains([]string{"", "CANNOT", "CLIENTBUG"}, st.Code)
}

// NoteRefused remembers that the server refuses what the capability allows, and
// takes the plain form.
func (s *Session) NoteRefused(capability string) {
	s.cfg.Trace.Note("the server refuses %s, and takes the plain form", capability)
	refused := map[string]time.Time{}
	for name, at := range s.record.Refused {
		refused[name] = at
	}
	refused[capability] = s.cfg.Now().UTC().Truncate(time.Second)
	s.record.Refused, s.learnt = refused, true
}

// refuses reports whether the server is known to refuse what the capability
// allows.
func (s *Session) refuses(capability string) bool {
	at, ok := s.record.Refused[capability]
	return ok && s.cfg.Now().Sub(at) < refusedFor
}
