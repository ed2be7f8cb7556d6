package sandbox

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/realserver"
)

// onReal logs in to a real server as a new user with the samples of INBOX in
// INBOX.
func onReal(t *testing.T, name string) *rawConn {
	t.Helper()
	s := realserver.ForTest(t, name, realserver.Options{Users: 2})
	if s == nil {
		return nil
	}
	user, password, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", s.TLSAddr(), s.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	r, _ := speak(t, c)
	r.ok(fmt.Sprintf("LOGIN %q %q", user, password))
	for _, m := range Samples(testNow()) {
		if m.Mailbox != "INBOX" {
			continue
		}
		flags := m.Flags
		if name == "imap4d" { // has no keywords
			flags = slices.DeleteFunc(flags, func(f string) bool { return !strings.HasPrefix(f, `\`) })
		}
		r.send("a APPEND INBOX (%s) %q {%d}\r\n", strings.Join(flags, " "), m.Date.Format("02-Jan-2006 15:04:05 -0700"), len(m.Raw))
		if got := r.line(); !strings.HasPrefix(got, "+") {
			t.Fatalf("%s: %s", name, got)
		}
		r.send("%s\r\n", m.Raw)
		if _, tagged := r.until("a "); !strings.HasPrefix(tagged, "OK") {
			t.Fatalf("%s: %s", name, tagged)
		}
	}
	r.ok("EXAMINE INBOX")
	return r
}

// TestSamplesSurvive: real servers take the samples by APPEND and give them
// back octet by octet.
func TestSamplesSurvive(t *testing.T) {
	for _, name := range realserver.Names() {
		r := onReal(t, name)
		if r == nil {
			continue
		}
		uid := 0
		for i, m := range Samples(testNow()) {
			if m.Mailbox != "INBOX" {
				continue
			}
			uid++
			got := strings.Join(r.ok(fmt.Sprintf("UID FETCH %d (BODY.PEEK[])", uid)), "")
			if !strings.Contains(got, fmt.Sprintf("BODY[] {%d}\r\n%s", len(m.Raw), m.Raw)) {
				t.Errorf("%s: %s came back changed: %.2000q", name, samples[i].file, got)
			}
		}
	}
}

// TestDovecotAgrees: Dovecot finds what we find, and sees in the samples what
// we see.
func TestDovecotAgrees(t *testing.T) {
	dovecot := onReal(t, "dovecot")
	if dovecot == nil {
		return
	}
	for _, c := range searches() {
		got := strings.Join(dovecot.ok("UID SEARCH "+c.program), "|")
		got, _, _ = strings.Cut(got, "|* FLAGS") // a keyword searched for is defined from then on
		if got != uidsOf(c.want) {
			t.Errorf("UID SEARCH %s\nDovecot %q\nwant    %q", c.program, got, uidsOf(c.want))
		}
	}
	here := login(t, start(t, Options{}), "EXAMINE INBOX")
	for _, command := range []string{
		"FETCH 1:* (RFC822.SIZE)",
		"FETCH 1:11,13:* (ENVELOPE)", // Dovecot writes the quote in 12 as a literal
		"FETCH 1:* (BODY)",
		"FETCH 1:4,6:* (BODYSTRUCTURE)", // parameters of 5 come in another order
		"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT TO RECEIVED)] BODY.PEEK[TEXT]<3.30>)",
		"FETCH 1:* (BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT TO RECEIVED)])",
		"FETCH 13 (BODY.PEEK[2] BODY.PEEK[2.MIME] BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT] BODY.PEEK[2.1.MIME] BODY.PEEK[2.2])",
		"FETCH 4 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2])",
		"FETCH 5 (BINARY.SIZE[1] BINARY.SIZE[3] BINARY.PEEK[3] BINARY.PEEK[2])",
		"UID FETCH 100:* (UID)",
	} {
		want, got := dovecot.ok(command), here.ok(command)
		for i := range want {
			if i >= len(got) || plainly(got[i]) != plainly(want[i]) {
				t.Errorf("%s\nDovecot %s\n   here %s", command, want[i], got[min(i, len(got)-1)])
			}
		}
	}
}

// plainly takes out what may differ: case and quotes.
func plainly(line string) string { return strings.ToLower(strings.ReplaceAll(line, `"`, "")) }
