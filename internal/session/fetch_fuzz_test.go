package session

import (
	"io"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// Whatever a server says, FETCH ends, tells each message once and only those
// that were asked for, and fails with an error of a kind of ours.
func FuzzFetch(f *testing.F) {
	for i, tt := range fetchTests {
		f.Add(tt.in[1:]+"A1 OK done\n", i%2 == 0)
	}
	f.Add("* 1 FETCH (UID 1 BODY[] {5}\nab", true)
	f.Add("* 1 FETCH (UID 1 FLAGS ()) \n* BYE gone\nA1 NO x\n", false)
	f.Add("A1 NO [EXPUNGEISSUED] x\n", true)
	f.Add("* 3 FETCH (UID 3 BODY[1] NIL MODSEQ (-1))\n* 3 EXPUNGE\nA1 OK [EXPUNGEISSUED] x\nA2 OK\nA3 OK\n", false)
	f.Add("* 3 FETCH (UID 3 RFC822 {3}\nabc BODY[1]<0> \"\")\nA1 OK\nA2 OK\n* 3 FETCH (UID 3)\nA3 OK\n", false)
	f.Add("\n+ x\n* OK\nA2 OK\nA1 BAD\n", true)
	f.Fuzz(func(t *testing.T, text string, star bool) {
		set := "2:9"
		if star {
			set = "last"
		}
		s, _ := answered(text, "IMAP4rev1")
		q := FetchRequest{Set: setOf(t, set), Items: []string{"FLAGS", "RFC822.SIZE", "INTERNALDATE", "BODYSTRUCTURE", "PREVIEW", "BODY.PEEK[HEADER]", "BODY.PEEK[1]"}}
		told := map[uint32]bool{}
		others := 0
		check := func(m *Fetched) {
			if m.UID == 0 || told[m.UID] || !q.Set.Contains(m.UID, 0) && (!star || others > 0) {
				t.Errorf("told of UID %d, which was not asked for", m.UID)
			}
		}
		octets := 0
		q.Body = func(m *Fetched, _ string, r io.Reader, _ int64) error {
			check(m)
			n, err := io.Copy(io.Discard, r)
			octets += int(n)
			return err
		}
		q.Row = func(m *Fetched) error {
			check(m)
			told[m.UID] = true
			if !q.Set.Contains(m.UID, 0) {
				others++
			}
			if len(m.Warnings) > maxWarnings {
				t.Errorf("%d warnings", len(m.Warnings))
			}
			return nil
		}
		got, err := s.Fetch(t.Context(), q)
		if err != nil && fault.KindOf(err) == fault.Local {
			t.Errorf("an error of no kind: %v", err)
		}
		if got.Len() != uint64(len(told)) {
			t.Errorf("told of %d messages, returned %v", len(told), got)
		}
		if octets > 2*len(text) {
			t.Errorf("%d octets of bodies", octets)
		}
	})
}
