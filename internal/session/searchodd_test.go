package session

import (
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
)

// An answer that cannot be read whole is an error, never a part of it, and
// reading it ends.
func TestSearchOdd(t *testing.T) {
	sort := query.SortProgram([]query.SortKey{{Name: "size"}})
	for _, tt := range [...]struct {
		line string
		want string // the set or order, empty for an error
	}{
		{"* SEARCH 1 2 3", "1:3"},
		{"* SEARCH 1 0 3", "1,3"},
		{"* SEARCH  1   2 ", "1:2"},
		{"* SEARCH 1 2 (MODSEQ 7)", "1:2"},
		{"* search 2 1", "1:2"},
		{"* SEARCH 1 x 3", ""},
		{"* SEARCH 1 2)", ""},
		{"* SEARCH 1 \"2\"", ""},
		{"* SEARCH 1,2", ""},
		{"* SEARCH 1 \x00", ""},
		{"* SEARCH 4294967296", ""},
		{"* SEARCH 99999999999999999999", ""},
		{"* SEARCH -1", ""},
		{"* SORT 3 0 1", "3 1"},
		{"* SORT 3 x 1", ""},
		{"* SORT 3 1 (MODSEQ 9)", "3 1"},
		{`* ESEARCH (TAG "A1") UID ALL 1:3`, "1:3"},
		{`* esearch (Tag "A1") Uid All 1:3`, "1:3"},
		{`* ESEARCH UID ALL 0:3,7,9:0`, "7"},
		{`* ESEARCH )`, ""},
		{`* ESEARCH (TAG "A1")) ALL 1`, ""},
		{`* ESEARCH "x" ALL 1`, ""},
		{`* ESEARCH UID ALL`, ""},
		{`* ESEARCH UID ALL 1:*`, ""},
		{`* ESEARCH UID ALL 1:4294967296`, ""},
		{`* ESEARCH UID COUNT x`, ""},
		{`* ESEARCH UID ALL 1 MIN`, ""},
		{`* ESEARCH (`, ""},
		{`* ESEARCH (TAG "A1`, ""},
	} {
		s, _ := answered(tt.line+"\nA1 OK\n", "IMAP4rev1 ESEARCH SORT")
		q := SearchRequest{}
		if strings.Contains(tt.line, "SORT") {
			q.Sort = sort
		}
		res, err := s.Search(t.Context(), q)
		if tt.want == "" {
			if fault.KindOf(err) != fault.Protocol {
				t.Errorf("%s: %+v, %v", tt.line, res, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		got := res.Set.String()
		if q.Sort != nil {
			got = ""
			for _, uid := range res.Order {
				got += " " + query.MakeSet(uid).String()
			}
			got = strings.TrimSpace(got)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.line, got, tt.want)
		}
	}
}

// Whatever a server answers to a search, it ends with a result or an error.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		"* SEARCH 1 2 (MODSEQ 3)\r\nA1 OK\r\n", "* ESEARCH (TAG \"A1\") UID ALL 1:3,5 COUNT 4\r\nA1 OK\r\n", "* SORT 3 1\r\nA1 OK\r\n",
		"* ESEARCH )\r\nA1 OK\r\n", "* ESEARCH ((((\r\nA1 OK\r\n", "* ESEARCH (TAG {2}\r\nA1) ALL {3}\r\n1:3\r\nA1 NO\r\n", "A1 BAD\r\nA2 BAD\r\n", "* SEARCH \x00\r\n",
	} {
		f.Add(seed, true, false)
		f.Add(seed, false, true)
	}
	f.Fuzz(func(t *testing.T, in string, extended, count bool) {
		capabilities := "IMAP4rev1"
		if extended {
			capabilities += " ESEARCH"
		}
		s, _ := answered(in, capabilities)
		res, err := s.Search(t.Context(), SearchRequest{Count: count})
		if (res == nil) != (err != nil) {
			t.Errorf("%q: %+v, %v", in, res, err)
		}
		if err == nil && res.Set.HasLast() {
			t.Errorf("%q: %v", in, res.Set)
		}
	})
}
