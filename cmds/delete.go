package cmds

import (
	"context"

	"github.com/imapknife/imapknife/internal/change"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

func newDelete() *verb {
	return &verb{
		name: "delete", group: groupMessages, args: "SET",
		summary: "delete messages: to the trash, or for good",
		about: `Moves the messages to the mailbox that the server names as \Trash; where it
names none, they are flagged \Deleted. --expunge removes them for good, and
exactly them; --flag-only flags them. It asks on the terminal first; elsewhere
--yes is needed, or it is exit 8. A mailbox is deleted by mailbox delete.`,
		examples: []example{
			{"to the trash", "imapknife delete 42"},
			{"for good, without asking", "imapknife delete --from spam@ --older 30d --expunge --yes"},
		},
		flags: append(lookup("expunge", "flag-only", "no-lock"), selectionWriteFlags()...),
		row:   result.Receipt{},
		setup: setupDelete,
	}
}

func setupDelete(in *input) (runner, error) {
	if in.flagged("expunge") && in.flagged("flag-only") {
		return nil, fault.New(fault.Usage, "--expunge and --flag-only exclude each other")
	}
	o, err := in.writing(true)
	if err != nil {
		return nil, in.notMailbox(err)
	}
	o.plan = func(ctx context.Context, s *session.Session, t change.Target) (change.Action, string, error) {
		switch {
		case in.flagged("expunge"):
			return o.remove(ctx, s, true)
		case in.flagged("flag-only"):
			return flagDeleted()
		}
		trash, err := s.FindUse(ctx, `\Trash`)
		switch {
		case err != nil:
			return nil, "", err
		case trash == "":
			in.say(`the server names no mailbox for \Trash: the messages are only flagged \Deleted`)
			return flagDeleted()
		case sameMailbox(trash, t.Place.Mailbox):
			return nil, "", fault.New(fault.Usage, "the messages are in the trash, %q, already", trash).
				Hint("--expunge removes them for good")
		}
		return o.transfer(ctx, s, t, trash, true, false)
	}
	o.advise = func(e *fault.Error) {
		if fault.CodeOf(e) == "OVERQUOTA" && !in.flagged("expunge") && !in.flagged("flag-only") {
			e.Hint("--expunge removes messages for good, without a copy in the trash")
		}
	}
	return o.runner(destination()...), nil
}

func flagDeleted() (change.Action, string, error) {
	return &change.Store{Mode: "+", Flags: []string{`\Deleted`}, Action: "flag"}, `flag %s \Deleted`, nil
}

// remove plans the removal for good.
func (o *writing) remove(ctx context.Context, s *session.Session, flag bool) (change.Action, string, error) {
	a := &change.Remove{Flag: flag}
	var err error
	a.UIDPLUS, err = s.Has(ctx, "UIDPLUS")
	return a, "remove %s for good", err
}

// notMailbox explains delete NAME, which may mean a mailbox.
func (in *input) notMailbox(err error) error {
	if e, ok := err.(*fault.Error); ok && e.Kind == fault.Usage && len(in.args) == 1 {
		return e.Hint("delete SET deletes messages: delete 42; mailbox delete NAME deletes a mailbox")
	}
	return err
}
