package cmds

import (
	"context"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type selectOptions struct {
	mailbox string
	write   bool
}

func newSelect() *verb {
	return &verb{
		name: "select", group: groupMailboxes, args: "[MAILBOX]",
		summary: "open a mailbox and tell everything the server says of it",
		about: `Opens the mailbox with EXAMINE, which changes nothing, and tells exists, recent,
uidnext, uidvalidity, highestmodseq, flags and more; unseen, deleted and size
come from STATUS in the same session. --write opens it with SELECT: only then do
servers tell permanentflags.`,
		examples: []example{
			{"what INBOX holds", "imapknife select"},
			{"may keywords be added?", `imapknife select --write --jq '.permanentflags | index("\\*") != null'`},
		},
		flags:  append(lookup("write", "mailbox"), sessionFlags()...),
		row:    result.Selected{},
		single: true,
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			n := len(in.args)
			if !in.mailboxFromEnv() {
				n += len(in.all("mailbox"))
			}
			if n > 1 {
				return nil, fault.New(fault.Usage, "select takes one mailbox, not %d", n).
					Hint("quote a name with blanks; status takes several mailboxes")
			}
			o := selectOptions{mailbox: c.mailbox(), write: in.flagged("write")}
			if len(in.args) == 1 {
				o.mailbox = in.args[0]
			}
			if err := checkName(o.mailbox); err != nil {
				return nil, in.blameMailbox(err)
			}
			if o.write && c.cfg.ReadOnly {
				return nil, fault.New(fault.Safety, "select --write is refused: read-only mode").
					Hint("%s", c.cfg.ReadOnlyHint)
			}
			spec := output.Spec{Row: result.Selected{}, Single: true}
			return func(ctx context.Context) error {
				return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error { return runSelect(ctx, s, out, o) })
			}, nil
		},
	}
}

func runSelect(ctx context.Context, s *session.Session, out *output.Printer, o selectOptions) error {
	names, err := resolveNames(ctx, s, []string{o.mailbox})
	if err != nil {
		return err
	}
	open := s.Examine
	if o.write {
		open = s.Select
	}
	if err := open(ctx, names[0]); err != nil {
		return err
	}
	more, warnings, err := moreCounts(ctx, s, names[0])
	if err != nil {
		return err
	}
	box, err := s.Box(ctx)
	if err != nil {
		return err
	}
	row := result.Selected{
		Account: s.Account(), Mailbox: box.Name, Exists: box.Exists, Recent: box.Recent, FirstUnseenSeq: box.FirstUnseen,
		UIDNext: box.UIDNext, UIDValidity: box.UIDValidity, HighestModseq: box.HighestModseq, NoModseq: box.NoModseq,
		MailboxID: box.MailboxID, AppendLimit: box.AppendLimit, Flags: box.Flags, PermanentFlags: box.PermanentFlags,
		ReadOnly: box.ReadOnly, Warnings: append(box.Warnings, warnings...),
		Unseen: more.Unseen, Deleted: more.Deleted, Size: more.Size,
	}
	if row.Flags == nil {
		row.Flags = []string{}
	}
	if row.AppendLimit == nil {
		row.AppendLimit = more.AppendLimit
	}
	if row.UIDNext == nil {
		row.UIDNext = more.UIDNext
	}
	if row.HighestModseq == nil && !row.NoModseq {
		row.HighestModseq = more.HighestModseq
	}
	return out.Row(&row)
}

// moreCounts asks for what only STATUS tells, in the same flight as the
// opening of the mailbox. Some servers refuse it for the open mailbox; that is
// a warning.
func moreCounts(ctx context.Context, s *session.Session, name string) (more session.StatusData, warnings []string, err error) {
	items, err := s.StatusItems(ctx)
	if err != nil {
		return more, nil, err
	}
	known := []string{"MESSAGES", "RECENT", "UIDVALIDITY", "MAILBOXID"}
	items = slices.DeleteFunc(items, func(it string) bool { return slices.Contains(known, it) })
	err = s.Status(ctx, []string{name}, items, func(_ string, d *session.StatusData, err error) error {
		if err != nil {
			warnings = append(warnings, err.Error())
			return nil
		}
		more, warnings = *d, d.Warnings
		return nil
	})
	return more, warnings, err
}
