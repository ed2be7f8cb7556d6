package track

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
)

// Changes are messages whose flags have changed, in the order in which that
// happened, as far as it is known. A mailbox may have changed as a whole, so
// that each costs 16 octets: those with the same flags share them.
type Changes struct {
	list  []change
	flags [][]string
	index map[string]uint32 // of flags
	size  int               // of the keys of index
}

type change struct {
	uid    uint32
	flags  uint32 // index
	modseq uint64
}

// maxFlagSets bounds what different sets of flags take, in octets.
const maxFlagSets = 8 << 20

// add takes one, whose flags it copies.
func (c *Changes) add(uid uint32, modseq uint64, flags []string) error {
	key := strings.Join(flags, " ")
	i, known := c.index[key]
	if !known {
		if c.size += len(key) + 64*(1+len(flags)); c.size > maxFlagSets {
			return fault.New(fault.Protocol, "the server tells of too many different flags: more than %d octets of them", maxFlagSets)
		}
		if c.index == nil {
			c.index = map[string]uint32{}
		}
		i = uint32(len(c.flags))
		c.index[key], c.flags = i, append(c.flags, append([]string{}, flags...))
	}
	c.list = append(c.list, change{uid, i, modseq})
	return nil
}

func (c *Changes) sort() {
	slices.SortStableFunc(c.list, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.modseq, b.modseq), cmp.Compare(a.uid, b.uid))
	})
}

// All yields each UID with the flags that the message has, never nil. They are
// not to be changed.
func (c *Changes) All() iter.Seq2[uint32, []string] {
	return func(yield func(uint32, []string) bool) {
		for _, ch := range c.list {
			if !yield(ch.uid, c.flags[ch.flags]) {
				return
			}
		}
	}
}

// Empty reports whether there are none.
func (c *Changes) Empty() bool { return len(c.list) == 0 }

// UIDs returns which messages have changed.
func (c *Changes) UIDs() query.Set {
	var b query.Builder
	for _, ch := range c.list {
		b.Add(ch.uid, ch.uid)
	}
	return b.Set()
}
