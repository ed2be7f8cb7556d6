package cmds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// remaking is one run of a sub of mailbox.
type remaking struct {
	o       mailboxOptions
	c       *connection
	s       *session.Session // another one after the first was lost
	out     *output.Printer
	tally   tally
	changes []*remake
	dead    error // why no session is left
}

// remake is what is to become of one mailbox.
type remake struct {
	row      result.MailboxChange
	known    bool               // the server has told what there was before
	obstacle string             // what there was that makes the change impossible, if anything
	below    bool               // there are mailboxes below
	validity result.UIDValidity // of a mailbox to be deleted
}

// absent is the obstacle of a mailbox that is not there.
const absent = "it does not exist"

// provable reports whether seeing the change made would prove that this run
// has made it.
func (ch *remake) provable() bool { return ch.known && ch.obstacle == "" }

func (r *remaking) run(ctx context.Context) error {
	if r.o.use != "" {
		if err := r.s.Need(ctx, "CREATE-SPECIAL-USE", "mailbox create --special-use"); err != nil {
			return err
		}
	}
	names, err := resolveNames(ctx, r.s, r.o.names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if r.o.action == "delete" && name == "INBOX" {
			return errInbox()
		}
		r.changes = append(r.changes, &remake{row: result.MailboxChange{
			Account: r.s.Account(), Mailbox: name, Action: r.o.action, DryRun: r.o.dryRun, NewName: r.o.newName, SpecialUse: r.o.use,
		}})
	}
	if err := r.look(ctx); err != nil {
		return err
	}
	if err := r.permit(ctx); err != nil {
		return err
	}
	for _, ch := range r.changes {
		if err := r.change(ctx, ch); err != nil {
			return err
		}
	}
	return r.tally.err()
}

func (ch *remake) ofInbox() bool { return ch.row.Action == "rename" && ch.row.Mailbox == "INBOX" }

// permit holds the number of messages against --max, and asks.
func (r *remaking) permit(ctx context.Context) error {
	if !r.o.destructive {
		return nil
	}
	var messages uint64
	counted := true
	var names []string
	for _, ch := range r.changes {
		names = append(names, fmt.Sprintf("%q", ch.row.Mailbox))
		if ch.row.Messages == nil {
			counted = false
			continue
		}
		messages += *ch.row.Messages
	}
	if err := r.o.bound(messages); err != nil {
		return err
	}
	ch := r.changes[0]
	switch {
	case ch.ofInbox():
		r.c.in.say("renaming INBOX moves its messages to %q; INBOX stays, empty", ch.row.NewName)
		return r.o.confirm(ctx, "rename INBOX to %q: %s move there, and INBOX stays, empty", ch.row.NewName, plural(messages, counted))
	case r.o.action == "rename" && ch.below:
		return r.o.confirm(ctx, "rename the mailbox %q, and those below it, to %q", ch.row.Mailbox, ch.row.NewName)
	case r.o.action == "rename":
		return r.o.confirm(ctx, "rename the mailbox %q to %q", ch.row.Mailbox, ch.row.NewName)
	case len(names) == 1:
		return r.o.confirm(ctx, "delete the mailbox %s with %s", names[0], plural(messages, counted))
	}
	return r.o.confirm(ctx, "delete the %d mailboxes %s with %s in all", len(names), strings.Join(names, ", "), plural(messages, counted))
}

// plural is a number of messages in words. counted is false where the server
// did not tell all of it.
func plural(n uint64, counted bool) string {
	switch {
	case !counted && n == 0:
		return "an unknown number of messages"
	case !counted:
		return fmt.Sprintf("%d messages or more", n)
	case n == 1:
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}

// change makes one change and prints its receipt. An error ends the run.
func (r *remaking) change(ctx context.Context, ch *remake) error {
	refused, unknown := r.attempt(ctx, ch)
	switch {
	case unknown != nil:
		ch.row.Status, ch.row.Reason = result.Unknown, unknown.Error()
	case refused != nil:
		ch.row.Status, ch.row.Reason = result.Refused, reason(refused)
		if r.tally.refusal == nil {
			r.hint(ctx, ch, refused)
		}
	case r.o.dryRun:
		ch.row.Status = result.Planned
	default:
		ch.row.Status = result.Done
	}
	for _, w := range ch.row.Warnings {
		r.c.in.say("%s: %s", ch.row.Mailbox, w)
	}
	r.tally.add(ch.row.Status, ch.row.Reason, refused)
	if err := r.out.Row(&ch.row); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// attempt makes one change, or says what would become of it. refused is why it
// was not made; unknown is why nobody can tell.
func (r *remaking) attempt(ctx context.Context, ch *remake) (refused, unknown error) {
	cannot := func(kind fault.Kind, why error) error {
		return fault.Wrap(kind, why, "cannot %s the mailbox %q", ch.row.Action, ch.row.Mailbox)
	}
	switch {
	case r.o.dryRun && ch.obstacle != "":
		return cannot(fault.Refused, errors.New(ch.obstacle)), nil
	case r.o.dryRun:
		return nil, nil
	case r.dead != nil:
		return cannot(fault.Connect, fmt.Errorf("not tried: %w", r.dead)), nil
	}
	refused, lost := r.send(ctx, ch)
	if lost != nil {
		if refused, unknown = r.settle(ctx, ch, lost); unknown != nil {
			return nil, unknown
		}
	}
	switch {
	case refused == nil && ch.row.Action == "rename" && (ch.obstacle != "" || ch.ofInbox()):
		// Courier says OK to what does not exist, GNU imap4d to INBOX without moving anything.
		if now, err := r.renamed(ctx, ch); err == nil && !now.made {
			refused = cannot(fault.Refused, fmt.Errorf("the server said OK, but %s", now.seen))
		}
	case refused != nil && ch.row.Action == "delete" && ch.known:
		// GNU imap4d removes the messages before it refuses because of what is below.
		if now, err := r.listed(ctx, ch); err == nil && now.made {
			ch.row.Warnings = append(ch.row.Warnings, "the server refused, but its messages are gone")
		}
	}
	return refused, nil
}

// reason is why a change was refused, as a row says it.
func reason(refused error) string {
	if st := fault.ServerOf(refused); st != nil {
		return st.String()
	}
	return errors.Unwrap(refused).Error()
}

// send sends the command of a change. refused is the server's answer; lost
// means that there was none.
func (r *remaking) send(ctx context.Context, ch *remake) (refused, lost error) {
	name := ch.row.Mailbox
	switch ch.row.Action {
	case "create":
		ch.row.MailboxID, refused, lost = r.s.Create(ctx, name, ch.row.SpecialUse)
	case "delete":
		refused, lost = r.s.Delete(ctx, name)
	case "rename":
		refused, lost = r.s.Rename(ctx, name, ch.row.NewName)
	case "subscribe":
		refused, lost = r.s.Subscribe(ctx, name)
	case "unsubscribe":
		refused, lost = r.s.Unsubscribe(ctx, name)
	}
	return refused, lost
}

// hint says how names are made on the server where that may be why it said NO.
func (r *remaking) hint(ctx context.Context, ch *remake, refused error) {
	e, ok := errors.AsType[*fault.Error](refused)
	switch fault.CodeOf(refused) {
	case "", "CANNOT", "NONEXISTENT", "TRYCREATE": // it may be about the name
	default:
		return
	}
	if !ok || r.dead != nil || e.Server != nil && e.Server.Status != "NO" {
		return
	}
	prefix, delimiter, err := r.s.Naming(ctx)
	if err != nil {
		return // the next command meets the same error
	}
	for _, name := range []string{ch.row.Mailbox, ch.row.NewName} {
		if there := spelt(name, prefix, delimiter); there != name {
			e.Hint("on this server that would be %q: %q divides the levels%s", there, delimiter, beginning(prefix))
			return
		}
	}
	if ch.obstacle == absent || ch.row.Action == "delete" && !ch.known {
		e.HintUnlessCode("imapknife list shows the mailboxes")
	}
}

func beginning(prefix string) string {
	if prefix == "" {
		return ""
	}
	return fmt.Sprintf(", and names begin with %q", prefix)
}

// spelt is a name as a server with that prefix and delimiter may have it.
func spelt(name, prefix, delimiter string) string {
	if name == "" || name == "INBOX" {
		return name
	}
	if delimiter != "" {
		name = strings.ReplaceAll(name, "/", delimiter)
	}
	if !strings.HasPrefix(name, prefix) {
		name = prefix + name
	}
	return name
}
