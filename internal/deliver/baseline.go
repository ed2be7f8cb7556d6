package deliver

import (
	"context"

	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// baseline is what the mailbox was like before: a message of ours that arrives
// has a UID from next on.
type baseline struct {
	known    bool
	next     uint32 // 0 where it could not be told
	validity uint32
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

// survey asks for the baseline: with STATUS, and by opening the mailbox where
// the server tells no UIDs of what is appended, or no UIDNEXT: STATUS may be
// out of date. missing is the server's refusal to tell.
func (d *Delivery) survey(ctx context.Context) (missing, err error) {
	d.place = result.Place{Account: d.Session.Account(), Mailbox: d.Mailbox}
	items := []string{"UIDNEXT", "UIDVALIDITY"}
	each := d.Session.Offers("APPENDLIMIT") // a limit of each mailbox
	if each {
		items = append(items, "APPENDLIMIT")
	}
	var told session.StatusData
	err = d.Session.Status(ctx, []string{d.Mailbox}, items, func(_ string, data *session.StatusData, refused error) error {
		if missing = refused; refused == nil {
			told = *data
		}
		return nil
	})
	if err == nil {
		err = d.Session.Ready(ctx)
	}
	if err != nil || missing != nil {
		return missing, err
	}
	d.base = baseline{limit: told.AppendLimit}
	if limit, all := d.Session.AppendLimit(); all {
		d.base.limit = &limit
	}
	if told.UIDValidity != nil {
		d.base.validity = *told.UIDValidity
	}
	if told.UIDNext != nil {
		d.base.known, d.base.next = true, *told.UIDNext
	}
	if !d.DryRun && (!d.base.known || d.base.validity == 0 || !d.Session.Offers("UIDPLUS")) {
		err = d.open(ctx)
	}
	d.place.UIDValidity = d.base.validity
	return nil, err
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
	if box.UIDNext != nil {
		d.base.next = max(d.base.next, *box.UIDNext)
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
