package sandbox

import (
	"errors"
	"io"
	"net"
	"net/smtp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func faulty(t *testing.T, faults ...string) *Server {
	t.Helper()
	return start(t, Options{Empty: true, Faults: faults})
}

// Other commands tell what IDLE does not.
func TestFaultDropIdle(t *testing.T) {
	s := faulty(t, "drop-idle")
	r := login(t, s, "SELECT INBOX")
	r.send("i IDLE\r\n")
	if line := r.line(); !strings.HasPrefix(line, "+") {
		t.Fatal(line)
	}
	send(t, s, "Subject: x\r\n\r\nx\r\n", "a@example.org")
	_ = r.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if b, err := r.br.Peek(1); err == nil {
		t.Fatalf("IDLE told %q", b)
	}
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	r.send("DONE\r\n")
	told, tagged := r.until("i ")
	if !strings.HasPrefix(tagged, "OK") {
		t.Error(tagged)
	}
	told = append(told, r.ok("NOOP")...)
	if !strings.Contains(strings.Join(told, "\n"), "* 1 EXISTS") {
		t.Errorf("%q", told)
	}
}

// The greeting is no answer to a command: what counts begins after it. The
// IDLE's end is no command either.
func TestFaultByeAfter(t *testing.T) {
	s := faulty(t, "bye-after=4")
	for range 2 { // each connection for itself
		r := login(t, s, "SELECT INBOX", "NOOP")
		r.send("i IDLE\r\n")
		r.line()
		r.send("DONE\r\n")
		if _, tagged := r.until("i "); !strings.HasPrefix(tagged, "OK") {
			t.Fatal(tagged)
		}
		r.send("z NOOP\r\n")
		if line := r.line(); !strings.HasPrefix(line, "* BYE ") {
			t.Errorf("%q", line)
		}
		if rest, err := io.ReadAll(r.br); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v", rest, err)
		}
	}
}

func TestFaultCutAfter(t *testing.T) {
	s := faulty(t, "cut-after=2")
	r := login(t, s, "NOOP")
	r.send("z NOOP\r\n")
	if rest, err := io.ReadAll(r.br); !errors.Is(err, syscall.ECONNRESET) || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestFaultDelay(t *testing.T) {
	s := faulty(t, "delay=60ms")
	r, _ := connect(t, s)
	for range 2 {
		began := time.Now()
		r.ok("NOOP")
		if d := time.Since(began); d < 60*time.Millisecond {
			t.Errorf("answered after %v", d)
		}
	}
	// Close does not wait for the delay.
	s = faulty(t, "delay=1h")
	r, _ = connect(t, s)
	r.send("a NOOP\r\n")
	time.Sleep(10 * time.Millisecond)
	began := time.Now()
	s.Close()
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("closed after %v", d)
	}
}

func TestFaultLateAndTwice(t *testing.T) {
	s := faulty(t, "late=150ms", "twice")
	began := time.Now()
	send(t, s, "Subject: x\r\n\r\nx\r\n", "a@example.org")
	if n := len(inbox(s.acct)); n != 0 && time.Since(began) < 150*time.Millisecond {
		t.Errorf("%d mails at once", n)
	}
	for len(inbox(s.acct)) < 2 {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d mails", len(inbox(s.acct)))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if d := time.Since(began); d < 150*time.Millisecond {
		t.Errorf("it was there after %v", d)
	}
}

func TestFaultsThatRefuse(t *testing.T) {
	s := faulty(t, "no-login", "smtp-refuse")
	r, _ := connect(t, s)
	if _, tagged := r.do("LOGIN sandbox " + s.Password()); !strings.HasPrefix(tagged, "NO [AUTHENTICATIONFAILED]") {
		t.Error(tagged)
	}
	err := smtp.SendMail(s.SMTPAddr(), nil, "a@example.org", []string{"b@example.org"}, []byte("x\r\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "550 ") {
		t.Error(err)
	}
	l := talk(t, s.LMTPAddr())
	l.expect("250", "LHLO me")
	l.expect("250", "MAIL FROM:<a@example.org>")
	l.expect("550", "RCPT TO:<b@example.org>")
}

// Every capability that is offered can be taken away by its own name.
func TestFaultNoCapability(t *testing.T) {
	offered := " " + strings.ToLower(strings.Join(login(t, faulty(t)).ok("CAPABILITY"), " ")) + " "
	for _, name := range hideable() {
		if name == "literal-" { // offered without LITERAL+ alone
			continue
		}
		if !strings.Contains(offered, " "+name+" ") && !strings.Contains(offered, " "+name+"=") {
			t.Errorf("%s is not offered:%s", name, offered)
		}
		left := " " + strings.ToLower(strings.Join(login(t, faulty(t, "no-"+name)).ok("CAPABILITY"), " ")) + " "
		if strings.Contains(left, " "+name+" ") || name == "appendlimit" && strings.Contains(left, name) {
			t.Errorf("%s is still there:%s", name, left)
		}
	}
	_, err := parseFaults([]string{"no-such"})
	if h := strings.Join(fault.Hints(err), ""); !strings.Contains(h, "no-uidplus") || !strings.Contains(h, "no-utf8=accept") {
		t.Errorf("%v, %q", err, h)
	}
}

// A listener stays its owner's where Start fails.
func TestStartFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, o := range []Options{{Faults: []string{"x"}}, {Keep: "/dev/null/x"}, {Seed: "/nowhere"}} {
		o.Now, o.Listener = testNow, ln
		if _, err := Start(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Error(err)
	}
}

func BenchmarkStartTLS(b *testing.B) {
	for b.Loop() {
		s, err := Start(Options{Now: testNow, TLS: true})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkCertify(b *testing.B) {
	for b.Loop() {
		if _, _, err := certify(testNow()); err != nil {
			b.Fatal(err)
		}
	}
}
