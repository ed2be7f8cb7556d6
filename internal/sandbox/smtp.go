package sandbox

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/imapknife/imapknife/internal/fault"
	mime "github.com/imapknife/imapknife/internal/message"
)

// maxRecipients is how many recipients one mail may have.
const maxRecipients = 1000

// sink takes mail from anybody for anybody, by SMTP or LMTP, and puts it into
// the sandbox's mailboxes.
type sink struct {
	srv      *Server
	lmtp     bool
	listener net.Listener
	smtp     *smtp.Server
}

// startSink listens on loopback and serves.
func (s *Server) startSink(lmtp bool, config *tls.Config, errors io.Writer) (*sink, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot listen on loopback")
	}
	k := &sink{srv: s, lmtp: lmtp, listener: ln}
	k.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &delivery{sink: k, from: c.Hostname()}, nil
	}))
	k.smtp.LMTP, k.smtp.Domain, k.smtp.TLSConfig = lmtp, "localhost", config
	k.smtp.AllowInsecureAuth = true // loopback only
	k.smtp.EnableSMTPUTF8, k.smtp.EnableBINARYMIME = true, true
	k.smtp.MaxMessageBytes, k.smtp.MaxRecipients = maxMessage-maxTrace, maxRecipients
	k.smtp.ErrorLog = log.New(writerOrDiscard(errors), "", 0)
	s.serving.Go(func() { _ = k.smtp.Serve(ln) })
	return k, nil
}

// maxTrace is how many octets the fields may take that a delivery adds.
const maxTrace = 1 << 20

func (k *sink) close() {
	_ = k.smtp.Close()
	_ = k.listener.Close() // in case it does not serve yet
}

// delivery is one connection's state; it implements smtp.LMTPSession and
// smtp.AuthSession.
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

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	d.sender = from
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	if d.sink.srv.faults.smtpRefuse {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "The sandbox was told to refuse"}
	}
	if strings.ContainsFunc(to, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "Not an address"}
	}
	d.to = append(d.to, to)
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	mail, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return d.sink.srv.deliver(d, mail)
}

// LMTPData answers for each recipient: all fare the same.
func (d *delivery) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	err := d.Data(r)
	if _, ok := errors.AsType[*smtp.SMTPError](err); err != nil && !ok {
		return err
	}
	for _, to := range d.to {
		status.SetStatus(to, err)
	}
	return nil
}

// deliver puts a mail into the mailboxes, before it is acknowledged unless it
// shall come late.
func (s *Server) deliver(d *delivery, mail []byte) error {
	now := s.now()
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
		oneLine(d.from), with, now.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
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

// keeper leaves a file of each mail in a directory.
type keeper struct {
	dir string // empty: nothing is kept
	mu  sync.Mutex
	n   int
}

func newKeeper(dir string) (*keeper, error) {
	if dir == "" {
		return &keeper{}, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot make the directory %q", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot read the directory %q", dir)
	}
	k := &keeper{dir: dir}
	for _, e := range entries { // the numbers go on
		number, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(number); err == nil {
			k.n = max(k.n, n)
		}
	}
	return k, nil
}

// keep writes a mail as it was sent. Files that are there stay.
func (k *keeper) keep(mail []byte) error {
	if k.dir == "" {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		k.n++
		f, err := os.OpenFile(filepath.Join(k.dir, fmt.Sprintf("%04d-%s.eml", k.n, slug(mail))), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.Write(mail)
		return errors.Join(err, f.Close())
	}
}

// slug is a mail's subject as part of a file name: letters, digits and
// hyphens, not many.
func slug(mail []byte) string {
	const most = 40
	header, _, _ := bytes.Cut(mail, []byte("\r\n\r\n"))
	fields, _ := mime.Headers(header)
	var b strings.Builder
	for _, f := range fields {
		if !strings.EqualFold(f.Name, "Subject") {
			continue
		}
		for _, r := range strings.ToLower(f.Value) {
			switch {
			case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
				b.WriteRune(r)
			case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
				b.WriteByte('-')
			}
			if b.Len() >= most {
				break
			}
		}
		break
	}
	if text := strings.Trim(b.String(), "-"); text != "" {
		return text
	}
	return "mail"
}
