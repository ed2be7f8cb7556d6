package query

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParseSort(t *testing.T) {
	for in, want := range map[string]string{
		"date":                      "(DATE)",
		"date,-size":                "(DATE REVERSE SIZE)",
		"-Arrival,FROM,to,-cc":      "(REVERSE ARRIVAL FROM TO REVERSE CC)",
		"subject,displayfrom":       "(SUBJECT DISPLAYFROM)",
		"-displayto,size,date,from": "(REVERSE DISPLAYTO SIZE DATE FROM)",
	} {
		keys, err := ParseSort(in)
		if err != nil || Format(SortProgram(keys)) != want {
			t.Errorf("%s: %s, %v, want %s", in, Format(SortProgram(keys)), err, want)
		}
		capability := "SORT"
		if strings.Contains(in, "display") {
			capability = "SORT=DISPLAY"
		}
		if got := SortCapability(keys); got != capability {
			t.Errorf("%s: needs %s", in, got)
		}
	}
	for in, want := range map[string]string{
		"":                `unknown sort key ""`,
		"date,":           `unknown sort key ""`,
		"dat":             `unknown sort key "dat"`,
		"--date":          `unknown sort key "--date"`,
		"date,size,-date": `sort key "date" is given twice`,
	} {
		keys, err := ParseSort(in)
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %v, %v, want %s", in, keys, err, want)
		}
	}
	_, err := ParseSort("dat")
	if hints := fault.Hints(err); len(hints) != 2 || hints[0] != "did you mean date?" {
		t.Errorf("hints %q", hints)
	}
}

func TestCollate(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	east := time.FixedZone("", 14*3600)
	who := func(name, mailbox, host string) SortAddress { return SortAddress{name, mailbox, host} }
	tests := []struct {
		keys string
		rows []SortFacts // with UIDs in the order that is wanted
		want []uint32
	}{
		{"arrival", []SortFacts{{UID: 1, Arrival: day(3)}, {UID: 2, Arrival: day(1)}, {UID: 3, Arrival: time.Time{}}}, []uint32{3, 2, 1}},
		{"arrival", []SortFacts{{UID: 1, Arrival: day(2)}, {UID: 2, Arrival: day(2).In(east).Add(-time.Hour)}}, []uint32{2, 1}},
		{"date", []SortFacts{{UID: 1, Arrival: day(1), Sent: day(3)}, {UID: 2, Arrival: day(2)}}, []uint32{2, 1}},
		{"-date", []SortFacts{{UID: 1, Sent: day(1)}, {UID: 2, Sent: day(1)}, {UID: 3, Sent: day(2)}}, []uint32{3, 1, 2}},
		{"size", []SortFacts{{UID: 1, Size: 1 << 40}, {UID: 2, Size: 255}, {UID: 3, Size: 256}}, []uint32{2, 3, 1}},
		{"-size,arrival", []SortFacts{{UID: 1, Size: 5, Arrival: day(2)}, {UID: 2, Size: 5, Arrival: day(1)}, {UID: 3, Size: 6}}, []uint32{3, 2, 1}},
		{"from", []SortFacts{
			{UID: 1, From: who("", "bob", "a.example")}, {UID: 2, From: who("zoe", "Alice", "z.example")},
			{UID: 3, From: who("", "alice", "a.example")}, {UID: 4}, {UID: 5, From: who("", "al", "")},
		}, []uint32{4, 5, 2, 3, 1}},
		{"-from", []SortFacts{{UID: 1, From: who("", "al", "")}, {UID: 2, From: who("", "alice", "")}, {UID: 3}}, []uint32{2, 1, 3}},
		{"to,cc", []SortFacts{{UID: 1, To: who("", "b", ""), Cc: who("", "b", "")}, {UID: 2, To: who("", "b", ""), Cc: who("", "a", "")}}, []uint32{2, 1}},
		{"displayfrom", []SortFacts{
			{UID: 1, From: who("", "zoe", "x")}, {UID: 2, From: who("Bob", "zoe", "x")}, {UID: 3, From: who("", "bob", "x")}, {UID: 4},
		}, []uint32{4, 2, 3, 1}},
		{"displayto", []SortFacts{{UID: 1, To: who("b", "", "")}, {UID: 2, To: who("", "a", "")}}, []uint32{2, 1}},
		{"subject", []SortFacts{
			{UID: 1, Subject: "banana"}, {UID: 2, Subject: "Re: apple"}, {UID: 3, Subject: "Apple (fwd)"}, {UID: 4, Subject: "[list] Fwd: avocado"},
			{UID: 5, Subject: "Äpfel"}, {UID: 6, Subject: "apple pie"}, {UID: 7, Subject: "apple\x00"},
		}, []uint32{2, 3, 7, 6, 4, 5, 1}},
		{"subject,-date", []SortFacts{{UID: 1, Subject: "x", Sent: day(1)}, {UID: 2, Subject: "re: X", Sent: day(2)}}, []uint32{2, 1}},
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, tt := range tests {
		keys, err := ParseSort(tt.keys)
		if err != nil {
			t.Fatal(err)
		}
		r.Shuffle(len(tt.rows), func(i, j int) { tt.rows[i], tt.rows[j] = tt.rows[j], tt.rows[i] })
		slices.SortFunc(tt.rows, func(a, b SortFacts) int { return cmp.Compare(Collate(keys, &a), Collate(keys, &b)) })
		var got []uint32
		for _, row := range tt.rows {
			got = append(got, row.UID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.keys, got, tt.want)
		}
	}
}

func TestBaseSubject(t *testing.T) {
	for _, tt := range []struct {
		in, base string
		reply    bool
	}{
		{"", "", false},
		{"plain", "plain", false},
		{"  two \t\r\n words ", "two words", false},
		{"Re: x", "x", true},
		{"RE : x", "x", true},
		{"re:re: Re: x", "x", true},
		{"Fw: x", "x", true},
		{"FWD: x", "x", true},
		{"Fwd:Re: x", "x", true},
		{"Re: ", "", true},
		{"Re", "Re", false},
		{"Reply: x", "Reply: x", false},
		{"Real: x", "Real: x", false},
		{"Re[2]: x", "x", true},
		{"Re [2] : x", "x", true},
		{"Re[2]x: y", "Re[2]x: y", false},
		{"Re[2: x", "Re[2: x", false},
		{"x (fwd)", "x", true},
		{"x (FWD) (fwd)", "x", true},
		{"(fwd)", "", true},
		{"x(fwd)", "x", true},
		{"Re: (fwd)", "", true},
		{"[list] x", "x", false},
		{"[list] [sub] x", "x", false},
		{"[list] Re: x", "x", true},
		{"Re: [list] x", "x", true},
		{"Re: [list] Fwd: [other] x", "x", true},
		{"[list]", "[list]", false},
		{"[a] [b]", "[b]", false},
		{"Re: [b]", "[b]", true},
		{"[a] Re:", "", true},
		{"[unclosed x", "[unclosed x", false},
		{"[a[b] x", "[a[b] x", false},
		{"[fwd: x]", "x", true},
		{"[Fwd: Re: x (fwd)]", "x", true},
		{"[fwd: [fwd: x]]", "x", true},
		{"Re: [fwd: [list] x]", "x", true},
		{"[list] [fwd: x]", "x", true},
		{"[fwd: x] y", "y", false},
		{"[fwd:]", "", true},
		{"[fwd: [a] [b]]", "[b]", true},
		{"[fwd: x", "[fwd: x", false},
		{"fwd: x]", "x]", true},
		{"Ré: x", "Ré: x", false},
		{"re：x", "re：x", false},
	} {
		base, reply := BaseSubject(tt.in)
		if base != tt.base || reply != tt.reply {
			t.Errorf("BaseSubject(%q) = %q, %v, want %q, %v", tt.in, base, reply, tt.base, tt.reply)
		}
	}
}

// A hostile subject costs no more than its length.
func TestBaseSubjectIsLinear(t *testing.T) {
	for _, piece := range []string{"[", "[]", "[a] ", "re:", "[a]re:", "[fwd:", "re[", "(fwd)", "fwd ", "[fwd: [a]"} {
		start := time.Now()
		BaseSubject(strings.Repeat(piece, 1<<20/len(piece)))
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%q: %v for a megabyte", piece, took)
		}
	}
	start := time.Now()
	BaseSubject(strings.Repeat("[fwd:", 1<<17) + "x" + strings.Repeat("(fwd)]", 1<<17))
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("nested: %v", took)
	}
}

func FuzzBaseSubject(f *testing.F) {
	for _, s := range []string{"Re: [a] x (fwd)", "[fwd: [fwd: x]]", "[a] [b]", "re [2] : Fw: y", "(fwd)", "[fwd:]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		base, _ := BaseSubject(in)
		again, reply := BaseSubject(base)
		if again != base || reply {
			t.Fatalf("BaseSubject(%q) = %q, of which the base is %q, %v", in, base, again, reply)
		}
	})
}
