package deliver

import (
	"context"

	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// baseline is what the mailbox was like before: a message of ours that arrives
// has a UID from next on.
type baseline struct {
	known    bool // next and validity are
	next     uint32
	validity result.UIDValidity
	stale    bool // something was appended since of which the server told no UID
	limit    *uint64
}

// rise notes that a message of ours has the UID: those sent behind it get
// higher ones.
func (b *baseline) rise(uid uint32) {
	if uid < 1<<32-1 {
		b.next = max(b.next, uid+1)
	}
}

// told moves the baseline on by what APPENDUID says.
func (b *baseline) told(validity result.UIDValidity, uid uint32) {
	if !b.known || b.validity != validity {
		b.known, b.validity, b.next = true, validity, 0
	}
	b.rise(uid)
}

// survey asks for the baseline: with STATUS, and by opening the mailbox where
// the server tells no UIDs of what is appended, or no UIDNEXT: STATUS may be
// out of date. missing is the server's refusal to tell.
func (d *Delivery) survey(ctx context.Context) (missing, err error) {
	d.place = result.Place{Account: d.Session.Account(), Mailbox: d.Mailbox}
	told, missing, err := d.status(ctx, "UIDNEXT", "UIDVALIDITY")
	if err == nil {
		err = d.Session.Ready(ctx)
	}
	if err != nil || missing != nil {
		return missing, err
	}
	d.base = baseline{validity: told.UIDValidity}
	d.base.next, d.base.known = told.NextUID()
	d.base.known = d.base.known && d.base.validity.Usable()
	if !d.DryRun && (!d.base.known || !d.Session.Offers("UIDPLUS")) {
		if err = d.open(ctx); err != nil {
			return nil, err
		}
	}
	d.place.UIDValidity = d.base.validity
	return nil, d.limits(ctx)
}

// status asks for items of the mailbox; refused is the server's NO or BAD.
func (d *Delivery) status(ctx context.Context, items ...string) (told session.StatusData, refused, err error) {
	err = d.Session.Status(ctx, []string{d.Mailbox}, items, func(_ string, data *session.StatusData, no error) error {
		if refused = no; no == nil {
			told = *data
		}
		return nil
	})
	return told, refused, err
}

// limits finds out how large a message may be: the same for every mailbox, or
// for each another, which STATUS tells (RFC 7889).
func (d *Delivery) limits(ctx context.Context) error {
	if limit, all := d.Session.AppendLimit(); all {
		d.base.limit = &limit
		return nil
	}
	if !d.Session.Offers("APPENDLIMIT") {
		return nil
	}
	told, _, err := d.status(ctx, "APPENDLIMIT")
	d.base.limit = told.AppendLimit
	return err
}

// open takes the baseline from the open mailbox.
func (d *Delivery) open(ctx context.Context) error {
	box, last, err := d.enter(ctx)
	if err != nil {
		return err
	}
	d.base.known, d.base.validity = true, box.Validity()
	d.base.next = 0
	d.base.rise(last)
	if next, ok := box.NextUID(); ok {
		d.base.next = max(d.base.next, next)
	}
	return nil
}

// enter opens the mailbox and tells its highest UID. That is by SELECT: Courier
// refuses APPEND to a mailbox that EXAMINE has opened, and GNU imap4d makes up
// other UIDs at each EXAMINE for messages that no SELECT has seen.
func (d *Delivery) enter(ctx context.Context) (box *session.Box, last uint32, err error) {
	if err = d.Session.Select(ctx, d.Mailbox); err != nil {
		return nil, 0, err
	}
	if box, err = d.Session.Box(ctx); err != nil {
		return nil, 0, err
	}
	last, err = d.Session.LastUID(ctx)
	return box, last, err
}

// refresh takes the baseline again where APPENDUID did not keep it: what an
// earlier batch has appended must not be taken for something of this one.
func (d *Delivery) refresh(ctx context.Context, batch []*Message) error {
	if !d.base.stale || !d.base.known || d.stopped != nil || len(in(batch, todo)) == 0 {
		return nil
	}
	d.base.stale = false
	return d.open(ctx)
}
