package session

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/wire"
)

// Letter is one message to append.
type Letter struct {
	Flags []string  // as sent; none leaves them to the server
	Date  time.Time // INTERNALDATE; zero leaves it to the server
	Body  io.Reader // exactly Size octets
	Size  int64
}

// Appending is an APPEND in flight.
type Appending struct {
	s       *Session
	p       *wire.Pending
	mailbox string
	n       int
}

// AppendResult is what the server confirmed of one APPEND.
type AppendResult struct {
	// Refusal is the server's NO or BAD, of kind Refused; nil for OK.
	Refusal error
	// UIDs are those of the messages, in order, as APPENDUID tells (RFC 4315
	// section 3, RFC 3502); nil where the server tells none.
	UIDs []uint32
	// Validity is the mailbox's UIDVALIDITY, empty without APPENDUID.
	Validity result.UIDValidity
	// Warning says what is wrong with the server's APPENDUID, if anything.
	Warning string
}

// Unasked reports whether a message of so many octets may be sent without
// waiting for the server, so that others may follow it in the same flight.
func (s *Session) Unasked(size int64) bool { return s.c.Unasked(size) }

// Ready settles the prologue and makes sure that the server's capabilities are
// its own word: writing depends on both.
func (s *Session) Ready(ctx context.Context) error {
	_, err := s.HasNow(ctx, "IMAP4REV1")
	return err
}

// StartAppend sends APPEND (RFC 9051 section 6.3.12), with several letters
// MULTIAPPEND (RFC 3502), for which the caller has made sure of the capability.
// It reads the letters to their end and does not wait for the answer. An error
// means that not all of the command was sent: the server cannot have taken it,
// and the session is of no more use.
func (s *Session) StartAppend(ctx context.Context, mailbox string, letters ...Letter) (*Appending, error) {
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	cmd := wire.NewCommand("APPEND").String(s.octets(mailbox))
	for _, l := range letters {
		if len(l.Flags) > 0 {
			cmd.List(l.Flags...)
		}
		if y := l.Date.Year(); !l.Date.IsZero() && y >= 1000 && y <= 9999 {
			cmd.Atom(l.Date.Format(`"02-Jan-2006 15:04:05 -0700"`))
		}
		cmd.Literal(l.Body, l.Size)
	}
	p, err := s.send(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &Appending{s, p, mailbox, len(letters)}, nil
}

// Answered reports whether Finish has no need to wait.
func (a *Appending) Answered() bool { return a.p.Done() }

// Finish waits for the answer. An error means that the outcome is not known; a
// refusal is in the result.
func (a *Appending) Finish(ctx context.Context) (*AppendResult, error) {
	st, err := a.s.finish(ctx, a.p)
	if err != nil {
		return nil, err
	}
	res := &AppendResult{}
	if !st.OK() {
		res.Refusal = a.s.unnamed(st, a.mailbox, "cannot append to %q", a.mailbox)
		return res, nil
	}
	res.hear(st, a.n)
	return res, nil
}

// hear takes APPENDUID out of the tagged OK: as many UIDs as there are
// messages, in their order.
func (res *AppendResult) hear(st wire.Status, n int) {
	if st.Code != "APPENDUID" {
		return
	}
	r := wire.NewReader([]byte(st.Args))
	there, total := validity(r), uint64(0)
	var ranges []query.Range
	if there.Usable() {
		r.Set(func(lo, hi uint32) {
			lo, hi = min(lo, hi), max(lo, hi)
			if total += uint64(hi-lo) + 1; lo != 0 && total <= uint64(n) {
				ranges = append(ranges, query.Range{Lo: lo, Hi: hi})
			}
		})
	}
	var uids []uint32
	for _, rg := range ranges {
		for uid := range (query.Set{rg}).All() {
			uids = append(uids, uid)
		}
	}
	if r.Err() != nil || !r.AtEnd() || len(uids) != n || total != uint64(n) {
		res.Warning = fmt.Sprintf("the server's APPENDUID cannot be read: %.200q", st.Args)
		return
	}
	res.Validity, res.UIDs = there, uids
}
