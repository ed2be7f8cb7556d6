package session

import (
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// Extended data behind a name that is not quoted are no part of it.
func TestListExtendedData(t *testing.T) {
	for line, want := range map[string]string{
		`() "/" foo`:                              "foo",
		`() "/" foo ("OLDNAME" ("Foo"))`:          "foo",
		`() "/" "foo" ("OLDNAME" ("Foo"))`:        "foo",
		`() "/" a b ("CHILDINFO" ("SUBSCRIBED"))`: "a b",
		`() "/" Sent Items`:                       "Sent Items",
		`() "/" a ("b`:                            `a ("b`,
		`() "/" (a)`:                              "(a)",
		`() "/" NIL`:                              "NIL",
		`() NIL {3}` + "\n" + `a b ("X" ("Y"))`:   "a b",
		`() "/" Foo (CHILDINFO ("SUBSCRIBED"))`:   "Foo",
		`() "/" Foo (CHILDINFO (SUBSCRIBED))`:     "Foo",
		`() "/" Qux ()`:                           "Qux",
		`() "/" a (b) (OLDNAME (c) X ("d" (e)))`:  "a (b)",
		`() "/" a ("x" ({1}` + "\n" + `y))`:       "a",
		`() "/" "a" (OLDNAME ({1}` + "\n" + `y))`: "a",
		`() "/" Foo (vol 2)`:                      "Foo (vol 2)",
		`() "/" Foo (CHILDINFO ("SUBSCRIBED"`:     `Foo (CHILDINFO ("SUBSCRIBED"`,
		`() "." "say "hi" now"`:                   `say "hi" now`,
		`() "." "say "hi" now" ("X" ("a" "b"))`:   `say "hi" now`,
		`() "." "a" (b)"`:                         `a" (b)`,
		`() "." "ab"cd"`:                          `ab"cd`,
		`() "." "a\"b\\c"`:                        `a"b\c`,
		`() "/" "dir\"`:                           `dir\`,
	} {
		s, _ := answered("* LIST "+line+"\nA1 OK\n", "IMAP4rev1 LIST-EXTENDED")
		var names []string
		err := s.List(t.Context(), ListRequest{Patterns: []string{"*"}}, func(e *ListEntry) error {
			names = append(names, e.Name)
			return nil
		})
		if err != nil || len(names) != 1 || names[0] != want {
			t.Errorf("%s: %q, %v", line, names, err)
		}
	}
}

// A name of which nobody can say where it ends is told with a warning.
func TestListCutName(t *testing.T) {
	for line, want := range map[string]string{
		`"say "hi" now`: `say "hi`,
		`"a" b`:         "a",
		`"dir\"`:        `dir\`,
	} {
		s, _ := answered("* LIST () \".\" "+line+"\nA1 OK\n", "IMAP4rev1")
		n := 0
		must(t, s.List(t.Context(), ListRequest{Patterns: []string{"*"}}, func(e *ListEntry) error {
			if n++; e.Name != want || len(e.Warnings) != 1 || !strings.Contains(e.Warnings[0], "may be cut") {
				t.Errorf("%s: %+v", line, e)
			}
			return nil
		}))
		if n != 1 {
			t.Errorf("%s: %d mailboxes", line, n)
		}
	}
}

// A literal in what follows a name is followed, whatever else is wrong there.
func TestListLiteralAfterName(t *testing.T) {
	s, _ := answered("* LIST () \"/\" \"a\" ((\"X\" {8}\nA1 OK no\n)\n* LIST () \"/\" \"b\"\nA1 OK\n", "IMAP4rev1")
	var names []string
	must(t, s.List(t.Context(), ListRequest{Patterns: []string{"*"}}, func(e *ListEntry) error {
		names = append(names, e.Name)
		return nil
	}))
	if strings.Join(names, " ") != "a b" {
		t.Errorf("%q", names)
	}
}

// Where a name ends is found in time that grows with its length only.
func FuzzListName(f *testing.F) {
	for _, seed := range []string{`a (b ("c"))`, `"a "b" c" (d ("e"))`, `"a\"`, `a (b ({3}`, "", `"`, `(()`, `"" ()`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, tail := range []func([]byte) bool{extended, counted} {
			name, rest, whole := cutName([]byte(text), tail)
			if len(name)+len(rest) > len(text) || whole && len(rest) > 0 && !tail(rest) {
				t.Errorf("%q: %q, %q, %v", text, name, rest, whole)
			}
		}
	})
}

// Without LSUB nobody knows which mailboxes are subscribed: that is an error
// where these were asked for, and left unsaid where it is only a detail.
func TestNoLSUB(t *testing.T) {
	for _, said := range []string{"BAD what", "NO not now"} {
		noLSUB(t, said)
	}
}

func noLSUB(t *testing.T, said string) {
	answers := "A1 " + said + "\n* LIST () \"/\" INBOX\nA2 OK\n"
	s, _ := answered(answers, "IMAP4rev1")
	err := s.List(t.Context(), ListRequest{Patterns: []string{"*"}, Subscribed: true}, func(e *ListEntry) error {
		t.Errorf("told %+v", e)
		return nil
	})
	failed(t, err, fault.Refused, "cannot tell the subscribed mailboxes: server said "+said)

	s, _ = answered(answers, "IMAP4rev1")
	n := 0
	must(t, s.List(t.Context(), ListRequest{Patterns: []string{"*"}, Detail: true}, func(e *ListEntry) error {
		if n++; e.Subscribed != nil {
			t.Errorf("%+v", e)
		}
		return nil
	}))
	if n != 1 {
		t.Errorf("%d mailboxes", n)
	}
}

// Whatever a server answers, opening, listing and counting end with data or an
// error.
func FuzzMailboxes(f *testing.F) {
	for _, seed := range []string{
		"* FLAGS (\\Seen a]b \"c\")\r\n* 3 EXISTS\r\n* OK [PERMANENTFLAGS (\\*)] x\r\n* OK [UIDNEXT 4] x\r\n* OK [MAILBOXID (a)] x\r\nA1 OK [READ-ONLY]\r\nA2 OK\r\n",
		"A1 NO [NONEXISTENT] no\r\n",
		"A1 OK\r\n* LIST (\\Noselect) \"/\" {3}\r\na&b\r\n* LIST () NIL a b\r\n* LIST (\r\n* LIST () \"\" \"\\xe4\" (\"OLDNAME\" (\"x\"))\r\n* STATUS x (MESSAGES 1 SIZE NIL X (1 2))\r\nA2 OK\r\n* LSUB () \".\" a\r\nA3 OK\r\nA4 OK\r\n",
		"A1 OK\r\nA2 BAD\r\nA3 OK\r\n* STATUS \"a\" ()\r\n* STATUS\r\n* STATUS ) x\r\n* STATUS a (MAILBOXID (x y) MESSAGES -1 UIDNEXT 99999999999)\r\nA4 OK\r\n",
	} {
		for _, capabilities := range []string{"IMAP4rev1", "IMAP4rev1 LIST-EXTENDED SPECIAL-USE CONDSTORE", "IMAP4rev2"} {
			f.Add(seed, capabilities)
		}
	}
	f.Fuzz(func(t *testing.T, in, capabilities string) {
		s, _ := answered(in, capabilities)
		ctx := t.Context()
		must := func(told bool, err error) {
			if told == (err != nil) {
				t.Errorf("%q: told %v, %v", in, told, err)
			}
		}
		s.box = nil
		if err := s.Examine(ctx, "INBOX"); err != nil {
			t.Error(err)
		}
		box, err := s.Box(ctx)
		must(box != nil, err)
		err = s.List(ctx, ListRequest{Patterns: []string{"*", "é"}, Detail: true, Status: []string{"MESSAGES", "SIZE"}}, func(e *ListEntry) error {
			if e.Name == "" && e.Raw != "" || e.Exact && e.Name != "INBOX" && s.encodeName(e.Name) != e.Raw {
				t.Errorf("%q: %+v", in, e)
			}
			return nil
		})
		if err != nil {
			return
		}
		s.Status(ctx, []string{"a", "INBOX"}, []string{"MESSAGES"}, func(_ string, d *StatusData, err error) error {
			must(d != nil || err != nil, nil)
			return nil
		})
	})
}
