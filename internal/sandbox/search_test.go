package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

// uidsOf names the samples of INBOX by their files.
func uidsOf(names string) string {
	var out []string
	uid := 0
	for _, s := range samples {
		if s.mailbox == "INBOX" {
			uid++
			if slices.Contains(strings.Fields(names), s.file) {
				out = append(out, fmt.Sprint(uid))
			}
		}
	}
	return strings.TrimSuffix("* SEARCH "+strings.Join(out, " "), " ")
}

const everything = "welcome newsletter list photo invoice shipped japanese thread-1 thread-2 report thread-3 odd forward ci code"

// searches are programs and the samples that they find in INBOX.
func searches() []struct{ program, want string } {
	return []struct{ program, want string }{
		{"ALL", everything},
		{"UNSEEN", "list japanese report thread-3 odd forward ci code"},
		{"SEEN FLAGGED", "invoice"},
		{"FLAGGED UNSEEN", "forward"},
		{"NOT (SEEN) NOT FLAGGED", "list japanese report thread-3 odd ci code"},
		{"ANSWERED", "photo thread-1"},
		{"DELETED", ""},
		{"DRAFT", ""},
		{"KEYWORD $Forwarded", "forward"},
		{"KEYWORD $forwarded", "forward"},
		{"UNKEYWORD $Forwarded UNKEYWORD $Report UNSEEN", "list japanese thread-3 odd ci code"},
		{"KEYWORD nothing", ""},
		// Addresses and subjects, decoded, in any case.
		{"FROM ci@EXAMPLE.com", "ci"},
		{`FROM "weiß"`, "invoice"},
		{`FROM "山田"`, "japanese"},
		{"FROM NIL", ""},
		{"TO sandbox@", "welcome newsletter photo invoice shipped japanese thread-1 report odd forward ci code"},
		{"CC lena", "thread-1"},
		{"CC incoming", "invoice"},
		{"BCC anyone", ""},
		{"SUBJECT BOILER", "thread-1 thread-2 thread-3"},
		{`SUBJECT "türbeschläge"`, "invoice"},
		{`SUBJECT "TÜRBESCHLÄGE"`, "invoice"},
		{`SUBJECT "待ち合わせ"`, "japanese"},
		{`SUBJECT "🎉"`, "odd"},
		{`SUBJECT "81–227"`, "shipped"},
		{"SUBJECT utf-8", ""},
		{`SUBJECT ""`, everything},
		{`HEADER X-CI-Status ""`, "ci"},
		{"HEADER x-ci-build 1183", "ci"},
		{"HEADER List-Id harbour.lists", "list"},
		{"HEADER References boiler-1", "thread-2 thread-3"},
		{`HEADER Received "mta7.news.example.com (mta7"`, "newsletter"},
		{"HEADER Nothing x", ""},
		// Bodies: charsets, encodings, parts.
		{"BODY dredger", "list"},
		{`BODY "café"`, "newsletter"},
		{`BODY "CAFÉ"`, "newsletter"},
		{`BODY "二番桟橋"`, "japanese"},
		{`BODY "€37.80"`, "shipped"},
		{`BODY "Türgriff"`, "invoice"},
		{`BODY "Übersicht"`, ""},
		{`TEXT "Übersicht"`, "invoice"},
		{`BODY "green ring"`, "forward"},
		{`BODY "Otto Vance"`, ""},
		{`TEXT "Otto Vance"`, "forward"},
		{"BODY site-23", "report"},
		{"BODY quoted-printable", ""},
		{"TEXT quoted-printable", "newsletter invoice shipped"},
		{"TEXT ci.example.com", "ci"},
		{"TEXT X-CI-Status:", "ci"},
		{"BODY X-CI-Status", ""},
		{`TEXT ""`, everything},
		{`BODY ""`, everything},
		{"TEXT boiler TEXT pipes", "thread-2"},
		// Dates: INTERNALDATE and Date, without time, in their own zones.
		{"SINCE 19-Nov-2026", "forward ci code"},
		{"ON 19-Nov-2026", "forward"},
		{"BEFORE 27-Oct-2026", "welcome"},
		{"SENTSINCE 20-Nov-2026", "ci code"},
		{"SENTON 20-Nov-2026", "ci code"},
		{"SENTBEFORE 28-Oct-2026", "welcome newsletter"},
		{"SINCE 4-Nov-2026 BEFORE 9-Nov-2026", "photo invoice"},
		{"NOT SINCE 4-Nov-2026", "welcome newsletter list"},
		// Sizes. imapserver forgets SMALLER before LARGER and dates.
		{"LARGER 10000", "report"},
		{"SMALLER 460 LARGER 401", "japanese"},
		{"LARGER 401 SMALLER 460", "japanese"},
		{"SMALLER 401", ""},
		{"SMALLER 402", "thread-1"},
		{"SMALLER 760 SINCE 19-Nov-2026", "ci code"},
		{"(SMALLER 760 SINCE 19-Nov-2026) FROM ci", "ci"},
		{"OR SMALLER 402 LARGER 10000", "thread-1 report"},
		{"NOT SMALLER 10000", "report"},
		{"SMALLER 0", ""},
		{"NOT SMALLER 0", everything},
		{"SUBJECT smaller", ""},
		{"SUBJECT smaller 1:*", ""},
		{`HEADER smaller smaller SINCE 1-Jan-2020`, ""},
		// Sets and logic.
		{"1:3", "welcome newsletter list"},
		{"UID 2,14:*", "newsletter ci code"},
		{"UID 100:*", "code"},
		{"*", "code"},
		{"NOT 1:13", "ci code"},
		{"UID 1:10 2:12 NOT 3:*", "newsletter"},
		{"OR FROM tom FROM lena", "thread-1 thread-2 thread-3 forward"},
		{"OR (FROM tom SEEN) (OR FROM ci SUBJECT code)", "thread-1 ci code"},
		{"NOT OR SEEN UNSEEN", ""},
		{"NOT NOT FROM ci", "ci"},
		{`CHARSET UTF-8 FROM "weiß"`, "invoice"},
		{"charset us-ascii from ci", "ci"},
	}
}

func TestSearch(t *testing.T) {
	s := start(t, Options{})
	r := login(t, s, "EXAMINE INBOX")
	for _, c := range searches() {
		want := uidsOf(c.want)
		r.want("UID SEARCH "+c.program, want, "OK")
		r.want("SEARCH "+c.program, want, "OK") // UIDs and sequence numbers are the same here
	}
	r.want("SEARCH CHARSET KOI8-R FROM x", "NO [BADCHARSET] Only US-ASCII and UTF-8 are supported SEARCH charsets")
	r.want("SEARCH 16", "BAD No message has that sequence number")
	r.want("SEARCH SINCE 2026-11-01", "BAD")
	r.ok("NOOP")
}

// TestSearchLiterals: a literal is one argument wherever it stands.
func TestSearchLiterals(t *testing.T) {
	s := start(t, Options{})
	r := login(t, s, "EXAMINE INBOX")
	for _, c := range []struct {
		pieces []string
		want   string
	}{
		{[]string{"SUBJECT {6}", "boiler", " SMALLER 402 SINCE 1-Jan-2020"}, "thread-1"},
		{[]string{"SUBJECT {7}", "smaller", ""}, ""},
		{[]string{"HEADER {7}", "subject", " {6}", "boiler", " SMALLER 402 LARGER 1"}, "thread-1"},
		{[]string{"OR SUBJECT {7}", "smaller", " SUBJECT {4}", "code", " SMALLER 10000 SINCE 1-Jan-2020"}, "code"},
		{[]string{"SUBJECT {10}", "smaller 10", " SMALLER 10 SINCE 1-Jan-2020"}, ""},
	} {
		for _, plus := range []string{"", "+"} {
			r.send("x UID SEARCH ")
			for i, p := range c.pieces {
				literal := strings.HasSuffix(p, "}")
				if literal {
					p = strings.TrimSuffix(p, "}") + plus + "}"
				}
				r.send("%s", p)
				if literal || i == len(c.pieces)-1 {
					r.send("\r\n")
				}
				if literal && plus == "" {
					if got := r.line(); !strings.HasPrefix(got, "+ ") {
						t.Fatalf("got %q", got)
					}
				}
			}
			untagged, tagged := r.until("x ")
			if got := strings.Join(untagged, "|"); got != uidsOf(c.want) || !strings.HasPrefix(tagged, "OK") {
				t.Errorf("%q: %s %s, want %s", c.pieces, got, tagged, uidsOf(c.want))
			}
		}
	}
	// A refused literal is never sent: what follows is a command again.
	r.send("x SEARCH SUBJECT {5000}\r\n")
	if got := r.line(); !strings.HasPrefix(got, "x BAD") {
		t.Fatalf("got %q", got)
	}
	r.want("UID SEARCH SMALLER 402 SINCE 1-Jan-2020", uidsOf("thread-1"), "OK")
	// One that does not wait is skipped, with all that follows.
	long := strings.Repeat("y NOOP\r\n", 1000)
	r.send("x SEARCH SUBJECT {%d+}\r\n%s BODY {6+}\r\nz NOOP FROM me\r\n", len(long), long)
	if got := r.line(); !strings.HasPrefix(got, "x BAD") {
		t.Fatalf("got %q", got)
	}
	r.want("UID SEARCH SMALLER 402 SINCE 1-Jan-2020", uidsOf("thread-1"), "OK")
}

func TestESearch(t *testing.T) {
	s := start(t, Options{})
	r := login(t, s, "SELECT INBOX", "STORE 1 +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
	for _, c := range []struct{ command, want string }{
		{"UID SEARCH RETURN () FROM lena", `UID ALL 9,13`},
		{"SEARCH RETURN () FROM lena", `ALL 8,12`},
		{"UID SEARCH RETURN (MIN MAX COUNT) FROM tom", `UID MIN 8 MAX 11 COUNT 2`},
		{"UID SEARCH RETURN (ALL COUNT) UID 1:5", `UID ALL 2:5 COUNT 4`},
		{"UID SEARCH RETURN (MIN MAX) FROM nobody", `UID`},
		{"UID SEARCH RETURN (ALL COUNT) FROM nobody", `UID COUNT 0`},
	} {
		r.want(c.command, fmt.Sprintf(`* ESEARCH (TAG "t%d") %s`, r.n+1, c.want), "OK")
	}
	// "$" is what was saved (RFC 5182).
	r.ok("UID SEARCH RETURN (SAVE) FROM tom")
	r.want("FETCH $ (UID)", "* 7 FETCH (UID 8)", "* 10 FETCH (UID 11)", "OK")
	r.want("UID SEARCH $ ANSWERED", "* SEARCH 8", "OK")
	r.want("UID SEARCH UID $", "* SEARCH 8 11", "OK")
	r.want("UID SEARCH NOT $ FROM lena", "* SEARCH 9 13", "OK")
	r.ok("SEARCH RETURN (SAVE MIN) FROM tom")
	r.want("UID FETCH $ (UID)", "* 7 FETCH (UID 8)", "OK")
	r.ok("SEARCH RETURN (SAVE MIN MAX) ALL")
	r.want("UID FETCH $ (UID)", "* 1 FETCH (UID 2)", "* 14 FETCH (UID 15)", "OK")
	r.ok("SEARCH RETURN (SAVE) FROM nobody")
	r.want("FETCH $ (UID)", "OK")
	r.ok("SEARCH RETURN (SAVE) FROM ci")
	r.ok("UID STORE $ +FLAGS.SILENT (\\Deleted)")
	r.want("UID EXPUNGE $", "* 13 EXPUNGE", "OK")
	r.want("FETCH $ (UID)", "OK")
}

// TestSearchWitness asks as go-imap's client does.
func TestSearchWitness(t *testing.T) {
	s := start(t, Options{})
	c := witness(t, s, nil)
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	data, err := c.UIDSearch(&imap.SearchCriteria{
		Smaller: 460, Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Body: []string{"二番桟橋"},
		Not: []imap.SearchCriteria{{Flag: []imap.Flag{imap.FlagSeen}}},
	}, &imap.SearchOptions{ReturnAll: true, ReturnCount: true}).Wait()
	if err != nil || data.Count != 1 || fmt.Sprint(data.AllUIDs()) != "[7]" {
		t.Errorf("got %+v, %v", data, err)
	}
}

func FuzzRewriteSearch(f *testing.F) {
	f.Add("SEARCH SMALLER 10 SINCE 1-Jan-2020\r\n", 0)
	f.Add("UID SEARCH HEADER smaller \"SMALLER 1\" (OR SMALLER 2 NOT smaller 0) {3}\r\n", 0)
	f.Add(" SMALLER\r\n", 1)
	f.Add("SEARCH SMALLER (\"\r\n", 2)
	f.Fuzz(func(t *testing.T, command string, skip int) {
		skip = max(0, min(skip, 2))
		out, owed := rewriteSearch(command, skip, true)
		if owed < 0 || owed > 2 {
			t.Errorf("%d arguments owed", owed)
		}
		if !strings.Contains(strings.ToUpper(command), "SMALLER") && out != command {
			t.Errorf("%q became %q", command, out)
		}
		if again, _ := rewriteSearch(out, skip, true); again != out && !strings.Contains(strings.ToUpper(out), "SMALLER") {
			t.Errorf("%q, again %q", out, again)
		}
		if strings.HasSuffix(command, "\r\n") && !strings.HasSuffix(out, "\r\n") {
			t.Errorf("%q lost its end: %q", command, out)
		}
	})
}
