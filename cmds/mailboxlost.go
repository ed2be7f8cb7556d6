package cmds

import (
	"context"
	"fmt"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/session"
)

// settle finds out, in a new session, what became of a change whose command
// was sent and not answered. Where it was not made, and the server is no longer
// at work on it, it is sent a second time. unknown says why nobody can tell.
func (r *remaking) settle(ctx context.Context, ch *change, lost error) (refused, unknown error) {
	for try := 1; ; try++ {
		if context.Cause(ctx) != nil {
			return nil, fault.New(fault.Unknown, "interrupted before the server answered")
		}
		busy := r.s.TimedOut()
		r.c.in.say("%v; looking what became of %q", lost, ch.row.Mailbox)
		s, err := r.c.again(ctx, r.out)
		if err != nil {
			r.dead = err
			return nil, fault.New(fault.Unknown, "sent, but %v; looking again failed: %v", lost, err)
		}
		r.s = s
		made, seen, err := r.made(ctx, ch)
		switch {
		case err != nil:
			return nil, fault.New(fault.Unknown, "sent, but %v; looking again failed: %v", lost, err)
		case made:
			return nil, nil
		case busy || try == 2:
			return nil, fault.New(fault.Unknown, "sent, but %v; looking again, %s", lost, seen)
		}
		before := lost
		if refused, lost = r.send(ctx, ch); lost == nil {
			return r.second(ctx, ch, before, refused)
		}
	}
}

// second judges the answer to a command that was sent twice. A refusal may be
// due to the first having been obeyed after all.
func (r *remaking) second(ctx context.Context, ch *change, lost, answer error) (refused, unknown error) {
	if answer == nil {
		return nil, nil
	}
	made, seen, err := r.made(ctx, ch)
	told := fault.ServerOf(answer)
	switch {
	case err != nil:
		seen = fmt.Sprintf("looking again failed: %v", err)
	case made:
		return nil, nil
	case ch.known && !(ch.provable() && slices.Contains([]string{"ALREADYEXISTS", "NONEXISTENT"}, told.Code)):
		return answer, nil
	}
	return nil, fault.New(fault.Unknown, "sent, but %v; sent again, the %v; %s", lost, told, seen)
}

// made looks whether a change is made, and says what it saw.
func (r *remaking) made(ctx context.Context, ch *change) (made bool, seen string, err error) {
	switch ch.row.Action {
	case "subscribe", "unsubscribe":
		is, refused, err := r.s.Subscribed(ctx, ch.row.Mailbox)
		seen = fmt.Sprintf("%q is subscribed: %t", ch.row.Mailbox, is)
		return is == (ch.row.Action == "subscribe"), seen, first(err, refused)
	case "rename":
		made, seen, err = r.renamed(ctx, ch)
	default:
		made, seen, err = r.listed(ctx, ch)
	}
	return made && ch.provable(), seen, err
}

// listed is made for create and delete.
func (r *remaking) listed(ctx context.Context, ch *change) (made bool, seen string, err error) {
	found, refused, err := r.s.Lookup(ctx, []string{ch.row.Mailbox})
	if err = first(err, refused); err != nil {
		return false, "", err
	}
	there := exists(found[0])
	seen = fmt.Sprintf("the server lists %q: %t", ch.row.Mailbox, there)
	if ch.row.Action == "create" || !there {
		return there == (ch.row.Action == "create"), seen, nil
	}
	// One that is there may be another of the same name by now.
	now, err := r.status(ctx, ch.row.Mailbox)
	if err != nil || now.UIDValidity == nil || ch.validity == nil {
		return false, seen, err
	}
	return *now.UIDValidity != *ch.validity, seen, nil
}

// renamed is made for rename. INBOX stays, and has moved its messages when the
// new mailbox has as many.
func (r *remaking) renamed(ctx context.Context, ch *change) (made bool, seen string, err error) {
	found, refused, err := r.s.Lookup(ctx, []string{ch.row.Mailbox, ch.row.NewName})
	if err = first(err, refused); err != nil {
		return false, "", err
	}
	old, renamed := exists(found[0]), found[1] != nil
	seen = fmt.Sprintf("the server lists %q: %t, %q: %t", ch.row.Mailbox, old, ch.row.NewName, renamed)
	if !ch.ofInbox() || !renamed || ch.row.Messages == nil {
		return renamed && !old, seen, nil
	}
	now, err := r.status(ctx, ch.row.NewName)
	if err != nil || now.Messages == nil {
		return false, seen, err
	}
	return *now.Messages >= *ch.row.Messages, fmt.Sprintf("%q holds %d messages", ch.row.NewName, *now.Messages), nil
}

// status asks for the counts of one mailbox.
func (r *remaking) status(ctx context.Context, name string) (now session.StatusData, err error) {
	err = r.s.Status(ctx, []string{name}, []string{"MESSAGES", "UIDVALIDITY"}, func(_ string, d *session.StatusData, no error) error {
		if no == nil {
			now = *d
		}
		return no
	})
	return now, err
}

// first is the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
