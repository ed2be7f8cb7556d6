package cmds

import "github.com/imapknife/imapknife/internal/result"

func newMove() *verb {
	return &verb{
		name: "move", group: groupMessages, args: "SET MAILBOX",
		summary: "move messages to another mailbox",
		about: `Moves the messages that the set or the criteria select; the last argument is
always the destination. Where the server lacks MOVE, they are copied; only when
that is confirmed are the originals flagged, and exactly these expunged. Where
it lacks UIDPLUS as well they stay flagged: the status says so, exit 9. When the
connection is lost, both mailboxes are looked through: nothing is moved twice,
and what cannot be found out is told as unknown, exit 11. It waits up to a
minute for another imapknife that moves or deletes in the mailbox.`,
		examples: []example{
			{"one message", "imapknife move 42 Archive"},
			{"old build mail, in one session", "imapknife move --from ci@ --before 30d Archive"},
			{"what a search found", "imapknife search --subject Invoice --json | imapknife move - Invoices --create"},
		},
		flags: append(lookup("create", "no-lock"), selectionWriteFlags()...),
		row:   result.Receipt{},
		setup: func(in *input) (runner, error) { return setupTransfer(in, true) },
	}
}
