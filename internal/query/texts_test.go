package query

import (
	"slices"
	"testing"
	"time"
)

// messages is a server that searches nothing in texts.
type messages struct {
	all   []Facts
	asked []string
	read  int
}

func (m *messages) Search(program []Token, _ bool) (Set, error) {
	m.asked = append(m.asked, Format(program))
	var b Builder
	for _, f := range m.all {
		b.Add(f.UID, f.UID)
	}
	return b.Set(), nil
}

func (m *messages) Facts(uids Set, need Fact, each func(*Facts)) error {
	for _, f := range m.all {
		if uids.Contains(f.UID, 0) {
			m.read++
			each(&f)
		}
	}
	return nil
}

func TestTexts(t *testing.T) {
	now := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	field := func(name, value string, addresses ...string) Field { return Field{name, value, addresses} }
	box := &messages{all: []Facts{
		{UID: 1, Texts: NewTexts([]Field{field("Subject", "Straße  nach\tBodø"), field("To", "QA <qa+1@Example.org>", "qa+1@Example.org"), field("X-Empty", "")}, []string{"Your\ncode is 4"})},
		{UID: 2, Texts: NewTexts([]Field{field("To", "list@example.org", "list@example.org"), field("Delivered-To", "qa+12@example.org", "qa+12@example.org"),
			field("Cc", `"a, b@c" <x@sub.example.org>, y@other.org`, "x@sub.example.org", "y@other.org")}, nil)},
		{UID: 3, Texts: NewTexts([]Field{field("Subject", "ＡＢＣ"), field("X-Original-To", "<QA+1@example.org>", "QA+1@example.org")}, []string{"plain", "<b>html</b>"})},
	}}
	for _, tt := range []struct {
		in   string
		want []uint32
	}{
		{"SUBJECT straße", []uint32{1}},
		{"SUBJECT 'nach bodØ'", []uint32{1}},
		{"SUBJECT abc", []uint32{3}},
		{"SUBJECT ''", []uint32{1, 3}},
		{"HEADER X-Empty ''", []uint32{1}},
		{"HEADER X-Empty x", nil},
		{"BODY 'your code'", []uint32{1}},
		{"BODY subject", nil},
		{"TEXT subject:", []uint32{1, 3}},
		{"TEXT html", []uint32{3}},
		{"NOT SUBJECT abc", []uint32{1, 2}},
		{"OR SUBJECT abc BODY code", []uint32{1, 3}},
		{"TO qa+1@example.org", []uint32{1}},
		{"TO @", []uint32{1, 2}},
		{"RECIPIENT qa+1@example.org", []uint32{1, 3}},
		{"RECIPIENT QA+1@EXAMPLE.ORG", []uint32{1, 3}},
		{"RECIPIENT a+1@example.org", nil},
		{"RECIPIENT qa+12@example.org", []uint32{2}},
		{"RECIPIENT qa+1@", []uint32{1, 3}},
		{"RECIPIENT @example.org", []uint32{1, 2, 3}},
		{"RECIPIENT @sub.example.org", []uint32{2}},
		{"RECIPIENT y@other.org", []uint32{2}},
		{"RECIPIENT b@c", nil},
		{"RECIPIENT @c", nil},
		{"RECIPIENT b@", nil},
		{"RECIPIENT qa", []uint32{1, 2, 3}},
		{"NOT RECIPIENT qa+1@example.org", []uint32{2}},
	} {
		n, err := ParseString(tt.in, Env{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []string{LocalTexts, CheckedTexts} {
			step, err := Plan(n, offers(mode), now)
			if err != nil {
				t.Fatal(err)
			}
			set, err := step.Run(box)
			if got := slices.Collect(set.All()); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%s, %s: got %v, %v, want %v", tt.in, mode, got, err, tt.want)
			}
		}
	}
}

func TestPlanTexts(t *testing.T) {
	now := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ in, mode, want string }{
		{"SUBJECT x UNSEEN", LocalTexts, "filter UNSEEN"},
		{"SUBJECT x UNSEEN", CheckedTexts, "filter UNSEEN SUBJECT x"},
		{"NOT SUBJECT x UNSEEN", CheckedTexts, "filter UNSEEN NOT SUBJECT x"},
		{"OR SUBJECT x UNSEEN", LocalTexts, "[search UNSEEN] or [filter ALL]"},
		{"FUZZY SUBJECT x", LocalTexts + " SEARCH=FUZZY", "search FUZZY SUBJECT x"},
		{"X-GM-RAW x", LocalTexts + " X-GM-EXT-1", "search X-GM-RAW x"},
		{"NOT RECIPIENT a@b", CheckedTexts, "filter ALL"},
		{"RECIPIENT a@b", LocalTexts, "filter ALL"},
	} {
		n, err := ParseString(tt.in, Env{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		step, err := Plan(n, offers(tt.mode), now)
		if err != nil {
			t.Fatal(err)
		}
		if got := step.String(); got != tt.want {
			t.Errorf("%s, %s: got %s, want %s", tt.in, tt.mode, got, tt.want)
		}
	}
}
