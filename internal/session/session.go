package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/wire"
)

// Config says how to reach a server and who to be there.
type Config struct {
	Host string
	Port int
	TLS  TLSMode
	User string
	// Secret fetches the password or token; it is called once at most, before
	// dialling unless the server may want none. Nil opens the session without
	// login.
	Secret func(context.Context) (string, error)
	Token  bool // the secret is an OAuth access token
	// Renew fetches another token where the server has refused one; may be nil.
	Renew   func(ctx context.Context, refused string) (string, error)
	AuthzID string // user to act as, empty for User
	// Auth is the order of mechanisms to try; empty for the default.
	Auth []string

	ServerName string   // name in the certificate, Host when empty
	CAFile     string   // PEM file of authorities to trust instead of the system's
	ClientCert string   // PEM file of a certificate to show, empty for none
	ClientKey  string   // PEM file of its key, ClientCert when empty
	TLSPins    []string // sha256:… of keys, one of which the server must have; they stand in for the verification
	TLSMin     string   // 1.2 or 1.3, empty for 1.2
	Insecure   bool     // do not verify the certificate

	Proxy      string        // socks5://… or http://…, empty for none
	UnixSocket string        // connect to this socket instead of Host and Port
	Tunnel     string        // shell command that is the connection
	Environ    []string      // for the tunnel
	Stderr     io.Writer     // for what the tunnel says
	Resolver   *net.Resolver // nil for the system's
	Progress   *Progress     // Open notes in it how far it has come; may be nil

	ConnectTimeout  time.Duration // for name, TCP and TLS together
	GreetingTimeout time.Duration // for the greeting as a whole
	IOTimeout       time.Duration // without progress

	// Client and Version are sent to servers that take ID (RFC 2971), and nothing
	// else; an empty Client sends nothing.
	Client, Version string
	// SpecialUse names mailboxes by their use (sent, trash, …), whatever the
	// server says.
	SpecialUse map[string]string
	// Spelled maps names of mailboxes to the octets by which the server has taken
	// them, where these are not the name's encoding. The session adds to it; it may
	// be given to another session of the same account.
	Spelled      map[string]string
	ReadOnly     bool
	ReadOnlyHint string // what lifts that
	NoPipelining bool
	Trace        *wire.Trace
	Memory       *Memory                // what servers were like last time; may be nil
	Now          func() time.Time       // required
	Idle         func() error           // called before each wait for the server
	Notice       func(string)           // gets ALERT texts; may be nil
	Partial      func(why, hint string) // gets why an answer is not whole; may be nil
	Warn         func(string)           // gets what a server did that no row can carry; may be nil
}

// AccountID is the digest that rows carry as "account": the same for the same
// user on the same server, and telling neither. A Unix socket or a tunnel is a
// server of its own.
func (c *Config) AccountID() string {
	where := c.place()
	if where == "" {
		where = strings.ToLower(c.Host) + "\x00" + strconv.Itoa(c.Port)
	}
	sum := sha256.Sum256([]byte(where + "\x00" + c.User))
	return hex.EncodeToString(sum[:6])
}

// place is what stands for host and port where these are not dialled, else
// empty. No host begins like it.
func (c *Config) place() string {
	switch {
	case c.Tunnel != "":
		return "\x00tunnel\x00" + c.Tunnel
	case c.UnixSocket != "":
		return "\x00unix\x00" + filepath.Clean(c.UnixSocket)
	}
	return ""
}

// Addr is what errors call the server: host and port, or the socket or the
// tunnel that is dialled instead.
func (c *Config) Addr() string {
	switch {
	case c.Tunnel != "":
		return fmt.Sprintf("tunnel %q", shorten(c.Tunnel))
	case c.UnixSocket != "":
		return c.UnixSocket
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
}

// at is Addr as it stands behind "the server".
func (c *Config) at() string {
	switch {
	case c.Tunnel != "":
		return fmt.Sprintf("behind the tunnel %q", shorten(c.Tunnel))
	case c.UnixSocket != "":
		return "at " + c.UnixSocket
	}
	return c.Addr()
}

// shorten cuts a command down to what an error can carry.
func shorten(command string) string {
	if r := []rune(command); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return command
}

// key is what the memory knows the account by.
func (c *Config) key() string {
	if where := c.place(); where != "" {
		return c.User + "@" + strings.ReplaceAll(where[1:], "\x00", ":")
	}
	return c.User + "@" + c.Addr()
}

// Session is an open session.
type Session struct {
	// Texts keeps what messages say between searches that look at them here;
	// nil for nothing. It may be given to another session of the same account.
	Texts *TextCache

	cfg       Config
	c         *wire.Conn
	account   string
	rtt       time.Duration // of the TCP handshake
	secured   bool          // STARTTLS is done
	welcome   bool          // the server greeted us as logged in (PREAUTH)
	preauth   bool          // the same, on a session that was to log in
	secret    *string       // nil until it is known
	mechanism string        // how the login is done
	noInitial bool          // the server said BAD to an initial response
	unproven  bool          // the server said OK and could not prove that it knows the password
	protection

	greeting caps // announced before login, nil when unknown
	caps     caps // announced after login, nil when unknown
	guessed  caps // remembered from the last time
	record   record
	learnt   bool // record has changed

	prologue  []step
	login     *wire.Pending
	rejected  error           // why the login failed
	piped     []*wire.Pending // sent behind a login that was not yet answered
	misjudged bool            // a command failed that trusted what was remembered
	probed    bool            // the NOOP that proves dropping has been sent
	named     bool            // ID has been sent
	alerts    []string        // shown
	box       *Box
	stirred   bool // the server has told of a change since that was opened
	notified  bool // NOTIFY is in force
	news      bool // the server has told of a change in some mailbox, by NOTIFY
	listed    bool // and of mailboxes that came or went

	vendor string            // that ID names, empty where it names none
	limit  uint64            // of messages in one command, as a response code said; 0 for none
	shorts int               // answers that were cut short
	hidden map[string]uint64 // messages of mailboxes that the server does not show

	others   map[*wire.Pending]another // in flight, and about a mailbox that may have other octets
	spelling spelling
}

// step is a command of the prologue and what its answer means.
type step struct {
	p     *wire.Pending
	check func(wire.Status) error
}

// Open dials the server, does TLS, reads the greeting and puts the login into
// flight. An error means that no session exists.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	s := &Session{cfg: cfg, account: cfg.AccountID()}
	if cfg.Secret != nil && !s.lazy() {
		if _, err := s.reveal(ctx); err != nil {
			return nil, err
		}
	}
	if cfg.Memory != nil {
		if r, ok := cfg.Memory.recall(cfg.key()); ok {
			s.record, s.guessed = r, newCaps(r.Capabilities)
		}
	}
	if err := s.dial(ctx); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.c.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) start(ctx context.Context) error {
	var err error
	if s.welcome, err = s.greet(ctx); err != nil || s.cfg.Secret == nil {
		return err
	}
	return s.authenticate(ctx)
}

// Account is the digest that rows carry.
func (s *Session) Account() string { return s.account }

// TimedOut reports whether the session was lost because the server fell silent:
// it may still be at work on the last command.
func (s *Session) TimedOut() bool { return s.c.TimedOut() }

// Broken reports whether the session is lost.
func (s *Session) Broken() bool { return s.c.Broken() }

// Close ends the session. It says LOGOUT but does not wait for the answer.
func (s *Session) Close() error {
	s.remember()
	return s.c.Logout()
}

// send puts cmd into flight and notes it if the login is not answered yet.
func (s *Session) send(ctx context.Context, cmd *wire.Command) (*wire.Pending, error) {
	if s.login != nil && !s.login.Done() && (s.cfg.NoPipelining || s.record.NoPipelining || s.c.Waits(cmd)) {
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
	}
	p, err := s.c.Send(ctx, cmd)
	if err == nil && s.login != nil && !s.login.Done() {
		s.piped = append(s.piped, p)
	}
	return p, err
}

// later puts cmd into the prologue: check sees its answer when the prologue
// is settled.
func (s *Session) later(ctx context.Context, cmd *wire.Command, check func(wire.Status) error) error {
	p, err := s.send(ctx, cmd)
	if err != nil {
		return err
	}
	s.prologue = append(s.prologue, step{p, check})
	return nil
}

// Settle waits until the login and what was sent behind it are answered. When
// the login has failed, it and every operation fail with that error.
func (s *Session) Settle(ctx context.Context) error {
	if s.rejected != nil {
		return s.rejected
	}
	for len(s.prologue) > 0 {
		st := s.prologue[0]
		status, err := s.await(ctx, st.p)
		if said := s.c.Said(); err != nil && st.p == s.login && said != nil && said.Code == "AUTHENTICATIONFAILED" {
			status, err = *said, nil // the server says no more
		}
		if err != nil {
			return err
		}
		s.prologue = s.prologue[1:]
		if err := st.check(status); err != nil {
			s.prologue = nil
			if st.p == s.login {
				s.rejected = err
			}
			return err
		}
		if st.p == s.login {
			if err := s.overtaken(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// overtaken sends again what was sent behind the login and answered before it:
// the server runs commands before those in front of them are done, so it refused
// these, or answered for somebody who is not logged in (Apache James before
// JAMES-3888). None of them writes. What it refuses after the login may be due to
// that, too.
func (s *Session) overtaken(ctx context.Context) error {
	early := slices.Clone(s.piped)
	early = slices.DeleteFunc(early, func(p *wire.Pending) bool { return !p.Done() })
	if len(early) == 0 {
		return nil
	}
	s.probed = true // nothing was dropped
	s.record.NoPipelining, s.learnt = true, true
	s.cfg.Trace.Note("the server answered what was sent behind the login before that; it is sent again")
	for _, p := range s.piped {
		if slices.Contains(early, p) {
			continue
		}
		if st, err := s.c.Wait(ctx, p); err != nil {
			return err
		} else if !st.OK() {
			early = append(early, p)
		}
	}
	for _, p := range early {
		if err := s.c.Redo(ctx, p, p.Command()); err != nil {
			return err
		}
	}
	return nil
}

// do sends cmd behind the prologue, settles that, and waits for the answer.
func (s *Session) do(ctx context.Context, cmd *wire.Command) (wire.Status, error) {
	p, err := s.send(ctx, cmd)
	if err != nil {
		return wire.Status{}, err
	}
	return s.finish(ctx, p)
}

// finish settles the prologue and waits for p.
func (s *Session) finish(ctx context.Context, p *wire.Pending) (wire.Status, error) {
	if err := s.Settle(ctx); err != nil {
		return wire.Status{}, err
	}
	return s.await(ctx, p)
}

// await waits for p. Where commands were sent behind the login and the server
// falls silent after accepting it, it may have dropped them: Courier does.
func (s *Session) await(ctx context.Context, p *wire.Pending) (wire.Status, error) {
	for !p.Done() && s.mayDrop() {
		ready, err := true, error(nil)
		if s.login.Done() {
			ready, err = s.c.Ready(ctx, s.patience())
		}
		switch {
		case err != nil:
		case ready:
			err = s.c.Step(ctx)
		default:
			err = s.probe(ctx)
		}
		if err != nil {
			return wire.Status{}, err
		}
	}
	st, err := s.c.Wait(ctx, p)
	if err == nil && st.Status == "NO" && (p.Name() == "EXAMINE" || p.Name() == "SELECT") && s.mayIntroduce() {
		st, err = s.instead(ctx, p, p.Command(), s.identification())
	}
	if other, ok := s.others[p]; ok {
		delete(s.others, p)
		if err == nil && notThere(st) {
			st, err = s.respell(ctx, p, other, st)
		}
	}
	if st.OK() {
		s.alert(st)
	}
	if err == nil {
		s.limited(p.Name(), st)
	}
	if s.guessed != nil && (s.caps == nil || slices.Contains(s.piped, p)) && mayMisjudge(p.Name(), st) {
		s.misjudged = true
		if s.caps == nil { // it may no longer be what it was
			s.record.Capabilities, s.learnt = nil, true
		}
	}
	return st, err
}

// mayMisjudge reports whether a command may have failed because the server
// lacks what it offered last time. Courier says NO where others say BAD; NO to
// a mailbox is about the mailbox.
func mayMisjudge(name string, st wire.Status) bool {
	switch name {
	case "LOGIN", "AUTHENTICATE", "ID":
		return false
	case "EXAMINE", "SELECT", "STATUS", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE":
		return st.Status == "BAD"
	}
	return refusesForm(st)
}

// Misjudged reports whether a command has failed that trusted what the server
// offered the last time. That is forgotten now: another session will ask.
func (s *Session) Misjudged() bool { return s.misjudged }

// mayDrop reports whether commands sent behind the login could have been
// dropped: none of them is answered yet, and no probe has been made.
func (s *Session) mayDrop() bool {
	if s.probed || len(s.piped) == 0 {
		return false
	}
	for _, p := range s.piped {
		if p.Done() {
			return false
		}
	}
	return !s.login.Done() || s.login.Result.OK()
}

// patience is how long the server may be silent after the login before that
// is looked into.
func (s *Session) patience() time.Duration {
	return min(200*time.Millisecond+4*s.rtt, 3*time.Second)
}

// probe finds out whether the commands behind the login were dropped: a NOOP
// that is answered before them proves it. Then they are sent again. All of
// them only read.
func (s *Session) probe(ctx context.Context) error {
	s.probed = true
	if _, err := s.c.Do(ctx, wire.NewCommand("NOOP")); err != nil {
		return err
	}
	dropped := slices.DeleteFunc(slices.Clone(s.piped), (*wire.Pending).Done)
	if len(dropped) == 0 {
		return nil // it was only slow
	}
	s.record.NoPipelining, s.learnt = true, true
	s.cfg.Trace.Note("the server dropped what was sent behind the login; it is sent again")
	for _, p := range dropped {
		if err := s.c.Resend(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// refusal is the error of a command that was answered NO or BAD.
func refusal(st wire.Status, format string, args ...any) *fault.Error {
	e := &fault.Error{Kind: fault.Refused, Op: fmt.Sprintf(format, args...), Server: st.Server()}
	if st.Said != nil {
		e.Hint("before that, the %s", st.Said.Server())
	}
	return e
}
