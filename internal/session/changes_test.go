package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/query"
)

// What has changed and what is gone, as servers tell it.
func TestChanges(t *testing.T) {
	for name, tt := range map[string]struct {
		answer, want, gone string
		kind               fault.Kind
	}{
		"both":      {`* VANISHED (EARLIER) 3,9:7\n* 2 FETCH (UID 5 FLAGS (\Seen) MODSEQ (42))\n$tag OK`, `5 [\Seen] 42`, "3,7:9", 0},
		"nothing":   {`$tag OK`, "", "", 0},
		"just now":  {`* VANISHED 4\n$tag OK`, "", "4", 0},
		"two of it": {`* VANISHED (EARLIER) 3\n* VANISHED (EARLIER EXTRA (x)) 4\n$tag OK`, "", "3:4", 0},
		"huge":      {`* VANISHED (EARLIER) 1:4294967295\n$tag OK`, "", "1:*", 0},
		"nonsense":  {`* VANISHED (EARLIER) none\n$tag OK`, "", "", fault.Protocol},
		"refused":   {`$tag NO no such modifier`, "", "", fault.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := "CAPABILITY IMAP4rev1 CONDSTORE QRESYNC ENABLE\nON UID FETCH\n"
			for line := range strings.SplitSeq(tt.answer, `\n`) {
				script += "S: " + line + "\n"
			}
			srv := serve(t, script, imaptest.Options{})
			s := examined(t, to(t, srv))
			defer s.Close()
			var got []string
			var gone query.Builder
			_, err := s.Fetch(t.Context(), FetchRequest{Set: query.Set{{Lo: 1, Hi: 9}}, Items: []string{"FLAGS", "MODSEQ"}, Since: 40, Gone: &gone, Row: func(m *Fetched) error {
				got = append(got, fmt.Sprint(m.UID, m.Flags, m.Modseq))
				return nil
			}})
			if (err != nil) != (tt.kind != 0) || err != nil && fault.KindOf(err) != tt.kind {
				t.Fatal(err)
			}
			if text, set := strings.Join(got, " "), gone.Set().String(); text != tt.want || set != tt.gone {
				t.Errorf("%q, gone %s", text, set)
			}
		})
	}
}

// NOTIFY is asked once, and what it brings ends the next wait, wherever it
// was told.
func TestNotify(t *testing.T) {
	srv := serve(t, `CAPABILITY IMAP4rev1 IDLE NOTIFY
ON NOTIFY
S: $tag OK
ON UID SEARCH
S: * SEARCH 1 2 3
S: * STATUS Work (MESSAGES 1 UIDNEXT 2)
S: $tag OK
ON IDLE
S: + idling
S: * LIST () "/" New
C: DONE
S: $tag OK
`, imaptest.Options{})
	s := examined(t, to(t, srv))
	defer s.Close()
	ok, err := s.Notify(t.Context(), []string{"INBOX", "Wörk"}, true)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	_, err = s.Search(t.Context(), SearchRequest{})
	must(t, err)
	for range 2 { // what came beside the search, and what IDLE tells
		if changed, err := s.Idle(t.Context(), time.Minute); !changed || err != nil {
			t.Fatal(changed, err)
		}
	}
	if !s.Listed() || s.Listed() {
		t.Error("LIST was not heard once")
	}
}

// A server that lacks NOTIFY, or refuses it, is asked for nothing more.
func TestNotifyRefused(t *testing.T) {
	for _, script := range []string{"CAPABILITY IMAP4rev1 IDLE\n", "CAPABILITY IMAP4rev1 NOTIFY\nON NOTIFY\nS: $tag NO [NOTIFICATIONOVERFLOW] too much\n"} {
		srv := serve(t, script, imaptest.Options{})
		s := examined(t, to(t, srv))
		if ok, err := s.Notify(t.Context(), []string{"INBOX"}, false); ok || err != nil {
			t.Error(ok, err)
		}
		must(t, s.Noop(t.Context()))
		s.Close()
	}
}
