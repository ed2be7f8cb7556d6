package fetch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
)

// What did not come is never nothing: the reasons, and whether something came,
// make the kind of the error.
func TestMissing(t *testing.T) {
	type add struct {
		reason        Reason
		mailbox, what string
		uids          []uint32
	}
	for _, tt := range []struct {
		adds    []add
		whole   int
		lacking int
		kind    fault.Kind
		text    string
	}{
		{nil, 0, 0, fault.None, ""},
		{[]add{{Gone, "INBOX", "", nil}}, 3, 0, fault.None, ""},
		{[]add{{Gone, "INBOX", "", []uint32{9}}}, 0, 0, fault.Negative, `no message with UID 9 in "INBOX"`},
		{[]add{{Gone, "INBOX", "", []uint32{9}}, {Gone, "INBOX", "", []uint32{8}}, {Gone, "A", "", []uint32{1}}}, 2, 0, fault.Partial, `no message with UID 8:9 in "INBOX", UID 1 in "A"`},
		{[]add{{Absent, "INBOX", "part 2", []uint32{4}}}, 0, 1, fault.Negative, `message 4 in "INBOX" has no part 2`},
		{[]add{{Absent, "INBOX", "part 2", []uint32{4, 7}}}, 1, 2, fault.Partial, `messages 4,7 in "INBOX" have no part 2`},
		{[]add{{Withheld, "INBOX", "BODY[]", []uint32{4}}}, 0, 1, fault.Protocol, `the server sent no usable BODY[] for message 4 in "INBOX"`},
		{[]add{{Withheld, "INBOX", "BODY[]", []uint32{4}}}, 1, 1, fault.Partial, `the server sent no usable BODY[] for message 4 in "INBOX"`},
		{[]add{{Absent, "A", "HTML", []uint32{4}}, {Gone, "A", "", []uint32{5}}, {Withheld, "A", "FLAGS", []uint32{4, 6}}, {Withheld, "B", "FLAGS", []uint32{4}}}, 0, 3,
			fault.Protocol, `no message with UID 5 in "A"; message 4 in "A" has no HTML; the server sent no usable FLAGS for messages 4,6 in "A"; the server sent no usable FLAGS for message 4 in "B"`},
	} {
		var m Missing
		for _, a := range tt.adds {
			m.Add(a.reason, a.mailbox, a.what, query.MakeSet(a.uids...))
		}
		if n := m.Lacking(); n != tt.lacking {
			t.Errorf("%v: %d messages lack something, not %d", tt.adds, n, tt.lacking)
		}
		for range 2 { // it can be asked again
			err := m.Err(tt.whole)
			if fault.KindOf(err) != tt.kind || err != nil && err.Error() != tt.text {
				t.Errorf("%v: %v: %v", tt.adds, fault.KindOf(err), err)
			}
		}
	}
}

// An error stays short, however much is missing.
func TestMissingMuch(t *testing.T) {
	var m Missing
	for i := range uint32(10_000) {
		m.Add(Withheld, fmt.Sprintf("box %d", i%100), "FLAGS", query.MakeSet(2*i+1))
	}
	if text := m.Err(0).Error(); len(text) > 5000 || !strings.HasSuffix(text, "and 90 more") {
		t.Errorf("%d octets: %.300s", len(text), text)
	}
}

// queue answers with the UIDs in the order given, sequence numbers as they are
// in a mailbox of those in there.
func queue(t *testing.T, asked query.Set, there, answers []uint32, octets int) (emitted []uint32, waited int, again query.Set) {
	t.Helper()
	q := Queue[uint32]{Asked: asked, Emit: func(uid uint32) error {
		emitted = append(emitted, uid)
		return nil
	}}
	for _, uid := range answers {
		seq := uint32(slices.Index(there, uid) + 1)
		if !q.Ready(uid, seq) {
			q.Wait(uid, seq, octets, uid)
			waited = max(waited, len(q.wait))
		} else if err := q.Next(uid, seq, uid); err != nil {
			t.Fatal(err)
		}
	}
	again, err := q.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return emitted, waited, again
}

func TestQueue(t *testing.T) {
	all := query.Set{{Lo: 1, Hi: query.MaxUID}}
	for _, tt := range []struct {
		name           string
		asked          query.Set
		there, answers []uint32
		waited         int
	}{
		{"in order", all, []uint32{1, 2, 3}, []uint32{1, 2, 3}, 0},
		{"in order, with gaps", all, []uint32{4, 9, 300}, []uint32{4, 9, 300}, 0},
		{"some of them", query.MakeSet(1, 5, 9), []uint32{1, 2, 3, 5, 6, 9}, []uint32{1, 5, 9}, 0},
		{"the first is missing", query.MakeSet(1, 5, 9), []uint32{5, 6, 9}, []uint32{5, 9}, 0},
		{"locally disordered", all, []uint32{1, 2, 3, 4, 5, 6, 7, 8}, []uint32{1, 3, 4, 5, 2, 7, 8, 6}, 3},
		{"backwards", all, []uint32{2, 4, 8, 9}, []uint32{9, 8, 4, 2}, 3},
		{"one that is never told", query.MakeSet(1, 2, 3, 4), []uint32{1, 2, 3, 4}, []uint32{1, 3, 4}, 2},
	} {
		emitted, waited, again := queue(t, tt.asked, tt.there, tt.answers, 1)
		if !slices.IsSorted(emitted) || len(emitted) != len(tt.answers) || waited != tt.waited || !again.Empty() {
			t.Errorf("%s: emitted %v, %d waited, %v again", tt.name, emitted, waited, again)
		}
	}
}

// Whatever the order, what is emitted ascends, what waits is bounded, and what is
// let go is above it and complete.
func TestQueueBounded(t *testing.T) {
	there := make([]uint32, 5000)
	for i := range there {
		there[i] = uint32(3*i + 1)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i, octets := range []int{1, maxOctets / 10, 2 * maxOctets} {
		answers := slices.Clone(there)
		switch i {
		case 1:
			random.Shuffle(len(answers), func(i, k int) { answers[i], answers[k] = answers[k], answers[i] })
		default:
			slices.Reverse(answers)
		}
		emitted, waited, again := queue(t, query.Set{{Lo: 1, Hi: query.MaxUID}}, there, answers, octets)
		if !slices.IsSorted(emitted) || waited > maxWaiting+1 || uint64(len(emitted))+again.Len() != 5000 {
			t.Errorf("%d octets each: %d emitted, %d waited, %d again", octets, len(emitted), waited, again.Len())
		}
		if len(emitted) == 0 || again.Empty() || emitted[len(emitted)-1] >= again[0].Lo {
			t.Errorf("%d octets each: emitted %d, again from %v", octets, len(emitted), again[:min(1, len(again))])
		}
	}
}

// What is next among very many ranges is found without a look at each of them: a
// look at each takes minutes here.
func TestQueueOfManyRanges(t *testing.T) {
	var asked query.Builder
	const n = 500_000
	for i := range uint32(n) {
		asked.Add(2*i+1, 2*i+1)
	}
	got := 0
	q := Queue[uint32]{Asked: asked.Set(), Emit: func(uint32) error { got++; return nil }}
	for i := range uint32(n) {
		uid := 2*i + 1
		if !q.Ready(uid, 0) {
			t.Fatalf("%d is not ready", uid)
		}
		if err := q.Next(uid, 0, uid); err != nil {
			t.Fatal(err)
		}
		if q.Ready(uid+4, 0) && i < n-2 {
			t.Fatalf("%d would come before %d", uid+4, uid+2)
		}
	}
	if got != n {
		t.Errorf("%d answers", got)
	}
}
