package query

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func million(order string) []uint32 {
	uids := make([]uint32, 1_000_000)
	for i := range uids {
		uids[i] = uint32(i)*3 + 1
	}
	switch order {
	case "descending":
		slices.Reverse(uids)
	case "shuffled":
		rand.New(rand.NewPCG(5, 6)).Shuffle(len(uids), func(i, j int) { uids[i], uids[j] = uids[j], uids[i] })
	}
	return uids
}

func BenchmarkBuilderMillionUIDs(b *testing.B) {
	for _, order := range []string{"ascending", "descending", "shuffled"} {
		uids := million(order)
		b.Run(order, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(MakeSet(uids...)) != len(uids) {
					b.Fatal("wrong length")
				}
			}
		})
	}
}

func BenchmarkParseSetMillionUIDs(b *testing.B) {
	var text strings.Builder
	for s := range MakeSet(million("ascending")...).Split(20) {
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		text.WriteString(s)
	}
	pieces := strings.Split(text.String(), ",")
	slices.Reverse(pieces)
	in := strings.Join(pieces, ",")
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := ParseSet(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSetMillionUIDs(b *testing.B) {
	s := MakeSet(million("ascending")...)
	odd := s[:0:0]
	for i := 0; i < len(s); i += 2 {
		odd = append(odd, s[i])
	}
	b.Run("split", func(b *testing.B) {
		for b.Loop() {
			for range s.Split(MaxSetOctets) {
			}
		}
	})
	b.Run("subtract", func(b *testing.B) {
		for b.Loop() {
			s.Subtract(odd)
		}
	})
	b.Run("union", func(b *testing.B) {
		for b.Loop() {
			s.Union(odd)
		}
	})
	b.Run("contains", func(b *testing.B) {
		var uid uint32
		for b.Loop() {
			uid += 7
			s.Contains(uid%3_000_000, 0)
		}
	})
}
