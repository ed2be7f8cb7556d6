package session

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// maxCaps is how many capabilities of a server are kept.
const maxCaps = 1000

// caps is a set of capabilities: upper-case name to the server's spelling.
type caps map[string]string

func newCaps(names []string) caps {
	if len(names) == 0 {
		return nil
	}
	c := make(caps, len(names))
	for _, n := range names[:min(len(names), maxCaps)] {
		c[strings.ToUpper(n)] = n
	}
	return c
}

func parseCaps(text string) caps { return newCaps(strings.Fields(text)) }

// revision2 is what IMAP4rev2 includes, so that a server that speaks nothing
// else need not list it (RFC 9051 appendix E).
var revision2 = [...]string{"ENABLE", "ESEARCH", "IDLE", "LIST-EXTENDED", "LIST-STATUS", "LITERAL-", "MOVE",
	"NAMESPACE", "SASL-IR", "SEARCHRES", "SPECIAL-USE", "STATUS=SIZE", "STATUS=DELETED", "UIDPLUS", "UNSELECT", "BINARY", "CHILDREN"}

func (c caps) has(name string) bool {
	if _, ok := c[name]; ok {
		return true
	}
	_, rev1 := c["IMAP4REV1"]
	_, rev2 := c["IMAP4REV2"]
	return rev2 && !rev1 && slices.Contains(revision2[:], name)
}

func (c caps) names() []string { return slices.Sorted(maps.Values(c)) }

// mechanisms are the SASL mechanisms of the set, in upper case.
func (c caps) mechanisms() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if mech, ok := strings.CutPrefix(name, "AUTH="); ok {
			out = append(out, mech)
		}
	}
	return out
}

// setCaps takes what the server announced: before login that is what it
// offers for logging in, from the login on what holds for the session.
func (s *Session) setCaps(c caps) {
	s.literals(c)
	if s.login == nil && !s.preauth {
		s.greeting = c
		return
	}
	s.caps = c
	if names := c.names(); !slices.Equal(names, s.record.Capabilities) {
		if s.record.Capabilities != nil { // another server, or a newer one
			s.record.Refused = nil
		}
		s.record.Capabilities, s.learnt = names, true
	}
}

// literals lets the connection send literals as the server allows.
func (s *Session) literals(c caps) {
	switch {
	case c.has("LITERAL+"):
		s.c.AllowNonSync(1 << 62)
	case c.has("LITERAL-"):
		s.c.AllowNonSync(4096)
	}
}

// Offers reports whether the server has the capability, by what is known
// without waiting: its own word if it has spoken, else what it said last time.
// A reading command may rely on it; Has makes sure.
func (s *Session) Offers(name string) bool {
	name = strings.ToUpper(name)
	if name == query.WrongUIDs {
		return s.wrongUIDs()
	}
	return !s.refuses(name) && s.announces(name)
}

// announces is Offers without regard to what the server is known to refuse.
func (s *Session) announces(name string) bool {
	if s.caps != nil {
		return s.caps.has(name)
	}
	return s.guessed.has(name)
}

// wrongUIDs reports whether the server may be GNU imap4d, known by offering
// UNSELECT without UIDPLUS: it takes the UIDs in a search program for sequence
// numbers. Another server of which this is said is only asked for more.
func (s *Session) wrongUIDs() bool {
	c := s.caps
	if c == nil {
		c = s.guessed
	}
	if c == nil {
		c = s.greeting
	}
	return c.has("UNSELECT") && !c.has("UIDPLUS")
}

// Has reports whether the server has the capability. It settles the prologue
// and asks where nothing is known yet.
func (s *Session) Has(ctx context.Context, name string) (bool, error) {
	err := s.learn(ctx)
	return s.Offers(name), err
}

// HasNow is Has by the server's own word in this session, for what writes: what
// it offered last time may hold no longer.
func (s *Session) HasNow(ctx context.Context, name string) (bool, error) {
	err := s.Settle(ctx)
	if err == nil && s.caps == nil {
		err = s.askCaps(ctx)
	}
	return err == nil && s.caps.has(name) && !s.refuses(strings.ToUpper(name)), err
}

// Need is an error of kind Refused unless the server has the capability.
func (s *Session) Need(ctx context.Context, name, what string) error {
	has, err := s.Has(ctx, name)
	if err == nil && !has && s.caps == nil { // it may have learnt since last time
		if err = s.Settle(ctx); err == nil && s.caps == nil {
			err = s.askCaps(ctx)
		}
		has = s.Offers(name)
	}
	if err == nil && !has {
		err = fault.New(fault.Refused, "%s needs the capability %s, which the server lacks", what, name).
			Hint("imapknife capability shows what the server offers")
	}
	return err
}

// learn makes the capabilities known: by the server's word, by what it said
// last time, or else by settling the prologue and asking.
func (s *Session) learn(ctx context.Context) error {
	if s.caps != nil || s.guessed != nil {
		return nil
	}
	if err := s.Settle(ctx); err != nil || s.caps != nil {
		return err
	}
	return s.askCaps(ctx)
}

// AppendLimit is the largest message that the server takes, in octets, where
// it says so for all mailboxes (RFC 7889 section 3).
func (s *Session) AppendLimit() (limit uint64, told bool) {
	for name := range s.caps {
		if n, ok := strings.CutPrefix(name, "APPENDLIMIT="); ok {
			limit, err := strconv.ParseUint(n, 10, 64)
			return limit, err == nil
		}
	}
	return 0, false
}

// askCaps sends CAPABILITY and waits.
func (s *Session) askCaps(ctx context.Context) error {
	st, err := s.do(ctx, s.capability())
	if err == nil && !st.OK() {
		err = refusal(st, "the server does not tell its capabilities")
	}
	return err
}

func (s *Session) capability() *wire.Command {
	return wire.NewCommand("CAPABILITY").On(func(r *wire.Response) error {
		s.setCaps(parseCaps(string(r.Text())))
		return nil
	}, "CAPABILITY")
}

// Capabilities asks the server what it offers, before login and after. after
// is nil when the session has not logged in.
func (s *Session) Capabilities(ctx context.Context) (before, after []string, err error) {
	if s.login == nil && s.cfg.Secret == nil {
		if s.greeting == nil {
			err = s.askCaps(ctx)
		}
		return s.greeting.names(), nil, err
	}
	if err := s.Settle(ctx); err != nil {
		return nil, nil, err
	}
	if s.caps == nil {
		err = s.askCaps(ctx)
	}
	return s.greeting.names(), s.caps.names(), err
}
