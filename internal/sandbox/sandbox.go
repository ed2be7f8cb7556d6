// Package sandbox is the IMAP server behind "imapknife sandbox": people test
// their scripts against it, and our own scripts run on it.
//
// The protocol is go-imap's imapserver, the backend (mailboxes, messages,
// MIME, search) is ours; docs/decisions/0006 says why. Mail comes in by
// go-smtp (docs/decisions/0019). It keeps everything in memory, listens on
// loopback only and must not touch any file but the seed it is told to read
// and those it is told to leave of mail. It parses messages by itself, so that the client and it
// are witnesses of each other; what is read out of one header field (parameters,
// dates) and where an mbox file is cut are the client's code, for two readings
// of the same odd field would be two mistakes.
package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/imapknife/imapknife/internal/fault"
)

// DefaultUser is the user name when Options.User is empty.
const DefaultUser = "sandbox"

// Options says what the sandbox serves and where.
type Options struct {
	// Seed is where messages come from: "" for the built-in samples, else a
	// Maildir, a directory of .eml files (subdirectories become mailboxes) or
	// an mbox file.
	Seed string
	// Empty starts with the standard mailboxes and no messages at all.
	Empty bool
	// User is the only user, DefaultUser when empty; Password is random when
	// empty.
	User, Password string
	// Listener is where to accept connections, the server's own once Start has
	// succeeded. Nil means an ephemeral port on 127.0.0.1. A TCP listener off
	// loopback is refused.
	Listener net.Listener
	// Now is the clock: samples are dated back from it, arrivals without a
	// date get it as INTERNALDATE. It is required.
	Now func() time.Time
	// Log gets protocol and connection errors, Debug every line both ways
	// with secrets starred out. Both may be nil.
	Log, Debug io.Writer
	// Problem is told of mail that could not be kept or delivered; it is called
	// by several goroutines. It may be nil.
	Problem func(error)
	// NoCaps are capabilities to do without: they are not advertised, and
	// commands that belong to them are refused. Hiding one that IMAP4rev2
	// includes (RFC 9051, appendix E) hides IMAP4rev2 too.
	NoCaps []string
	// PerRecipient gives each recipient of mail an account of its own: the
	// address in lower case is the user, the password is that of the sandbox.
	PerRecipient bool
	// Keep is a directory that gets a file of each mail, none when empty. It is
	// made where it is not there.
	Keep string
	// TLS has IMAP speak TLS from the beginning, SMTP offer STARTTLS, and SMTP
	// speak TLS from the beginning on a port of its own, with a
	// certificate of an authority made for this server: see Server.CA.
	TLS bool
	// Faults are what shall go wrong; FaultNames lists them.
	Faults []string
}

// Server is a running sandbox. Its methods may be called from any goroutine.
type Server struct {
	acct     *account
	user     string
	password string
	now      func() time.Time
	caps     capabilities
	listener *listener
	imap     *imapserver.Server
	smtp     *sink
	lmtp     *sink
	smtps    *sink  // nil without TLS
	ca       []byte // PEM, nil without TLS
	serving  sync.WaitGroup
	closing  chan struct{} // closed by Close
	close    sync.Once

	faults       faults
	perRecipient bool
	keeper       *keeper
	problem      func(error)

	mu       sync.Mutex
	accounts map[string]*account // of recipients
	wrong    int                 // wrong passwords since the last right one
}

// Start loads the seed, listens and serves. The server takes connections when
// Start returns; Close ends it. Errors are of kind Usage (a bad seed or
// option), Safety (a listener off loopback) or Local.
func Start(o Options) (*Server, error) {
	if o.Now == nil {
		return nil, fault.New(fault.Usage, "sandbox needs a clock")
	}
	wrong, err := parseFaults(o.Faults)
	if err != nil {
		return nil, err
	}
	s := &Server{
		user: o.User, password: o.Password, now: o.Now, caps: newCapabilities(append(wrong.noCaps, o.NoCaps...)),
		faults: wrong, perRecipient: o.PerRecipient, accounts: map[string]*account{},
		problem: o.Problem, closing: make(chan struct{}),
	}
	if s.problem == nil {
		s.problem = func(error) {}
	}
	if !s.caps.has(imap.CapIMAP4rev1) && !s.caps.has(imap.CapIMAP4rev2) {
		return nil, fault.New(fault.Usage, "cannot hide both IMAP4rev1 and IMAP4rev2")
	}
	if s.user == "" {
		s.user = DefaultUser
	}
	if s.password == "" {
		s.password = rand.Text()
	}
	s.acct = newAccount(randomUIDValidity())
	if err := s.acct.seed(o); err != nil {
		return nil, err
	}
	if s.keeper, err = newKeeper(o.Keep); err != nil {
		return nil, err
	}
	var config *tls.Config
	if o.TLS {
		if config, s.ca, err = certify(o.Now()); err != nil {
			return nil, err
		}
	}
	ln := o.Listener
	if ln == nil {
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fault.Wrap(fault.Local, err, "cannot listen on loopback")
		}
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		return nil, fault.New(fault.Safety, "sandbox listens on loopback only, not on %s", tcp)
	}
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	if s.smtp, err = s.startSink(overSMTP, config, o.Log); err == nil {
		s.lmtp, err = s.startSink(overLMTP, config, o.Log)
	}
	if err == nil && config != nil {
		s.smtps, err = s.startSink(overSMTPS, config, o.Log)
	}
	if err != nil {
		s.closeSinks()
		if o.Listener == nil {
			_ = ln.Close()
		}
		return nil, err
	}
	s.listener = newListener(ln, s.caps, o.Debug)
	s.listener.faults = wrong
	s.imap = imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &session{srv: s, acct: s.acct, conn: c}, nil, nil
		},
		Caps:         s.caps.available,
		Logger:       log.New(writerOrDiscard(o.Log), "", 0),
		InsecureAuth: true, // loopback only
	})
	s.serving.Go(func() { _ = s.imap.Serve(s.listener) })
	return s, nil
}

// Addr is the host and port the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the account's address as imapknife takes it, without the password.
func (s *Server) URL() string {
	scheme := "imap+insecure"
	if s.ca != nil {
		scheme = "imaps"
	}
	u := url.URL{Scheme: scheme, User: url.User(s.user), Host: s.Addr(), Path: "/"}
	return u.String()
}

// Password is the user's password.
func (s *Server) Password() string { return s.password }

// SMTPAddr is the host and port that mail is sent to by SMTP.
func (s *Server) SMTPAddr() string { return s.smtp.listener.Addr().String() }

// LMTPAddr is the same for LMTP.
func (s *Server) LMTPAddr() string { return s.lmtp.listener.Addr().String() }

// SMTPSAddr is the same for SMTP over TLS, empty without TLS.
func (s *Server) SMTPSAddr() string {
	if s.smtps == nil {
		return ""
	}
	return s.smtps.listener.Addr().String()
}

func (s *Server) closeSinks() {
	for _, k := range [...]*sink{s.smtp, s.lmtp, s.smtps} {
		if k != nil {
			k.close()
		}
	}
}

// CA is the authority behind the server's certificate in PEM, nil without TLS.
func (s *Server) CA() []byte { return s.ca }

// account is that of a recipient, made when it is first asked for.
func (s *Server) account(address string) *account {
	name := strings.ToLower(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[name]
	if a == nil {
		a = newAccount(randomUIDValidity())
		_ = a.seed(Options{Empty: true}) // which cannot fail
		s.accounts[name] = a
	}
	return a
}

// Append delivers a message from inside, as an MTA would, and wakes sessions
// that IDLE there. raw is kept as it is and must not change afterwards; a zero
// date means now. Errors are of kind Usage.
func (s *Server) Append(mailbox string, raw []byte, flags []string, date time.Time) (uid uint32, err error) {
	if date.IsZero() {
		date = s.now()
	}
	data, err := s.acct.append(mailbox, raw, toFlags(flags), date)
	if err != nil {
		return 0, fault.Wrap(fault.Usage, err, "cannot append to %q", mailbox)
	}
	return uint32(data.UID), nil
}

// Close stops listening, cuts every connection and waits until their sessions
// have ended. Mail that is still to come is lost. Calling it again does nothing.
func (s *Server) Close() error {
	s.close.Do(func() { close(s.closing) })
	s.closeSinks()
	err := s.listener.shutdown()
	s.serving.Wait()
	// Nothing is left open: this only makes the protocol layer refuse more.
	_ = s.imap.Close()
	return err
}

// login compares in constant time, whatever the lengths, and returns the
// user's account.
func (s *Server) login(user, password string) (*account, error) {
	same := func(a, b string) int {
		ha, hb := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(ha[:], hb[:])
	}
	own, right := same(user, s.user), same(password, s.password)
	acct := s.acct
	switch {
	case right != 1 || s.faults.noLogin, own != 1 && !(s.perRecipient && strings.Contains(user, "@")):
		s.pause()
		return nil, imapserver.ErrAuthFailed
	case own != 1:
		acct = s.account(user)
	}
	s.mu.Lock()
	s.wrong = 0
	s.mu.Unlock()
	return acct, nil
}

// How long a wrong password is waited for: nothing for the first few, which are
// slips and tests, then longer with each.
const (
	freeGuesses = 5
	pauseStep   = 100 * time.Millisecond
	maxPause    = 3 * time.Second
)

// pause waits after a wrong password, so that other users of the machine
// cannot try many.
func (s *Server) pause() {
	s.mu.Lock()
	s.wrong++
	wait := min(time.Duration(max(s.wrong-freeGuesses, 0))*pauseStep, maxPause)
	s.mu.Unlock()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-s.closing:
		}
	}
}

// randomUIDValidity starts each server's UIDVALIDITY values elsewhere, so that
// what a client cached of an earlier sandbox on the same port is void. It
// leaves room above for the mailboxes to come.
func randomUIDValidity() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return 1<<20 | binary.BigEndian.Uint32(b[:])>>1
}

func writerOrDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
