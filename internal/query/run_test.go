package query

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// testNow is on a full second, so that ages have no fractions.
var testNow = testEnv.Now.Truncate(time.Second)

func randomZone(r *rand.Rand) *time.Location {
	return time.FixedZone("", (r.IntN(26*4+1)-12*4)*15*60)
}

// randomTime is within some days of now, often at the same minute.
func randomTime(r *rand.Rand) time.Time {
	t := testNow.Add(time.Duration(r.IntN(12)-8) * 6 * time.Hour)
	return t.Truncate(time.Minute).Add(time.Duration(r.IntN(4)) * 30 * time.Second)
}

func randomMailbox(r *rand.Rand) *mailbox {
	b := &mailbox{zone: randomZone(r), now: testNow}
	capabilities := ""
	for _, c := range []string{" WITHIN", " X-GM-EXT-1"} {
		if r.IntN(2) == 0 {
			capabilities += c
		}
	}
	b.has = offers(capabilities)
	uid := uint32(0)
	for range 1 + r.IntN(30) {
		uid += 1 + r.Uint32N(3)
		m := &message{
			uid: uid, seen: r.IntN(2) == 0, from: []string{"alice", "bob", "eve"}[r.IntN(3)], received: randomTime(r),
			size: []uint64{10, 5000, 1 << 32, 6 << 30}[r.IntN(4)],
		}
		if r.IntN(4) > 0 {
			m.sent = randomTime(r).In(randomZone(r))
		}
		for range r.IntN(3) {
			m.attachments = append(m.attachments, Attachment{Name: []string{"a.pdf", "b.doc"}[r.IntN(2)]})
		}
		b.messages = append(b.messages, m)
	}
	return b
}

func randomNode(r *rand.Rand, depth int) *Node {
	if depth > 0 && r.IntN(3) > 0 {
		var kids []*Node
		for range 1 + r.IntN(3) {
			kids = append(kids, randomNode(r, depth-1))
		}
		return [...]func() *Node{
			func() *Node { return And(kids...) }, func() *Node { return Or(kids...) }, func() *Node { return Not(kids[0]) },
		}[r.IntN(3)]()
	}
	pick := func(choices ...string) string { return choices[r.IntN(len(choices))] }
	date := func() string {
		if r.IntN(3) == 0 {
			return randomTime(r).Format(time.DateOnly)
		}
		return randomTime(r).Format(pick("2006-01-02T15:04Z07:00", time.RFC3339))
	}
	program := [...]func() string{
		func() string { return pick("ALL", "SEEN", "FROM alice", "FROM bob", "HAS-ATTACHMENT") },
		func() string {
			return pick("ATTACHMENT *.pdf", "ATTACHMENT *.doc", "LARGER 5G", "SMALLER 5G", "LARGER 1K")
		},
		func() string { return pick("SINCE ", "BEFORE ", "ON ") + date() },
		func() string { return pick("SENTSINCE ", "SENTBEFORE ", "SENTON ") + date() },
		func() string { return pick("YOUNGER ", "OLDER ") + pick("6h", "12h", "30s", "2d") },
		func() string { return "UID " + pick("1:5", "7:", "*", "3,5,9:12", "*,2") },
	}[r.IntN(6)]()
	n, err := ParseString(program, testEnv)
	if err != nil {
		panic(program + ": " + err.Error())
	}
	return n
}

// Whatever the program, the server's time zone and what it offers: carrying
// out the plan finds the messages that the program means.
func TestPlansAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 10000 {
		n, b := randomNode(r, r.IntN(4)), randomMailbox(r)
		step, err := Plan(n.Resolve(b.last()), b.has, b.now)
		if err != nil {
			t.Fatal(err)
		}
		checkStep(t, step)
		got, err := step.Run(b)
		if err != nil {
			t.Fatalf("%s\nplan %s\n%v", n, step, err)
		}
		want := map[uint32]bool{}
		for _, m := range b.messages {
			if b.holds(n, m) {
				want[m.uid] = true
			}
		}
		if !slices.Equal(slices.Collect(got.All()), slices.Sorted(maps.Keys(want))) {
			t.Fatalf("%s\nplan %s\nfound %v, want %v", n, step, got, slices.Sorted(maps.Keys(want)))
		}
	}
}

// Facts are asked about candidates only.
func TestFactsAreAskedSparingly(t *testing.T) {
	b := &mailbox{has: offers(""), zone: time.UTC, now: testNow}
	for uid := uint32(1); uid <= 100; uid++ {
		b.messages = append(b.messages, &message{uid: uid, seen: uid > 10, from: []string{"alice", "bob"}[uid%2], received: testNow})
	}
	for in, want := range map[string]uint64{
		"HAS-ATTACHMENT":                                      100,
		"NOT SEEN HAS-ATTACHMENT":                             10,
		"NOT SEEN OR FROM alice HAS-ATTACHMENT":               5,
		"1:4 BEFORE 12h":                                      4,
		"BEFORE 2026-01-01T10:00":                             0,
		"1:4 OR FROM zoe BEFORE 12h OR FROM eve ATTACHMENT x": 4,
		"SEEN 1:10 HAS-ATTACHMENT OR FROM alice BEFORE 12h":   0,
	} {
		n, err := ParseString(in, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		step, err := Plan(n, b.has, b.now)
		if err != nil {
			t.Fatal(err)
		}
		b.asked = 0
		if _, err := step.Run(b); err != nil {
			t.Fatal(err)
		}
		if b.asked != want {
			t.Errorf("%s: facts about %d messages, want %d; plan %s", in, b.asked, want, step)
		}
	}
}

func TestRunOnLongSets(t *testing.T) {
	b := &mailbox{has: offers(""), zone: time.UTC, now: testNow}
	for uid := uint32(1); uid <= 100; uid++ {
		b.messages = append(b.messages, &message{uid: uid})
	}
	for _, set := range []Set{sparse(), sparse().Union(Set{{0, 0}})} {
		step, err := Plan(UIDs(set).Resolve(100), b.has, b.now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := step.Run(b)
		if want := set.Resolve(100).Intersect(Set{{1, 100}}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if b.asked != 0 {
		t.Error("facts were asked for a UID set")
	}
}

// failing is a backend that breaks at the given call.
type failing struct {
	*mailbox
	calls int
}

var errBroken = errors.New("broken")

func (f *failing) Search(program []Token, utf8 bool) (Set, error) {
	if f.calls--; f.calls < 0 {
		return nil, errBroken
	}
	return f.mailbox.Search(program, utf8)
}

func (f *failing) Facts(uids Set, need Fact, each func(*Facts)) error {
	if f.calls--; f.calls < 0 {
		return errBroken
	}
	return f.mailbox.Facts(uids, need, each)
}

func TestRunPassesErrorsOn(t *testing.T) {
	n, err := ParseString("OR FROM bob HAS-ATTACHMENT OR FROM eve ATTACHMENT *.pdf", testEnv)
	if err != nil {
		t.Fatal(err)
	}
	b := &mailbox{has: offers(""), zone: time.UTC, messages: []*message{{uid: 1, attachments: []Attachment{{Name: "a.pdf"}}}}}
	step, err := Plan(n, b.has, testNow)
	if err != nil {
		t.Fatal(err)
	}
	for calls := range 6 {
		if got, err := step.Run(&failing{b, calls}); err != errBroken || got != nil {
			t.Errorf("after %d calls: %v, %v", calls, got, err)
		}
	}
	if got, err := step.Run(&failing{b, 6}); err != nil || got.String() != "1" {
		t.Errorf("in the end: %v, %v", got, err)
	}
}
