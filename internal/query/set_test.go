package query

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParseSet(t *testing.T) {
	tests := []struct{ in, explicit, ranges, wire string }{
		{"42", "42", "", "42"},
		{"1:5,9", "9", "1:5", "1:5,9"},
		{"5:1", "", "1:5", "1:5"},
		{"5:5", "", "5", "5"},
		{"9,1:5,9,6", "6,9", "1:5", "1:6,9"},
		{"1,2,3", "1:3", "", "1:3"},
		{"100:", "", "100:*", "100:4294967295"},
		{"100:*", "", "100:*", "100:4294967295"},
		{"*:100", "", "100:*", "100:4294967295"},
		{"100:last", "", "100:*", "100:4294967295"},
		{"last", "", "*", "*"},
		{"*", "", "*", "*"},
		{"LAST,7", "7", "*", "*,7"},
		{"*:*", "", "*", "*"},
		{"4294967295", "4294967295", "", "4294967295"},
		{"4294967294,4294967295", "4294967294:*", "", "4294967294:4294967295"},
		{"007", "7", "", "7"},
		{"1:4294967295", "", "1:*", "1:4294967295"},
	}
	for _, tt := range tests {
		sel, err := ParseSet(tt.in)
		if err != nil {
			t.Errorf("ParseSet(%q): %v", tt.in, err)
			continue
		}
		if sel.Explicit.String() != tt.explicit || sel.Ranges.String() != tt.ranges {
			t.Errorf("ParseSet(%q) = %q and %q, want %q and %q", tt.in, sel.Explicit, sel.Ranges, tt.explicit, tt.ranges)
		}
		if got := sel.Set().format(false); got != tt.wire {
			t.Errorf("ParseSet(%q) goes out as %q, want %q", tt.in, got, tt.wire)
		}
	}
}

func TestParseSetErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "empty UID set"},
		{",", "empty piece in the UID set: a comma too many"},
		{"1,", "empty piece in the UID set: a comma too many"},
		{"1,,2", "empty piece in the UID set: a comma too many"},
		{"0", `"0" is not a UID: UIDs start at 1`},
		{"0:5", `UID range "0:5": "0" is not a UID: UIDs start at 1`},
		{"4,00", `"00" is not a UID: UIDs start at 1`},
		{"4294967296", `"4294967296" is larger than the largest UID, 4294967295`},
		{"1:99999999999999999999", `UID range "1:99999999999999999999": "99999999999999999999" is larger than the largest UID, 4294967295`},
		{"abc", `"abc" is not a UID`},
		{"7,-1", `"-1" is not a UID`},
		{"+1", `"+1" is not a UID`},
		{"1, 2", `" 2" is not a UID`},
		{"1:2:3", `UID range "1:2:3": "2:3" is not a UID`},
		{":5", `UID range ":5": "" is not a UID`},
		{":", `UID range ":": "" is not a UID`},
		{"1-5", `"1-5" is not a UID`},
		{"\x1b[2J", `"\x1b[2J" is not a UID`},
		{strings.Repeat("x", 100), `"` + strings.Repeat("x", maxQuoted) + `"... is not a UID`},
	}
	for _, tt := range tests {
		_, err := ParseSet(tt.in)
		if err == nil || err.Error() != tt.want {
			t.Errorf("ParseSet(%q): error %v, want %s", tt.in, err, tt.want)
			continue
		}
		if fault.KindOf(err) != fault.Usage || len(fault.Hints(err)) == 0 {
			t.Errorf("ParseSet(%q): kind %v, hints %q", tt.in, fault.KindOf(err), fault.Hints(err))
		}
	}
}

func TestSelectionBuilderGathersLines(t *testing.T) {
	var b SelectionBuilder
	for _, line := range []string{"7", "3:5", "1", "last"} {
		if err := b.Parse(line); err != nil {
			t.Fatal(err)
		}
	}
	b.Add(0)
	b.Add(9)
	sel := b.Selection()
	if got := sel.Explicit.String(); got != "1,7,9" {
		t.Errorf("explicit %s", got)
	}
	if got := sel.Set().String(); got != "*,1,3:5,7,9" {
		t.Errorf("set %s", got)
	}
}

func TestContainsAndResolve(t *testing.T) {
	sel, err := ParseSet("*,3:5")
	if err != nil {
		t.Fatal(err)
	}
	s := sel.Set()
	for uid, want := range map[uint32]bool{0: false, 2: false, 3: true, 5: true, 6: false, 9: true} {
		if s.Contains(uid, 9) != want {
			t.Errorf("Contains(%d, 9) = %v", uid, !want)
		}
	}
	if got := s.Resolve(9).String(); got != "3:5,9" {
		t.Errorf("Resolve(9) = %s", got)
	}
	if got := s.Resolve(4).String(); got != "3:5" {
		t.Errorf("Resolve(4) = %s", got)
	}
	if got := s.Resolve(0).String(); got != "3:5" {
		t.Errorf("Resolve(0) = %s", got)
	}
	if s.Len() != 4 || s.Resolve(9).Len() != 4 {
		t.Errorf("Len = %d", s.Len())
	}
	if n := (Set{{1, MaxUID}}).Len(); n != MaxUID {
		t.Errorf("Len of everything = %d", n)
	}
}

// universe is where sets are compared with naive maps: both ends of what UIDs
// can be, and `*`, which the algebra treats as an element.
var universe = func() []uint32 {
	var out []uint32
	for uid := range uint32(24) {
		out = append(out, uid, MaxUID-uid)
	}
	return out
}()

func randomSet(r *rand.Rand) (Set, map[uint32]bool) {
	var b Builder
	naive := map[uint32]bool{}
	for range r.IntN(8) {
		low, length := universe[r.IntN(len(universe))], r.Uint32N(5)
		high := low + min(length, MaxUID-low)
		if low == 0 {
			high = 0
		}
		if r.IntN(2) == 0 {
			b.Add(low, high)
		} else {
			b.Add(high, low)
		}
		for uid := uint64(low); uid <= uint64(high); uid++ {
			naive[uint32(uid)] = true
		}
	}
	return b.Set(), naive
}

func checkSet(t *testing.T, what string, s Set, want func(uint32) bool) {
	t.Helper()
	for i, r := range s {
		if r.Lo > r.Hi || r.Lo == 0 && r.Hi != 0 {
			t.Fatalf("%s: bad range %v in %v", what, r, s)
		}
		if i > 0 && s[i-1].Hi != 0 && uint64(s[i-1].Hi)+1 >= uint64(r.Lo) {
			t.Fatalf("%s: %v is not in normal form", what, s)
		}
	}
	var n uint64
	for uid := range uint32(40) {
		for _, uid := range []uint32{uid, MaxUID - uid} {
			in := want(uid)
			if in {
				n++
			}
			got := s.Contains(uid, 0)
			if uid == 0 {
				got = s.HasLast()
			}
			if got != in {
				t.Fatalf("%s: %d in %v is %v", what, uid, s, got)
			}
		}
	}
	if s.Len() != n {
		t.Fatalf("%s: Len of %v = %d, want %d", what, s, s.Len(), n)
	}
}

func TestSetAlgebra(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		a, inA := randomSet(r)
		b, inB := randomSet(r)
		beforeA, beforeB := slices.Clone(a), slices.Clone(b)
		checkSet(t, "builder", a, func(uid uint32) bool { return inA[uid] })
		checkSet(t, "union", a.Union(b), func(uid uint32) bool { return inA[uid] || inB[uid] })
		checkSet(t, "intersect", a.Intersect(b), func(uid uint32) bool { return inA[uid] && inB[uid] })
		checkSet(t, "subtract", a.Subtract(b), func(uid uint32) bool { return inA[uid] && !inB[uid] })
		if !slices.Equal(a, beforeA) || !slices.Equal(b, beforeB) {
			t.Fatal("an operation changed its operands")
		}

		sorted := slices.Sorted(maps.Keys(inA))
		if len(sorted) > 0 && sorted[0] == 0 {
			sorted = sorted[1:]
		}
		if got := slices.Collect(a.All()); !slices.Equal(got, sorted) {
			t.Fatalf("All of %v = %v", a, got)
		}
		got := slices.Collect(a.Backward())
		slices.Reverse(got)
		if !slices.Equal(got, sorted) {
			t.Fatalf("Backward of %v = %v reversed", a, got)
		}
		n := r.IntN(len(sorted) + 2)
		newest := a.Resolve(0).Newest(uint64(n))
		if got := slices.Collect(newest.All()); !slices.Equal(got, sorted[max(0, len(sorted)-n):]) {
			t.Fatalf("Newest(%d) of %v = %v", n, a, newest)
		}
		if sel, err := ParseSet(a.String()); len(a) > 0 && (err != nil || !slices.Equal(sel.Set(), a)) {
			t.Fatalf("ParseSet(%q) = %v, %v", a, sel, err)
		}
	}
}

func TestIterationStops(t *testing.T) {
	for uid := range (Set{{5, MaxUID}}).All() {
		if uid == 7 {
			break
		}
	}
	for uid := range (Set{{1, MaxUID}}).Backward() {
		if uid == MaxUID-7 {
			break
		}
	}
	for range (Set{{1, 1}, {3, 3}}).Split(1) {
		break
	}
}

func TestSplit(t *testing.T) {
	s := Set{{0, 0}, {1, 5}, {9, 9}, {100, MaxUID}}
	for limit, want := range map[int][]string{
		8000: {"*,1:5,9,100:4294967295"},
		5:    {"*,1:5", "9", "100:4294967295"},
		1:    {"*", "1:5", "9", "100:4294967295"},
		7:    {"*,1:5,9", "100:4294967295"},
	} {
		if got := slices.Collect(s.Split(limit)); !slices.Equal(got, want) {
			t.Errorf("Split(%d) = %q, want %q", limit, got, want)
		}
	}
	if got := slices.Collect(Set(nil).Split(10)); got != nil {
		t.Errorf("Split of the empty set = %q", got)
	}

	var b Builder
	for uid := uint32(4e9); uid > 4e9-4e5; uid -= 2 {
		b.Add(uid, uid)
	}
	big := b.Set()
	var again Builder
	for piece := range big.Split(MaxSetOctets) {
		if len(piece) > MaxSetOctets {
			t.Fatalf("a piece of %d octets", len(piece))
		}
		sel, err := ParseSet(piece)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range sel.Set() {
			again.Add(r.Lo, r.Hi)
		}
	}
	if !slices.Equal(again.Set(), big) {
		t.Error("the pieces together are another set")
	}
}

// A Builder must stay small when the same UIDs come again and again, in an
// order that does not merge on the way.
func TestBuilderStaysSmall(t *testing.T) {
	var b Builder
	for i := range 1_000_000 {
		uid := uint32(i%2000)*2 + 2
		b.Add(uid, uid)
	}
	if n := cap(b.ranges); n > 16*1024 {
		t.Errorf("room for %d ranges, 2,000 are needed", n)
	}
	if s := b.Set(); len(s) != 2000 {
		t.Errorf("%d ranges", len(s))
	}
}

func TestBigSetsInAnyOrder(t *testing.T) {
	const n = 200_000
	up := make([]uint32, n)
	for i := range up {
		up[i] = uint32(i)*3 + 1
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	mixed := slices.Clone(up)
	rand.New(rand.NewPCG(3, 4)).Shuffle(n, func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	want := MakeSet(up...)
	if len(want) != n || cap(want) > n+n/4 {
		t.Fatalf("%d ranges, room for %d", len(want), cap(want))
	}
	for name, uids := range map[string][]uint32{"descending": down, "shuffled": mixed} {
		if got := MakeSet(uids...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: another set", name)
		}
	}
}

// Overlapping ranges in random order, enough of them to be tidied up on the way.
func TestBuilderTidiesUp(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		var b Builder
		const top = 40_000
		var in [top + 8]bool
		for range 30_000 {
			lo := 1 + r.Uint32N(top)
			hi := lo + r.Uint32N(2)*r.Uint32N(6)
			b.Add(lo, hi)
			for uid := lo; uid <= hi; uid++ {
				in[uid] = true
			}
		}
		s := b.Set()
		next := uint32(1)
		for uid := range s.All() {
			for ; next < uid; next++ {
				if in[next] {
					t.Fatalf("%d is missing", next)
				}
			}
			if !in[uid] || uid < next {
				t.Fatalf("%d was not added, or comes twice", uid)
			}
			next = uid + 1
		}
		for i := 1; i < len(s); i++ {
			if s[i-1].Hi+1 >= s[i].Lo {
				t.Fatalf("%v and %v should be one", s[i-1], s[i])
			}
		}
	}
}

func FuzzParseSet(f *testing.F) {
	for _, s := range []string{"42", "1:5,9", "5:1", "100:", "*:3", "last,4", "0", "1,,2", "4294967295", "4294967296", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		sel, err := ParseSet(in)
		if err != nil {
			if fault.KindOf(err) != fault.Usage {
				t.Fatalf("ParseSet(%q): kind %v", in, fault.KindOf(err))
			}
			return
		}
		s := sel.Set()
		again, err := ParseSet(s.String())
		if err != nil || !slices.Equal(again.Set(), s) {
			t.Fatalf("ParseSet(%q) = %v, read back %v, %v", in, s, again, err)
		}
		if !slices.Equal(sel.Explicit.Intersect(s), sel.Explicit) {
			t.Fatalf("ParseSet(%q): explicit %v outside %v", in, sel.Explicit, s)
		}
	})
}
