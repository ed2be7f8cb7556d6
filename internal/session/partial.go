package session

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// yahooLimit is how many messages one answer of Yahoo's servers holds at most,
// where they do not announce it.
const yahooLimit = 1000

// views are the numbers of messages at which servers are known to end a
// mailbox, whatever it holds.
var views = [...]uint64{1_000, 10_000}

// CutShort notes that an answer is not whole, why, and what helps.
func (s *Session) CutShort(hint, format string, args ...any) {
	s.shorts++
	if s.cfg.Partial != nil {
		s.cfg.Partial(fmt.Sprintf(format, args...), hint)
	}
}

// fewer is what helps against a limit on the messages of one answer.
const fewer = "select fewer messages at a time: --since and --before, or a range of UIDs"

// MessageLimit returns how many messages one command of the server handles at
// most (RFC 9738), 0 where it sets no limit.
func (s *Session) MessageLimit() uint64 {
	if s.limit > 0 {
		return s.limit
	}
	c := s.caps
	if c == nil {
		c = s.guessed
	}
	for name := range c {
		if n, ok := strings.CutPrefix(name, "MESSAGELIMIT="); ok {
			if limit, err := strconv.ParseUint(n, 10, 64); err == nil && limit > 0 {
				return limit
			}
		}
	}
	if s.Yahoo() {
		return yahooLimit
	}
	return 0
}

// limited takes the response code MESSAGELIMIT out of an answer. An OK with it
// to a reading command is not whole. What a writing command left out, receipts
// say.
func (s *Session) limited(name string, st wire.Status) {
	if st.Code != "MESSAGELIMIT" {
		return
	}
	word, _, _ := strings.Cut(st.Args, " ")
	if limit, err := strconv.ParseUint(word, 10, 64); err == nil && limit > 0 {
		s.limit = limit
	}
	switch name {
	case "SEARCH", "UID SEARCH", "SORT", "UID SORT", "THREAD", "UID THREAD", "FETCH", "UID FETCH":
		if st.OK() {
			s.CutShort(fewer, "the server cut its answer to %s short (MESSAGELIMIT %s)", name, st.Args)
		}
	}
}

// full notes an answer about exactly as many messages as the limit allows,
// where it may be about more: some servers cut it there without a word.
func (s *Session) full(name string, told uint64, asked uint64) {
	limit := s.MessageLimit()
	if limit > 0 && told == limit && asked > limit && s.box != nil && s.box.Exists > limit {
		s.CutShort(fewer, "the server's answer to %s ends at its limit of %d messages", name, limit)
	}
}

// Hidden returns how many messages of the open mailbox the server does not
// show: some end a mailbox at a round number, and only STATUS knows the rest.
// It asks where that may be so: of Yahoo's servers, and where there are exactly
// as many messages as such a view holds. Twice STATUS has to say more than the
// EXAMINE after it, for messages come and go.
func (s *Session) Hidden(ctx context.Context) (uint64, error) {
	box, err := s.Box(ctx)
	if err != nil {
		return 0, err
	}
	hidden, known := s.hidden[box.Name]
	if known {
		return hidden, nil
	}
	if s.hidden == nil {
		s.hidden = map[string]uint64{}
	}
	for try := 0; s.mayHide(box); try++ {
		if try == 2 {
			s.hidden[box.Name] = hidden
			return hidden, nil
		}
		if hidden, box, err = s.compareView(ctx, box); err != nil {
			return 0, err
		}
		if hidden == 0 {
			break
		}
	}
	s.hidden[box.Name] = 0
	return 0, nil
}

func (s *Session) mayHide(box *Box) bool {
	for _, n := range views {
		if box.Exists == n {
			return true
		}
	}
	return s.Yahoo() && box.Exists >= views[0]
}

// compareView asks STATUS how many messages there are, opens the mailbox again
// and returns how many it lacks then.
func (s *Session) compareView(ctx context.Context, box *Box) (uint64, *Box, error) {
	name, write := box.Name, !box.ReadOnly
	if s.Offers("UNSELECT") { // else STATUS may count what is open
		if _, err := s.do(ctx, wire.NewCommand("UNSELECT")); err != nil {
			return 0, nil, err
		}
	}
	messages := uint64(0)
	err := s.Status(ctx, []string{name}, []string{"MESSAGES"}, func(_ string, d *StatusData, no error) error {
		if no == nil && d.Messages != nil {
			messages = *d.Messages
		}
		return nil
	})
	if err == nil {
		err = s.open(ctx, name, write)
	}
	if err != nil {
		return 0, nil, err
	}
	again, err := s.Box(ctx)
	switch {
	case err != nil:
		return 0, nil, err
	case again.Validity() != box.Validity():
		return 0, nil, fault.New(fault.Stale, "the mailbox %q was made again: its UIDs mean other messages now", name)
	case messages > again.Exists:
		return messages - again.Exists, again, nil
	}
	return 0, again, nil
}

// unlessShort is an error of kind Partial where answers since then were cut
// short.
func (s *Session) unlessShort(before int) error {
	if s.shorts > before {
		return fault.New(fault.Partial, "the server cut its answer short")
	}
	return nil
}

// Whole is an error of kind Partial where the server has cut an answer of this
// session short: what it did not tell may be there.
func (s *Session) Whole() error { return s.unlessShort(0) }

// size is the number of messages that a set may hold in the open mailbox.
func (s *Session) size(set query.Set) uint64 {
	if s.box == nil {
		return 0
	}
	return min(set.Len(), s.box.Exists)
}
