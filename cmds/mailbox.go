package cmds

import (
	"context"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type mailboxOptions struct {
	consent
	action  string
	names   []string
	newName string // of rename
	use     string // of create: a special use, empty for none
}

func newMailbox() *verb {
	sub := func(v verb) *verb {
		v.flags = append(v.flags, writeFlags()...)
		v.row, v.setup = result.MailboxChange{}, setupMailbox
		return &v
	}
	return &verb{
		name: "mailbox", group: groupMailboxes, args: "create|delete|rename|subscribe|unsubscribe NAME…",
		summary: "make, remove, rename and subscribe to mailboxes",
		subs: []*verb{
			sub(verb{
				name: "create", args: "NAME…", summary: "make mailboxes",
				about: `Makes a mailbox of each name. Names are written as list shows them, with the
server's hierarchy delimiter and prefix; they are sent as they are, and where
the server refuses one the hint says how names are made there. --special-use
says what a new mailbox is for, where the server offers CREATE-SPECIAL-USE. A
mailbox that exists already is refused: exit 5, or 9 when others were made.`,
				examples: []example{
					{"a mailbox", "imapknife mailbox create Invoices/2026"},
					{"the mailbox for what is archived", `imapknife mailbox create Archive --special-use '\Archive'`},
				},
				flags: lookup("special-use"),
			}),
			sub(verb{
				name: "delete", args: "NAME…", summary: "remove mailboxes with all their messages",
				about: `Removes each mailbox and every message in it, for good, after asking on the
terminal; --yes does not ask. More than --max messages in them all (1000) are
refused, exit 8, before anything is removed. Mailboxes below one are the
server's to decide about: most keep them. INBOX cannot be removed.`,
				examples: []example{
					{"in a script", "imapknife mailbox delete Old --yes"},
					{"what would go", "imapknife mailbox delete Old @junk --dry-run --json"},
				},
			}),
			sub(verb{
				name: "rename", args: "OLD NEW", summary: "give a mailbox another name",
				about: `Renames the mailbox, and those below it, after asking on the terminal; --yes
does not ask. Another superior moves it in the hierarchy. INBOX is different:
its messages (at most --max) move to the new mailbox, and INBOX stays, empty.
Subscriptions stay with the old name.`,
				examples: []example{
					{"another name", "imapknife mailbox rename Projects Archive/Projects"},
					{"a fresh INBOX", "imapknife mailbox rename INBOX 2025 --max 0 --yes"},
				},
			}),
			sub(verb{
				name: "subscribe", args: "NAME…", summary: "subscribe to mailboxes",
				about: `Subscribes to each mailbox: other programs then show it, and list --subscribed
does. Whether one must exist for that is the server's to decide.`,
				examples: []example{{"show it in the mail program", "imapknife mailbox subscribe Invoices"}},
			}),
			sub(verb{
				name: "unsubscribe", args: "NAME…", summary: "end subscriptions to mailboxes",
				about: `Ends the subscription to each mailbox, which need not exist any more. The
mailbox and its messages stay.`,
				examples: []example{{"of what is gone", "imapknife mailbox unsubscribe Old"}},
			}),
		},
	}
}

func setupMailbox(in *input) (runner, error) {
	o := mailboxOptions{action: in.verb.name, names: slices.Clone(in.args)}
	if err := o.check(in); err != nil {
		return nil, err
	}
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	if o.consent, err = in.consent(c, o.action == "delete" || o.action == "rename"); err != nil {
		return nil, err
	}
	spec := output.Spec{Row: result.MailboxChange{}, Columns: []output.Column{{Field: "mailbox", Flex: true}, {Field: "action"}, {Field: "status"}}}
	if o.action == "rename" {
		spec.Columns = append(spec.Columns, output.Column{Field: "new_name", Title: "NEW NAME", Flex: true})
	}
	return func(ctx context.Context) error {
		return c.receipts(ctx, spec, func(s *session.Session, out *output.Printer) error {
			r := &remaking{o: o, c: c, s: s, out: out, tally: tally{what: "mailboxes"}}
			return r.run(ctx)
		})
	}, nil
}

// check looks at the names and at what goes with them.
func (o *mailboxOptions) check(in *input) error {
	rename := o.action == "rename"
	switch n := len(o.names); {
	case rename && n != 2:
		return fault.New(fault.Usage, "%s needs two names, OLD and NEW", in.verb.path)
	case n == 0:
		return fault.New(fault.Usage, "%s needs the name of a mailbox", in.verb.path)
	}
	if err := checkNames(o.names); err != nil {
		return err
	}
	for i, name := range o.names {
		if strings.EqualFold(name, "INBOX") {
			o.names[i] = "INBOX"
		}
		_, special := specialUse(name)
		switch {
		case special && (o.action == "create" || rename && i == 1):
			return fault.New(fault.Usage, "%q stands for a mailbox that is there, and cannot be the name of a new one", name).
				Hint("imapknife mailbox create NAME --special-use %s makes one for that use", name[1:])
		case o.action == "delete" && o.names[i] == "INBOX":
			return errInbox()
		}
	}
	if rename {
		o.names, o.newName = o.names[:1], o.names[1]
	}
	return o.checkUse(in)
}

func errInbox() error {
	return fault.New(fault.Safety, "INBOX cannot be deleted").
		Hint("imapknife delete removes messages; imapknife mailbox rename INBOX NEW moves them all")
}

// checkUse reads --special-use.
func (o *mailboxOptions) checkUse(in *input) error {
	given := in.last("special-use")
	if !in.flagged("special-use") {
		return nil
	}
	var ok bool
	if o.use, ok = specialUse(`\` + strings.TrimLeft(given, `\@`)); !ok {
		return fault.New(fault.Usage, "--special-use: %q is no special use", given).Hint("there are: %s", strings.Join(specialNames, " "))
	}
	if len(o.names) > 1 {
		return fault.New(fault.Usage, "--special-use goes with one mailbox, not with %d", len(o.names))
	}
	return nil
}
