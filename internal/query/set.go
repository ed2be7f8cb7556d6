package query

import (
	"iter"
	"math"
	"slices"
	"sort"
	"strconv"
)

// MaxUID is the largest UID there can be (RFC 9051 section 2.3.1.1).
const MaxUID = math.MaxUint32

// Range is the UIDs from Lo to Hi, both included. {0, 0} stands for `*`, the
// highest UID of the mailbox, whichever that is; no other Range holds a zero.
//
// A range without an end (`100:`, `100:*`) has Hi MaxUID. IMAP's own `100:*`
// would mean the last message too when its UID is below 100; ours never does.
type Range struct{ Lo, Hi uint32 }

// Set is a set of UIDs: ranges in ascending order that neither overlap nor
// touch, 8 octets each. Ranges are never expanded. Make one with a Builder or
// ParseSet; the zero value is empty. Sets are not changed once made.
type Set []Range

// MakeSet returns the set of the given UIDs.
func MakeSet(uids ...uint32) Set {
	var b Builder
	for _, uid := range uids {
		b.Add(uid, uid)
	}
	return b.Set()
}

// Empty tells whether no UID is in s.
func (s Set) Empty() bool { return len(s) == 0 }

// HasLast tells whether s holds `*`.
func (s Set) HasLast() bool { return len(s) > 0 && s[0].Lo == 0 }

// Contains tells whether uid is in s, in a mailbox whose highest UID is last.
func (s Set) Contains(uid, last uint32) bool {
	if uid == 0 {
		return false
	}
	if uid == last && s.HasLast() {
		return true
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].Hi >= uid })
	return i < len(s) && s[i].Lo <= uid
}

// Len is the number of UIDs in s; `*` counts as one.
func (s Set) Len() uint64 {
	var n uint64
	for _, r := range s {
		n += uint64(r.Hi-r.Lo) + 1
	}
	return n
}

// Resolve replaces `*` by last, the mailbox's highest UID, or drops it when
// last is 0 (an empty mailbox). Ranges without an end keep theirs.
func (s Set) Resolve(last uint32) Set {
	switch {
	case !s.HasLast():
		return s
	case last == 0:
		return s[1:]
	}
	return s[1:].Union(Set{{last, last}})
}

// Union returns the UIDs that are in s or t.
func (s Set) Union(t Set) Set {
	if len(s) == 0 {
		return t
	}
	if len(t) == 0 {
		return s
	}
	var b Builder
	for len(s) > 0 && len(t) > 0 {
		if s[0].Lo > t[0].Lo {
			s, t = t, s
		}
		b.Add(s[0].Lo, s[0].Hi)
		s = s[1:]
	}
	for _, rest := range [...]Set{s, t} { // one of them is empty
		for _, r := range rest {
			b.Add(r.Lo, r.Hi)
		}
	}
	return b.Set()
}

// Intersect returns the UIDs that are in both s and t. `*` is an element of
// its own here: Resolve first.
func (s Set) Intersect(t Set) Set {
	var out Set
	for len(s) > 0 && len(t) > 0 {
		if lo, hi := max(s[0].Lo, t[0].Lo), min(s[0].Hi, t[0].Hi); lo <= hi {
			out = append(out, Range{lo, hi})
		}
		if s[0].Hi < t[0].Hi {
			s = s[1:]
		} else {
			t = t[1:]
		}
	}
	return out
}

// Subtract returns the UIDs of s that are not in t. `*` is an element of its
// own here: Resolve first.
func (s Set) Subtract(t Set) Set {
	if len(t) == 0 {
		return s
	}
	var out Set
	for _, r := range s {
		for len(t) > 0 && t[0].Hi < r.Lo {
			t = t[1:]
		}
		lo := uint64(r.Lo) // 64 bits: one past MaxUID must not wrap
		for i := 0; i < len(t) && t[i].Lo <= r.Hi; i++ {
			if lo < uint64(t[i].Lo) {
				out = append(out, Range{uint32(lo), t[i].Lo - 1})
			}
			lo = uint64(t[i].Hi) + 1
		}
		if lo <= uint64(r.Hi) {
			out = append(out, Range{uint32(lo), r.Hi})
		}
	}
	return out
}

// Newest returns the n highest UIDs of s. Resolve first.
func (s Set) Newest(n uint64) Set {
	for i, r := range slices.Backward(s) {
		size := uint64(r.Hi-r.Lo) + 1
		switch {
		case n == 0:
			return s[i+1:]
		case size > n:
			out := slices.Clone(s[i:])
			out[0].Lo = r.Hi - uint32(n) + 1
			return out
		}
		n -= size
	}
	return s
}

// All yields the UIDs of s in ascending order, without `*`.
func (s Set) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range s {
			if r.Lo == 0 {
				continue
			}
			for uid := uint64(r.Lo); uid <= uint64(r.Hi); uid++ {
				if !yield(uint32(uid)) {
					return
				}
			}
		}
	}
}

// Backward yields the UIDs of s in descending order, without `*`.
func (s Set) Backward() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range slices.Backward(s) {
			for uid := r.Hi; uid >= r.Lo && uid > 0; uid-- {
				if !yield(uid) {
					return
				}
			}
		}
	}
}

// Split yields s as IMAP sequence sets (RFC 9051 "sequence-set") of at most
// maxOctets octets each, for servers that limit a line: see MaxSetOctets. A
// single range is never cut, so a piece can have 21 octets whatever maxOctets
// says. An empty set yields nothing.
func (s Set) Split(maxOctets int) iter.Seq[string] {
	return func(yield func(string) bool) {
		var piece, next []byte
		for _, r := range s {
			next = r.append(next[:0], false)
			if len(piece) > 0 && len(piece)+1+len(next) > maxOctets {
				if !yield(string(piece)) {
					return
				}
				piece = piece[:0]
			}
			if len(piece) > 0 {
				piece = append(piece, ',')
			}
			piece = append(piece, next...)
		}
		if len(piece) > 0 {
			yield(string(piece))
		}
	}
}

// MaxSetOctets is how long one set in a command may be. Dovecot answers BAD to
// a line of 174 KB; 8,000 octets pass every server known.
const MaxSetOctets = 8000

// String is s as a person types it; ParseSet reads it back.
func (s Set) String() string { return s.format(true) }

// format writes s whole, for people or for a server.
func (s Set) format(people bool) string {
	var out []byte
	for i, r := range s {
		if i > 0 {
			out = append(out, ',')
		}
		out = r.append(out, people)
	}
	return string(out)
}

// append writes r. People read `100:*`; a server is sent `100:4294967295`,
// because its `100:*` would include a last message below 100.
func (r Range) append(dst []byte, people bool) []byte {
	if r.Lo == 0 {
		return append(dst, '*')
	}
	dst = strconv.AppendUint(dst, uint64(r.Lo), 10)
	switch {
	case r.Lo == r.Hi:
		return dst
	case r.Hi == MaxUID && people:
		return append(dst, ':', '*')
	}
	return strconv.AppendUint(append(dst, ':'), uint64(r.Hi), 10)
}
