package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/wire"
)

// TLSMode is how a connection is protected.
type TLSMode int

const (
	Implicit TLSMode = iota // TLS from the first octet, port 993 (RFC 8314)
	StartTLS                // STARTTLS, port 143
	NoTLS                   // clear text
)

func (m TLSMode) String() string { return [...]string{"implicit", "starttls", "none"}[m] }

// dial connects, with TLS from the first octet where that is the mode.
func (s *Session) dial(ctx context.Context) error {
	tlsConfig, err := s.tlsConfig()
	if err != nil {
		return err
	}
	dctx, cancel := ctx, context.CancelFunc(func() {})
	if s.cfg.ConnectTimeout > 0 {
		dctx, cancel = context.WithTimeout(ctx, s.cfg.ConnectTimeout)
	}
	defer cancel()
	if s.cfg.TLS != NoTLS && s.cfg.CAFile == "" && !s.cfg.Insecure {
		// The system's authorities take longer to read than a near server
		// takes to answer: begin now. What is wrong with them, TLS will say.
		go x509.SystemCertPool()
	}
	start := s.cfg.Now()
	nc, err := (&net.Dialer{}).DialContext(dctx, "tcp", s.cfg.Addr())
	if err != nil {
		return s.dialError(ctx, err)
	}
	s.rtt = s.cfg.Now().Sub(start)
	s.cfg.Trace.Note("connected to %s (%s)", s.cfg.Addr(), nc.RemoteAddr())
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); s.cfg.TLS == NoTLS && ok {
		s.exposed = !a.IP.IsLoopback()
	}
	nc = quick(nc)
	if s.cfg.TLS == Implicit {
		if nc, err = s.handshake(dctx, nc, tlsConfig); err != nil {
			return s.causeOr(ctx, err)
		}
	}
	s.c = wire.NewConn(nc, wire.Options{
		Addr: s.cfg.Addr(), IOTimeout: s.cfg.IOTimeout, Now: s.cfg.Now, Trace: s.cfg.Trace,
		ReadOnly: s.cfg.ReadOnly, ReadOnlyHint: s.cfg.ReadOnlyHint, Idle: s.cfg.Idle, Notice: s.notice,
	})
	return nil
}

// causeOr prefers the reason for which ctx was cancelled to err.
func (s *Session) causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (s *Session) tlsConfig() (*tls.Config, error) {
	name := s.cfg.ServerName
	if name == "" {
		name = s.cfg.Host
	}
	c := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.cfg.Insecure, Time: s.cfg.Now}
	var err error
	if s.cfg.CAFile != "" {
		c.RootCAs, err = Authorities(s.cfg.CAFile)
	}
	return c, err
}

// Authorities reads the certificates of a CA file. Errors are of kind Usage.
func Authorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "cannot read the CA file")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Usage, "no certificate in the CA file %q", path).
			Hint("it must be in PEM form: -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// handshake does TLS on nc, which it closes when that fails.
func (s *Session) handshake(ctx context.Context, nc net.Conn, config *tls.Config) (net.Conn, error) {
	tc := tls.Client(nc, config)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, s.tlsError(err)
	}
	st := tc.ConnectionState()
	s.tlsState = &st
	how := "verified for " + config.ServerName
	if config.InsecureSkipVerify {
		how = "NOT verified"
	}
	s.cfg.Trace.Note("%s, %s, certificate %s", tls.VersionName(st.Version), tls.CipherSuiteName(st.CipherSuite), how)
	return tc, nil
}

func (s *Session) dialError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	e := fault.New(fault.Connect, "cannot connect to %s: %s", s.cfg.Addr(), plain(err))
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		e.Hint("check the host name in the URL")
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		e.Hint("nothing listens on that port: imaps is 993, imap with STARTTLS 143")
	} else if errors.Is(err, syscall.ECONNRESET) {
		e.Hint("%s", s.otherWay())
	} else if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		e.Op = "cannot connect to " + s.cfg.Addr() + ": no answer within " + s.cfg.ConnectTimeout.String()
		e.Hint("--connect-timeout sets how long to wait")
	}
	return e
}

// plain is err's innermost text: the layers of package net repeat the address.
func plain(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return err.Error()
}

func (s *Session) tlsError(err error) error {
	if e := s.endedEarly(err); e != nil {
		return e
	}
	e := fault.New(fault.Connect, "no TLS with %s: %s", s.cfg.Addr(), strings.TrimPrefix(err.Error(), "tls: "))
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return e.Hint("--ca-file FILE trusts the authority that signed the server's certificate")
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return e.Hint("--server-name NAME verifies the certificate for another name")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return e.Hint("the port does not speak TLS from the start: use imap:// for STARTTLS, usually on port 143")
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		e.Op = "no TLS with " + s.cfg.Addr() + ": no answer within " + s.cfg.ConnectTimeout.String()
		return e.Hint("use imap:// if the port expects STARTTLS, or --connect-timeout to wait longer")
	}
	return e
}

// otherWay is the hint for a server that goes, or is silent, before it greets.
func (s *Session) otherWay() string {
	if s.cfg.TLS == Implicit {
		return "use imap:// if the port expects STARTTLS, usually 143"
	}
	return "use imaps:// if the port speaks TLS from the start, usually 993"
}

// endedEarly is the error of a server that ends the connection in the
// handshake, nil where that is not what err says.
func (s *Session) endedEarly(err error) error {
	_, isErrno := errors.AsType[syscall.Errno](err)
	if !isErrno && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fault.New(fault.Connect, "no TLS with %s: %s", s.cfg.Addr(), wire.Lost("the server", err)).
		Hint("%s", s.otherWay())
}

// greet reads the greeting and, where that is the mode, does STARTTLS. What
// was learnt in clear is forgotten. It reports whether the server greeted
// with PREAUTH.
func (s *Session) greet(ctx context.Context) (preauth bool, err error) {
	st, err := s.c.Greeting(ctx)
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind == fault.Connect && s.cfg.TLS != Implicit {
		e.Hint("%s", s.otherWay())
	}
	if err != nil {
		return false, err
	}
	if st.Status == "BYE" {
		return false, refusal(st, "the server refuses the connection")
	}
	s.alert(st)
	preauth = st.Status == "PREAUTH"
	if s.cfg.TLS == StartTLS {
		if preauth {
			return false, fault.New(fault.Connect, "the server logged us in before TLS (PREAUTH); STARTTLS is not possible").
				Hint("someone on the way may be tampering with the connection")
		}
		return false, s.startTLS(ctx)
	}
	if st.Code == "CAPABILITY" {
		s.greeting = parseCaps(st.Args)
	}
	return preauth, nil
}

func (s *Session) startTLS(ctx context.Context) error {
	config, err := s.tlsConfig()
	if err != nil {
		return err
	}
	st, err := s.c.Do(ctx, wire.NewCommand("STARTTLS"))
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
	err = s.c.Upgrade(func(nc net.Conn) (net.Conn, error) {
		hctx, cancel := ctx, context.CancelFunc(func() {})
		if s.cfg.ConnectTimeout > 0 {
			hctx, cancel = context.WithTimeout(ctx, s.cfg.ConnectTimeout)
		}
		defer cancel()
		tc, err := s.handshake(hctx, nc, config)
		if err != nil {
			return nil, s.causeOr(ctx, err)
		}
		return tc, nil
	})
	// What the server said in clear, asked or not, may be anybody's word.
	s.secured, s.greeting = err == nil, nil
	s.c.AllowNonSync(-1)
	return err
}

// notice hears what no command asked for.
func (s *Session) notice(r *wire.Response) {
	s.alert(r.Status)
	if r.Kind == "CAPABILITY" {
		s.setCaps(parseCaps(string(r.Text())))
	}
}

// alert tells a person what a server must have told (RFC 9051 section 7.1),
// except in clear where TLS is to come: there it may be anybody's word.
func (s *Session) alert(st wire.Status) {
	if st.Code == "ALERT" && s.cfg.Notice != nil && (s.cfg.TLS != StartTLS || s.secured) {
		s.cfg.Notice(st.Text)
	}
}
