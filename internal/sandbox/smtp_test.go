package sandbox

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func started(t *testing.T, o Options) *Server {
	t.Helper()
	o.Now, o.Empty = time.Now, true
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func send(t *testing.T, s *Server, mail string, to ...string) {
	t.Helper()
	if err := smtp.SendMail(s.SMTPAddr(), nil, "from@example.org", to, []byte(mail)); err != nil {
		t.Fatal(err)
	}
}

// inbox is what is in the INBOX of an account.
func inbox(a *account) (mails []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range a.boxes["INBOX"].messages {
		mails = append(mails, string(m.raw))
	}
	return mails
}

// One mail for two is one message, and its octets are those that were sent.
func TestMail(t *testing.T) {
	s := started(t, Options{})
	const mail = "Subject: x\r\n\r\n.\r\n..two\r\nGr\xfc\xdfe\r\n"
	send(t, s, mail, "a@example.org", "B@example.org")
	mails := inbox(s.acct)
	if len(mails) != 1 || !strings.HasSuffix(mails[0], "\r\n"+mail) {
		t.Fatalf("%q", mails)
	}
	if want := "Return-Path: <from@example.org>\r\nDelivered-To: a@example.org\r\nDelivered-To: B@example.org\r\nReceived: "; !strings.HasPrefix(mails[0], want) {
		t.Errorf("%q", mails[0])
	}
}

func TestMailPerRecipient(t *testing.T) {
	dir := t.TempDir()
	s := started(t, Options{PerRecipient: true, Keep: dir})
	send(t, s, "Subject: =?utf-8?Q?Caf=C3=A9_?= ../../etc\r\n\r\nx\r\n", "A@example.org", "b@example.org")
	if n := len(inbox(s.acct)); n != 0 {
		t.Errorf("%d in the account of its own", n)
	}
	for _, user := range []string{"a@example.org", "B@EXAMPLE.org"} {
		a, err := s.login(user, s.Password())
		if err != nil {
			t.Fatal(err)
		}
		mails := inbox(a)
		if len(mails) != 1 || strings.Count(mails[0], "Delivered-To: ") != 1 {
			t.Errorf("%s: %q", user, mails)
		}
		if _, err := s.login(user, "x"); err == nil {
			t.Error("a wrong password is taken")
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "0001-caf-etc.eml" {
		t.Errorf("%v, %v", entries, err)
	}
}

// A mail that cannot be kept is not accepted.
func TestMailNotKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	told := make(chan error, 1)
	s := started(t, Options{Keep: dir, Problem: func(err error) { told <- err }})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	err := smtp.SendMail(s.SMTPAddr(), nil, "from@example.org", []string{"a@example.org"}, []byte("Subject: x\r\n\r\nx\r\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "452 ") || len(inbox(s.acct)) != 0 {
		t.Errorf("%v", err)
	}
	if err := <-told; fault.KindOf(err) != fault.Local {
		t.Error(err)
	}
}

// Close does not wait for mail that is late, and none comes after it.
func TestMailLate(t *testing.T) {
	s := started(t, Options{Faults: []string{"late=1h"}})
	send(t, s, "Subject: x\r\n\r\nx\r\n", "a@example.org")
	ended := make(chan struct{})
	go func() { s.Close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("Close waits for late mail")
	}
	if len(inbox(s.acct)) != 0 {
		t.Error("it came")
	}
}

func TestTLS(t *testing.T) {
	s := started(t, Options{TLS: true})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CA()) {
		t.Fatalf("no authority in %q", s.CA())
	}
	for _, name := range []string{"localhost", "127.0.0.1"} {
		c, err := tls.Dial("tcp", s.Addr(), &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if _, err := tls.Dial("tcp", s.Addr(), &tls.Config{ServerName: "localhost"}); err == nil {
		t.Error("anybody trusts it")
	}
}

func TestFaults(t *testing.T) {
	for _, name := range FaultNames() {
		name = strings.NewReplacer("=N", "=3", "=TIME", "=1ms", "no-CAPABILITY", "no-special-use").Replace(name)
		if _, err := parseFaults([]string{name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "x", "no-", "no-imap4rev2", "drop-idle=", "delay", "delay=-1s", "delay=1", "bye-after=0", "cut-after=x", "late=0s"} {
		if _, err := parseFaults([]string{name}); fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// dialogue sends lines and returns the codes of the answers.
func dialogue(t *testing.T, c net.Conn, lines ...string) string {
	t.Helper()
	r := textproto.NewReader(bufio.NewReader(c))
	var codes []string
	for _, line := range append([]string{""}, lines...) {
		if line != "" {
			if _, err := io.WriteString(c, line+"\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		code, text, err := r.ReadResponse(0)
		if err != nil {
			codes = append(codes, "gone")
			break
		}
		codes = append(codes, strconv.Itoa(code))
		if strings.HasPrefix(line, "EHLO") && strings.Contains(text, "STARTTLS") {
			codes = append(codes, "tls")
		}
	}
	return strings.Join(codes, " ")
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Programs of this machine send to names without a domain.
func TestMailToBareNames(t *testing.T) {
	s := started(t, Options{})
	got := dialogue(t, dial(t, s.SMTPAddr()), "EHLO x", "MAIL FROM:<cron>", "RCPT TO:<postmaster>", "rcpt to:<root> ", `RCPT TO:<"a b">`,
		"RCPT TO:<a@b>", "RCPT TO:<>", "RCPT TO:<a b>", "DATA", "RCPT TO:<root>\r\nMAIL FROM:<root>\r\n..\r\n.",
		"MAIL FROM:<>", "RCPT TO:<x>", "BDAT 16 LAST\r\nRCPT TO:<root>", "NOOP")
	if want := "220 250 250 250 250 250 250 501 501 354 250 250 250 250 250"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	mails := inbox(s.acct)
	want := "Return-Path: <cron@localhost>\r\nDelivered-To: postmaster@localhost\r\nDelivered-To: root@localhost\r\nDelivered-To: a b@localhost\r\nDelivered-To: a@b\r\n"
	if len(mails) == 0 || !strings.HasPrefix(mails[0], want) || !strings.HasSuffix(mails[0], "\r\nRCPT TO:<root>\r\nMAIL FROM:<root>\r\n.\r\n") {
		t.Errorf("%q", mails)
	}
	if len(mails) != 2 || !strings.HasSuffix(mails[1], "\r\nRCPT TO:<root>\r\n") {
		t.Errorf("%q", mails)
	}
}

// A command that does not end, and silence before STARTTLS.
func TestSMTPLimits(t *testing.T) {
	s := started(t, Options{TLS: true})
	if got := dialogue(t, dial(t, s.SMTPAddr()), "EHLO x", "NOOP", "NOOP "+strings.Repeat("x", 2*maxSMTPLine)); !strings.HasPrefix(got, "220 250 tls 250 500") && got != "220 250 tls 250 gone" {
		t.Error(got)
	}
	// What is sent ahead of the handshake is not taken for what comes after it.
	if got := dialogue(t, dial(t, s.SMTPAddr()), "EHLO x", "STARTTLS\r\nMAIL FROM:<a@b>"); got != "220 250 tls gone" {
		t.Error(got)
	}
}

// SMTP is spoken over TLS both ways.
func TestSMTPOverTLS(t *testing.T) {
	s := started(t, Options{TLS: true})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	config := &tls.Config{RootCAs: pool, ServerName: "localhost"}
	implicit := tls.Client(dial(t, s.SMTPSAddr()), config)
	if got := dialogue(t, implicit, "EHLO x", "MAIL FROM:<root>", "RCPT TO:<root>", "STARTTLS"); got != "220 250 250 250 502" {
		t.Errorf("implicit: %s", got)
	}
	c, err := smtp.NewClient(dial(t, s.SMTPAddr()), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("before@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := c.StartTLS(config); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("root"); err == nil {
		t.Error("what was said before TLS still holds")
	}
	if ok, _ := c.Extension("STARTTLS"); ok {
		t.Error("STARTTLS is offered inside TLS")
	}
	for _, err := range []error{c.Mail("root"), c.Rcpt("root")} {
		if err != nil {
			t.Error(err)
		}
	}
}

// Wrong passwords get slower, and a right one ends that.
func TestWrongPasswords(t *testing.T) {
	s := started(t, Options{})
	guess := func(n int) time.Duration {
		begin := time.Now()
		for range n {
			if _, err := s.login(DefaultUser, "x"); err == nil {
				t.Fatal("a wrong password is taken")
			}
		}
		return time.Since(begin)
	}
	guess(freeGuesses)
	if took := guess(2); took < 3*pauseStep {
		t.Errorf("two more took %v", took)
	}
	if _, err := s.login(DefaultUser, s.Password()); err != nil || s.wrong != 0 {
		t.Errorf("%v, %d", err, s.wrong)
	}
}

// heard is a connection from which octets come, and that hears nothing.
type heard struct {
	net.Conn
	io.Reader
}

func (h heard) Read(p []byte) (int, error)  { return h.Reader.Read(p) }
func (h heard) Write(p []byte) (int, error) { return len(p), nil }

// FuzzSMTPFront: whatever a client sends reaches the server, octet for octet but
// for the domain that an address lacks; and of a mail all of it does.
func FuzzSMTPFront(f *testing.F) {
	for _, s := range []string{
		"EHLO x\r\nMAIL FROM:<root>\r\nRCPT TO:<\"a b\">\r\nDATA\r\n", "RCPT TO:<root>\r\n.\r\nRCPT TO:<x> y\r\n", "BDAT 99999999999999999999 LAST\r\nRCPT TO:<x>",
		"bdat -1\r\nrcpt to: <x>\n", "STARTTLS\r\n", "\r\n\n.", "RCPT TO:<\"\\\">\r\n",
	} {
		f.Add([]byte(s), false, 7)
		f.Add([]byte(s), true, 4096)
	}
	f.Fuzz(func(t *testing.T, raw []byte, data bool, size int) {
		front := newSMTPFront(heard{Reader: bytes.NewReader(raw)}, nil)
		front.data = data
		got, err := io.ReadAll(io.MultiReader(&small{front, max(size, 1)}))
		if errors.Is(err, net.ErrClosed) {
			return // a line is too long
		}
		without := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("@localhost"), nil) }
		if err != nil || !bytes.Equal(without(got), without(raw)) {
			t.Fatalf("%q became %q, %v", raw, got, err)
		}
		if mail, _, _ := bytes.Cut(raw, []byte("\n.\r\n")); data && !bytes.HasPrefix(raw, []byte(".\r\n")) && !bytes.HasPrefix(got, mail) {
			t.Fatalf("the mail %q became %q", mail, got)
		}
	})
}

// small reads at most so many octets at once.
type small struct {
	r io.Reader
	n int
}

func (s *small) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }
