package session

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/wire"
)

// A mechanism is one way to log in. offered looks at what the server announced
// and whether user and secret are plain ASCII; command returns the command.
type mechanism struct {
	name    string
	offered func(c caps, ascii bool) bool
	command func(s *Session, offered caps, secret string) (*wire.Command, error)
}

// mechanisms lists the ways to log in, in the order of preference. LOGIN comes
// first because commands can be sent behind it in the same flight; Cyrus loses
// its place in its input when something follows AUTHENTICATE, so behind that
// nothing is sent before the answer.
var mechanisms = [...]mechanism{
	{"login", func(c caps, ascii bool) bool { return !c.has("LOGINDISABLED") && ascii }, loginCommand},
	{"plain", func(c caps, _ bool) bool { return c.has("AUTH=PLAIN") }, saslCommand},
	{"login", func(c caps, _ bool) bool { return !c.has("LOGINDISABLED") }, loginCommand},
}

// Mechanisms names the ways to log in that --auth can choose.
func Mechanisms() []string {
	var names []string
	for _, m := range mechanisms {
		if !slices.Contains(names, m.name) {
			names = append(names, m.name)
		}
	}
	return names
}

func loginCommand(s *Session, _ caps, secret string) (*wire.Command, error) {
	return wire.NewCommand("LOGIN").String(s.cfg.User).Secret(secret), nil
}

// saslCommand is AUTHENTICATE (RFC 9051 section 6.2.2) with go-sasl's PLAIN.
func saslCommand(s *Session, offered caps, secret string) (*wire.Command, error) {
	client := sasl.NewPlainClient("", s.cfg.User, secret)
	name, initial, err := client.Start()
	if err != nil {
		return nil, fault.Wrap(fault.Auth, err, "cannot start authentication")
	}
	s.c.Hide(string(initial))
	cmd := wire.NewCommand("AUTHENTICATE").Atom(name)
	sent := offered.has("SASL-IR")
	if sent {
		cmd.SecretAtom(base64.StdEncoding.EncodeToString(initial))
	}
	return cmd.OnContinue(func(challenge []byte) ([]byte, error) {
		if !sent {
			sent = true
			return initial, nil
		}
		reply, err := client.Next(challenge)
		if err != nil {
			err = fault.Wrap(fault.Auth, err, "cannot log in as %q: the server asks for more than the mechanism has", s.cfg.User)
		}
		return reply, err
	}), nil
}

// authenticate puts the login into flight. What the server offers before
// login must be known first: LOGINDISABLED forbids to send the password.
func (s *Session) authenticate(ctx context.Context, secret string) error {
	s.c.Hide(secret)
	m, offered, err := s.agree(ctx, isASCII(s.cfg.User+secret))
	if err != nil {
		return err
	}
	if names := offered.names(); !slices.Equal(names, s.record.Greeting) {
		s.record.Greeting, s.learnt = names, true
	}
	s.literals(offered)
	cmd, err := m.command(s, offered, secret)
	if err != nil {
		return err
	}
	cmd.On(func(r *wire.Response) error {
		s.setCaps(parseCaps(string(r.Text())))
		return nil
	}, "CAPABILITY")
	if s.login, err = s.c.Send(ctx, cmd); err != nil {
		return err
	}
	s.prologue = append(s.prologue, step{s.login, s.loggedIn})
	if cmd.Name() == "AUTHENTICATE" {
		if err := s.Settle(ctx); err != nil {
			return err
		}
	}
	if s.guessed != nil {
		return nil
	}
	// A server met for the first time is asked in the same flight.
	return s.later(ctx, s.capability(), func(wire.Status) error { return nil })
}

// agree finds a mechanism by what the server said in its greeting or, when it
// said nothing there, last time; and asks where that does not do.
func (s *Session) agree(ctx context.Context, ascii bool) (m mechanism, offered caps, err error) {
	offered = s.greeting
	if offered == nil && !s.exposed {
		// In clear text on a network, what the server said last time is not
		// good enough: LOGINDISABLED must stop the password.
		offered = newCaps(s.record.Greeting)
	}
	if offered != nil {
		if m, err = s.choose(offered, ascii); err == nil || s.greeting != nil {
			return m, offered, err
		}
	}
	if err = s.askCaps(ctx); err == nil {
		m, err = s.choose(s.greeting, ascii)
	}
	return m, s.greeting, err
}

// choose picks the first mechanism that the person allows and the server has.
func (s *Session) choose(offered caps, ascii bool) (mechanism, error) {
	order := s.cfg.Auth
	if len(order) == 0 {
		order = []string{""}
	}
	for _, want := range order {
		for _, m := range mechanisms {
			if (want == "" || m.name == strings.ToLower(want)) && m.offered(offered, ascii) {
				return m, nil
			}
		}
	}
	what := "the server offers no way to log in that imapknife knows"
	if len(s.cfg.Auth) > 0 {
		what = "the server does not offer --auth " + strings.Join(s.cfg.Auth, ",")
	}
	e := fault.New(fault.Auth, "%s", what)
	if offered.has("LOGINDISABLED") {
		e.Op += " (LOGINDISABLED)"
		if s.cfg.TLS == NoTLS {
			e.Hint("it may allow login over TLS: use imaps:// or imap://")
		}
	}
	return mechanism{}, e.Hint("imapknife capability --no-login shows what it offers")
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// loggedIn judges the answer to the login.
func (s *Session) loggedIn(st wire.Status) error {
	if st.OK() {
		if st.Code == "CAPABILITY" {
			s.setCaps(parseCaps(st.Args))
		}
		return nil
	}
	if s.greeting == nil { // what it offered last time may be why
		s.forgetGreeting()
	}
	e := refusal(st, "cannot log in as %q", s.cfg.User)
	e.Kind = fault.Auth
	switch st.Code {
	case "UNAVAILABLE":
		e.Kind = fault.Refused
		e.Hint("the server cannot check passwords at the moment: try again later")
	case "EXPIRED":
		e.Hint("the password has expired")
	case "PRIVACYREQUIRED":
		e.Hint("the server wants TLS: use imaps:// or imap://")
	default:
		e.Hint("check the user name and the password; some providers want an app password")
	}
	return e
}
