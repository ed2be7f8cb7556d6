package session

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/wire"
)

// Copied is what the server confirmed of COPY or MOVE.
type Copied struct {
	// Refusal is the server's NO or BAD, of kind Refused; nil for OK.
	Refusal error
	// UIDs maps source to destination, as COPYUID says (RFC 4315 section 3);
	// nil where the server sends none.
	UIDs map[uint32]uint32
	// Unordered are messages that COPYUID names without saying which of UnorderedTo
	// each became: the server does not keep their order.
	Unordered, UnorderedTo query.Set
	// Validity is the destination's UIDVALIDITY, empty without COPYUID.
	Validity result.UIDValidity
	// Warning says what is wrong with the server's COPYUID, if anything.
	Warning string

	shuffled bool // pairs of several messages are not to be believed
}

// Named returns the messages that COPYUID names as copied.
func (c *Copied) Named() query.Set {
	return query.MakeSet(slices.Collect(maps.Keys(c.UIDs))...).Union(c.Unordered)
}

// Copy copies the messages, at most some thousands, into the mailbox. An
// error means that the outcome is not known; a refusal is in the result.
func (s *Session) Copy(ctx context.Context, set query.Set, mailbox string) (*Copied, error) {
	return s.copy(ctx, "UID COPY", set, mailbox)
}

// Move is Copy with MOVE (RFC 6851), for which the caller has made sure of the
// capability.
func (s *Session) Move(ctx context.Context, set query.Set, mailbox string) (*Copied, error) {
	return s.copy(ctx, "UID MOVE", set, mailbox)
}

func (s *Session) copy(ctx context.Context, name string, set query.Set, mailbox string) (*Copied, error) {
	c := &Copied{shuffled: s.Yahoo()}
	if err := s.sureOf(ctx, mailbox); err != nil {
		return c, err
	}
	st, err := s.aboutNow(ctx, mailbox, func(octets string) *wire.Command {
		cmd := wire.NewCommand(name).Atom(sequence(set)).String(octets)
		return cmd.On(func(r *wire.Response) error { // MOVE tells COPYUID before the end
			c.hear(r.Status, set)
			return nil
		}, "OK")
	})
	if err != nil {
		return c, err
	}
	c.hear(st, set)
	if !st.OK() {
		e := s.unnamed(st, mailbox, "cannot %s to %q", map[string]string{"UID COPY": "copy", "UID MOVE": "move"}[name], mailbox)
		if c.Refusal = e; name == "UID MOVE" && st.Code == "" {
			e.HintUnlessCode("the server announces MOVE and refuses it: imapknife copy, and then delete, may do")
		}
	}
	return c, nil
}

// sequence is the set as one argument: callers keep it short.
func sequence(set query.Set) string {
	for text := range set.Split(1 << 30) {
		return text
	}
	return ""
}

// hear takes COPYUID out of a status response. The sets are in the order of
// the messages (RFC 4315 section 3), which need not be ascending; a server may
// tell several (RFC 6851 section 4.3).
func (c *Copied) hear(st wire.Status, asked query.Set) {
	if st.Code != "COPYUID" {
		return
	}
	r := wire.NewReader([]byte(st.Args))
	there := validity(r)
	var from, to []query.Range
	add := func(list *[]query.Range) func(lo, hi uint32) {
		return func(lo, hi uint32) { *list = append(*list, query.Range{Lo: min(lo, hi), Hi: max(lo, hi)}) }
	}
	if there.Usable() {
		r.Set(add(&from))
		r.Set(add(&to))
	}
	many := len(from) > 1 || len(from) == 1 && from[0].Lo < from[0].Hi
	pairs, ok := pair(from, to, asked)
	switch {
	case r.Err() != nil || !there.Usable() || !ok:
		c.Warning = fmt.Sprintf("the server's COPYUID cannot be read: %.200q", st.Args)
		return
	case c.Validity.Usable() && c.Validity != there:
		c.Warning = fmt.Sprintf("the server tells COPYUID for UIDVALIDITY %s and %s", c.Validity, there)
		return
	}
	c.Validity = there
	if c.shuffled && many {
		named, copies := slices.Collect(maps.Keys(pairs)), slices.Collect(maps.Values(pairs))
		c.Unordered = c.Unordered.Union(query.MakeSet(named...))
		c.UnorderedTo = c.UnorderedTo.Union(query.MakeSet(copies...))
		return
	}
	if c.UIDs == nil {
		c.UIDs = pairs
		return
	}
	maps.Copy(c.UIDs, pairs)
}

// pair walks two lists of ranges side by side. ok is false where one is longer
// than the other. Only messages that were asked for count, so that what a
// server invents takes no memory.
func pair(from, to []query.Range, asked query.Set) (pairs map[uint32]uint32, ok bool) {
	pairs = map[uint32]uint32{}
	for len(from) > 0 && len(to) > 0 {
		n := min(from[0].Hi-from[0].Lo, to[0].Hi-to[0].Lo) // one less than there are
		here := query.Set{{Lo: from[0].Lo, Hi: from[0].Lo + n}}
		for uid := range here.Intersect(asked).All() {
			pairs[uid] = to[0].Lo + (uid - from[0].Lo)
		}
		from, to = behind(from, n), behind(to, n)
	}
	return pairs, len(from) == 0 && len(to) == 0
}

// behind drops the first n+1 numbers, all of the first range.
func behind(list []query.Range, n uint32) []query.Range {
	if list[0].Hi-list[0].Lo == n {
		return list[1:]
	}
	list[0].Lo += n + 1
	return list
}
