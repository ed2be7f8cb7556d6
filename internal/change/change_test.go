package change

import (
	"slices"
	"testing"

	"github.com/imapknife/imapknife/internal/query"
)

// Parts hold every message once, at most PartSize of them, and fit into a line.
func TestParts(t *testing.T) {
	var sparse query.Builder
	for uid := uint32(4_000_000_001); uid < 4_000_005_000; uid += 2 {
		sparse.Add(uid, uid)
	}
	for name, set := range map[string]query.Set{
		"none":           nil,
		"one":            query.MakeSet(7),
		"one part":       {{Lo: 1, Hi: PartSize}},
		"one more":       {{Lo: 1, Hi: PartSize + 1}},
		"a large range":  {{Lo: 5, Hi: 10*PartSize + 7}},
		"ranges":         {{Lo: 1, Hi: 700}, {Lo: 800, Hi: 1500}, {Lo: 4294967290, Hi: 4294967295}},
		"every other":    sparse.Set(),
		"to the highest": {{Lo: 4294967295, Hi: 4294967295}},
	} {
		var all query.Builder
		for part := range parts(set, 0) {
			if n := part.Len(); n == 0 || n > PartSize {
				t.Errorf("%s: a part of %d messages", name, n)
			}
			if lines := slices.Collect(part.Split(query.MaxSetOctets)); len(lines) != 1 {
				t.Errorf("%s: a part of %d lines", name, len(lines))
			}
			for _, r := range part {
				all.Add(r.Lo, r.Hi)
			}
		}
		if got := all.Set(); !slices.Equal(got, set) {
			t.Errorf("%s: the parts are %s, want %s", name, got, set)
		}
	}
}

// A message is taken once, by Message-ID and size, and without a Message-ID by
// its date too.
func TestArrivals(t *testing.T) {
	known := ident{size: 10, mid: "Message-ID: <a>"}
	bare := ident{size: 20}
	l := arrivals{known.key(): {{uid: 5}, {uid: 6}}, bare.key(): {{uid: 7, date: bare.date.Add(1)}, {uid: 8}}}
	for _, want := range []struct {
		id   ident
		uid  uint32
		sure bool
	}{
		{known, 5, true}, {known, 6, true}, {known, 0, true},
		{bare, 8, true}, {bare, 0, false},
		{ident{size: 30}, 0, true}, {ident{size: 11, mid: known.mid}, 0, true},
	} {
		if got, sure := l.take(want.id); got.uid != want.uid || sure != want.sure {
			t.Errorf("%v: got %d, %t, want %d, %t", want.id, got.uid, sure, want.uid, want.sure)
		}
	}
}
