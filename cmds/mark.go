package cmds

import (
	"context"
	"fmt"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

func newMark() *verb {
	return &verb{
		name: "mark", group: groupCI,
		summary: "print a mark: what arrives later is new to it",
		about: `Looks at the mailbox (EXAMINE) and prints one word that says how far its UIDs
go. --mark WORD, given to any command that selects messages, leaves what has
arrived since; a mailbox that was made anew in between, or another account, is
exit 7. The word needs no quoting in a shell.`,
		examples: []example{
			{"what comes from now on, for --mark", `T0=$(imapknife mark)`},
			{"and later, what has come", `T0=$(imapknife mark); sleep 60; imapknife search --mark "$T0" --long`},
			{"two mailboxes", "imapknife mark -m INBOX -m Junk"},
		},
		flags: append(lookup("mailbox", "all-mailboxes"), sessionFlags()...),
		row:   result.Mark{}, single: true,
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			if err := in.noArgs(); err != nil {
				return nil, err.(*fault.Error).Hint("-m names the mailbox")
			}
			sel, err := in.selection(c, "", nil)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return c.mark(ctx, sel) }, nil
		},
	}
}

// mark looks at the mailboxes and prints the token.
func (c *connection) mark(ctx context.Context, sel *selection) error {
	spec := output.Spec{Row: result.Mark{}, Single: c.in.structured(), Columns: []output.Column{{Field: "mark"}}, Bare: !c.in.structured()}
	return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error {
		names, err := sel.named(ctx, s)
		if err != nil {
			return err
		}
		t, closed, err := marks(ctx, s, names)
		if err != nil {
			return err
		}
		row := &result.Mark{Account: t.Account, Mark: t.String()}
		for _, b := range t.Boxes {
			if !b.Validity.Usable() {
				row.Warnings = append(row.Warnings, fmt.Sprintf("mailbox %q: %s", b.Name, session.NoValidity))
			}
			row.Mailboxes = append(row.Mailboxes, result.MarkedMailbox{Mailbox: b.Name, UIDValidity: b.Validity, UIDNext: b.Next, HighestModseq: b.Modseq})
		}
		if err := out.Row(row); err != nil || closed == nil {
			return err
		}
		e := fault.New(fault.Partial, "%d of %d mailboxes cannot be opened, and are not in the mark", len(closed), len(names))
		e.Err = reasons(closed)
		return e
	})
}

// shut is a mailbox that could not be opened, and why.
type shut struct {
	name string
	err  error
}

// reasons are why mailboxes are shut.
func reasons(list []shut) (errs causes) {
	for _, x := range list {
		errs = append(errs, x.err)
	}
	return errs
}

// shutOut reports whether an error is about one mailbox that cannot be opened,
// and keeps nothing of the others back.
func shutOut(s *session.Session, err error) bool {
	return fault.KindOf(err) == fault.Refused && s.Opened() == nil && !s.Broken()
}

// marks looks how far mailboxes go. Of several, those that cannot be opened are
// closed; all of them are an error.
func marks(ctx context.Context, s *session.Session, names []string) (t mark.Token, closed []shut, err error) {
	t.Account = s.Account()
	for _, name := range names {
		box, err := markOf(ctx, s, name)
		if len(names) > 1 && shutOut(s, err) {
			closed = append(closed, shut{name, err})
			continue
		}
		if err != nil {
			return t, nil, err
		}
		t.Boxes = append(t.Boxes, box)
	}
	if closed != nil && t.Boxes == nil {
		err = together(reasons(closed)...)
	}
	return t, closed, err
}

// markOf opens a mailbox, always with EXAMINE since STATUS may be stale, and
// tells how far it goes. Where the server tells no UIDNEXT, the highest UID
// says it.
func markOf(ctx context.Context, s *session.Session, name string) (mark.Box, error) {
	if err := s.Examine(ctx, name); err != nil {
		return mark.Box{}, err
	}
	box, err := s.Box(ctx)
	if err != nil {
		return mark.Box{}, err
	}
	b := mark.Box{Name: box.Name, Validity: box.Validity()}
	if box.HighestModseq != nil {
		b.Modseq = *box.HighestModseq
	}
	var ok bool
	if b.Next, ok = box.NextUID(); ok {
		return b, nil
	}
	last, err := s.LastUID(ctx)
	b.Next = min(last, query.MaxUID-1) + 1
	return b, err
}

// structured reports whether rows are wanted in a form in which they name
// their fields.
func (in *input) structured() bool { return in.json() || in.flagged("jq") || in.flagged("template") }
