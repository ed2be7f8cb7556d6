package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
)

func TestCaps(t *testing.T) {
	for _, tt := range []struct {
		said, name string
		want       bool
	}{
		{"IMAP4rev1 ESEARCH", "ESEARCH", true},
		{"imap4REV1  eSearch", "ESEARCH", true},
		{"IMAP4rev1", "ESEARCH", false},
		{"", "ESEARCH", false},
		{"IMAP4rev1 ESEARCHX", "ESEARCH", false},
		{"IMAP4rev1 AUTH=Plain", "AUTH=PLAIN", true},
		// A server of revision 2 alone need not say what that includes; one of
		// both says it.
		{"IMAP4rev2", "ESEARCH", true},
		{"imap4rev2", "LITERAL-", true},
		{"IMAP4rev2", "UIDPLUS", true},
		{"IMAP4rev2", "CONDSTORE", false},
		{"IMAP4rev2", "IMAP4REV1", false},
		{"IMAP4rev1 IMAP4rev2", "ESEARCH", false},
		{"IMAP4rev1 IMAP4rev2 ESEARCH", "ESEARCH", true},
	} {
		if got := parseCaps(tt.said).has(tt.name); got != tt.want {
			t.Errorf("%q has %s: %v", tt.said, tt.name, got)
		}
		s, _ := answered("", tt.said)
		if got := s.Offers(strings.ToLower(tt.name)); got != tt.want {
			t.Errorf("%q offers %s: %v", tt.said, tt.name, got)
		}
	}
	if c := parseCaps(strings.Repeat("X ", maxCaps) + "ESEARCH"); c.has("ESEARCH") {
		t.Error("there is no limit")
	}
	if got := parseCaps("b imap4rev1 A b").names(); !slices.Equal(got, []string{"A", "b", "imap4rev1"}) {
		t.Error(got)
	}
}

// GNU imap4d is known by UNSELECT without UIDPLUS.
func TestWrongUIDs(t *testing.T) {
	for said, want := range map[string]bool{
		"IMAP4rev1 UNSELECT": true, "IMAP4rev1 UNSELECT UIDPLUS": false, "IMAP4rev1": false, "IMAP4rev2": false, "": false,
	} {
		s, _ := answered("", said)
		if got := s.Offers(query.WrongUIDs); got != want {
			t.Errorf("%q: %v", said, got)
		}
	}
}

func TestNeed(t *testing.T) {
	s, sent := answered("", "IMAP4rev1 SORT")
	if err := s.Need(t.Context(), "sort", "--sort"); err != nil {
		t.Error(err)
	}
	err := s.Need(t.Context(), "THREAD=REFERENCES", "thread")
	if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "thread needs the capability THREAD=REFERENCES") || sent.Len() != 0 {
		t.Error(err, sent)
	}
}

// What the server says about the mailbox when it is opened.
func TestBox(t *testing.T) {
	const open = `* FLAGS (\Seen $x "odd one")
* 23 EXISTS
* 2 RECENT
* OK [UNSEEN 3] .
* OK [UIDVALIDITY 4294967295] .
* OK [UIDNEXT 70] .
* OK [HIGHESTMODSEQ 18446744073709551615] .
* OK [PERMANENTFLAGS (\Seen \*)] .
* OK [MAILBOXID (F-1)] .
* NO [APPENDLIMIT 5] .
A1 OK [READ-WRITE] done
`
	s, sent := answered(open, "IMAP4rev1 CONDSTORE")
	s.box = nil
	if err := s.Examine(t.Context(), "Ä"); err != nil {
		t.Fatal(err)
	}
	b, err := s.Box(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(b.Name, b.Exists, *b.Recent, *b.FirstUnseen, *b.UIDNext, " ", b.Validity(), " ", *b.HighestModseq, *b.AppendLimit, b.NoModseq,
		b.MailboxID, b.Flags, b.PermanentFlags, b.HasPermanent, b.ReadOnly, b.Warnings)
	const want = `Ä23 2 3 70 4294967295 18446744073709551615 5 falseF-1[\Seen $x odd one] [\Seen \*] true true []`
	if got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	if lines(sent) != `A1 EXAMINE "&AMQ-"` {
		t.Errorf("sent %q", lines(sent))
	}

	s, sent = answered("* OK [UIDNEXT 18446744073709551616] .\n* OK [UIDVALIDITY x] .\n* OK [MAILBOXID (\x01)] .\n* OK [NOMODSEQ] .\n* FLAGS (a\nA1 OK [READ-ONLY] done\n", "IMAP4rev1")
	s.box = nil
	if err := s.Select(t.Context(), "inbox"); err != nil {
		t.Fatal(err)
	}
	if b, err = s.Box(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.Name != "INBOX" || b.UIDNext != nil || b.Validity() != "" || b.MailboxID != "" || !b.NoModseq || !b.ReadOnly || len(b.Warnings) < 3 {
		t.Errorf("%+v", b)
	}
	if lines(sent) != `A1 SELECT "inbox"` {
		t.Errorf("sent %q", lines(sent))
	}
	s, _ = answered("A1 NO none\n", "IMAP4rev1")
	s.box = nil
	if err = s.Examine(t.Context(), "x"); err == nil {
		_, err = s.Box(t.Context())
	}
	if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), `cannot open the mailbox "x"`) || len(fault.Hints(err)) == 0 {
		t.Error(err)
	}
}
