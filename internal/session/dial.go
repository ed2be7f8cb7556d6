package session

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"syscall"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/transport"
	"github.com/imapknife/imapknife/internal/wire"
)

// Transport is the way to the server. Its Check tells, before anything is
// dialled, what is wrong with it.
func (c *Config) Transport() transport.Config {
	return transport.Config{
		Host: c.Host, Port: c.Port, Proxy: c.Proxy, UnixSocket: c.UnixSocket, Tunnel: c.Tunnel,
		Environ: c.Environ, Stderr: c.Stderr, Resolver: c.Resolver, Timeout: c.ConnectTimeout,
	}
}

// dial connects, with TLS from the first octet where that is the mode.
func (s *Session) dial(ctx context.Context) error {
	tlsConfig, err := s.tlsConfig()
	if err != nil {
		return err
	}
	t := s.cfg.Transport()
	via, err := t.Via()
	if err != nil {
		return err
	}
	if s.cfg.Progress != nil {
		t.Step = func(name string) func() { return s.cfg.Progress.step(name, s.cfg.Now) }
	}
	dctx, cancel := s.connecting(ctx)
	defer cancel()
	if s.cfg.TLS != NoTLS && s.cfg.CAFile == "" && !tlsConfig.InsecureSkipVerify {
		// The system's authorities take longer to read than a near server
		// takes to answer: begin now. What is wrong with them, TLS will say.
		go x509.SystemCertPool()
	}
	start := s.cfg.Now()
	nc, err := transport.Dial(dctx, t)
	if e, ok := errors.AsType[*fault.Error](err); ok && errors.Is(err, syscall.ECONNRESET) {
		e.Hint("%s", s.otherWay())
	}
	if err != nil {
		return s.causeOr(ctx, err)
	}
	s.rtt = s.cfg.Now().Sub(start)
	s.connected(nc, via)
	s.tap = &tap{Conn: quick(nc)}
	nc = s.tap
	if s.cfg.TLS == Implicit {
		if nc, err = s.handshake(dctx, nc, tlsConfig); err != nil {
			return s.causeOr(ctx, err)
		}
	}
	s.c = wire.NewConn(nc, wire.Options{
		Addr: s.cfg.at(), IOTimeout: s.cfg.IOTimeout, Now: s.cfg.Now, Trace: s.cfg.Trace,
		ReadOnly: s.cfg.ReadOnly, ReadOnlyHint: s.cfg.ReadOnlyHint, Idle: s.cfg.Idle, Notice: s.notice,
	})
	return nil
}

// connecting is ctx with the bound on name, TCP and TLS.
func (s *Session) connecting(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.cfg.ConnectTimeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.cfg.ConnectTimeout)
}

// connected notes where the connection goes.
func (s *Session) connected(nc net.Conn, via string) {
	remote := nc.RemoteAddr()
	if s.cfg.Progress != nil {
		s.cfg.Progress.Remote = remote
	}
	t := s.cfg.Transport()
	switch {
	case via != "":
		s.cfg.Trace.Note("connected to %s through %s", s.cfg.Addr(), via)
	case t.Local():
		s.cfg.Trace.Note("connected to %s", s.cfg.Addr())
	default:
		s.cfg.Trace.Note("connected to %s (%s)", s.cfg.Addr(), remote)
	}
}

// causeOr prefers the reason for which ctx was cancelled to err.
func (s *Session) causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// otherWay is the hint for a server that goes, or is silent, before it greets.
func (s *Session) otherWay() string {
	switch {
	case s.cfg.Tunnel != "" && s.cfg.TLS == NoTLS:
		return "the command must speak IMAP on its standard input and output: try it by hand"
	case s.cfg.TLS != NoTLS && (s.cfg.Tunnel != "" || s.cfg.UnixSocket != ""):
		return "use --tls none if no TLS is spoken there"
	case s.cfg.UnixSocket != "":
		return "use --tls implicit if TLS is spoken there from the start"
	case s.cfg.TLS == Implicit:
		return "use imap:// if the port expects STARTTLS, usually 143"
	}
	return "use imaps:// if the port speaks TLS from the start, usually 993"
}

// clearText is the hint for a server that answers a handshake in clear text.
func (s *Session) clearText() string {
	if s.cfg.Tunnel != "" || s.cfg.UnixSocket != "" {
		return "no TLS is spoken there: use --tls none"
	}
	return "the port does not speak TLS from the start: use imap:// for STARTTLS, usually on port 143"
}

// greet reads the greeting and, where that is the mode, does STARTTLS. What
// was learnt in clear is forgotten. It reports whether the server greeted
// with PREAUTH.
func (s *Session) greet(ctx context.Context) (preauth bool, err error) {
	end := s.cfg.Progress.step("greeting", s.cfg.Now)
	st, err := s.greeted(ctx)
	end()
	if err != nil {
		return false, s.ungreeted(err)
	}
	if st.Status == "BYE" {
		return false, refusal(st, "the server %s refuses the connection", s.cfg.at())
	}
	s.alert(st)
	preauth = st.Status == "PREAUTH"
	if st.Code == "CAPABILITY" {
		s.greeting = parseCaps(st.Args)
	}
	if s.cfg.TLS != StartTLS {
		return preauth, nil
	}
	if preauth {
		return false, fault.New(fault.Connect, "no TLS with %s: the server logged us in before TLS (PREAUTH), and STARTTLS is not possible any more", s.cfg.Addr()).
			Hint("%s", tampering)
	}
	return false, s.startTLS(ctx)
}

// greeted waits for the greeting, which must be whole within its time.
func (s *Session) greeted(ctx context.Context) (wire.Status, error) {
	if d := s.cfg.GreetingTimeout; d > 0 {
		late := fault.New(fault.Connect, "no whole greeting from the server %s within %s", s.cfg.at(), d).
			Hint("--connect-timeout sets how long to wait for it")
		gctx, cancel := context.WithTimeoutCause(ctx, d, late)
		defer cancel()
		ctx = gctx
	}
	return s.c.Greeting(ctx)
}

// ungreeted says more about a connection on which no greeting has come.
func (s *Session) ungreeted(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
	case e.Kind == fault.Protocol:
		return fault.Wrap(fault.Protocol, err, "no IMAP with %s", s.cfg.Addr())
	case e.Kind != fault.Connect:
	case s.asked && s.cfg.ClientCert == "" && !s.c.TimedOut():
		// With TLS 1.3 a server can refuse only when the client is done.
		e.Op = "no TLS with " + s.cfg.Addr() + ": the server asked for a client certificate, got none, and ended the connection"
		e.Hints = []string{wantsCertificate}
	case s.asked && !s.c.TimedOut():
		e.Hint("the server may not accept the certificate in --client-cert")
	case s.cfg.TLS != Implicit:
		e.Hint("%s", s.otherWay())
	}
	return err
}

func (s *Session) startTLS(ctx context.Context) error {
	config, err := s.tlsConfig()
	if err != nil {
		return err
	}
	if s.greeting != nil && !s.greeting.has("STARTTLS") {
		return fault.New(fault.Connect, "STARTTLS is not possible on %s: the server does not offer it", s.cfg.Addr()).
			Hint("imaps:// uses TLS from the start, usually on port 993").
			Hint("where it was offered before, someone on the way may have taken it out")
	}
	end, reads := s.cfg.Progress.step("starttls", s.cfg.Now), s.tap.reads
	st, err := s.c.Do(ctx, wire.NewCommand("STARTTLS"))
	end()
	if s.tap.reads == reads && (err == nil || fault.KindOf(err) == fault.Protocol) {
		return fault.New(fault.Connect, "no TLS with %s: the answer to STARTTLS came before it was sent", s.cfg.Addr()).Hint("%s", tampering)
	}
	if err != nil {
		if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind == fault.Refused {
			e.Kind = fault.Connect
		}
		return err
	}
	if !st.OK() {
		e := refusal(st, "STARTTLS is not possible on %s", s.cfg.Addr())
		e.Kind = fault.Connect
		return e.Hint("imaps:// uses TLS from the start, usually on port 993")
	}
	clear := true
	err = s.c.Upgrade(func(nc net.Conn) (net.Conn, error) {
		clear = false
		hctx, cancel := s.connecting(ctx)
		defer cancel()
		tc, err := s.handshake(hctx, nc, config)
		if err != nil {
			return nil, s.causeOr(ctx, err)
		}
		return tc, nil
	})
	if err != nil && clear {
		err = fault.Wrap(fault.Connect, err, "no TLS with %s", s.cfg.Addr())
	}
	// What the server said in clear, asked or not, may be anybody's word.
	s.secured, s.greeting = err == nil, nil
	s.c.AllowNonSync(-1)
	return err
}

// notice hears what no command asked for.
func (s *Session) notice(r *wire.Response) {
	s.alert(r.Status)
	switch r.Kind {
	case "CAPABILITY":
		s.setCaps(parseCaps(string(r.Text())))
	default:
		s.heard(r)
	}
}

// alert tells a person what a server must have told (RFC 9051 section 7.1),
// except in clear where TLS is to come: there it may be anybody's word.
// A text is told once, and of a server that alerts on and on only the first.
func (s *Session) alert(st wire.Status) {
	if st.Code != "ALERT" || s.cfg.Notice == nil || s.cfg.TLS == StartTLS && !s.secured || slices.Contains(s.alerts, st.Text) {
		return
	}
	switch n := len(s.alerts); {
	case n < maxAlerts:
		s.cfg.Notice(st.Text)
	case n == maxAlerts:
		s.cfg.Notice("(more alerts, which are not shown)")
	default:
		return
	}
	s.alerts = append(s.alerts, st.Text)
}

// maxAlerts is how many different alerts of one session are shown.
const maxAlerts = 20
