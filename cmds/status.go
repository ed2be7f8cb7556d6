package cmds

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

func newStatus() *verb {
	return &verb{
		name: "status", group: groupMailboxes, args: "[MAILBOX…]",
		summary: "tell a mailbox's counts without opening it",
		about: `Asks for everything the server tells in STATUS: messages, unseen, uidnext,
uidvalidity and, where it can, recent, deleted, size, highestmodseq, appendlimit
and, where --fields names it, mailboxid. Several mailboxes are asked for in one
flight. A mailbox that is not there makes the exit status 9, or 5 when none is.`,
		examples: []example{
			{"unread messages in INBOX", "imapknife status --jq '.[0].unseen'"},
			{"two mailboxes", "imapknife status INBOX Archive"},
		},
		flags: append(lookup("mailbox"), sessionFlags()...),
		row:   result.Status{},
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			names := in.args
			if len(names) == 0 || in.given("mailbox") {
				names = append(names, in.all("mailbox")...)
			}
			if len(names) == 0 {
				names = []string{c.mailbox()}
			}
			if err := checkNames(names); err != nil {
				return nil, in.blameMailbox(err)
			}
			spec := output.Spec{Row: result.Status{}, Columns: []output.Column{
				{Field: "mailbox", Flex: true}, {Field: "messages", Right: true}, {Field: "unseen", Right: true}, {Field: "recent", Right: true},
				{Field: "size", Right: true, Format: humanSize}, {Field: "uidnext", Right: true}, {Field: "uidvalidity", Right: true},
			}}
			return func(ctx context.Context) error {
				return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error { return runStatus(ctx, s, out, in, names) })
			}, nil
		},
	}
}

func runStatus(ctx context.Context, s *session.Session, out *output.Printer, in *input, names []string) error {
	names, err := resolveNames(ctx, s, names)
	if err != nil {
		return err
	}
	items, err := in.statusItems(ctx, s)
	if err != nil {
		return err
	}
	var missing []string
	var refused error // the first
	err = s.Status(ctx, names, items, func(name string, d *session.StatusData, err error) error {
		if err != nil {
			missing = append(missing, strconv.Quote(name))
			if refused == nil {
				refused = err
			}
			return nil
		}
		in.warn(d.Name, d.Warnings)
		return out.Row(&result.Status{Account: s.Account(), Mailbox: d.Name, Counts: counts(d), Warnings: d.Warnings})
	})
	if err != nil || refused == nil {
		return err
	}
	e := &fault.Error{Kind: fault.Refused, Err: refused}
	if out.Rows() > 0 {
		e.Kind = fault.Partial
	}
	if len(missing) > 1 {
		e.Op = fmt.Sprintf("the status of %d of %d mailboxes is not known (%s)", len(missing), len(names), strings.Join(missing, ", "))
	}
	return e
}
