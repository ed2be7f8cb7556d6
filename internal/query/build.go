package query

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// Builder gathers UIDs and ranges in any order into a Set. Adding costs
// amortised O(log n), in ascending or descending order O(1); memory stays
// within a small factor of the result, even when the same UIDs come again and
// again. The zero value is ready to use.
type Builder struct {
	ranges []Range
	order  order
	last   bool // `*` was added
}

// order is what is known of the ranges in a Builder.
type order uint8

const (
	ascending  order = iota // in normal form
	descending              // in normal form, backwards
	unordered               // neither
)

// compactFrom is the length from which an unsorted Builder tidies up instead
// of growing.
const compactFrom = 1024

// Add adds the UIDs from lo to hi, in either order. A zero stands for `*`:
// Add(0, 0) adds the highest UID, Add(100, 0) everything from 100 on.
func (b *Builder) Add(lo, hi uint32) {
	if lo > hi {
		lo, hi = hi, lo
	}
	switch {
	case hi == 0:
		b.last = true
		return
	case lo == 0:
		lo, hi = hi, MaxUID
	}
	n := len(b.ranges)
	if n == 0 {
		b.ranges = append(b.ranges, Range{lo, hi})
		return
	}
	top := &b.ranges[n-1]
	b.goes(lo < top.Lo, hi > top.Hi)
	if touches(*top, Range{lo, hi}) {
		*top = Range{min(lo, top.Lo), max(hi, top.Hi)}
		return
	}
	if b.order == unordered && n == cap(b.ranges) && n >= compactFrom {
		b.compact()
		b.Add(lo, hi) // the last range is another one now
		return
	}
	b.ranges = append(b.ranges, Range{lo, hi})
}

// goes notes where an addition reaches, seen from the range added last.
func (b *Builder) goes(down, up bool) {
	switch first := len(b.ranges) == 1; {
	case b.order == ascending && down && first && !up:
		b.order = descending
	case b.order == ascending && down && !first, b.order == descending && up && !first:
		b.order = unordered
	case b.order == descending && up:
		b.order = ascending
	}
}

// touches tells whether a and b overlap or are neighbours.
func touches(a, b Range) bool {
	return uint64(a.Lo) <= uint64(b.Hi)+1 && uint64(b.Lo) <= uint64(a.Hi)+1
}

// compact brings the ranges into normal form. When that freed less than half
// of the room, it also grows, so that the next tidying up is far away.
func (b *Builder) compact() {
	b.order = ascending
	slices.SortFunc(b.ranges, func(x, y Range) int { return cmp.Compare(x.Lo, y.Lo) })
	out := b.ranges[:0]
	for _, r := range b.ranges {
		if n := len(out); n > 0 && touches(out[n-1], r) {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	b.ranges = out
	if len(out) > cap(out)/2 {
		b.ranges = slices.Grow(out, cap(out))
	}
}

// Set returns what was added and empties the Builder.
func (b *Builder) Set() Set {
	switch b.order {
	case descending:
		slices.Reverse(b.ranges)
	case unordered:
		b.compact()
	}
	out := Set(b.ranges)
	switch {
	case b.last:
		out = append(Set{{0, 0}}, out...)
	case cap(out) > len(out)+len(out)/4: // room that a Set never uses
		out = slices.Clone(out)
	}
	*b = Builder{}
	return out
}

// Selection is a UID set as somebody gave it. It remembers which UIDs were
// named one by one, because only those are reported missing when the mailbox
// does not have them; ranges and `last` never are.
type Selection struct {
	Explicit Set // UIDs named singly
	Ranges   Set // what ranges and `last` cover
}

// Set is everything the selection covers.
func (s Selection) Set() Set { return s.Explicit.Union(s.Ranges) }

// SelectionBuilder gathers the pieces of a Selection, one at a time: the lines
// of standard input, say. The zero value is ready to use.
type SelectionBuilder struct{ explicit, ranges Builder }

// Add adds one UID, named singly. 0 is ignored.
func (b *SelectionBuilder) Add(uid uint32) {
	if uid != 0 {
		b.explicit.Add(uid, uid)
	}
}

// Parse adds a UID set in text form; see ParseSet. On an error the pieces
// before the bad one have been added.
func (b *SelectionBuilder) Parse(s string) error {
	if s == "" {
		return usage("empty UID set").Hint(setHint)
	}
	for piece := range strings.SplitSeq(s, ",") {
		if err := b.piece(piece); err != nil {
			return err
		}
	}
	return nil
}

// Selection returns what was added and empties the builder.
func (b *SelectionBuilder) Selection() Selection {
	return Selection{Explicit: b.explicit.Set(), Ranges: b.ranges.Set()}
}

const setHint = "a UID set is 42, 1:5,9, 100: (from 100 on) or last"

// ParseSet reads a UID set: UIDs and ranges joined by commas, such as `42`,
// `1:5,9`, `100:` or `100:*` (from 100 to the end) and `last` or `*` (the
// highest UID). `5:1` is `1:5` (RFC 9051 "seq-range"). Errors are fault.Usage
// and quote the piece that is wrong.
func ParseSet(s string) (Selection, error) {
	var b SelectionBuilder
	if err := b.Parse(s); err != nil {
		return Selection{}, err
	}
	return b.Selection(), nil
}

func (b *SelectionBuilder) piece(piece string) error {
	first, second, isRange := strings.Cut(piece, ":")
	lo, err := parseUID(first, piece)
	if err != nil {
		return err
	}
	switch {
	case !isRange && lo != 0:
		b.Add(lo)
		return nil
	case !isRange:
		b.ranges.Add(0, 0)
		return nil
	}
	var hi uint32
	if second != "" {
		if hi, err = parseUID(second, piece); err != nil {
			return err
		}
	}
	b.ranges.Add(lo, hi)
	return nil
}

// parseUID reads a UID, or 0 for `*` and `last`. The error quotes piece, the
// part between commas, and the number when that is not all of it.
func parseUID(s, piece string) (uint32, error) {
	if s == "*" || strings.EqualFold(s, "last") {
		return 0, nil
	}
	if piece == "" {
		return 0, usage("empty piece in the UID set: a comma too many").Hint(setHint)
	}
	var err *fault.Error
	n, parseErr := strconv.ParseUint(s, 10, 32)
	switch {
	case s == "" || strings.Trim(s, "0123456789") != "":
		err = usage("%s is not a UID", quote(s))
	case parseErr != nil:
		err = usage("%s is larger than the largest UID, %d", quote(s), uint32(MaxUID))
	case n == 0:
		err = usage("%s is not a UID: UIDs start at 1", quote(s))
	default:
		return uint32(n), nil
	}
	if s != piece {
		err.Op = "UID range " + quote(piece) + ": " + err.Op
	}
	return 0, err.Hint(setHint)
}
