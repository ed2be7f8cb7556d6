package sandbox

import (
	"bytes"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestGreetingAndCapabilities(t *testing.T) {
	s := start(t, Options{Password: "secret"})
	r, greeting := connect(t, s)
	const before = "IMAP4rev2 IMAP4rev1 SASL-IR LITERAL- AUTH=PLAIN"
	const after = "IMAP4rev2 IMAP4rev1 SASL-IR UNSELECT ENABLE IDLE UTF8=ACCEPT NAMESPACE UIDPLUS ESEARCH SEARCHRES " +
		"LIST-EXTENDED LIST-STATUS MOVE STATUS=SIZE BINARY CHILDREN SPECIAL-USE CREATE-SPECIAL-USE LITERAL+ UNAUTHENTICATE " +
		"APPENDLIMIT=67108864"
	if want := "* OK [CAPABILITY " + before + "] IMAP server ready"; greeting != want {
		t.Errorf("greeting %q, want %q", greeting, want)
	}
	r.want("CAPABILITY", "* CAPABILITY "+before, "OK CAPABILITY completed")
	r.want("LOGIN sandbox secret", "OK [CAPABILITY "+after+"] Logged in")
	r.want("CAPABILITY", "* CAPABILITY "+after, "OK CAPABILITY completed")
	r.want("UNAUTHENTICATE", "OK")
	r.want("CAPABILITY", "* CAPABILITY "+before, "OK CAPABILITY completed")
	r.want("LOGOUT", "* BYE Logging out", "OK LOGOUT completed")
}

func TestAuthentication(t *testing.T) {
	s := start(t, Options{User: "robin", Password: "sec ret"})
	const failed = "NO [AUTHENTICATIONFAILED] Authentication failed"
	for _, c := range []struct{ command, want string }{
		{`LOGIN robin wrong`, failed},
		{`LOGIN robin ""`, failed},
		{`LOGIN sandbox "sec ret"`, failed},
		{`AUTHENTICATE PLAIN AHJvYmluAHdyb25n`, failed}, // \0robin\0wrong
		{`AUTHENTICATE PLAIN eABzb21lAHNlYyByZXQ=`, "NO [AUTHORIZATIONFAILED] Cannot act for another user"},    // x\0some\0sec ret
		{`AUTHENTICATE PLAIN cm9iaW4=`, "BAD Malformed SASL response"},                                         // robin
		{`AUTHENTICATE XOAUTH2 cm9iaW4=`, "NO [CANNOT] No such SASL mechanism"},                                // robin
		{`SELECT INBOX`, "BAD [CLIENTBUG] This command is only valid in the authenticated state"},              // not yet
		{`STARTTLS`, "NO STARTTLS not supported"},                                                              // nor advertised
		{`AUTHENTICATE PLAIN AHJvYmluAHNlYyByZXQ=`, "OK"},                                                      // \0robin\0sec ret
		{`LOGIN robin "sec ret"`, "BAD [CLIENTBUG] This command is only valid in the not authenticated state"}, // once
		{`AUTHENTICATE PLAIN AHJvYmluAHNlYyByZXQ=`, "BAD [CLIENTBUG] This command is only valid in the not authenticated state"},
	} {
		r, _ := connect(t, s)
		if strings.Contains(c.want, "not authenticated state") {
			r = login(t, &Server{listener: s.listener, user: "robin", password: `"sec ret"`})
		}
		r.want(c.command, c.want)
	}
	// Without an initial response the password goes behind a continuation.
	r, _ := connect(t, s)
	r.send("a AUTHENTICATE PLAIN\r\n")
	if got := r.line(); got != "+ " {
		t.Fatalf("challenge %q", got)
	}
	r.send("AHJvYmluAHNlYyByZXQ=\r\n")
	if got := r.line(); !strings.HasPrefix(got, "a OK [CAPABILITY ") {
		t.Errorf("got %q", got)
	}
}

func TestURL(t *testing.T) {
	s := start(t, Options{User: "robin sandler"})
	if got, want := s.URL(), "imap+insecure://robin%20sandler@"+s.Addr()+"/"; got != want {
		t.Errorf("URL %q, want %q", got, want)
	}
	if other := start(t, Options{}); other.Password() == s.Password() || len(s.Password()) < 20 {
		t.Errorf("passwords %q and %q", s.Password(), other.Password())
	}
}

func TestStartRefuses(t *testing.T) {
	everywhere, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	for _, c := range []struct {
		o    Options
		kind fault.Kind
		text string
	}{
		{Options{}, fault.Usage, "needs a clock"},
		{Options{Now: testNow, Listener: everywhere}, fault.Safety, "loopback only"},
		{Options{Now: testNow, Seed: "testdata/none"}, fault.Usage, `cannot seed from "testdata/none": no such file`},
		{Options{Now: testNow, Seed: "x", Empty: true}, fault.Usage, "cannot start empty"},
		{Options{Now: testNow, NoCaps: []string{"imap4rev1", "imap4rev2"}}, fault.Usage, "cannot hide both"},
	} {
		s, err := Start(c.o)
		if err == nil {
			_ = s.Close()
			t.Errorf("%+v: started", c.o)
		} else if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: %v (%v)", c.o, err, fault.KindOf(err))
		}
	}
}

// TestUIDValidityDiffers: a client's cache of another sandbox is void.
func TestUIDValidityDiffers(t *testing.T) {
	seen := make(map[uint32]bool)
	for range 8 {
		s := start(t, Options{Empty: true})
		v := s.acct.boxes["INBOX"].uidValidity
		if seen[v] || v < 1<<20 {
			t.Errorf("UIDVALIDITY %d", v)
		}
		seen[v] = true
	}
}

func TestAppendFromInside(t *testing.T) {
	s := start(t, Options{Empty: true})
	if uid := put(t, s, "inbox", mail1("one", "x"), `\Flagged`, "Work"); uid != 1 {
		t.Errorf("UID %d", uid)
	}
	login(t, s, "SELECT INBOX").want("FETCH 1 (FLAGS INTERNALDATE)",
		`* 1 FETCH (FLAGS (\Flagged Work \Recent) INTERNALDATE "20-Nov-2026 19:15:00 +0000")`, "OK")
	for _, c := range []struct {
		mailbox, raw, flag, want string
	}{
		{"Nowhere", "Subject: x\r\n\r\n", `\Seen`, "such mailbox"},
		{"INBOX", "", `\Seen`, "empty"},
		{"INBOX", "Subject: \x00\r\n\r\n", `\Seen`, "NUL"},
		{"INBOX", "Subject: x\r\n\r\n", `\Recent`, "flag"},
		{"INBOX", "Subject: x\r\n\r\n", "two words", "flag"},
	} {
		_, err := s.Append(c.mailbox, []byte(c.raw), []string{c.flag}, time.Time{})
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestCloseEndsEverything: connections in every state are cut, and no
// goroutine is left.
func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		s, err := Start(Options{Now: testNow})
		if err != nil {
			t.Fatal(err)
		}
		fresh, _ := connect(t, s)
		_ = login(t, s, "SELECT INBOX")
		r := login(t, s, "SELECT INBOX")
		r.send("a IDLE\r\n")
		if got := r.line(); got != "+ idling" {
			t.Fatalf("got %q", got)
		}
		half := login(t, s)
		half.send("a APPEND INBOX {10}\r\nabc")
		slow := login(t, s, "SELECT INBOX")
		slow.send("%s", strings.Repeat("a FETCH 1:* BODY.PEEK[]\r\n", 50)) // never read
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if _, err := r.Read(make([]byte, 1)); err == nil {
			t.Error("connection open after Close")
		}
		_ = fresh
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	var stacks [1 << 16]byte
	t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks[:], true)])
}

func TestNoCaps(t *testing.T) {
	hide := func(names ...string) *rawConn {
		return login(t, start(t, Options{NoCaps: names}), "SELECT INBOX")
	}
	capsOf := func(r *rawConn) string { return r.ok("CAPABILITY")[0] + " " }
	for _, c := range []struct{ name, command string }{
		{"MOVE", "UID MOVE 1 Trash"},
		{"move", "MOVE 1 Trash"},
		{"IDLE", "IDLE"},
		{"UIDPLUS", "UID EXPUNGE 1"},
		{"ESEARCH", "UID SEARCH RETURN (COUNT) ALL"},
		{"SEARCHRES", "SEARCH RETURN (SAVE) ALL"},
		{"LIST-STATUS", `LIST "" % RETURN (STATUS (MESSAGES))`},
		{"LIST-EXTENDED", `LIST (SUBSCRIBED) "" %`},
		{"SPECIAL-USE", `LIST "" % RETURN (SPECIAL-USE)`},
		{"CREATE-SPECIAL-USE", `CREATE x (USE (\Archive))`},
		{"NAMESPACE", "NAMESPACE"},
		{"UNSELECT", "UNSELECT"},
		{"ENABLE", "ENABLE UTF8=ACCEPT"},
		{"STATUS=SIZE", "STATUS INBOX (SIZE)"},
		{"BINARY", "FETCH 1 BINARY.PEEK[1]"},
		{"UNAUTHENTICATE", "UNAUTHENTICATE"},
	} {
		r := hide(c.name)
		if caps := capsOf(r); strings.Contains(caps, " "+strings.ToUpper(c.name)+" ") {
			t.Errorf("%s is still in %q", c.name, caps)
		}
		r.want(c.command, "BAD Unknown command")
		r.ok("NOOP")
	}
	// What imapserver always has, and what IMAP4rev2 includes.
	r := hide("LITERAL+", "UTF8=ACCEPT", "SASL-IR", "APPENDLIMIT", "IDLE")
	if got := capsOf(r); strings.Contains(got, "IMAP4rev2") || strings.Contains(got, "IDLE") || strings.Contains(got, "SASL-IR") ||
		strings.Contains(got, "UTF8") || strings.Contains(got, "APPENDLIMIT") || !strings.Contains(got, " LITERAL- ") {
		t.Errorf("got %q", got)
	}
	r.want("ENABLE UTF8=ACCEPT", "* ENABLED", "OK")
	r = hide("UIDPLUS")
	r.want("COPY 1 Trash", "OK COPY completed")
	r.want("UID MOVE 2 Trash", "* 2 EXPUNGE", "OK")
	r.send("a APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n")
	if untagged, got := r.until("a "); got != "OK APPEND completed" || len(untagged) != 2 {
		t.Errorf("got %q %q", untagged, got)
	}
	r = hide("SPECIAL-USE")
	r.want(`LIST "" Trash`, `* LIST (\HasNoChildren) "/" "Trash"`, "OK")
}

func TestTraceStarsSecrets(t *testing.T) {
	var out bytes.Buffer
	s := start(t, Options{Password: "hunter2", Debug: &out, Empty: true})
	r, _ := connect(t, s)
	r.want("LOGIN sandbox hunter3", "NO")
	r.want("AUTHENTICATE PLAIN AHNhbmRib3gAaHVudGVyMw==", "NO")
	r.send("a AUTHENTICATE PLAIN\r\n")
	r.line()
	r.send("AHNhbmRib3gAaHVudGVyMw==\r\n")
	r.line()
	r.send("b LOGIN {7}\r\n")
	r.line()
	r.send("sandbox {7+}\r\nhunter2\r\n")
	r.line()
	r.want("LOGOUT", "* BYE Logging out", "OK")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter", "aHVudGVy"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the trace:\n%s", secret, &out)
		}
	}
	for _, line := range []string{"1 C: t1 LOGIN ***\r\n", "1 C: t2 AUTHENTICATE PLAIN ***\r\n", "1 C: a AUTHENTICATE PLAIN\r\n1 S: + \r\n1 C: ***\r\n1 S: a NO ", "1 C: t3 LOGOUT\r\n1 S: * BYE Logging out\r\n"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not in the trace:\n%s", line, &out)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := Start(Options{Now: testNow})
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
