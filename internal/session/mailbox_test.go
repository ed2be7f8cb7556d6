package session

import (
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// What goes over the wire for each change.
func TestMailboxCommands(t *testing.T) {
	srv := serve(t, `
ON CREATE "Arch
S: $tag OK [MAILBOXID (F12-a_b)] made
`, imaptest.Options{})
	s := enter(t, to(t, srv))
	must(t, s.Settle(t.Context()))
	id, refused, err := s.Create(t.Context(), "Archiv für R&D", `\Archive`)
	if id != "F12-a_b" || refused != nil || err != nil {
		t.Errorf("%q, %v, %v", id, refused, err)
	}
	if id, refused, err := s.Create(t.Context(), "x", ""); id != "" || refused != nil || err != nil {
		t.Errorf("%q, %v, %v", id, refused, err)
	}
	for _, do := range []func() (refused, err error){
		func() (error, error) { return s.Delete(t.Context(), `say "hi"`) },
		func() (error, error) { return s.Rename(t.Context(), "a", "台北") },
		func() (error, error) { return s.Subscribe(t.Context(), `back\slash`) },
		func() (error, error) { return s.Unsubscribe(t.Context(), "INBOX") },
	} {
		if refused, err := do(); refused != nil || err != nil {
			t.Errorf("%v, %v", refused, err)
		}
	}
	s.Close()
	heard(t, srv, loginLine, "CAPABILITY", `CREATE "Archiv f&APw-r R&-D" (USE (\Archive))`, `CREATE "x"`, `DELETE "say \"hi\""`,
		`RENAME "a" "&U,BTFw-"`, `SUBSCRIBE "back\\slash"`, `UNSUBSCRIBE "INBOX"`, "LOGOUT")
}

// A refusal is told apart from an outcome that is not known, BYE included.
func TestMailboxRefused(t *testing.T) {
	srv := serve(t, `
ON CREATE
S: $tag NO [ALREADYEXISTS] it is there
ON RENAME
S: $tag BAD what
ON DELETE
S: * BYE going down
CLOSE
`, imaptest.Options{})
	s := enter(t, to(t, srv))
	_, refused, err := s.Create(t.Context(), "x", "")
	must(t, err)
	failed(t, refused, fault.Refused, `cannot create the mailbox "x": server said NO [ALREADYEXISTS] it is there`)
	refused, err = s.Rename(t.Context(), "a", "b")
	must(t, err)
	failed(t, refused, fault.Refused, `cannot rename the mailbox "a" to "b": server said BAD what`)
	refused, err = s.Delete(t.Context(), "x")
	must(t, refused)
	failed(t, err, fault.Refused, "server said BYE going down")
}

// Names are looked up in one flight with the login, and only what has that very
// name counts.
func TestLookup(t *testing.T) {
	srv := serve(t, `
ON LIST "" "a\*"
S: * LIST () "/" ab
S: * LIST () "/" a*
S: * LIST (\Noselect) "/" abc
S: $tag OK
ON LIST "" "none"
S: $tag OK
ON LIST "" "fails"
S: $tag NO [UNAVAILABLE] later
`, imaptest.Options{Delay: 20 * time.Millisecond})
	s := enter(t, to(t, srv))
	found, refused, err := s.Lookup(t.Context(), []string{"a*", "none", "INBOX"})
	must(t, err)
	must(t, refused)
	if found[0] == nil || found[0].Name != "a*" || !found[0].Selectable() || found[1] != nil || found[2] == nil {
		t.Errorf("%+v", found)
	}
	_, refused, err = s.Lookup(t.Context(), []string{"INBOX", "fails"})
	must(t, err)
	failed(t, refused, fault.Refused, `cannot look for the mailbox "fails"`)
	if c := srv.Record().Commands(0); len(c) < 4 || c[3].Flight != 1 {
		t.Errorf("the first look is no part of the first flight:\n%s", srv.Record())
	}
}

// Whether a mailbox is subscribed, by either command.
func TestSubscribed(t *testing.T) {
	for caps, sent := range map[string]string{
		"IMAP4rev1":               `LSUB "" "a"`,
		"IMAP4rev1 LIST-EXTENDED": `LIST (SUBSCRIBED) "" "a"`,
	} {
		for answer, want := range map[string]bool{
			"":                       false,
			"* LIST () \"/\" a":      true,
			"* LSUB () \"/\" a":      true,
			"* LIST () \"/\" a/b":    false,
			`* LSUB (\Noselect) / a`: false,
		} {
			s, wrote := answered(answer+"\nA1 OK\n", caps)
			is, refused, err := s.Subscribed(t.Context(), "a")
			must(t, err)
			must(t, refused)
			if is != want || wrote.String() != "A1 "+sent+"\r\n" {
				t.Errorf("%s: %q: %t, sent %q", caps, answer, is, wrote)
			}
		}
	}
	s, _ := answered("A1 NO later\n", "IMAP4rev1")
	_, refused, err := s.Subscribed(t.Context(), "a")
	must(t, err)
	failed(t, refused, fault.Refused, "later")
}

// How names are made, by NAMESPACE or LIST, whatever these say.
func TestNaming(t *testing.T) {
	for _, tt := range []struct{ caps, answer, prefix, delimiter string }{
		{"NAMESPACE", `* NAMESPACE (("INBOX." ".")) NIL (("shared." "."))`, "INBOX.", "."},
		{"NAMESPACE", `* NAMESPACE (("" "/")("other/" "/")) NIL NIL`, "", "/"},
		{"NAMESPACE", `* NAMESPACE (("" NIL)) NIL NIL`, "", ""},
		{"NAMESPACE", `* NAMESPACE NIL (("a" "b")) NIL`, "", ""},
		{"NAMESPACE", `* NAMESPACE ((`, "", ""},
		{"NAMESPACE", "", "", ""},
		{"", `* LIST (\Noselect) "." ""`, "", "."},
		{"", `* LIST (\Noselect) NIL ""`, "", ""},
		{"", "", "", ""},
	} {
		s, _ := answered(tt.answer+"\nA1 OK\n", "IMAP4rev1 "+tt.caps)
		prefix, delimiter, err := s.Naming(t.Context())
		if err != nil || prefix != tt.prefix || delimiter != tt.delimiter {
			t.Errorf("%s: %q %q %v", tt.answer, prefix, delimiter, err)
		}
	}
}
