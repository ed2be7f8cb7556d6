package session

import (
	"context"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/wire"
)

// maxOddOctets bounds what is kept of names that cannot be made of what is
// shown of them.
const maxOddOctets = 4 << 20

// spelling knows the mailboxes whose octets encodeName does not make of the name
// that is shown: modified UTF-7 that another would write otherwise, raw UTF-8,
// Latin-1 (RFC 3501 section 5.1.3).
type spelling struct {
	odd    map[string][]string // shown name, or octets as sent, to octets
	octets int                 // of that
	asked  bool                // LIST has shown all of them
}

func (o *spelling) add(name, raw string) {
	if o.octets > maxOddOctets || slices.Contains(o.odd[name], raw) {
		return
	}
	if o.odd == nil {
		o.odd = map[string][]string{}
	}
	o.odd[name] = append(o.odd[name], raw)
	o.octets += len(name) + len(raw) + 64
}

// odd keeps the octets of a name that cannot be made of it again.
func (s *Session) odd(e *ListEntry) {
	if !e.Exact {
		s.spelling.add(e.Name, e.Raw)
		s.spelling.add(e.Raw, e.Raw)
	}
}

// octets returns what a command calls the mailbox: the octets that the server
// has taken before, or else the name's encoding.
func (s *Session) octets(name string) string {
	if own, ok := s.cfg.Spelled[name]; ok {
		return own
	}
	return s.encodeName(name)
}

func (s *Session) spell(name, octets string) {
	if s.cfg.Spelled == nil {
		s.cfg.Spelled = map[string]string{}
	}
	s.cfg.Spelled[name] = octets
}

// another is a command about a mailbox that may have to be sent with other
// octets.
type another struct {
	name  string
	sent  string // the octets that it was sent with
	build func(octets string) *wire.Command
}

// about sends a command about the mailbox name, which build makes of the name's
// octets. Where the server says NO, await looks for other octets.
func (s *Session) about(ctx context.Context, name string, build func(octets string) *wire.Command) (*wire.Pending, error) {
	octets := s.octets(name)
	p, err := s.send(ctx, build(octets))
	if err == nil && !strings.EqualFold(name, "INBOX") {
		if s.others == nil {
			s.others = map[*wire.Pending]another{}
		}
		s.others[p] = another{name, octets, build}
	}
	return p, err
}

// aboutNow is about for a command that changes something: it waits for the answer,
// and only octets that LIST shows are tried.
func (s *Session) aboutNow(ctx context.Context, name string, build func(octets string) *wire.Command) (wire.Status, error) {
	st, err := s.do(ctx, build(s.octets(name)))
	if err != nil || !notThere(st) {
		return st, err
	}
	own, err := s.lookUp(ctx, name)
	if err != nil || own == "" {
		return st, err
	}
	again, err := s.do(ctx, build(own))
	if err == nil && again.OK() {
		s.spell(name, own)
	}
	return again, err
}

// notThere reports whether a refusal may mean that there is no mailbox of the
// name. Another code says that the name is known.
func notThere(st wire.Status) bool {
	return st.Status == "NO" && slices.Contains([]string{"", "NONEXISTENT", "TRYCREATE", "CANNOT", "CLIENTBUG"}, st.Code)
}

// respell sends a command in the place of p, which the server has refused with
// no, with the octets that it has taken since, the name as it stands, and the
// octets that LIST shows. Where it takes none, the first refusal stands.
func (s *Session) respell(ctx context.Context, p *wire.Pending, o another, no wire.Status) (wire.Status, error) {
	behind, err := s.waitBehind(ctx)
	if err != nil {
		return no, err
	}
	tried := []string{o.sent}
	for _, find := range [...]func(context.Context, string) (string, error){s.known, s.asIs, s.lookUp} {
		own, err := find(ctx, o.name)
		if err != nil {
			return no, err
		}
		if own == "" || slices.Contains(tried, own) {
			continue
		}
		tried = append(tried, own)
		if err := s.c.Redo(ctx, p, o.build(own)); err != nil {
			return no, err
		}
		st, err := s.c.Wait(ctx, p)
		if err != nil {
			return no, err
		}
		if st.OK() {
			s.spell(o.name, own)
			return st, s.repeat(ctx, p, behind)
		}
	}
	return no, nil
}

// instead sends cmd, after those of first, in the place of p, which the server
// has refused.
func (s *Session) instead(ctx context.Context, p *wire.Pending, cmd *wire.Command, first ...*wire.Command) (wire.Status, error) {
	no := p.Result
	behind, err := s.waitBehind(ctx)
	if err != nil {
		return no, err
	}
	for _, f := range first {
		if _, err := s.c.Send(ctx, f); err != nil {
			return no, err
		}
	}
	if err := s.c.Redo(ctx, p, cmd); err != nil {
		return no, err
	}
	st, err := s.c.Wait(ctx, p)
	if err != nil || !st.OK() {
		return no, err
	}
	return st, s.repeat(ctx, p, behind)
}

// waitBehind waits for what is in flight behind a command that was refused.
func (s *Session) waitBehind(ctx context.Context) ([]*wire.Pending, error) {
	behind := s.c.InFlight()
	for _, b := range behind {
		if _, err := s.c.Wait(ctx, b); err != nil {
			return nil, err
		}
	}
	s.probed = true // nothing was dropped
	return behind, nil
}

// repeat sends again what failed behind p for want of an open mailbox.
func (s *Session) repeat(ctx context.Context, p *wire.Pending, behind []*wire.Pending) error {
	if p.Name() == "STATUS" {
		return nil
	}
	for _, b := range behind {
		if _, named := s.others[b]; !b.Result.OK() && !named {
			if err := s.c.Repeat(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// known returns the octets that the server has taken since.
func (s *Session) known(_ context.Context, name string) (string, error) { return s.octets(name), nil }

// asIs returns the name itself: some servers know mailboxes by raw octets, and
// raw_name of list may have been given.
func (s *Session) asIs(_ context.Context, name string) (string, error) { return name, nil }

// lookUp finds the octets of a mailbox that the server does not know by the
// name's encoding: those of the one mailbox that LIST shows by this name. It
// returns none where the encoding is listed, too: the refusal was about
// something else.
func (s *Session) lookUp(ctx context.Context, name string) (string, error) {
	encoded, listed := s.octets(name), false
	see := func(e *ListEntry) {
		s.odd(e)
		listed = listed || e.Raw == encoded
	}
	if !s.spelling.asked {
		s.spelling.asked = true
		if ok, err := s.lookThrough(ctx, "*", see); err != nil || !ok {
			return "", err
		}
	} else if len(s.spelling.odd[name]) > 0 {
		if ok, err := s.lookThrough(ctx, encoded, see); err != nil || !ok {
			return "", err
		}
	}
	own := s.spelling.odd[name]
	if listed || len(own) != 1 || own[0] == encoded {
		return "", nil
	}
	return own[0], nil
}

// unnamed is refusal of a command about a mailbox, with a hint where several
// are listed by its name.
func (s *Session) unnamed(st wire.Status, name, format string, args ...any) *fault.Error {
	e := refusal(st, format, args...)
	if own := s.spelling.odd[name]; len(own) > 1 && notThere(st) {
		e.Hint("%d mailboxes are listed as %q: raw_name of imapknife list --json tells them apart, and can be given instead", len(own), name)
	}
	return e
}

// lookThrough sends a plain LIST, past the prologue, and reports whether it is
// answered. A connection that is lost is no reason to forget the refusal.
func (s *Session) lookThrough(ctx context.Context, pattern string, see func(*ListEntry)) (bool, error) {
	st, err := s.c.Do(ctx, wire.NewCommand("LIST").String("").String(pattern).On(func(r *wire.Response) error {
		if e := s.readList(r); e != nil {
			see(e)
		}
		return nil
	}, "LIST"))
	return err == nil && st.OK(), context.Cause(ctx)
}

// FindSpelling reports whether the server lists the mailbox by octets that its name
// does not encode to; commands use them from then on.
func (s *Session) FindSpelling(ctx context.Context, name string) (bool, error) {
	if err := s.Settle(ctx); err != nil {
		return false, err
	}
	own, err := s.lookUp(ctx, name)
	if own != "" {
		s.spell(name, own)
	}
	return own != "", err
}
