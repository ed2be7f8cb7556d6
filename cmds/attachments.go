package cmds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
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
structure that the server tells; no body is downloaded.`,
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
refused: exit 9, or 8 when none was saved.`,
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

// each calls fn for the attachments of each message.
func (o *attachmentsOptions) each(ctx context.Context, s *session.Session, p *picked, fn func(m *result.Message, list []result.Attachment) error) (query.Set, error) {
	rd := &reading{s: s, w: &want{attachments: true, alternatives: true}, emit: func(m *result.Message) error {
		list := slices.DeleteFunc(*m.Attachments, func(a result.Attachment) bool { return !o.wants(a) })
		return fn(m, list)
	}}
	return rd.read(ctx, p)
}

func runAttachments(ctx context.Context, s *session.Session, out *output.Printer, o attachmentsOptions) error {
	var gone absence
	there := 0
	err := o.sel.each(ctx, s, func(p *picked) error {
		told, err := o.each(ctx, s, p, func(m *result.Message, list []result.Attachment) error {
			there++
			for _, a := range list {
				if err := out.Row(&result.MessageAttachment{Place: m.Place, UID: m.UID, Attachment: a, Warnings: m.Warnings}); err != nil {
					return err
				}
			}
			for _, w := range m.Warnings {
				o.in.say("message %d: %s", m.UID, w)
			}
			return nil
		})
		gone.note(s, p, told)
		return err
	})
	return empty(outcome(err, gone.err(there)), o.failEmpty, uint64(out.Rows()))
}

// saving is a run of attachments save.
type saving struct {
	o       attachmentsOptions
	s       *session.Session
	out     *output.Printer
	to      *saver
	taken   map[string]bool // names given in this run, folded
	refused int
	untold  int // parts that the server did not send
}

func runSave(ctx context.Context, s *session.Session, out *output.Printer, o attachmentsOptions) error {
	to, err := newSaver(o.dir, o.in.flagged("overwrite"))
	if err != nil {
		return err
	}
	defer to.close()
	sv := &saving{o: o, s: s, out: out, to: to, taken: map[string]bool{}}
	var gone absence
	there := 0
	err = o.sel.each(ctx, s, func(p *picked) error {
		n, err := sv.mailbox(ctx, p, &gone)
		there += n
		return err
	})
	var untold error
	if sv.untold > 0 {
		kind := fault.Partial
		if sv.untold == out.Rows() {
			kind = fault.Negative
		}
		untold = fault.New(kind, "%d of %d parts are missing: the server did not send them", sv.untold, out.Rows())
	}
	err = outcome(err, unwritten(sv.refused, out.Rows()-sv.untold, o.dir), untold, gone.err(there))
	return empty(err, o.failEmpty, uint64(out.Rows()))
}

// mailbox saves from the messages picked in one mailbox, some at a time, and
// tells how many of them are there.
func (sv *saving) mailbox(ctx context.Context, p *picked, gone *absence) (there int, err error) {
	if p.direct {
		if err := resolve(ctx, sv.s, p); err != nil {
			return 0, err
		}
	}
	gone.note(sv.s, p, p.set)
	for uids := range batches(p) {
		type work struct {
			m    result.Message
			list []result.Attachment
		}
		var todo []work
		_, err := sv.o.each(ctx, sv.s, &picked{set: query.MakeSet(uids...)}, func(m *result.Message, list []result.Attachment) error {
			there++
			todo = append(todo, work{result.Message{Place: m.Place, UID: m.UID, Warnings: m.Warnings}, list})
			return nil
		})
		for _, w := range todo {
			if err == nil {
				err = sv.message(ctx, &w.m, w.list)
			}
		}
		if err != nil {
			return there, err
		}
	}
	return there, nil
}

// message saves the attachments of one message, one after the other, each
// streamed from the server to its file.
func (sv *saving) message(ctx context.Context, m *result.Message, list []result.Attachment) error {
	for _, a := range list {
		row, err := sv.attachment(ctx, m, a)
		if err != nil {
			return err
		}
		if err := sv.out.Row(row); err != nil {
			return err
		}
		if row.Status == "saved" && !sv.o.in.json() { // plain output has no column for them
			for _, text := range row.Warnings {
				sv.o.in.say("message %d, part %s: %s", row.UID, row.Part, text)
			}
		}
	}
	return nil
}

// attachment saves one.
func (sv *saving) attachment(ctx context.Context, m *result.Message, a result.Attachment) (*result.MessageAttachment, error) {
	row := &result.MessageAttachment{Place: m.Place, UID: m.UID, Attachment: a, Status: "saved", Warnings: slices.Clone(m.Warnings)}
	name := message.SafeName(a.Name, a.Type, func(folded string) bool { return sv.taken[folded] })
	sv.taken[message.FoldName(name)] = true
	got := false
	_, err := sv.s.Fetch(ctx, session.FetchRequest{Set: query.MakeSet(m.UID), Items: []string{"BODY.PEEK[" + a.Part + "]"},
		Body: func(_ *session.Fetched, _ string, r io.Reader, _ int64) error {
			got = true
			body := message.Decode(r, a.Encoding)
			saved, n, err := sv.to.write(name, body)
			if errors.Is(err, fs.ErrExist) {
				sv.refused++
				row.Status = "refused"
				row.Warnings = append(row.Warnings, fmt.Sprintf("%q exists", name))
				return nil
			}
			octets := uint64(n)
			row.Path, row.Octets = saved, &octets
			row.Warnings = append(row.Warnings, faults(body)...)
			return err
		}})
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot save part %s of message %d", a.Part, m.UID)
	}
	if !got {
		sv.untold++
		row.Status, row.Warnings = result.Missing, append(row.Warnings, "the server did not send this part")
	}
	return row, nil
}
