package cmds

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/deliver"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mailsource"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type appendOptions struct {
	consent consent
	mailbox string
	create  bool
	flags   []string
	date    time.Time // zero: the source's
	sources *mailsource.Set
}

func newAppend() *verb {
	return &verb{
		name: "append", group: groupMessages, args: "[FILE…|-]",
		summary: "put messages into a mailbox",
		about: `Appends messages to --mailbox (INBOX): files of one message, mbox files,
Maildirs, and - for standard input, which is read when there is no argument and
it is no terminal. What a file is shows in its first line. Octets stay as they
are, only bare LF becomes CRLF. Messages of a Maildir keep their flags and date,
those of an mbox the date of their From_ line; --flag adds flags, --date sets
the date. When the connection is lost, what was sent is looked for: nothing is
appended twice, and what cannot be found out is told as unknown, exit 11. Each
message gets a row with its status, and its UID where the server tells it.`,
		examples: []example{
			{"one message, as read", "imapknife append --flag seen letter.eml"},
			{"a draft from a pipe", `printf 'Subject: hello\n\nhi\n' | imapknife append -m '\Drafts' --flag draft`},
			{"an mbox into a new mailbox", "imapknife append -m Old --create old.mbox --json"},
			{"what would be sent", "imapknife append --dry-run -m Archive ~/Maildir"},
		},
		flags: append(lookup("flag", "date", "create", "mailbox"), writeFlags()...),
		row:   result.Appended{},
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			o, err := in.appendOptions(c)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				defer o.sources.Close()
				return c.receipts(ctx, appendSpec(), func(s *session.Session, out *output.Printer) error {
					return runAppend(ctx, c, s, out, o)
				})
			}, nil
		},
	}
}

func (in *input) appendOptions(c *connection) (o appendOptions, err error) {
	o.mailbox, o.create = c.mailbox(), in.flagged("create")
	if in.given("mailbox") {
		boxes := in.all("mailbox")
		if len(boxes) > 1 {
			return o, fault.New(fault.Usage, "append puts messages into one mailbox, not %d", len(boxes))
		}
		o.mailbox = boxes[0]
	}
	if err = checkName(o.mailbox); err != nil {
		return o, err
	}
	if o.consent, err = in.consent(c, false); err != nil {
		return o, err
	}
	if o.flags, err = parseFlags(in.all("flag")); err != nil {
		return o, err
	}
	if in.flagged("date") {
		if o.date, err = in.arrivalDate(in.last("date")); err != nil {
			return o, err
		}
	}
	names, err := in.sourceNames()
	if err != nil {
		return o, err
	}
	if o.sources, err = mailsource.Open(names, in.p.stdin()); err != nil {
		return o, err
	}
	if err = o.bound(); err != nil {
		o.sources.Close()
	}
	return o, err
}

// arrivalDate reads --date; a day begins at midnight where the person is.
func (in *input) arrivalDate(s string) (time.Time, error) {
	d, err := query.ParseDate(s, query.Env{Now: in.p.Now(), Location: in.location()})
	if err != nil {
		return time.Time{}, fault.Wrap(fault.Usage, err, "--date")
	}
	if d.IsDay() {
		y, m, day := d.Time.Date()
		return time.Date(y, m, day, 0, 0, 0, 0, in.location()), nil
	}
	return d.Time, nil
}

// sourceNames are the arguments, or - where there are none.
func (in *input) sourceNames() ([]string, error) {
	names := in.args
	if len(names) == 0 {
		if isTerminal(in.p.Stdin) {
			return nil, fault.New(fault.Usage, "append needs a message").
				Hint("name a file, an mbox or a Maildir, or pipe a message in")
		}
		names = []string{"-"}
	}
	i := slices.Index(names, "-")
	switch {
	case i < 0:
	case slices.Contains(names[i+1:], "-"):
		return nil, fault.New(fault.Usage, "standard input can be read only once")
	case in.flagged("password-stdin"):
		return nil, fault.New(fault.Usage, "standard input cannot be both the password and a message")
	}
	return names, nil
}

// bound counts the messages where --max bounds them.
func (o *appendOptions) bound() error {
	if o.consent.max == 0 {
		return nil
	}
	n := uint64(0)
	for _, err := range o.sources.All() {
		if err != nil {
			return err
		}
		n++
	}
	return o.consent.bound(n)
}

func appendSpec() output.Spec {
	return output.Spec{Row: result.Appended{}, Columns: []output.Column{
		{Field: "uid", Title: "UID", Right: true}, {Field: "status"}, {Field: "source", Flex: true}, {Field: "number", Right: true}, {Field: "reason", Flex: true},
	}}
}

func runAppend(ctx context.Context, c *connection, s *session.Session, out *output.Printer, o appendOptions) error {
	names, err := resolveNames(ctx, s, []string{o.mailbox})
	if err != nil {
		return err
	}
	count := tally{what: "messages"}
	rows, converted := 0, 0
	d := &deliver.Delivery{
		Session: s, Mailbox: names[0], Create: o.create, DryRun: o.consent.dryRun, Reopen: c.again, Say: c.in.say,
		Emit: func(row *result.Appended, refusal error) error {
			count.add(row.Status, row.Reason, refusal)
			rows++
			if row.Converted && row.Status != result.Refused {
				converted++
			}
			return out.Row(row)
		},
	}
	defer func() {
		if d.Session != s {
			d.Session.Close()
		}
	}()
	err = d.Run(ctx, o.messages(c.in))
	if converted > 0 {
		c.in.say("bare LF becomes CRLF in %d of %d messages", converted, rows)
	}
	if err != nil {
		c.in.say("%s", count.soFar(o.total(c.in.p.Now)))
		return count.ended(err)
	}
	return count.err()
}

// maxCounting is how long a command that ends early counts what it had before
// it.
const maxCounting = time.Second

// total counts the messages, 0 where that takes long.
func (o *appendOptions) total(now func() time.Time) (n uint64) {
	began := now()
	for _, err := range o.sources.All() {
		if err != nil || now().Sub(began) > maxCounting {
			return 0
		}
		n++
	}
	return n
}

// messages tells what is to be appended, and says what is to be warned about
// where rows have no column for it.
func (o *appendOptions) messages(in *input) iter.Seq2[*deliver.Message, error] {
	return func(yield func(*deliver.Message, error) bool) {
		for m, err := range o.sources.All() {
			if err != nil {
				yield(nil, err)
				return
			}
			d := o.message(m)
			for _, w := range d.Row.Warnings {
				if !in.json() {
					in.say("%s, message %d: %s", m.Source, m.Number, w)
				}
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (o *appendOptions) message(m *mailsource.Message) *deliver.Message {
	d := &deliver.Message{
		Row:   result.Appended{Source: m.Source, Number: m.Number, MessageID: m.MessageID, Size: uint64(m.Size), Converted: m.Converted},
		Flags: slices.Clone(o.flags), Date: m.Date, Open: m.Open, Problem: m.Problem,
	}
	for _, f := range m.Flags {
		if !slices.Contains(d.Flags, f) {
			d.Flags = append(d.Flags, f)
		}
	}
	if !o.date.IsZero() {
		d.Date = o.date
	}
	if m.Warning != "" && o.date.IsZero() {
		d.Row.Warnings = append(d.Row.Warnings, m.Warning)
	}
	switch {
	case m.Internal:
		d.Skip = "it is the mail program's record of the folder, and no mail"
	case m.Problem != nil:
		d.Problem = fault.Wrap(fault.Local, m.Problem, "cannot read %q", m.Source)
	case m.Size == 0:
		d.Problem = fault.New(fault.Refused, "the message is empty")
	case m.NUL:
		d.Problem = fault.New(fault.Refused, "the message holds NUL octets, which IMAP cannot carry as they are")
	}
	return d
}
