package session

import (
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/query"
)

const findScript = `CAPABILITY IMAP4rev1 ESEARCH
ITEM 1 INTERNALDATE "20-Nov-2026 09:59:59 +0000"
ITEM 2 INTERNALDATE "20-Nov-2026 10:00:00 +0000"
ITEM 3 INTERNALDATE "20-Nov-2026 09:00:00 -0200"
ITEM 1 RFC822.SIZE 1000
ITEM 2 RFC822.SIZE 2000
ITEM 3 RFC822.SIZE 3000
ITEM 1 BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 5 1)
ITEM 2 BODYSTRUCTURE (("text" "plain" NIL NIL NIL "7bit" 5 1)("application" "pdf" ("name" "Bill.PDF") NIL NIL "base64" 9 NIL ("attachment" ("filename" "Bill.PDF"))) "mixed")
ITEM 3 BODYSTRUCTURE ((("text" "plain" NIL NIL NIL "7bit" 5 1)("application" "zip" NIL NIL NIL "base64" 9 NIL ("attachment" ("filename" "a.zip"))) "mixed")
ITEM 1 BODY[HEADER.FIELDS] {{Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n\r\n}}
ITEM 2 BODY[HEADER.FIELDS] {{Date: yesterday\r\n\r\n}}
ITEM 3 BODY[HEADER.FIELDS] {{\r\n}}
ON UID FETCH (\S+) \(UID INTERNALDATE\)
S: * 9 FETCH (UID 9 INTERNALDATE "20-Nov-2026 11:00:00 +0000")
DEFAULT
`

// What the server cannot judge is judged here, from what FETCH tells of the
// candidates that it names; messages that it tells of unasked are none.
func TestFind(t *testing.T) {
	now := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	for _, tt := range [...]struct {
		program, want string
		sent          []string // behind EXAMINE
	}{
		{"UNSEEN", "1:3", []string{"UID SEARCH RETURN (ALL) UNSEEN"}},
		{"UID 2:9", "2:3", []string{"UID SEARCH RETURN (ALL) UID 2:9"}},
		{"SINCE 2026-11-20T10:00:00Z", "2:3", []string{"UID SEARCH RETURN (ALL) SINCE 19-Nov-2026", "UID FETCH 1:3 (UID INTERNALDATE)"}},
		{"BEFORE 2026-11-20T10:00:00Z", "1", []string{"UID SEARCH RETURN (ALL) BEFORE 22-Nov-2026", "UID FETCH 1:3 (UID INTERNALDATE)"}},
		{"HAS-ATTACHMENT", "2:3", []string{"UID SEARCH RETURN (ALL) ALL", "UID FETCH 1:3 (UID BODYSTRUCTURE)"}},
		{"ATTACHMENT *.pdf", "2", []string{"UID SEARCH RETURN (ALL) ALL", "UID FETCH 1:3 (UID BODYSTRUCTURE)"}},
		{"SENTSINCE 2026-11-20T11:00:00Z", "1", nil},
	} {
		t.Run(tt.program, func(t *testing.T) {
			srv := serve(t, findScript, imaptest.Options{})
			s := examined(t, to(t, srv))
			node, err := query.ParseString(tt.program, query.Env{Now: now})
			must(t, err)
			step, err := query.Plan(node, func(string) bool { return false }, now)
			must(t, err)
			must(t, s.Settle(t.Context()))
			srv.Record().Reset()
			found, err := s.Find(t.Context(), step)
			if err != nil || found.String() != tt.want {
				t.Errorf("found %v, %v; want %s\n%s\n%s", found, err, tt.want, step, srv.Record())
			}
			if tt.sent != nil {
				heard(t, srv, tt.sent...)
			}
		})
	}
}

// A search that the server refuses, and facts that it does not tell, are
// errors: a plan never gives a part of the answer.
func TestFindFails(t *testing.T) {
	now := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	for script, text := range map[string]string{
		"ON UID SEARCH\nS: $tag NO not now": "server said NO not now",
		"ON UID FETCH\nS: $tag NO not now":  "server said NO not now",
		"ON UID FETCH\nS: * 1 FETCH (UID 1 INTERNALDATE \"20-Nov-2026 11:00:00 +0000\")\nCLOSE": "closed the connection",
	} {
		srv := serve(t, "CAPABILITY IMAP4rev1\n"+script, imaptest.Options{})
		s := examined(t, to(t, srv))
		node, err := query.ParseString("SINCE 2026-11-20T10:00:00Z", query.Env{Now: now})
		must(t, err)
		step, err := query.Plan(node, func(string) bool { return false }, now)
		must(t, err)
		found, err := s.Find(t.Context(), step)
		if err == nil || !found.Empty() || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, %v (%v)", script, found, err, fault.KindOf(err))
		}
	}
}
