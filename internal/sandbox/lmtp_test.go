package sandbox

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/smtp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// talk connects to a sink and reads what it greets with.
func talk(t *testing.T, addr string) *rawConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r, greeting := speak(t, c)
	if !strings.HasPrefix(greeting, "220 ") {
		t.Fatalf("greeted with %q", greeting)
	}
	return r
}

// reply sends a line and reads the whole answer, the last line of which it
// returns beside all of them.
func (r *rawConn) reply(format string, args ...any) (last string, all []string) {
	r.t.Helper()
	r.send(format+"\r\n", args...)
	for {
		last = r.line()
		if all = append(all, last); len(last) < 4 || last[3] != '-' {
			return last, all
		}
	}
}

// expect sends a line and checks the code of the answer.
func (r *rawConn) expect(code, format string, args ...any) {
	r.t.Helper()
	if last, _ := r.reply(format, args...); !strings.HasPrefix(last, code+" ") {
		r.t.Fatalf("%s: %q instead of %s", fmt.Sprintf(format, args...), last, code)
	}
}

// LMTP answers for each recipient (RFC 2033, section 4.2), the same address
// twice included, and the mail is there once.
func TestLMTP(t *testing.T) {
	s := started(t, Options{})
	r := talk(t, s.LMTPAddr())
	r.expect("500", "EHLO me")
	_, offers := r.reply("LHLO me")
	for _, want := range []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE "} {
		if !strings.Contains(strings.Join(offers, "\n"), want) {
			t.Errorf("%s is not offered: %q", want, offers)
		}
	}
	r.expect("250", "MAIL FROM:<> BODY=8BITMIME SMTPUTF8")
	for _, to := range []string{"a@example.org", "grüße@example.org", "a@example.org"} {
		r.expect("250", "RCPT TO:<%s>", to)
	}
	r.expect("354", "DATA")
	r.send("Subject: Grüße\r\n\r\n..\r\n...\r\n\x80\xff\r\n.\r\n")
	for range 3 {
		if line := r.line(); !strings.HasPrefix(line, "250 ") {
			t.Errorf("%q", line)
		}
	}
	r.expect("221", "QUIT")
	mails := inbox(s.acct)
	if len(mails) != 1 || !strings.HasSuffix(mails[0], "\r\nSubject: Grüße\r\n\r\n.\r\n..\r\n\x80\xff\r\n") {
		t.Fatalf("%q", mails)
	}
	const want = "Return-Path: <>\r\nDelivered-To: a@example.org\r\nDelivered-To: grüße@example.org\r\nReceived: from me "
	if !strings.HasPrefix(mails[0], want) {
		t.Errorf("%q", mails[0])
	}
}

// A recipient named twice, however it is spelt, has one copy.
func TestMailSameRecipient(t *testing.T) {
	s := started(t, Options{PerRecipient: true})
	send(t, s, "Subject: x\r\n\r\nx\r\n", "a@example.org", "A@Example.org", "a@example.org")
	if n := len(inbox(s.account("a@example.org"))); n != 1 {
		t.Errorf("%d copies", n)
	}
}

// HTML comes in lines of any length; what is no message or address is refused.
func TestMailOdd(t *testing.T) {
	s := started(t, Options{})
	long := "Subject: x\r\n\r\n" + strings.Repeat("<td>", 50_000) + "\r\n"
	send(t, s, long, "a@example.org")
	if mails := inbox(s.acct); len(mails) != 1 || !strings.HasSuffix(mails[0], long) {
		t.Errorf("%d mails", len(mails))
	}
	r := talk(t, s.SMTPAddr())
	r.expect("250", "EHLO me")
	r.expect("250", "MAIL FROM:<a@example.org>")
	r.expect("553", "RCPT TO:<%s@example.org>", strings.Repeat("a", 5000))
	r.expect("250", "RCPT TO:<a@example.org>")
	r.expect("354", "DATA")
	r.send("Subject: half")
	r.Close()
	time.Sleep(50 * time.Millisecond)
	r = talk(t, s.SMTPAddr())
	r.expect("250", "EHLO me")
	r.expect("250", "MAIL FROM:<a@example.org>")
	r.expect("250", "RCPT TO:<a@example.org>")
	r.expect("354", "DATA")
	r.expect("554", "Subject: x\r\n\r\n\x00\r\n.") // sent again, it would be no better
	if n := len(inbox(s.acct)); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// A session that waits in IDLE hears of mail, and it is there with the 250.
func TestMailIdle(t *testing.T) {
	s := start(t, Options{Empty: true})
	r := login(t, s, "SELECT INBOX")
	r.send("i IDLE\r\n")
	if line := r.line(); !strings.HasPrefix(line, "+") {
		t.Fatalf("%q", line)
	}
	send(t, s, "Subject: x\r\n\r\nx\r\n", "a@example.org")
	for line := ""; line != "* 1 EXISTS"; {
		line = r.line()
	}
	if _, tagged := login(t, s, "SELECT INBOX").do("SEARCH SUBJECT x"); !strings.HasPrefix(tagged, "OK") {
		t.Error(tagged)
	}
}

func TestSTARTTLS(t *testing.T) {
	s := started(t, Options{TLS: true})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	c, err := smtp.Dial(s.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.StartTLS(&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Auth(smtp.PlainAuth("", "any", "thing", s.SMTPAddr()[:len("127.0.0.1")])); err != nil {
		t.Error(err)
	}
	state, _ := c.TLSConnectionState()
	leaf := state.PeerCertificates[0]
	if left := leaf.NotAfter.Sub(leaf.NotBefore); left != 30*24*time.Hour+time.Hour {
		t.Errorf("valid for %v", left)
	}
}

// Close ends connections in whatever state they are, and its goroutines.
func TestMailCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, withTLS := range []bool{false, true} {
		for range 20 {
			s, err := Start(Options{Now: time.Now, Empty: true, TLS: withTLS, Faults: []string{"late=1h"}})
			if err != nil {
				t.Fatal(err)
			}
			var open []net.Conn
			for _, text := range []string{"", "EHLO", "LHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf", "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf",
				"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n", "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 9\r\nhalf"} {
				addr := s.SMTPAddr()
				if strings.HasPrefix(text, "LHLO") {
					addr = s.LMTPAddr()
				}
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = c.Write([]byte(text))
				open = append(open, c)
			}
			s.Close()
			// Nothing of it runs when Close returns; BDAT's reader may be on its way out.
			for range 20 {
				if runtime.NumGoroutine() <= before {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if n := runtime.NumGoroutine(); n > before {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d before\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
			}
			for _, c := range open {
				c.Close()
			}
		}
	}
}
