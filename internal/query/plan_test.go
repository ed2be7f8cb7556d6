package query

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func offers(capabilities string) func(string) bool {
	have := strings.Fields(capabilities)
	return func(c string) bool { return slices.Contains(have, c) }
}

// sparse is a set that is too long for a line.
func sparse() Set {
	var b Builder
	for uid := uint32(1); uid <= 10000; uid += 2 {
		b.Add(uid, uid)
	}
	return b.Set()
}

func TestPlan(t *testing.T) {
	tests := []struct {
		in, capabilities, want string
		need                   Fact
	}{
		// What the server knows is one search.
		{"UNSEEN OR FROM alice FROM bob SINCE 2026-11-01", "", "search UNSEEN OR FROM alice FROM bob SINCE 1-Nov-2026", 0},
		{"NOT (UNSEEN 1:5)", "", "search NOT (UNSEEN UID 1:5)", 0},
		{"YOUNGER 3600 MODSEQ 7", "WITHIN CONDSTORE", "search YOUNGER 3600 MODSEQ 7", 0},
		{"MODSEQ 7", "QRESYNC", "search MODSEQ 7", 0},
		{"FUZZY (SUBJECT x FROM y)", "SEARCH=FUZZY", "search FUZZY (SUBJECT x FROM y)", 0},
		{"HAS-ATTACHMENT UNSEEN", "X-GM-EXT-1", "search X-GM-RAW has:attachment UNSEEN", 0},
		{"LARGER 5G", "IMAP4rev2", "search LARGER 5368709120", 0},
		{"LARGER 2147483647", "", "search LARGER 2147483647", 0},

		// Instants: the day before or after in any time zone, then INTERNALDATE.
		{"SINCE 2026-11-20T11:59Z", "", "filter SINCE 19-Nov-2026", NeedInternalDate},
		{"SINCE 2026-11-20T12:00Z", "", "filter SINCE 20-Nov-2026", NeedInternalDate},
		{"BEFORE 2026-11-20T09:59Z", "", "filter BEFORE 21-Nov-2026", NeedInternalDate},
		{"BEFORE 2026-11-20T10:00Z", "", "filter BEFORE 22-Nov-2026", NeedInternalDate},
		{"NOT BEFORE 2026-11-20T10:00Z", "", "filter SINCE 19-Nov-2026", NeedInternalDate},
		{"ON 2026-11-20T10:00Z UNSEEN", "", "filter UNSEEN SINCE 19-Nov-2026 BEFORE 22-Nov-2026", NeedInternalDate},
		{"NOT ON 2026-11-20T10:00Z", "", "filter ALL", NeedInternalDate},
		{"SENTSINCE 2026-11-20T10:00Z", "", "filter SENTSINCE 17-Nov-2026", NeedSentDate},
		{"NOT SENTSINCE 2026-11-20T10:00Z", "", "filter ALL", NeedSentDate},
		{"SINCE 2026-11-20T10:00Z BEFORE 2026-11-20T11:00Z", "", "filter SINCE 19-Nov-2026 BEFORE 22-Nov-2026", NeedInternalDate},
		{"SINCE 0001-01-01T00:00Z", "", "filter ALL", NeedInternalDate},
		{"SINCE 1971-01-01T11:59Z", "", "filter ALL", NeedInternalDate},
		{"BEFORE 2037-12-30T10:00Z", "", "filter ALL", NeedInternalDate},
		{"BEFORE 9999-12-31T00:00Z", "", "filter ALL", NeedInternalDate},

		// Capabilities that can be replaced.
		{"YOUNGER 1h", "", "filter SINCE 20-Nov-2026", NeedInternalDate},
		{"OLDER 1h SEEN", "", "filter SEEN BEFORE 22-Nov-2026", NeedInternalDate},
		{"NOT YOUNGER 1h", "", "filter BEFORE 22-Nov-2026", NeedInternalDate},
		{"LARGER 5G", "", "filter LARGER 2147483647", NeedSize},
		{"YOUNGER 2147483647", "WITHIN", "search YOUNGER 2147483647", 0},
		{"YOUNGER 2147483648", "WITHIN", "filter ALL", NeedInternalDate},
		{"SMALLER 5G", "", "filter ALL", NeedSize},
		{"HAS-ATTACHMENT", "", "filter ALL", NeedAttachments},
		{"HAS-ATTACHMENT FROM alice UNSEEN", "", "filter FROM alice UNSEEN", NeedAttachments},
		{"ATTACHMENT *.pdf", "X-GM-EXT-1", "filter ALL", NeedAttachments},
		{"ATTACHMENT *.pdf SINCE 12h UNSEEN", "", "filter UNSEEN SINCE 19-Nov-2026", NeedAttachments | NeedInternalDate},
		{"OR ATTACHMENT *.pdf ATTACHMENT *.doc", "", "filter ALL", NeedAttachments},
		{"OR SINCE 12h BEFORE 2026-01-01T10:00", "", "filter OR SINCE 19-Nov-2026 BEFORE 2-Jan-2026", NeedInternalDate},

		// Both: the server's part first, and in every branch.
		{"OR FROM alice HAS-ATTACHMENT", "", "[search FROM alice] or [filter ALL]", 0},
		{"OR HAS-ATTACHMENT FROM alice", "", "[search FROM alice] or [filter ALL]", 0},
		{"UNSEEN OR FROM alice HAS-ATTACHMENT", "", "[search UNSEEN FROM alice] or [filter UNSEEN]", 0},
		{"NOT OR FROM alice HAS-ATTACHMENT", "", "filter NOT FROM alice", NeedAttachments},
		{"NOT (FROM alice HAS-ATTACHMENT)", "", "[search NOT FROM alice] or [filter ALL]", 0},
		{"OR FROM alice OR HAS-ATTACHMENT OR FROM bob SINCE 12h", "", "[search OR FROM alice FROM bob] or [filter ALL]", 0},
		{"HAS-ATTACHMENT OR FROM a SINCE 12h SEEN", "", "[[search SEEN FROM a] or [filter SEEN SINCE 19-Nov-2026]] and [filter SEEN]", 0},
		{"OR (FROM a HAS-ATTACHMENT) (FROM b SINCE 12h)", "", "[filter FROM a] or [filter FROM b SINCE 19-Nov-2026]", 0},
	}
	for _, tt := range tests {
		n, err := ParseString(tt.in, testEnv)
		if err != nil {
			t.Fatalf("%s: %v", tt.in, err)
		}
		step, err := Plan(n, offers(tt.capabilities), testEnv.Now)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if step.String() != tt.want || step.Need != tt.need {
			t.Errorf("%s: plan\n%s, needs %b, want\n%s, needs %b", tt.in, step, step.Need, tt.want, tt.need)
		}
	}
}

func TestPlanNamesMissingCapabilities(t *testing.T) {
	for in, want := range map[string]string{
		"X-GM-RAW x":              "the search key X-GM-RAW needs the capability X-GM-EXT-1, which the server does not offer",
		"SEEN NOT EMAILID x":      "the search key EMAILID needs the capability OBJECTID, which the server does not offer",
		"OR SEEN THREADID x":      "the search key THREADID needs the capability OBJECTID, which the server does not offer",
		"SAVEDSINCE 7d":           "the search key SAVEDSINCE needs the capability SAVEDATE, which the server does not offer",
		"SAVEDATESUPPORTED":       "the search key SAVEDATESUPPORTED needs the capability SAVEDATE, which the server does not offer",
		"MODSEQ 1 HAS-ATTACHMENT": "the search key MODSEQ needs the capability CONDSTORE, which the server does not offer",
		"FUZZY SUBJECT x":         "the search key FUZZY needs the capability SEARCH=FUZZY, which the server does not offer",
	} {
		n, err := ParseString(in, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Plan(n, offers("IMAP4rev2 WITHIN"), testEnv.Now)
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Refused || len(fault.Hints(err)) != 1 {
			t.Errorf("%s: error %v, kind %v, hints %q", in, err, fault.KindOf(err), fault.Hints(err))
		}
	}
	n, err := ParseString("FUZZY (SEEN SINCE 12h)", testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Plan(n, offers("SEARCH=FUZZY"), testEnv.Now); fault.KindOf(err) != fault.Usage {
		t.Errorf("FUZZY on a local key: %v", err)
	}
}

func TestPlanOfLongSets(t *testing.T) {
	long := sparse()
	step, err := Plan(And(UIDs(long), UIDs(Set{{1, 9}})), offers(""), testEnv.Now)
	if err != nil || step.String() != "filter UID 1:9 UID 1:9999" || step.Need != 0 {
		t.Errorf("plan %v, %v", step, err)
	}
	if !step.Match(&Facts{UID: 7}) || step.Match(&Facts{UID: 8}) {
		t.Error("the filter looks at something else than the set")
	}
	short := long[:bigRanges]
	step, err = Plan(UIDs(short), offers(""), testEnv.Now)
	if err != nil || step.Op != OpSearch || step.Program[1].Text != short.String() {
		t.Errorf("plan %v, %v", step, err)
	}
	step, err = Plan(UIDs(nil), offers(""), testEnv.Now)
	if err != nil || step.String() != "search NOT ALL" {
		t.Errorf("plan %v, %v", step, err)
	}
}

// A server that reads UIDs wrong is sent none.
func TestPlanWithWrongUIDs(t *testing.T) {
	for n, want := range map[*Node]string{
		UIDs(Set{{4, 5}}): "filter ALL",
		And(UIDs(Set{{4, 5}}), parsed(t, "UNSEEN")):              "filter UNSEEN",
		Or(UIDs(Set{{4, 5}}), parsed(t, "UNSEEN")):               "[search UNSEEN] or [filter ALL]",
		And(Not(UIDs(Set{{4, 5}})), parsed(t, "UNSEEN")):         "filter UNSEEN",
		And(UIDs(Set{{1, 9}}), UIDs(Set{{4, 5}})):                "filter ALL",
		And(UIDs(Set{{1, 9}}), parsed(t, "HAS-ATTACHMENT SEEN")): "filter SEEN",
	} {
		step, err := Plan(n, offers(WrongUIDs), testEnv.Now)
		if err != nil || step.String() != want {
			t.Errorf("%s: plan %v, %v, want %s", n, step, err, want)
			continue
		}
	}
	step, err := Plan(UIDs(Set{{4, 5}}), offers(WrongUIDs), testEnv.Now)
	if err != nil || !step.Match(&Facts{UID: 4}) || step.Match(&Facts{UID: 6}) {
		t.Errorf("the filter looks at something else than the set: %v", err)
	}
}

// `*` never reaches a server.
func TestLastIsResolved(t *testing.T) {
	for in, want := range map[string][2]string{ // with last 7, and in an empty mailbox
		"last":                     {"UID 7", "NOT ALL"},
		"NOT *":                    {"NOT UID 7", "ALL"},
		"1:5,* SEEN":               {"UID 1:5,7 SEEN", "UID 1:5 SEEN"},
		"OR (SEEN *) (OR 3 NOT *)": {"OR (SEEN UID 7) OR UID 3 NOT UID 7", "OR (SEEN NOT ALL) OR UID 3 ALL"},
		"FUZZY (TEXT x *)":         {"FUZZY (TEXT x UID 7)", "FUZZY (TEXT x NOT ALL)"},
		"100: SEEN":                {"UID 100:* SEEN", "UID 100:* SEEN"},
	} {
		n, err := ParseString(in, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Plan(n, offers("SEARCH=FUZZY"), testEnv.Now); (err != nil) != n.HasLast() {
			t.Errorf("%s: planned without the last UID: %v", in, err)
		}
		if got := [2]string{n.Resolve(7).String(), n.Resolve(0).String()}; got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
		if _, err := Plan(n.Resolve(7), offers("SEARCH=FUZZY"), testEnv.Now); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// Conditions are not copied into branches without bound.
func TestPlanSizeIsBounded(t *testing.T) {
	nodes := []*Node{}
	for i := range 2000 {
		nodes = append(nodes, &Node{spec: findKey("FROM"), text: fmt.Sprint("somebody", i)})
	}
	branch := Or()
	for range 2000 {
		branch = Or(branch, And(nodes[0], &Node{spec: findKey(keyAttachment), text: "*.pdf"}))
	}
	step, err := Plan(And(append(nodes, branch)...), offers(""), testEnv.Now)
	if err != nil {
		t.Fatal(err)
	}
	octets := 0
	var count func(*Step)
	count = func(s *Step) {
		octets += len(Format(s.Program))
		for _, kid := range s.Kids {
			count(kid)
		}
	}
	count(step)
	if octets > 4*maxCopied {
		t.Errorf("a plan of %d octets", octets)
	}
}

func TestPlanUTF8(t *testing.T) {
	for in, want := range map[string]bool{
		"SUBJECT x": false, "SUBJECT grün": true, "OR SEEN (DRAFT TEXT €)": true, "X-GM-LABELS grün": false, "SEEN ATTACHMENT ü*": false,
	} {
		n, err := ParseString(in, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		step, err := Plan(n, offers("X-GM-EXT-1"), testEnv.Now)
		if err != nil || step.UTF8 != want {
			t.Errorf("%s: UTF8 %v, %v", in, step.UTF8, err)
		}
	}
}

func TestAttachmentPatterns(t *testing.T) {
	files := []Attachment{{Name: "Invoice 7.PDF", Type: "application/pdf"}, {Name: "a/b.txt", Type: "text/plain"}, {Name: "", Type: "image/PNG"}, {Name: "Übersicht.doc"}}
	for pattern, want := range map[string]bool{
		"*.pdf": true, "invoice*": true, "*.PDF": true, "invoice ?.pdf": true, "invoice": false, "*.txt": true, "a?b.txt": true,
		"image/*": true, "image/png": true, "*/plain": true, "video/*": false, "*.exe": false, "*": true, "übers*": true, "[a-c]*": true, `\*`: false,
	} {
		if got := likeAttachment(pattern, files); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	if likeAttachment("*", nil) {
		t.Error("a message without attachments")
	}
}

// What the local tests say about the edges, and about facts that are missing.
func TestLocalEdges(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	moment := func(d time.Duration) *Facts { return &Facts{InternalDate: at.Add(d), SentDate: at.Add(d)} }
	for _, tt := range []struct {
		in                           string
		before, first, inside, after bool // a second before, at, half a minute later, a minute later
	}{
		{"SINCE 2026-11-20T10:00Z", false, true, true, true},
		{"BEFORE 2026-11-20T10:00Z", true, false, false, false},
		{"ON 2026-11-20T10:00Z", false, true, true, false},
		{"ON 2026-11-20T10:00:00Z", false, true, false, false},
		{"SENTSINCE 2026-11-20T10:00Z", false, true, true, true},
		{"SENTBEFORE 2026-11-20T10:00Z", true, false, false, false},
		{"SENTON 2026-11-20T10:00Z", false, true, true, false},
		{"YOUNGER 60", false, true, true, true},
		{"OLDER 60", true, true, false, false},
	} {
		n, err := ParseString(tt.in, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		step, err := Plan(n, offers(""), at.Add(time.Minute+time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		got := [4]bool{step.Match(moment(-time.Second)), step.Match(moment(0)), step.Match(moment(30 * time.Second)), step.Match(moment(time.Minute))}
		if got != [4]bool{tt.before, tt.first, tt.inside, tt.after} {
			t.Errorf("%s: %v", tt.in, got)
		}
		if strings.HasPrefix(tt.in, "SENT") && step.Match(&Facts{InternalDate: at}) {
			t.Errorf("%s matches a message without a date", tt.in)
		}
	}
}

func parsed(t *testing.T, program string) *Node {
	t.Helper()
	n, err := ParseString(program, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A program that is too long for a command line becomes several searches, whose
// results are joined to the same result.
func TestPlanLong(t *testing.T) {
	var from []string
	for i := range 400 {
		from = append(from, fmt.Sprintf("FROM user%04d@mail.example.org", i))
	}
	either := strings.Repeat("OR ", len(from)-1) + strings.Join(from, " ")
	var all func(s *Step) int
	all = func(s *Step) int {
		n := 0
		for _, kid := range s.Kids {
			n += all(kid)
		}
		if len(s.Kids) > 0 {
			return n
		}
		if got := length(s.Program); got > maxProgram {
			t.Errorf("a program of %d octets", got)
		}
		return 1
	}
	for _, tt := range []struct {
		in       string
		op       StepOp
		searches int
	}{
		{either, OpOr, 3},
		{strings.Join(from, " "), OpAnd, 3},
		{"UNSEEN " + either, OpAnd, 4},
		{"NOT (" + either + ")", OpAnd, 3},
		{"NOT (UNSEEN (" + either + "))", OpOr, 4},
		{"ATTACHMENT *.pdf " + either, OpAnd, 4},
	} {
		n, err := ParseString(tt.in, Env{Now: time.Now(), Location: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		step, err := Plan(n, offers(""), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := all(step); step.Op != tt.op || got != tt.searches && got != tt.searches+1 {
			t.Errorf("%.30s: %d searches, want %d; op %d, want %d", tt.in, got, tt.searches, step.Op, tt.op)
		}
	}
}
