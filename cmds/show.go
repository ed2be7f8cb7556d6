package cmds

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type showOptions struct {
	in        *input
	sel       *selection
	want      want
	failEmpty bool
}

func newShow() *verb {
	return &verb{
		name: "show", group: groupMessages, args: "SET",
		summary: "show messages as a person reads them",
		about: `Shows the main header fields, the text (made from HTML where there is no other,
links kept), and the list of attachments. --headers shows all header fields,
--html the HTML source, or the text where there is none. Nothing is marked as
read and nothing is fetched from elsewhere. On a terminal a pager is used
(IMAPKNIFE_PAGER, PAGER, less).`,
		examples: []example{
			{"the newest message", "imapknife show last"},
			{"unread messages from somebody", "imapknife show --unseen --from alice"},
		},
		flags: append(lookup("headers", "html", "no-pager"), selectionFlags()...),
		row:   result.Message{},
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			o := showOptions{in: in, failEmpty: in.flagged("fail-empty")}
			if o.sel, err = in.setArgs(c); err != nil {
				return nil, err
			}
			o.want = want{
				envelope: message.AllFields, flags: true, size: true, date: true, attachments: true, alternatives: true, seq: o.sel.seq,
				text: !in.flagged("html"), html: in.flagged("html"), textForHTML: true, headers: in.flagged("headers"), names: in.list("headers"), maxBytes: in.number("max-bytes"),
			}
			if err := o.want.addFields(in); err != nil {
				return nil, err
			}
			if in.structured() || in.flagged("fields") {
				spec := output.Spec{Row: result.Message{}}
				return func(ctx context.Context) error {
					return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error {
						cut := cuts{in: in}
						defer func() { cut.tell(o.want.limit()) }()
						return runShow(ctx, s, o, func(m *result.Message) error {
							cut.see(m)
							return out.Row(m)
						})
					})
				}, nil
			}
			return func(ctx context.Context) error { return showPages(ctx, c, o) }, nil
		},
	}
}

func runShow(ctx context.Context, s *session.Session, o showOptions, emit func(*result.Message) error) error {
	var missing fetch.Missing
	rows := 0
	err := o.sel.each(ctx, s, func(p *picked) error {
		rd := &reading{s: s, w: &o.want, missing: &missing, emit: func(m *result.Message) error {
			return o.sel.inOrder(m, func() error {
				rows++
				return emit(m)
			})
		}}
		_, err := rd.read(ctx, p)
		return err
	})
	return empty(outcome(err, missing.Err(rows-missing.Lacking())), o.failEmpty, uint64(rows))
}

// showPages writes messages for a person, through a pager on a terminal.
func showPages(ctx context.Context, c *connection, o showOptions) error {
	tty := isTerminal(c.in.p.Stdout)
	s, done, err := c.open(ctx, nil)
	if err != nil {
		return err
	}
	defer done()
	w := c.in.p.Stdout
	pg, err := o.pager(tty)
	if err != nil {
		return err
	}
	if pg != nil {
		w = pg
	}
	text := output.Text(w, tty)
	first := true
	err = runShow(ctx, s, o, func(m *result.Message) error {
		page := bufio.NewWriter(text)
		if !first {
			fmt.Fprintf(page, "\n%s\n\n", strings.Repeat("─", 72))
		}
		first = false
		o.page(page, m)
		for _, warning := range m.Warnings {
			if tty {
				fmt.Fprintf(page, "\n[%s]\n", warning)
			} else {
				o.in.say("message %d: %s", m.UID, warning)
			}
		}
		return page.Flush()
	})
	if cerr := text.Close(); err == nil {
		err = cerr
	}
	if tty && fault.KindOf(err) == fault.Closed {
		err = nil // the person has left the pager
	}
	if pg == nil {
		return err
	}
	skipped, perr := pg.wait()
	if skipped != nil {
		o.in.say("the pager %q was not used: %v", pg.command, skipped)
	}
	if err == nil {
		err = perr
	}
	return err
}

// pager starts the person's pager on a terminal; nil stands for none.
func (o *showOptions) pager(tty bool) (*pager, error) {
	if !tty || o.in.flagged("no-pager") {
		return nil, nil
	}
	command := "less -FRX"
	for _, name := range []string{"PAGER", "IMAPKNIFE_PAGER"} {
		if v, ok := o.in.p.Getenv(name); ok {
			command = v
		}
	}
	if command == "" || command == "cat" {
		return nil, nil
	}
	return startPager(o.in.p, command)
}

// page writes one message.
func (o *showOptions) page(w io.Writer, m *result.Message) {
	line := strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-10s%s\n", name+":", line.Replace(value))
		}
	}
	if o.want.headers {
		for _, h := range deref(m.Headers) {
			fmt.Fprintf(w, "%s: %s\n", line.Replace(h.Name), line.Replace(h.Value))
		}
	} else {
		field("From", longAddresses(m.From))
		field("To", longAddresses(m.To))
		field("Cc", longAddresses(m.Cc))
		field("Reply-To", longAddresses(m.ReplyTo))
		if m.Date != nil {
			field("Date", m.Date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
		}
		if m.Subject != nil {
			field("Subject", *m.Subject)
		}
	}
	fmt.Fprintln(w)
	text := m.HTML
	if text == nil {
		text = m.Text
	}
	if text != nil && *text != "" {
		fmt.Fprintln(w, strings.TrimRight(*text, "\n"))
	}
	if m.Truncated {
		fmt.Fprintf(w, "\n[cut at %d octets]\n", o.want.limit())
	}
	if m.Attachments != nil && len(*m.Attachments) > 0 {
		fmt.Fprintf(w, "\nAttachments:\n")
		for _, a := range *m.Attachments {
			fmt.Fprintf(w, "  %-6s %-32s %-28s %6s\n", a.Part, line.Replace(a.Name), a.Type, humanSize(a.Size))
		}
	}
}

func longAddresses(list *[]result.Address) string {
	if list == nil {
		return ""
	}
	var out []string
	for _, a := range *list {
		out = append(out, output.Address(a.Name, a.Address))
	}
	return strings.Join(out, ", ")
}
