package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// told* write down what a session tells, a line an entry.
func toldStatus(d *StatusData) string {
	if d == nil {
		return "none"
	}
	out := fmt.Sprintf("%q", d.Name)
	for _, n := range []struct {
		name string
		n    *uint64
	}{{"messages", d.Messages}, {"recent", d.Recent}, {"unseen", d.Unseen}, {"deleted", d.Deleted}, {"size", d.Size},
		{"modseq", d.HighestModseq}, {"limit", d.AppendLimit}} {
		if n.n != nil {
			out += fmt.Sprintf(" %s=%d", n.name, *n.n)
		}
	}
	if d.UIDNext != nil {
		out += fmt.Sprintf(" next=%d", *d.UIDNext)
	}
	if d.UIDValidity.Usable() {
		out += fmt.Sprintf(" validity=%s", d.UIDValidity)
	}
	if d.MailboxID != "" {
		out += " id=" + d.MailboxID
	}
	if d.Warnings != nil {
		out += fmt.Sprintf(" warnings=%d", len(d.Warnings))
	}
	return out
}

func toldEntry(e *ListEntry) string {
	out := fmt.Sprintf("%q", e.Name)
	if e.Raw != e.Name {
		out += fmt.Sprintf(" raw=%q", e.Raw)
	}
	out += fmt.Sprintf(" %q %v", e.Delimiter, e.Attributes)
	if !e.Exact {
		out += " inexact"
	}
	if e.Subscribed != nil {
		out += fmt.Sprint(" subscribed=", *e.Subscribed)
	}
	if e.Status != nil {
		out += " status=" + toldStatus(e.Status)
	}
	if e.Warnings != nil {
		out += fmt.Sprintf(" warnings=%d", len(e.Warnings))
	}
	return out + "\n"
}

var listTests = []struct{ name, in, want string }{
	{"plain", `
* LIST (\HasNoChildren \Sent) "/" INBOX
* LIST () "." "a.b"
* LIST (\Noselect) NIL {3}
x"y
* XLIST (\AllMail) "/" "All"
`, `"INBOX" "/" [\HasNoChildren \Sent]
"a.b" "." []
"x\"y" "" [\Noselect]
"All" "/" [\AllMail]
`},
	{"names", `
* LIST () "/" "Entw&APw-rfe"
* LIST () "/" "R&D"
* LIST () "/" "Entw` + "\xfc" + `rfe"
* LIST () "/" Entw` + "ü" + `rfe
* LIST () "/" inbox
* LIST () "/" ""
* LIST () "/" NIL
`, `"Entwürfe" raw="Entw&APw-rfe" "/" []
"R&D" "/" [] inexact warnings=1
"Entwürfe" raw="Entw\xfcrfe" "/" [] inexact warnings=1
"Entwürfe" "/" [] inexact warnings=1
"INBOX" raw="inbox" "/" []
"" "/" []
"NIL" "/" []
`},
	{"names with blanks that are not quoted", `
* LIST () "/" two words
* LIST () "/" a (b) c
* LIST () "/" a "quoted" name
`, `"two words" "/" []
"a (b) c" "/" []
"a \"quoted\" name" "/" []
`},
	{"delimiters", `
* LIST () "\\" a
* LIST () "" b
* LIST () nil c
* LIST () / d
* LIST () "//" e
`, `"a" "\\" []
"b" "" []
"c" "" []
"d" "/" []
"e" "//" []
`},
	{"attributes", `
* LIST NIL "/" a
* LIST ("\\Sent" \sent x NIL) "/" b
* LIST () "/" c ("OLDNAME" ("d"))
`, `"a" "/" []
"b" "/" [\Sent \sent x ]
"c" "/" []
`},
	{"what cannot be read, between what can", `
* LIST
* LIST ()
* LIST (\a "/" z
* LIST (((((((
* 5 LIST
* LIST () "/" "never closed
* LIST () "/" ok
* LIST () "/" ok
`, `"ok" "/" []
`},
}

func TestList(t *testing.T) {
	for _, tt := range listTests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := answered(tt.in[1:]+"A1 OK done\n", "IMAP4rev1")
			var got strings.Builder
			err := s.List(t.Context(), ListRequest{Patterns: []string{"*"}}, func(e *ListEntry) error {
				got.WriteString(toldEntry(e))
				return nil
			})
			if err != nil || got.String() != tt.want {
				t.Errorf("told\n%s\nwant\n%s\n%v", got.String(), tt.want, err)
			}
		})
	}
}

// What is asked depends on what the server offers; what is told does not.
func TestListWays(t *testing.T) {
	const entries = `"INBOX" "/" [%s] subscribed=true status="INBOX" messages=3
"Ü" raw="&ANw-" "/" [] subscribed=false status="Ü" messages=0
"n" "/" [\Noselect] subscribed=false
`
	for _, tt := range []struct{ capabilities, in, sent, want string }{
		{"IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE", `* STATUS inbox (MESSAGES 3)
* LIST (\Subscribed) "/" INBOX
* LIST () "/" "&ANw-"
* STATUS "&ANw-" (MESSAGES 0)
* LIST (\Noselect) "/" n
A1 OK done
`, `A1 LIST "" ("*" "x&AOQ-") RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES))`, fmt.Sprintf(entries, `\Subscribed`)},
		{"IMAP4rev1 LIST-EXTENDED", `* LIST (\Subscribed) "/" INBOX
* LIST () "/" "&ANw-"
* LIST (\Noselect) "/" n
A1 OK done
* STATUS INBOX (MESSAGES 3)
A2 OK done
* STATUS &ANw- (MESSAGES 0)
A3 OK done
`, `A1 LIST "" ("*" "x&AOQ-") RETURN (SUBSCRIBED CHILDREN)
A2 STATUS "INBOX" (MESSAGES)
A3 STATUS "&ANw-" (MESSAGES)`, fmt.Sprintf(entries, `\Subscribed`)},
		{"IMAP4rev1", `* LSUB () "/" inbox
* LSUB (\Noselect) "/" n
A1 OK done
A2 OK done
* LIST () "/" INBOX
* LIST () "/" "&ANw-"
* LIST (\Noselect) "/" n
A3 OK done
A4 OK done
* STATUS INBOX (MESSAGES 3)
A5 OK done
* STATUS &ANw- (MESSAGES 0)
A6 OK done
`, `A1 LSUB "" "*"
A2 LSUB "" "x&AOQ-"
A3 LIST "" "*"
A4 LIST "" "x&AOQ-"
A5 STATUS "INBOX" (MESSAGES)
A6 STATUS "&ANw-" (MESSAGES)`, fmt.Sprintf(entries, "")},
	} {
		s, sent := answered(tt.in, tt.capabilities)
		var got strings.Builder
		err := s.List(t.Context(), ListRequest{Patterns: []string{"*", "xä"}, Detail: true, Status: []string{"MESSAGES"}}, func(e *ListEntry) error {
			got.WriteString(toldEntry(e))
			return nil
		})
		if lines := strings.ReplaceAll(strings.TrimSpace(sent.String()), "\r\n", "\n"); lines != tt.sent {
			t.Errorf("%s: sent\n%s\nwant\n%s", tt.capabilities, lines, tt.sent)
		}
		if err != nil || got.String() != tt.want {
			t.Errorf("%s: told\n%s\nwant\n%s\n%v", tt.capabilities, got.String(), tt.want, err)
		}
	}
}

// A NO means that there are no mailboxes where GNU imap4d may have said it, and
// is a refusal elsewhere: a part of the mailboxes is not all of them.
func TestListRefused(t *testing.T) {
	const row = "* LIST () \"/\" INBOX\n"
	for _, tt := range []struct {
		in, capabilities string
		refused          bool
	}{
		{"A1 BAD what?\n", "IMAP4rev1", true},
		{"A1 NO nothing there\n", "IMAP4rev1", false},
		{"A1 NO [UNAVAILABLE] later\n", "IMAP4rev1", true},
		{row + "A1 NO disk\n", "IMAP4rev1", true},
		{"A1 NO nothing there\nA2 NO nothing there\n", "IMAP4rev1 LIST-EXTENDED", true},
		{"A1 NO [CLIENTBUG] what\nA2 OK done\n", "IMAP4rev1 LIST-EXTENDED", false},
	} {
		s, _ := answered(tt.in, tt.capabilities)
		err := s.List(t.Context(), ListRequest{Patterns: []string{"*"}}, func(*ListEntry) error { return nil })
		if tt.refused != (fault.KindOf(err) == fault.Refused) || !tt.refused && err != nil {
			t.Errorf("%q, %s: %v", tt.in, tt.capabilities, err)
		}
	}
}

// A LIST response without a name is told, once for each.
func TestListUnreadable(t *testing.T) {
	s, _ := answered("* LIST () \"/\"\n* LIST (\\a \"/\" z\n* LIST () \"/\" ok\nA1 OK done\n", "IMAP4rev1")
	var warned []string
	s.cfg.Warn = func(text string) { warned = append(warned, text) }
	n := 0
	must(t, s.List(t.Context(), ListRequest{Patterns: []string{"*"}}, func(*ListEntry) error { n++; return nil }))
	if n != 1 || len(warned) != 2 {
		t.Errorf("%d mailboxes, %q", n, warned)
	}
}

func TestSpecialUse(t *testing.T) {
	const list = `* LIST (\HasNoChildren) "/" a
* LIST (\sent) "/" b
* LIST (\Sent) "/" c
* XLIST (\Spam) "/" d
A1 OK done
`
	for attr, want := range map[string]string{`\Sent`: "b", `\SENT`: "b", `\Junk`: "d"} {
		s, _ := answered(list, "IMAP4rev1")
		if got, err := s.SpecialUse(t.Context(), attr); got != want || err != nil {
			t.Errorf("%s: %q, %v", attr, got, err)
		}
	}
	s, _ := answered(list, "IMAP4rev1")
	if got, err := s.SpecialUse(t.Context(), `\Drafts`); fault.KindOf(err) != fault.Refused {
		t.Errorf("%q, %v", got, err)
	}
}

var statusTests = []struct{ mailbox, in, want string }{
	{"a", `* STATUS a (MESSAGES 1 RECENT 0 UNSEEN 2 UIDNEXT 4294967295 UIDVALIDITY 7 DELETED 3 SIZE 5000000000 HIGHESTMODSEQ 9 APPENDLIMIT 10 MAILBOXID (F-1_x))`,
		`"a" messages=1 recent=0 unseen=2 deleted=3 size=5000000000 modseq=9 limit=10 next=4294967295 validity=7 id=F-1_x`},
	{"inbox", `* STATUS "inbox" (messages 1)`, `"INBOX" messages=1`},
	{"a b", `* STATUS a b (MESSAGES 1)`, `"a b" messages=1`},
	{"a (b)", `* STATUS a (b) (MESSAGES 1)`, `"a (b)" messages=1`},
	{"a b", `* STATUS a b ()`, `"a b"`},
	{"a b", `* STATUS a (MESSAGES 1)`, `"a b" messages=1`},
	{"a", `* STATUS {1}` + "\na (MESSAGES 1)", `"a" messages=1`},
	{"ü", `* STATUS "&APw-" (MESSAGES 1)`, `"ü" messages=1`},
	{"a", `* STATUS a (MESSAGES NIL UIDNEXT 3 X-NEW (a b) X "c" APPENDLIMIT NIL UNSEEN -1 RECENT 4)`, `"a" recent=4 next=3`},
	{"a", `* STATUS a (UIDNEXT 4294967296 MESSAGES 2)`, `"a" messages=2 next=4294967296`},
	{"a", `* STATUS a (UIDNEXT 99999999999999999999 UIDVALIDITY 18446744073709551616 MESSAGES 2)`, `"a" messages=2 validity=18446744073709551616 warnings=1`},
	{"a", `* STATUS a (UIDVALIDITY 0 MESSAGES 2)`, `"a" messages=2`},
	{"a", `* STATUS a (MESSAGES 99999999999999999999999 UIDNEXT 2)`, `"a" warnings=1`},
	{"a", `* STATUS a (MAILBOXID (` + "\x01\xff" + `) MESSAGES 1)`, `"a" messages=1 warnings=1`},
	{"a", `* STATUS a (MESSAGES 1 MAILBOXID (a b))`, `"a" messages=1 warnings=1`},
	{"a", `* STATUS a (MAILBOXID NIL MESSAGES 1)`, `"a" messages=1`},
	{"a", `* STATUS a NIL`, `"a"`},
	{`say "hi" now`, `* STATUS "say "hi" now" (MESSAGES 4)`, `"say \"hi\" now" messages=4`},
	{"a", `* STATUS "a" (MESSAGES 4`, `"a" messages=4 warnings=1`},
	{"vol (vol 2)", `* STATUS vol (vol 2) (MESSAGES 4)`, `"vol (vol 2)" messages=4`},
	{"a", `* STATUS a (MESSAGES 1`, `"a" messages=1 warnings=1`},
	{"a", `* STATUS a (messages 1 uidnext 2)`, `"a" messages=1 next=2`},
	{"a", `* STATUS`, `"a" warnings=1`},
	{"a", `* OK nothing`, `"a" warnings=1`},
}

func TestStatus(t *testing.T) {
	for _, tt := range statusTests {
		s, _ := answered(tt.in+"\nA1 OK done\n", "IMAP4rev1")
		err := s.Status(t.Context(), []string{tt.mailbox}, []string{"MESSAGES"}, func(name string, d *StatusData, err error) error {
			if got := toldStatus(d); got != tt.want || err != nil || name != tt.mailbox {
				t.Errorf("%s\n told %s, %v\n want %s", tt.in, got, err, tt.want)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
		}
	}
}

// One mailbox that is refused does not stop the others.
func TestStatusOfMany(t *testing.T) {
	var in, want strings.Builder
	var names []string
	for i := range 2 * statusBatch {
		name := fmt.Sprint("m", i)
		names = append(names, name)
		tag := i + 1
		if i == statusBatch { // the first refusal has the names looked through, once
			in.WriteString("* LIST () \"/\" m0\nA65 OK\n")
		}
		if i >= statusBatch {
			tag++
		}
		if i%5 == 1 {
			fmt.Fprintf(&in, "A%d NO none\n", tag)
			fmt.Fprintf(&want, "%s none refused\n", name)
			continue
		}
		fmt.Fprintf(&in, "* STATUS %s (MESSAGES %d)\nA%d OK\n", name, i, tag)
		fmt.Fprintf(&want, "%s %q messages=%d ok\n", name, name, i)
	}
	s, _ := answered(in.String(), "IMAP4rev1")
	var got strings.Builder
	err := s.Status(t.Context(), names, []string{"MESSAGES"}, func(name string, d *StatusData, err error) error {
		how := "ok"
		if err != nil {
			how = fault.KindOf(err).String()
		}
		fmt.Fprintln(&got, name, toldStatus(d), how)
		return nil
	})
	if err != nil || got.String() != want.String() {
		t.Errorf("told\n%s\nwant\n%s\n%v", got.String(), want.String(), err)
	}
}
