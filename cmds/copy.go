package cmds

import (
	"context"

	"github.com/imapknife/imapknife/internal/change"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

func newCopy() *verb {
	return &verb{
		name: "copy", group: groupMessages, args: "SET MAILBOX",
		summary: "copy messages to another mailbox",
		about: `Copies the messages that the set or the criteria select; the last argument is
always the destination. Each gets a row: its UID in the destination where the
server tells it, or why it was not copied. When the connection is lost, the
destination is looked through: nothing is copied twice, and what cannot be found
out is told as unknown, exit 11.`,
		examples: []example{
			{"one message", "imapknife copy 42 Archive"},
			{"all of a sender's", "imapknife copy --from ci@ Archive"},
		},
		flags: append(lookup("create"), selectionWriteFlags()...),
		row:   result.Receipt{},
		setup: func(in *input) (runner, error) { return setupTransfer(in, false) },
	}
}

// setupTransfer is the setup of copy and move.
func setupTransfer(in *input, move bool) (runner, error) {
	if len(in.args) == 0 {
		return nil, fault.New(fault.Usage, "%s needs a destination", in.verb.path).Hint("the last argument is the mailbox: %s 42 Archive", in.verb.path)
	}
	to := in.args[len(in.args)-1]
	in.args = in.args[:len(in.args)-1]
	if err := checkName(to); err != nil {
		return nil, err
	}
	o, err := in.writing(false)
	if err != nil {
		return nil, err
	}
	create := in.flagged("create")
	o.plan = func(ctx context.Context, s *session.Session, t change.Target) (change.Action, string, error) {
		names, err := resolveNames(ctx, s, []string{to})
		if err != nil {
			return nil, "", err
		}
		return o.transfer(ctx, s, t, names[0], move, create)
	}
	return o.runner(destination()...), nil
}

// transfer plans a copy or a move.
func (o *writing) transfer(ctx context.Context, s *session.Session, t change.Target, to string, move, create bool) (change.Action, string, error) {
	if move && sameMailbox(t.Place.Mailbox, to) {
		return nil, "", fault.New(fault.Usage, "the messages are in %q already", to)
	}
	a := &change.Transfer{To: to, Move: move, Create: create && !o.dryRun}
	err := a.Prepare(ctx, s)
	if err != nil && create && o.dryRun && fault.KindOf(err) == fault.Refused && !s.Broken() {
		o.in.say("the mailbox %q would be made", to)
		err = nil
	}
	if err == nil && a.Blind != nil {
		o.in.say("warning: %v; after a lost connection nobody can look there what has arrived", a.Blind)
	}
	return a, "move %s to " + quoted(to), err
}
