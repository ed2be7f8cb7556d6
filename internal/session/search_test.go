package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

func lines(b *strings.Builder) string {
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\r\n", "\n")
}

var searchTests = []struct {
	name, capabilities string
	q                  SearchRequest
	in, sent, want     string // want is the set, the order, the count, or an error's kind
}{
	{"SEARCH", "IMAP4rev1", SearchRequest{}, "* SEARCH 5 3 4 3 9\nA1 OK\n", "A1 UID SEARCH ALL", "3:5,9 [] 4"},
	{"nothing found", "IMAP4rev1", SearchRequest{}, "* SEARCH\nA1 OK\n", "A1 UID SEARCH ALL", " [] 0"},
	{"nothing said", "IMAP4rev1", SearchRequest{}, "A1 OK\n", "A1 UID SEARCH ALL", " [] 0"},
	{"in pieces, with a MODSEQ", "IMAP4rev1", SearchRequest{}, "* SEARCH 1 2\n* 4 EXISTS\n* search 3 0  7 (MODSEQ 12)\nA1 OK\n", "A1 UID SEARCH ALL", "1:3,7 [] 4"},
	{"numbers", "IMAP4rev1", SearchRequest{Seq: true}, "* SEARCH 1\nA1 OK\n", "A1 SEARCH ALL", "1 [] 1"},
	{"text that is not ASCII", "IMAP4rev1 LITERAL+", SearchRequest{UTF8: true, Program: []query.Token{{Kind: query.Atom, Text: "SUBJECT"}, {Kind: query.String, Text: "ü"}}},
		"* SEARCH 1\nA1 OK\n", "A1 UID SEARCH CHARSET UTF-8 SUBJECT {2+}\nü", "1 [] 1"},
	{"a UID of 33 bits", "IMAP4rev1", SearchRequest{}, "* SEARCH 1 4294967296\nA1 OK\n", "A1 UID SEARCH ALL", "protocol"},
	{"NO", "IMAP4rev1", SearchRequest{}, "A1 NO [BADCHARSET (US-ASCII)] no\n", "A1 UID SEARCH ALL", "refused"},
	{"BAD", "IMAP4rev1 ESEARCH", SearchRequest{}, "A1 BAD no\nA2 BAD no\n", "A1 UID SEARCH RETURN (ALL) ALL\nA2 UID SEARCH ALL", "refused"},
	{"ESEARCH is refused", "IMAP4rev1 ESEARCH", SearchRequest{}, "A1 NO no\n* SEARCH 1 2\nA2 OK\n", "A1 UID SEARCH RETURN (ALL) ALL\nA2 UID SEARCH ALL", "1:2 [] 2"},
	{"a NO for a reason", "IMAP4rev1 ESEARCH", SearchRequest{}, "A1 NO [UNAVAILABLE] no\n", "A1 UID SEARCH RETURN (ALL) ALL", "refused"},
	{"SORT", "IMAP4rev1 ESEARCH SORT", SearchRequest{Sort: query.SortProgram([]query.SortKey{{Name: "size", Reverse: true}})},
		"* SORT 5 3 9\n* SORT 1\nA1 OK\n", "A1 UID SORT (REVERSE SIZE) US-ASCII ALL", " [5 3 9 1] 4"},
	{"ESEARCH", "IMAP4rev1 esearch", SearchRequest{}, "* ESEARCH (TAG \"A1\") UID ALL 9,5:3,4\nA1 OK\n", "A1 UID SEARCH RETURN (ALL) ALL", "3:5,9 [] 4"},
	{"ESEARCH, nothing found", "IMAP4rev2", SearchRequest{}, "* ESEARCH (TAG \"A1\") UID\nA1 OK\n", "A1 UID SEARCH RETURN (ALL) ALL", " [] 0"},
	{"ESEARCH, another's", "IMAP4rev1 ESEARCH", SearchRequest{}, "* ESEARCH (TAG \"A9\") UID ALL 7\n* ESEARCH (TAG \"A1\") UID ALL 1\n* ESEARCH (TAG \"a1\") ALL 8\nA1 OK\n",
		"A1 UID SEARCH RETURN (ALL) ALL", "1 [] 1"},
	{"ESEARCH, odd", "IMAP4rev1 ESEARCH", SearchRequest{}, "* ESEARCH uid MIN 1 X-NEW (a (b)) all 1:2 MODSEQ 5\n* ESEARCH (TAG A1 X \"y\") UID ALL 4\nA1 OK\n",
		"A1 UID SEARCH RETURN (ALL) ALL", "1:2,4 [] 3"},
	{"ESEARCH, a range of all", "IMAP4rev1 ESEARCH", SearchRequest{}, "* ESEARCH (TAG \"A1\") UID ALL 4294967295:1\nA1 OK\n",
		"A1 UID SEARCH RETURN (ALL) ALL", "1:* [] 4294967295"},
	{"SEARCH for ESEARCH", "IMAP4rev1 ESEARCH", SearchRequest{}, "* SEARCH 1 2\nA1 OK\n", "A1 UID SEARCH RETURN (ALL) ALL", "1:2 [] 2"},
	{"a count", "IMAP4rev1 ESEARCH", SearchRequest{Count: true}, "* ESEARCH (TAG \"A1\") UID COUNT 17\nA1 OK\n", "A1 UID SEARCH RETURN (COUNT) ALL", " [] 17"},
	{"a count where there is no ESEARCH", "IMAP4rev1", SearchRequest{Count: true}, "* SEARCH 1 2\nA1 OK\n", "A1 UID SEARCH ALL", "1:2 [] 2"},
	{"a count by SEARCH for ESEARCH", "IMAP4rev1 ESEARCH", SearchRequest{Count: true}, "* SEARCH 1 2\nA1 OK\n", "A1 UID SEARCH RETURN (COUNT) ALL", "1:2 [] 2"},
}

func TestSearch(t *testing.T) {
	for _, tt := range searchTests {
		t.Run(tt.name, func(t *testing.T) {
			s, sent := answered(tt.in, tt.capabilities)
			s.literals(s.caps)
			res, err := s.Search(t.Context(), tt.q)
			got := fault.KindOf(err).String()
			if err == nil {
				got = fmt.Sprint(res.Set, " ", res.Order, " ", res.Count)
			}
			if got != tt.want || lines(sent) != tt.sent {
				t.Errorf("found %q, want %q; sent %q, want %q; %v", got, tt.want, lines(sent), tt.sent, err)
			}
		})
	}
}

// What was remembered of a server no longer holds: the search is made again
// without ESEARCH.
func TestSearchGuessedWrong(t *testing.T) {
	for name, in := range map[string]string{
		"told":   "* CAPABILITY IMAP4rev1\nA2 BAD what?\n* SEARCH 1 2\nA3 OK\n",
		"untold": "A2 BAD what?\n* SEARCH 1 2\nA3 OK\n",
	} {
		s, sent := answered("A1 OK in\n"+in, "")
		s.caps, s.guessed = nil, parseCaps("IMAP4rev1 ESEARCH")
		var err error
		if s.login, err = s.c.Send(t.Context(), wire.NewCommand("NOOP")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.c.Wait(t.Context(), s.login); err != nil {
			t.Fatal(err)
		}
		res, err := s.Search(t.Context(), SearchRequest{})
		if err != nil || res.Set.String() != "1:2" || !strings.HasSuffix(lines(sent), "UID SEARCH ALL") {
			t.Errorf("%s: %+v, %v, sent %q", name, res, err, lines(sent))
		}
		if s.record.Capabilities != nil && strings.Contains(fmt.Sprint(s.record.Capabilities), "ESEARCH") || !s.learnt {
			t.Errorf("%s: %+v is remembered", name, s.record)
		}
	}
}

var seqTests = []struct {
	name, set   string
	exists      uint64
	in          string
	sent, found string
}{
	{"some", "1:2", 3, "* 1 FETCH (UID 10)\n* 2 FETCH (FLAGS (x) UID 12)\n", "A1 FETCH 1:2 (UID)", "10,12"},
	{"the last", "last", 3, "* 3 FETCH (UID 30)\n", "A1 FETCH 3 (UID)", "30"},
	{"unasked", "1", 3, "* 2 FETCH (UID 20)\n* 1 FETCH (FLAGS ())\n* 1 FETCH (UID 10)\n* 4294967297 FETCH (UID 11)\n* 1 FETCH (UID x)\n", "A1 FETCH 1 (UID)", "10"},
	{"beyond the end", "2:", 3, "* 2 FETCH (UID 20)\n* 3 FETCH (UID 30)\n", "A1 FETCH 2:3 (UID)", "20,30"},
	{"all beyond the end", "7:9", 3, "", "", ""},
	{"an empty mailbox", "last", 0, "", "", ""},
}

func TestSeqUIDs(t *testing.T) {
	for _, tt := range seqTests {
		s, sent := answered(tt.in+"A1 OK\n", "IMAP4rev1")
		s.box.Exists = tt.exists
		got, err := s.SeqUIDs(t.Context(), setOf(t, tt.set))
		if err != nil || got.String() != tt.found || lines(sent) != tt.sent {
			t.Errorf("%s: %v, %v, want %s; sent %q, want %q", tt.name, got, err, tt.found, lines(sent), tt.sent)
		}
	}
	s, _ := answered("A1 NO gone\n", "IMAP4rev1")
	if _, err := s.SeqUIDs(t.Context(), setOf(t, "1")); fault.KindOf(err) != fault.Refused {
		t.Error(err)
	}
}

func TestLastUID(t *testing.T) {
	s, _ := answered("* 3 FETCH (UID 4294967295)\nA1 OK\n", "IMAP4rev1")
	if uid, err := s.LastUID(t.Context()); uid != 4294967295 || err != nil {
		t.Error(uid, err)
	}
	s, sent := answered("", "IMAP4rev1")
	s.box.Exists = 0
	if uid, err := s.LastUID(t.Context()); uid != 0 || err != nil || sent.Len() != 0 {
		t.Error(uid, err, sent)
	}
}

// sortAnswer is what a server without SORT tells of four messages, of which
// the first and the fourth are replies to each other.
const sortAnswer = `* 1 FETCH (UID 1 INTERNALDATE "04-Nov-2026 10:00:00 +0000" RFC822.SIZE 30 BODY[HEADER.FIELDS (DATE FROM TO CC SUBJECT)] {115}
Date: Sun, 1 Nov 2026 10:00:00 +0200
From: "Zed" <bob@example.com>
To: x@b
Cc: b@b
Subject: Re: [list] Apples
)
* 2 FETCH (UID 2 INTERNALDATE "03-Nov-2026 10:00:00 +0000" RFC822.SIZE 20 BODY[HEADER.FIELDS (DATE FROM TO CC SUBJECT)] {90}
Date: Sun, 1 Nov 2026 09:00:00 +0000
From: alice@example.com
To: A@b
Subject: BANANAS
)
* 3 FETCH (UID 3 INTERNALDATE "02-Nov-2026 10:00:00 +0000" RFC822.SIZE 20 BODY[HEADER.FIELDS (DATE FROM TO CC SUBJECT)] "")
* 4 FETCH (UID 4 INTERNALDATE "01-Nov-2026 10:00:00 +0000" RFC822.SIZE 10 BODY[HEADER.FIELDS (DATE FROM TO CC SUBJECT)] {94}
Date: Sat, 31 Oct 2026 10:00:00 +0000
From: Carol <carol@c>
To: c@b
Subject: apples (fwd)
)
A1 OK
`

// The order is RFC 5256's: the date is the Date field's, in UTC, and the
// arrival where there is none; addresses go by the part before the @; subjects
// by their base; what is missing comes first; ties by the UID.
func TestSortSet(t *testing.T) {
	for keys, want := range map[string]string{
		"arrival": "[4 3 2 1]", "-arrival": "[1 2 3 4]", "date": "[4 1 2 3]", "size": "[4 2 3 1]", "-size": "[1 2 3 4]",
		"subject": "[3 1 4 2]", "-subject": "[2 1 4 3]", "from": "[3 2 1 4]", "to": "[3 2 4 1]", "cc": "[2 3 4 1]",
		"subject,-date": "[3 1 4 2]", "subject,date": "[3 4 1 2]", "displayfrom": "[3 2 4 1]", "cc,size": "[4 2 3 1]",
	} {
		parsed, err := query.ParseSort(keys)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := answered(sortAnswer, "IMAP4rev1")
		got, err := s.SortSet(t.Context(), parsed, setOf(t, "1:4"))
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s, %v", keys, got, want, err)
		}
	}
	s, sent := answered("", "IMAP4rev1")
	if got, err := s.SortSet(t.Context(), []query.SortKey{{Name: "size"}}, nil); got == nil || len(got) != 0 || err != nil || sent.Len() != 0 {
		t.Error(got, err, sent)
	}
}
