package cmds

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type attachmentsOptions struct {
	in        *input
	sel       *selection
	name      string // glob
	mediaType string // glob
	dir       string
	failEmpty bool
}

func newAttachments() *verb {
	flags := append(lookup("name", "type"), selectionFlags()...)
	return &verb{
		name: "attachments", group: groupMessages, args: "list|save SET",
		summary: "list or save attachments",
		subs: []*verb{
			{
				name: "list", args: "SET", summary: "list attachments without downloading them",
				about: `Tells part number, name, media type and size of each attachment, from the
structure that the server tells; no body is downloaded. Another form of the
text, such as an invitation beside it, is listed where --type names its type.`,
				examples: []example{
					{"what a message carries", "imapknife attachments list 42"},
					{"all PDFs of this month", "imapknife attachments list --since 2026-11-01 --type application/pdf"},
				},
				flags: flags, row: result.MessageAttachment{}, setup: setupAttachments,
			},
			{
				name: "save", args: "SET", summary: "save attachments to files",
				about: `Saves each attachment, decoded, into the directory --dir, under the sender's
name made safe: it never leaves the directory and never overwrites a file
without --overwrite. A file appears whole or not at all. One that exists is
refused, exit 9, or 8 when none was saved, unless it holds the same octets: then
it counts as saved. A part that does not come is missing: exit 9, or 1 when
nothing came, or 10 when it is the server that does not send it.`,
				examples: []example{
					{"into a directory", "imapknife attachments save 42 --dir invoices"},
					{"the newest PDF", "imapknife attachments save --has-attachment='*.pdf' --newest 1 --name '*.pdf' --dir ."},
				},
				flags: append(lookup("dir", "overwrite"), flags...), row: result.MessageAttachment{}, setup: setupAttachments,
			},
		},
	}
}

func setupAttachments(in *input) (runner, error) {
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	o := attachmentsOptions{in: in, name: in.last("name"), mediaType: strings.ToLower(in.last("type")), dir: in.last("dir"), failEmpty: in.flagged("fail-empty")}
	for flag, glob := range map[string]string{"name": o.name, "type": o.mediaType} {
		if _, err := path.Match(glob, ""); err != nil {
			return nil, fault.New(fault.Usage, "--%s: %q is not a pattern", flag, glob).Hint("* stands for anything, ? for one character, [a-z] for a range")
		}
	}
	if o.sel, err = in.setArgs(c); err != nil {
		return nil, err
	}
	save := in.verb.name == "save"
	if save && o.dir == "" {
		return nil, fault.New(fault.Usage, "attachments save needs --dir DIR").Hint("--dir . is the current directory")
	}
	cols := []output.Column{{Field: "uid", Title: "UID", Right: true}, {Field: "part"}, {Field: "name", Flex: true}, {Field: "type"}, {Field: "size", Right: true, Format: humanSize}}
	if o.sel.many() {
		cols = append([]output.Column{{Field: "mailbox"}}, cols...)
	}
	if save {
		cols = append(cols, output.Column{Field: "status"}, output.Column{Field: "path"})
	}
	spec := output.Spec{Row: result.MessageAttachment{}, Columns: cols}
	return func(ctx context.Context) error {
		if save {
			return c.receipts(ctx, spec, func(s *session.Session, out *output.Printer) error { return runSave(ctx, s, out, o) })
		}
		return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error { return runAttachments(ctx, s, out, o) })
	}, nil
}

// wants reports whether the filters let an attachment through.
func (o *attachmentsOptions) wants(a result.Attachment) bool {
	glob := func(pattern, text string) bool {
		ok, _ := path.Match(pattern, text)
		return pattern == "" || ok
	}
	if a.Disposition == message.Alternative && o.mediaType == "" {
		return false
	}
	return glob(strings.ToLower(o.name), strings.ToLower(a.Name)) && glob(o.mediaType, a.Type)
}

// each calls fn for the attachments of each message whose structure can be read.
func (o *attachmentsOptions) each(ctx context.Context, s *session.Session, p *picked, missing *fetch.Missing, fn func(m *result.Message, list []result.Attachment) error) error {
	rd := &reading{s: s, w: &want{attachments: true, alternatives: true}, missing: missing, emit: func(m *result.Message) error {
		list := slices.DeleteFunc(deref(m.Attachments), func(a result.Attachment) bool { return !o.wants(a) })
		if len(list) == 0 { // no row carries them
			for _, w := range m.Warnings {
				o.in.say("message %d: %s", m.UID, w)
			}
		}
		return fn(m, list)
	}}
	_, err := rd.read(ctx, p)
	return err
}

func runAttachments(ctx context.Context, s *session.Session, out *output.Printer, o attachmentsOptions) error {
	var missing fetch.Missing
	there := 0
	show := func(m *result.Message, list []result.Attachment) error {
		for _, a := range list {
			if err := out.Row(&result.MessageAttachment{Place: m.Place, UID: m.UID, Attachment: a, Warnings: m.Warnings}); err != nil {
				return err
			}
		}
		if len(list) > 0 {
			for _, w := range m.Warnings {
				o.in.say("message %d: %s", m.UID, w)
			}
		}
		return nil
	}
	o.sel.light = true
	err := o.sel.each(ctx, s, func(p *picked) error {
		return o.each(ctx, s, p, &missing, func(m *result.Message, list []result.Attachment) error {
			there++
			return o.sel.inOrder(m, func() error { return show(m, list) })
		})
	})
	return empty(outcome(err, missing.Err(there-missing.Lacking())), o.failEmpty, uint64(out.Rows()))
}
