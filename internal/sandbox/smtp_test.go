package sandbox

import (
	"crypto/tls"
	"crypto/x509"
	"net/smtp"
	"os"
	"path/filepath"
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
