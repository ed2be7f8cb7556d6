package cmds

import (
	"context"
	"fmt"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/session"
)

// state is what a look at the server shows of a change.
type state struct {
	made      bool   // it is made
	untouched bool   // everything is as it was before
	seen      string // in words
}

// settle finds out, in a new session, what became of a change whose command
// was sent and not answered. Where nothing has happened, and the server is no
// longer at work on it, it is sent a second time. unknown says why nobody can
// tell.
func (r *remaking) settle(ctx context.Context, ch *remake, lost error) (refused, unknown error) {
	for try := 1; ; try++ {
		if context.Cause(ctx) != nil {
			return nil, fault.New(fault.Unknown, "interrupted before the server answered")
		}
		busy := r.s.TimedOut()
		r.c.in.say("%v; looking what became of %q", lost, ch.row.Mailbox)
		s, err := r.c.reopen(ctx, r.out)
		if err != nil {
			r.dead = err
			return nil, fault.New(fault.Unknown, "sent, but %v; looking again failed: %v", lost, err)
		}
		r.s = s
		now, err := r.now(ctx, ch)
		switch {
		case err != nil:
			return nil, fault.New(fault.Unknown, "sent, but %v; looking again failed: %v", lost, err)
		case now.made && ch.provable():
			return nil, nil
		case busy || try == 2 || !ch.known || ch.provable() && !now.untouched:
			return nil, fault.New(fault.Unknown, "sent, but %v; looking again, %s", lost, now.seen)
		}
		before := lost
		if refused, lost = r.send(ctx, ch); lost == nil {
			return r.second(ctx, ch, before, refused)
		}
	}
}

// second judges the answer to a command that was sent twice. A refusal may be
// due to the first having been obeyed after all.
func (r *remaking) second(ctx context.Context, ch *remake, lost, answer error) (refused, unknown error) {
	if answer == nil || !ch.provable() {
		return answer, nil
	}
	now, err := r.now(ctx, ch)
	told := fault.ServerOf(answer)
	switch {
	case err != nil:
		now.seen = fmt.Sprintf("looking again failed: %v", err)
	case now.made:
		return nil, nil
	case now.untouched && !slices.Contains([]string{"ALREADYEXISTS", "NONEXISTENT"}, told.Code):
		return answer, nil
	}
	return nil, fault.New(fault.Unknown, "sent, but %v; sent again, the %v; %s", lost, told, now.seen)
}

// now looks what has become of a change.
func (r *remaking) now(ctx context.Context, ch *remake) (state, error) {
	switch ch.row.Action {
	case "rename":
		return r.renamed(ctx, ch)
	case "create", "delete":
		return r.listed(ctx, ch)
	}
	is, refused, err := r.s.Subscribed(ctx, ch.row.Mailbox)
	made := is == (ch.row.Action == "subscribe")
	return state{made, !made, fmt.Sprintf("%q is subscribed: %t", ch.row.Mailbox, is)}, first(err, refused)
}

// listed is now for create and delete.
func (r *remaking) listed(ctx context.Context, ch *remake) (state, error) {
	found, refused, err := r.s.Lookup(ctx, []string{ch.row.Mailbox})
	if err = first(err, refused); err != nil {
		return state{}, err
	}
	there := exists(found[0])
	now := state{made: there, untouched: !there, seen: fmt.Sprintf("the server lists %q: %t", ch.row.Mailbox, there)}
	if ch.row.Action == "create" {
		return now, nil
	}
	now.made, now.untouched = !there, there
	if !there {
		return now, nil
	}
	if !ch.validity.Usable() {
		now.untouched, now.seen = false, now.seen+", and without UIDVALIDITY it may be another"
		return now, nil
	}
	// One that is there may by now be another of the same name, not to be deleted.
	d, err := r.status(ctx, ch.row.Mailbox)
	if err == nil && d.UIDValidity != ch.validity {
		now.untouched, now.seen = false, now.seen+", with another UIDVALIDITY"
	}
	return now, err
}

// renamed is now for rename. INBOX stays, and has moved its messages when the
// new mailbox has as many.
func (r *remaking) renamed(ctx context.Context, ch *remake) (state, error) {
	found, refused, err := r.s.Lookup(ctx, []string{ch.row.Mailbox, ch.row.NewName})
	if err = first(err, refused); err != nil {
		return state{}, err
	}
	old, renamed := exists(found[0]), found[1] != nil
	now := state{
		made: renamed && (!old || ch.ofInbox()), untouched: found[0] != nil && !renamed,
		seen: fmt.Sprintf("the server lists %q: %t, %q: %t", ch.row.Mailbox, old, ch.row.NewName, renamed),
	}
	if !ch.ofInbox() || !renamed || ch.row.Messages == nil {
		return now, nil
	}
	d, err := r.status(ctx, ch.row.NewName)
	if err == nil && d.Messages != nil {
		now.made = *d.Messages >= *ch.row.Messages
		now.seen = fmt.Sprintf("%q holds %d of the %d messages", ch.row.NewName, *d.Messages, *ch.row.Messages)
	}
	return now, err
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
