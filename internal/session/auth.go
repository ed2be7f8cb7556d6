package session

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/sasl"
	"github.com/imapknife/imapknife/internal/wire"
)

// A method is one way to log in: a SASL mechanism, or the LOGIN command where
// that is nil.
type method struct {
	*sasl.Mechanism
}

func (m method) String() string {
	if m.Mechanism == nil {
		return "LOGIN"
	}
	return m.Name
}

// needsSecret reports whether there must be a password or a token.
func (m method) needsSecret() bool { return m.Mechanism == nil || m.Needs != sasl.NeedsNothing }

// Mechanisms names the ways to log in that --auth can choose, strongest first.
// login is the LOGIN command or, where that is not allowed, the mechanism.
func Mechanisms() []string {
	var names []string
	for _, m := range sasl.Mechanisms() {
		names = append(names, strings.ToLower(m.Name))
	}
	return names
}

// methods lists the ways to log in that the server offers and the person
// allows, in the order in which to try them. ascii tells that user and secret
// are plain ASCII, as the LOGIN command wants them.
//
// Without --auth there is one: the strongest, for a failed one must not be
// followed by one that shows the password. But servers announce -PLUS and
// cannot do it (Cyrus 3.6 binds to what TLS 1.3 does not have, imap4d to
// nothing), so behind that the same mechanism is tried unbound, and where that
// works, it is remembered. Of those that show it, the LOGIN
// command comes first because commands can be sent behind it in the same
// flight; Cyrus loses its place in its input when something follows
// AUTHENTICATE, so behind that nothing is sent before the answer.
func (s *Session) methods(offered caps, ascii bool) []method {
	names := offered.mechanisms()
	have := []sasl.Kind{sasl.NeedsNothing, sasl.NeedsPassword}
	if s.cfg.Token {
		have[1] = sasl.NeedsToken
	}
	login := !s.cfg.Token && s.cfg.AuthzID == "" && !offered.has("LOGINDISABLED")
	var out []method
	add := func(list []sasl.Mechanism) {
		for _, m := range list {
			out = append(out, method{Mechanism: &m})
		}
	}
	for _, want := range s.cfg.Auth {
		chosen := sasl.Choose(names, []string{want}, s.tlsState != nil, have...)
		if strings.EqualFold(want, "LOGIN") && login && (ascii || len(chosen) == 0) {
			out = append(out, method{})
			continue
		}
		add(chosen)
	}
	if len(s.cfg.Auth) > 0 {
		return out
	}
	if s.cfg.ClientCert != "" {
		add(sasl.Choose(names, []string{"EXTERNAL"}, s.tlsState != nil, have...))
	}
	add(sasl.Choose(names, nil, s.tlsState != nil, have[1:]...))
	reveals := slices.IndexFunc(out, method.reveals)
	switch {
	case !login:
	case reveals >= 0 && ascii:
		out = slices.Insert(out, reveals, method{})
	default:
		out = append(out, method{})
	}
	if s.record.Unbound {
		out = slices.DeleteFunc(out, method.binds)
	}
	n := 1
	if len(out) > 1 && out[0].binds() && !out[1].binds() && !out[1].reveals() {
		n = 2
	}
	return out[:min(len(out), n)]
}

func (m method) binds() bool   { return m.Mechanism != nil && m.Binds }
func (m method) reveals() bool { return m.Mechanism == nil || m.Reveals }

// command is one try of a method, with the mechanism's side of the exchange,
// nil for the LOGIN command.
func (s *Session) command(m method, offered caps, secret string) (*wire.Command, *exchange, error) {
	if m.Mechanism == nil {
		return wire.NewCommand("LOGIN").String(s.cfg.User).Secret(secret), nil, nil
	}
	as := sasl.Credentials{
		User: s.cfg.User, Authzid: s.cfg.AuthzID, Host: s.cfg.Host, Port: s.cfg.Port,
		TLS: s.tlsState, Offered: offered.mechanisms(),
	}
	if m.Needs == sasl.NeedsToken {
		as.Token = secret
	} else {
		as.Password = secret
	}
	client, err := m.New(as)
	if err != nil {
		return nil, nil, err
	}
	x := &exchange{Client: client}
	name, initial, err := client.Start()
	if err != nil {
		return nil, nil, fault.Wrap(fault.Auth, err, "cannot log in as %q by %s", s.cfg.User, m)
	}
	if m.Reveals {
		s.c.Hide(string(initial))
	}
	// AUTHENTICATE (RFC 9051 section 6.2.2), with an initial response where
	// the server takes one.
	cmd := wire.NewCommand("AUTHENTICATE").Atom(name)
	x.owed = initial != nil
	if x.owed && offered.has("SASL-IR") && !s.noInitial && !s.refuses("SASL-IR") {
		x.owed = false
		line := base64.StdEncoding.EncodeToString(initial)
		if line == "" {
			line = "=" // an empty response, not none
		}
		cmd.SecretAtom(line)
	}
	return cmd.OnContinue(func(challenge []byte) ([]byte, error) {
		if x.owed {
			x.owed = false
			return initial, nil
		}
		reply, err := client.Next(challenge)
		if err != nil {
			err = fault.Wrap(fault.Auth, err, "cannot log in as %q by %s", s.cfg.User, m)
		}
		return reply, err
	}), x, nil
}

// exchange is a mechanism's side of AUTHENTICATE, with what we still owe.
type exchange struct {
	sasl.Client
	owed bool // the initial response has not been sent
}

// Done refuses an OK that came before we had said who we are.
func (x *exchange) Done() error {
	if x.owed {
		return fault.New(fault.Protocol, "the server said OK before it was told who logs in")
	}
	return x.Client.Done()
}

// failure is what the server said about the token, if anything.
func (x *exchange) failure() string {
	if told, ok := x.Client.(interface{ Failure() string }); ok {
		return told.Failure()
	}
	return ""
}

// authenticate logs in. What the server offers before login must be known
// first: LOGINDISABLED forbids to send the password. The LOGIN command, if it
// is the last way to try, is put into flight and not waited for.
func (s *Session) authenticate(ctx context.Context) error {
	if s.preauth = s.welcome; s.preauth {
		s.caps, s.greeting = s.greeting, nil
		return nil
	}
	if s.cfg.User == "" && (s.cfg.Tunnel != "" || s.cfg.UnixSocket != "") && len(s.cfg.Auth) == 0 {
		return fault.New(fault.Usage, "no user name, and the server has not logged us in by itself (PREAUTH)").
			Hint("--user names one")
	}
	methods, offered, err := s.agree(ctx)
	if err != nil {
		return err
	}
	if names := offered.names(); !slices.Equal(names, s.record.Greeting) {
		s.record.Greeting, s.learnt = names, true
	}
	s.literals(offered)
	for i, m := range methods {
		err = s.try(ctx, m, offered, i == len(methods)-1)
		if err == nil || fault.KindOf(err) != fault.Auth || s.unproven || s.c.Broken() {
			break
		}
		if i+1 < len(methods) {
			s.cfg.Trace.Note("%s failed, %s is next", m, methods[i+1])
			s.rejected, s.prologue, s.login = nil, nil, nil
		}
	}
	if err == nil && len(s.cfg.Auth) == 0 && methods[0].binds() && s.mechanism != methods[0].String() {
		s.record.Unbound, s.learnt = true, true
		if s.cfg.Warn != nil {
			s.cfg.Warn("warning: the server announces " + methods[0].String() + " and refuses it; the login is not bound to the TLS connection")
		}
	}
	if err == nil && s.mayIntroduce() {
		err = s.later(ctx, s.identification(), func(wire.Status) error { return nil })
	}
	if err != nil || s.guessed != nil {
		return err
	}
	// A server met for the first time is asked in the same flight.
	return s.later(ctx, s.capability(), func(wire.Status) error { return nil })
}

// try logs in by one method. A refused token is tried once more after it was
// renewed.
func (s *Session) try(ctx context.Context, m method, offered caps, last bool) error {
	for renewed := false; ; renewed = true {
		secret := ""
		if m.needsSecret() {
			var err error
			if secret, err = s.reveal(ctx); err != nil {
				return err
			}
		}
		err := s.attempt(ctx, m, offered, secret, last)
		if fault.KindOf(err) != fault.Auth || m.Mechanism == nil || m.Needs != sasl.NeedsToken || renewed || s.cfg.Renew == nil || s.c.Broken() {
			return err
		}
		fresh, rerr := s.cfg.Renew(ctx, secret)
		if rerr != nil {
			return rerr
		}
		if fresh == secret {
			return err
		}
		s.cfg.Trace.Note("the token was refused, and is renewed")
		s.secret = &fresh
		s.c.Hide(fresh)
		s.rejected, s.prologue, s.login = nil, nil, nil
	}
}

func (s *Session) attempt(ctx context.Context, m method, offered caps, secret string, last bool) error {
	cmd, client, err := s.command(m, offered, secret)
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
	s.mechanism = m.String()
	s.prologue = append(s.prologue, step{s.login, func(st wire.Status) error { return s.loggedIn(st, m, client) }})
	if m.Mechanism == nil && last {
		return nil
	}
	err = s.Settle(ctx)
	if sent := m.Mechanism != nil && offered.has("SASL-IR") && !s.noInitial; !sent || fault.ServerOf(err) == nil || s.login.Result.Status != "BAD" || s.c.Broken() {
		return err
	}
	// A wrong password is NO; BAD may be about the initial response.
	s.rejected, s.prologue, s.login, s.noInitial = nil, nil, nil, true
	if err = s.attempt(ctx, m, offered, secret, last); err == nil {
		s.NoteRefused("SASL-IR")
	}
	return err
}

// Mechanism is how the login is, or was, done: LOGIN, or the name of the SASL
// mechanism; empty without a login.
func (s *Session) Mechanism() string { return s.mechanism }

// LogIn logs in on a session that was opened without a login, and waits for
// the server's answer.
func (s *Session) LogIn(ctx context.Context, secret func(context.Context) (string, error)) error {
	s.cfg.Secret = secret
	if err := s.authenticate(ctx); err != nil {
		return err
	}
	return s.Settle(ctx)
}

// Welcome reports whether the server greeted us as logged in (PREAUTH).
func (s *Session) Welcome() bool { return s.welcome }

// Noop waits for the server to answer a NOOP.
func (s *Session) Noop(ctx context.Context) error {
	st, err := s.do(ctx, wire.NewCommand("NOOP"))
	if err == nil && !st.OK() {
		err = refusal(st, "NOOP is refused")
	}
	return err
}

// Ways names the ways to log in that would be tried, in their order, by what
// the server announces before a login.
func (s *Session) Ways(ctx context.Context) ([]string, error) {
	if s.welcome {
		return nil, nil
	}
	if s.greeting == nil {
		if err := s.askCaps(ctx); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, m := range s.methods(s.greeting, true) {
		names = append(names, m.String())
	}
	return names, nil
}

// reveal fetches the secret, once.
func (s *Session) reveal(ctx context.Context) (string, error) {
	if s.secret == nil {
		secret, err := s.cfg.Secret(ctx)
		if err != nil {
			return "", err
		}
		s.secret = &secret
	}
	if s.c != nil {
		s.c.Hide(*s.secret)
	}
	return *s.secret, nil
}

// lazy reports whether the secret may turn out not to be needed, so that it is
// not fetched before the server has greeted.
func (s *Session) lazy() bool {
	return s.cfg.Tunnel != "" || s.cfg.UnixSocket != "" || s.cfg.ClientCert != "" ||
		slices.ContainsFunc(s.cfg.Auth, func(name string) bool {
			return slices.ContainsFunc(sasl.Mechanisms(), func(m sasl.Mechanism) bool {
				return m.Needs == sasl.NeedsNothing && strings.EqualFold(m.Name, name)
			})
		})
}

// agree finds the methods by what the server said in its greeting or, when it
// said nothing there, last time; and asks where that does not do.
func (s *Session) agree(ctx context.Context) (list []method, offered caps, err error) {
	offered = s.greeting
	if offered == nil && s.cfg.TLS != NoTLS {
		// In clear text what the server said last time is not good enough:
		// LOGINDISABLED must stop the password (RFC 9051 section 6.2.3).
		offered = newCaps(s.record.Greeting)
	}
	if offered != nil {
		if list, err = s.choose(ctx, offered); err == nil || s.greeting != nil {
			return list, offered, err
		}
	}
	if err = s.askCaps(ctx); err == nil {
		list, err = s.choose(ctx, s.greeting)
	}
	return list, s.greeting, err
}

// choose lists the methods, at least one.
func (s *Session) choose(ctx context.Context, offered caps) ([]method, error) {
	list := s.methods(offered, true)
	if len(list) > 0 && list[0].needsSecret() {
		secret, err := s.reveal(ctx)
		if err != nil {
			return nil, err
		}
		list = s.methods(offered, isASCII(s.cfg.User+secret))
	}
	if len(list) > 0 {
		return list, nil
	}
	what := "the server offers no way to log in that imapknife knows"
	switch {
	case len(s.cfg.Auth) > 0:
		what = "the server does not offer --auth " + strings.Join(s.cfg.Auth, ",")
	case s.cfg.Token:
		what = "the server takes no OAuth token"
	case s.cfg.AuthzID != "":
		what = "the server offers no way to log in that --authzid could be used with"
	}
	e := fault.New(fault.Auth, "%s", what)
	if offered.has("LOGINDISABLED") {
		e.Op += " (LOGINDISABLED)"
		if s.cfg.TLS == NoTLS {
			e.Hint("it may allow login over TLS: use imaps:// or imap://")
		}
	}
	if names := offered.mechanisms(); len(names) > 0 {
		e.Hint("it offers %s", strings.Join(names, ", "))
	}
	return nil, e.Hint("imapknife capability --no-login shows what it offers")
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// loggedIn judges the answer to the login.
func (s *Session) loggedIn(st wire.Status, m method, x *exchange) error {
	if st.OK() {
		if x != nil {
			if err := x.Done(); err != nil {
				s.unproven = true
				return fault.Wrap(fault.Auth, err, "cannot log in as %q by %s", s.cfg.User, m)
			}
		}
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
	if x != nil && x.failure() != "" {
		e.Op += " (" + x.failure() + ")"
	}
	switch st.Code {
	case "UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG": // about the server, not about the password
		e.Kind = fault.Refused
		return e.HintForCode("the server does not let anybody in at the moment: try again later")
	case "EXPIRED":
		return e.HintForCode("the password has expired")
	case "PRIVACYREQUIRED":
		return e.HintForCode("the server wants TLS: use imaps:// or imap://")
	}
	switch {
	case m.Mechanism == nil || m.Reveals && m.Needs == sasl.NeedsPassword:
		e.HintUnlessCode("check the user name and the password; some providers want an app password")
	case m.Needs == sasl.NeedsToken:
		e.HintUnlessCode("check the user name; the token may lack the scope for IMAP, or be for somebody else")
	case m.Needs == sasl.NeedsPassword:
		e.Op += " by " + m.Name
		e.HintUnlessCode("check the user name and the password; some providers want an app password")
		e.HintUnlessCode("a server may announce %s and have nothing stored for it: --auth plain,login sends it the password itself", m.Name)
	default:
		e.Op += " by " + m.Name
	}
	return e
}
