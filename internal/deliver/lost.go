package deliver

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// A lost connection is followed by others, the second after pause, the third after
// two of them, until there have been maxConns since a message was taken. On each, a message that is not
// found is looked for maxLooks times more, with pauses that grow in the same way,
// for three seconds: the server may just be putting it away.
const (
	maxConns = 3
	maxLooks = 5
	pause    = 200 * time.Millisecond
)

// errEarlier is why nothing is sent behind a message that may or may not have
// arrived.
var errEarlier = errors.New("the outcome of an earlier message is unknown")

// recover goes on after the session was lost: it opens another and looks which
// of the messages have arrived. What was sent to its end and has not arrived is
// not sent again: a server goes on with what it was sent when the connection is
// gone, and may be at it still. An error means that nothing more can be done.
func (d *Delivery) recover(ctx context.Context, batch []*Message, lost error) error {
	if k := fault.KindOf(lost); ctx.Err() != nil || k == fault.Closed || k == fault.Safety || k == fault.Usage {
		return lost
	}
	// Of one that has answered, however wrongly, another connection would get
	// the same: only what was sent to its end is looked for.
	answered := fault.KindOf(lost) == fault.Protocol || answeredNo(lost)
	if answered && len(in(batch, sent)) == 0 {
		return lost
	}
	d.Session.Close() // whatever the server waits for, it will not come
	d.mode = oneByOne
	for err := lost; err != nil; {
		if d.others == maxConns-1 {
			for _, m := range in(batch, todo) {
				if m.tries > 0 {
					m.refuse(fault.Wrap(fault.Connect, err, "the connection was lost %d times, and the message has not arrived", maxConns))
				}
			}
			return fault.Wrap(fault.Connect, err, "over %d connections", maxConns)
		}
		if err = d.again(ctx, batch, d.others); err != nil && (ctx.Err() != nil || errors.Is(err, errEarlier)) {
			return err
		}
		d.others++
	}
	for _, m := range in(batch, sent) {
		m.end(result.Unknown, "the connection was lost, and the server may still be at work; looked for by Message-ID, size and digest, the message was not in the mailbox yet", nil)
		d.stop(errEarlier)
	}
	for _, m := range in(batch, todo) {
		if answered {
			return lost
		}
		if m.tries >= maxTries {
			m.refuse(fault.Wrap(fault.Connect, lost, "the connection was lost %d times, and the message has not arrived", m.tries))
			d.stop(m.refusal)
		}
	}
	return nil
}

// again opens another session and looks there.
func (d *Delivery) again(ctx context.Context, batch []*Message, try int) error {
	if err := wait(ctx, time.Duration(try)*pause); err != nil {
		return err
	}
	s, err := d.Reopen(ctx)
	if err != nil {
		return err
	}
	d.Session = s
	if err = s.Ready(ctx); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err = d.look(ctx, batch); err != nil || len(in(batch, sent)) == 0 || n == maxLooks {
			return err
		}
		if err = wait(ctx, time.Duration(n+1)*pause); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, t time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(t):
		return nil
	}
}

// arrival is a message that has come into the mailbox since the baseline.
type arrival struct {
	uid       uint32
	size      uint64
	messageID string
	digest    [sha256.Size]byte
	taken     bool
}

// look finds out which messages have arrived. Each arrival stands for one
// message: two that are alike must have arrived twice.
func (d *Delivery) look(ctx context.Context, batch []*Message) error {
	waiting := in(batch, sent)
	if len(waiting) == 0 {
		return nil
	}
	if !d.base.known {
		return d.undecided(waiting, "the mailbox could not be looked at before")
	}
	box, last, err := d.enter(ctx)
	switch {
	case err != nil && answeredNo(err):
		return d.undecided(waiting, err.Error())
	case err != nil:
		return err
	case box.Validity() != d.base.validity:
		return d.undecided(waiting, fmt.Sprintf("the mailbox has UIDVALIDITY %s now, not %s", box.Validity(), d.base.validity))
	case last < d.base.next:
		return nil
	}
	// Messages that were confirmed without a UID have arrived as well.
	claims := d.claims(batch)
	all, err := d.arrivals(ctx, query.Set{{Lo: d.base.next, Hi: last}}, claims)
	if err != nil {
		return err
	}
	if err := d.match(claims, all); err != nil {
		return err
	}
	return d.doubtful(in(batch, sent), all)
}

// answeredNo reports whether the server refused, and did not merely go away.
func answeredNo(err error) bool {
	s := fault.ServerOf(err)
	return fault.KindOf(err) == fault.Refused && s != nil && s.Status != "BYE"
}

// claims are the messages that arrivals can stand for.
func (d *Delivery) claims(batch []*Message) (out []*Message) {
	for _, m := range batch {
		if m.state == sent || m.Row.Status == result.Done && m.Row.UID == 0 && m.since == d.base.next {
			out = append(out, m)
		}
	}
	return out
}

// undecided ends messages of which nothing more can be found out.
func (d *Delivery) undecided(waiting []*Message, why string) error {
	for _, m := range waiting {
		m.end(result.Unknown, "the connection was lost after the message was sent: "+why, nil)
	}
	d.stop(errEarlier)
	return errEarlier
}

// arrivals fetches what may be one of the messages.
func (d *Delivery) arrivals(ctx context.Context, set query.Set, claims []*Message) (all []*arrival, err error) {
	_, err = d.Session.Fetch(ctx, session.FetchRequest{
		Set: set, Items: []string{"RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"},
		Row: func(f *session.Fetched) error {
			a := &arrival{uid: f.UID, size: f.Size, messageID: message.MessageID(f.Header)}
			for _, m := range claims {
				if a.resembles(m) {
					all = append(all, a)
					break
				}
			}
			return nil
		},
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	uids := make([]uint32, len(all))
	byUID := map[uint32]*arrival{}
	for i, a := range all {
		uids[i], byUID[a.uid] = a.uid, a
	}
	_, err = d.Session.Fetch(ctx, session.FetchRequest{
		Set: query.MakeSet(uids...), Items: []string{"BODY.PEEK[]"},
		Body: func(f *session.Fetched, _ string, r io.Reader, _ int64) (err error) {
			if a := byUID[f.UID]; a != nil {
				a.digest, err = digest(r)
			}
			return err
		},
	})
	return all, err
}

// resembles reports whether the arrival may be the message. Servers count
// differently what a line's end takes, so that without a Message-ID any size
// of that order will do; the digest decides.
func (a *arrival) resembles(m *Message) bool {
	if a.messageID != "" || m.Row.MessageID != "" {
		return a.messageID == m.Row.MessageID
	}
	return a.size <= m.Row.Size+2 && a.size >= m.Row.Size/2
}

// match ends the messages that have arrived.
func (d *Delivery) match(claims []*Message, all []*arrival) error {
	for _, m := range claims {
		if !slices.ContainsFunc(all, func(a *arrival) bool { return !a.taken && a.resembles(m) }) {
			continue
		}
		own, err := m.digest()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(a *arrival) bool { return !a.taken && a.resembles(m) && a.digest == own })
		if i < 0 {
			continue
		}
		a := all[i]
		a.taken = true
		if m.state != sent {
			continue
		}
		m.end(result.Done, "", nil)
		m.Row.UID, m.Row.UIDValidity = a.uid, d.base.validity
		m.Row.Warnings = append(m.Row.Warnings, "the connection was lost before the answer; the message was found in the mailbox")
		d.base.rise(a.uid)
	}
	return nil
}

// doubtful ends messages of which something with the same Message-ID has
// arrived that no other message accounts for: a server may change what it is
// given.
func (d *Delivery) doubtful(waiting []*Message, all []*arrival) error {
	for _, m := range waiting {
		for _, a := range all {
			if !a.taken && a.messageID != "" && a.resembles(m) {
				a.taken = true
				return d.undecided([]*Message{m}, fmt.Sprintf("UID %d has the same Message-ID and other octets", a.uid))
			}
		}
	}
	return nil
}

func (m *Message) digest() (sum [sha256.Size]byte, err error) {
	r, err := m.Open()
	if err != nil {
		return sum, err
	}
	defer r.Close()
	return digest(r)
}

// digest is SHA-256 of the octets but CR, and but LF at the end: some servers
// end the last line, or keep lines in a way of their own.
func digest(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	in, out := bufio.NewReader(r), bufio.NewWriter(h)
	for lines := 0; ; {
		b, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			out.Flush()
			return [sha256.Size]byte(h.Sum(nil)), nil
		case err != nil:
			return sum, err
		case b == '\n':
			lines++
		case b != '\r':
			for ; lines > 0; lines-- {
				out.WriteByte('\n')
			}
			out.WriteByte(b)
		}
	}
}
