package sandbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/imapknife/imapknife/internal/fault"
)

// Limits on what one mail can be given in front.
const (
	maxRecipients = 1000
	maxAddress    = 512     // octets; RFC 5321, section 4.5.3.1, asks for 320
	maxTrace      = 1 << 20 // octets: more than fields with that many and long addresses take
)

// smtpTimeout is how long a client may be silent (RFC 5321, section
// 4.5.3.2.7).
const smtpTimeout = 5 * time.Minute

// sink takes mail from anybody for anybody, by SMTP or LMTP, and puts it into
// the sandbox's mailboxes.
type sink struct {
	srv      *Server
	lmtp     bool
	listener *cutter
	smtp     *smtp.Server
	serving  sync.WaitGroup
	close    func() // returns when no connection of it is served any more
}

// sinkKind is how a sink is spoken to.
type sinkKind int

const (
	overSMTP  sinkKind = iota // with STARTTLS where there is TLS
	overLMTP                  // the same
	overSMTPS                 // TLS from the beginning
)

// startSink listens on loopback and serves.
func (s *Server) startSink(kind sinkKind, config *tls.Config, errors io.Writer) (*sink, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot listen on loopback")
	}
	lmtp := kind == overLMTP
	k := &sink{srv: s, lmtp: lmtp, listener: &cutter{Listener: ln, open: map[net.Conn]struct{}{}, config: config, implicit: kind == overSMTPS}}
	k.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		name := oneLine(c.Hostname())
		return &delivery{sink: k, from: name[:min(len(name), maxAddress)]}, nil
	}))
	k.smtp.LMTP, k.smtp.Domain = lmtp, "localhost"
	k.smtp.ReadTimeout, k.smtp.WriteTimeout = smtpTimeout, smtpTimeout
	k.smtp.AllowInsecureAuth = true // loopback only
	k.smtp.EnableSMTPUTF8 = true
	k.smtp.MaxMessageBytes, k.smtp.MaxRecipients = maxMessage-maxTrace, maxRecipients
	k.smtp.MaxLineLength = maxMessage // it holds for the mail as well, and HTML may be one line
	k.smtp.ErrorLog = log.New(writerOrDiscard(errors), "", 0)
	k.close = sync.OnceFunc(k.shutdown)
	k.serving.Go(func() { _ = k.smtp.Serve(k.listener) })
	return k, nil
}

// shutdown cuts first: smtp.Server's Close misses a connection that it has
// accepted but not yet begun to serve, and waits for none.
func (k *sink) shutdown() {
	k.listener.cut()
	k.serving.Wait()
	_ = k.smtp.Shutdown(context.Background())
}

// cutter is a listener that can end its connections.
type cutter struct {
	net.Listener
	config   *tls.Config // nil: no TLS
	implicit bool        // TLS from the beginning

	mu   sync.Mutex
	open map[net.Conn]struct{} // nil: no more connections
}

// Accept implements net.Listener.
func (l *cutter) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	l.open[c] = struct{}{}
	cut := &cuttable{Conn: c, from: l}
	if l.implicit {
		return newSMTPFront(tls.Server(cut, l.config), nil), nil
	}
	return newSMTPFront(cut, l.config), nil
}

// cut closes the listener and its connections.
func (l *cutter) cut() {
	_ = l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// cuttable is a connection that a cutter knows while it is open.
type cuttable struct {
	net.Conn
	from *cutter
}

// Close implements net.Conn.
func (c *cuttable) Close() error {
	c.from.mu.Lock()
	delete(c.from.open, c.Conn)
	c.from.mu.Unlock()
	return c.Conn.Close()
}

// delivery is one connection's state; it implements smtp.AuthSession. LMTP's
// answers for each recipient are the library's: all fare the same.
type delivery struct {
	sink   *sink
	from   string // the client's name for itself
	sender string
	to     []string
}

func (d *delivery) Reset()        { d.sender, d.to = "", nil }
func (d *delivery) Logout() error { return nil }

func (d *delivery) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

// Auth takes every name and password: scripts that log in work, too.
func (d *delivery) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, _, _ string) error { return nil }), nil
	case sasl.Login:
		return &loginServer{}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// loginServer is the server of LOGIN, which go-sasl has no more.
type loginServer struct{ step int }

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if l.step == 0 && response != nil { // the name came with the command
		l.step++
	}
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		return []byte("Password:"), false, nil
	}
	return nil, true, nil
}

var notAddress = &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "Not an address"}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	if len(from) > maxAddress {
		return notAddress
	}
	d.sender = from
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	if d.sink.srv.faults.smtpRefuse {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "The sandbox was told to refuse"}
	}
	if len(to) > maxAddress || to != oneLine(to) {
		return notAddress
	}
	// Who is named twice gets one copy: accounts go by the address in lower case.
	name := strings.ToLower(to)
	if !slices.ContainsFunc(d.to, func(had string) bool { return strings.ToLower(had) == name }) {
		d.to = append(d.to, to)
	}
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	mail, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return d.sink.srv.deliver(d, mail)
}

// deliver puts a mail into the mailboxes, before it is acknowledged unless it
// shall come late.
func (s *Server) deliver(d *delivery, mail []byte) error {
	now := s.now()
	if bytes.IndexByte(mail, 0) >= 0 { // which no IMAP server can hand out
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "The mail contains NUL octets"}
	}
	if err := s.keeper.keep(mail); err != nil {
		s.problem(fault.Wrap(fault.Local, err, "cannot keep a mail"))
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "Cannot keep the mail"}
	}
	put := func() error {
		var all error
		for range s.copies() {
			if !s.perRecipient {
				all = errors.Join(all, s.put(s.acct, d.trace(mail, now, d.to...), now))
				continue
			}
			for _, to := range d.to {
				all = errors.Join(all, s.put(s.account(to), d.trace(mail, now, to), now))
			}
		}
		return all
	}
	if s.faults.late > 0 {
		own := *d
		own.to = append([]string(nil), d.to...)
		d = &own
		s.later(s.faults.late, func() { _ = put() })
		return nil
	}
	if err := put(); err != nil {
		s.problem(fault.Wrap(fault.Local, err, "cannot deliver a mail"))
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "Cannot deliver the mail"}
	}
	return nil
}

func (s *Server) copies() int {
	if s.faults.twice {
		return 2
	}
	return 1
}

func (s *Server) put(a *account, mail []byte, now time.Time) error {
	_, err := a.append("INBOX", mail, nil, now)
	return err
}

// trace puts in front of a mail what the last server on its way puts there.
func (d *delivery) trace(mail []byte, now time.Time, to ...string) []byte {
	var b bytes.Buffer
	b.Grow(len(mail) + 256)
	fmt.Fprintf(&b, "Return-Path: <%s>\r\n", oneLine(d.sender))
	for _, rcpt := range to {
		fmt.Fprintf(&b, "Delivered-To: %s\r\n", rcpt)
	}
	with := "ESMTP"
	if d.sink.lmtp {
		with = "LMTP"
	}
	fmt.Fprintf(&b, "Received: from %s (localhost [127.0.0.1])\r\n\tby sandbox.invalid (imapknife) with %s;\r\n\t%s\r\n",
		d.from, with, now.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	b.Write(mail)
	return b.Bytes()
}

// oneLine keeps what a client said from being more than a word of a field.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
