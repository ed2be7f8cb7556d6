package cmds

import (
	"context"
	"fmt"

	"github.com/imapknife/imapknife/internal/session"
)

// look finds out what there is before anything is sent that writes. What it
// sends goes out with the login, and all of it is answered when it returns.
func (r *remaking) look(ctx context.Context) error {
	switch first := r.changes[0]; r.o.action {
	case "create":
		return r.lookNew(ctx)
	case "delete":
		return r.count(ctx, r.changes)
	case "rename":
		if err := r.lookRename(ctx, first); err != nil || !first.ofInbox() {
			return err
		}
		err := r.count(ctx, r.changes)
		first.known = first.known && first.row.Messages != nil // else nobody can tell that they have moved
		return err
	}
	for _, ch := range r.changes {
		ch.known = true // subscribing twice is subscribing once
	}
	return r.s.Settle(ctx)
}

func (r *remaking) lookNew(ctx context.Context) error {
	var names []string
	for _, ch := range r.changes {
		names = append(names, ch.row.Mailbox)
	}
	found, refused, err := r.s.Lookup(ctx, names)
	for i, ch := range r.changes {
		if ch.known = err == nil && refused == nil; ch.known && exists(found[i]) {
			ch.obstacle = "it exists"
		}
	}
	return err
}

func (r *remaking) lookRename(ctx context.Context, ch *remake) error {
	names := []string{ch.row.Mailbox, ch.row.NewName}
	found, refused, err := r.s.Lookup(ctx, names)
	if err == nil && refused == nil && found[0] == nil {
		var odd bool
		if odd, err = r.s.FindSpelling(ctx, ch.row.Mailbox); odd && err == nil {
			found, refused, err = r.s.Lookup(ctx, names)
		}
	}
	if err != nil || refused != nil {
		return err
	}
	ch.known = true
	switch {
	case found[0] == nil:
		ch.obstacle = absent
	case found[1] != nil:
		ch.obstacle = fmt.Sprintf("%q exists", ch.row.NewName)
	default:
		below := found[0].Children()
		ch.below = below != nil && *below
	}
	return nil
}

// count asks how many messages are in the mailboxes. For one to be deleted,
// that also tells whether it exists.
func (r *remaking) count(ctx context.Context, changes []*remake) error {
	var names []string
	for _, ch := range changes {
		names = append(names, ch.row.Mailbox)
	}
	i := 0
	err := r.s.Status(ctx, names, []string{"MESSAGES", "UIDVALIDITY"}, func(_ string, d *session.StatusData, no error) error {
		ch := changes[i]
		i++
		if no == nil {
			ch.row.Messages, ch.validity = d.Messages, d.UIDValidity
			ch.known = ch.known || ch.row.Action == "delete"
		}
		return nil
	})
	if err == nil && r.o.action == "delete" && r.o.dryRun {
		err = r.missing(ctx, changes)
	}
	return err
}

// missing finds those that STATUS did not tell of because they do not exist.
func (r *remaking) missing(ctx context.Context, changes []*remake) error {
	for _, ch := range changes {
		if ch.known {
			continue
		}
		found, refused, err := r.s.Lookup(ctx, []string{ch.row.Mailbox})
		if err != nil {
			return err
		}
		if refused == nil && found[0] == nil {
			ch.obstacle = absent
		}
	}
	return nil
}

// exists reports whether a LIST entry is a mailbox, and not only a level above
// one.
func exists(e *session.ListEntry) bool { return e != nil && e.Selectable() }
