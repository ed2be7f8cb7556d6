package cmds

import (
	"context"
	"iter"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type searchOptions struct {
	in        *input
	sel       *selection
	long      bool
	want      want
	count     bool
	failEmpty bool
}

func newSearch() *verb {
	return &verb{
		name: "search", group: groupMessages, args: "[PROGRAM…]",
		summary: "find messages and print their UIDs",
		about: `Finds the messages that match an IMAP search program, criteria flags, or both
(AND), and prints their UIDs, ascending. Without any, all messages match. One
shell word behind a search key is one value: SUBJECT 'two words'. Numbers and
sets are UIDs; with --seq, a set in front of the program is sequence numbers.
Nothing found is exit 0; --fail-empty makes it 1.`,
		examples: []example{
			{"unread messages", "imapknife search UNSEEN --long"},
			{"how many from either", "imapknife search --count OR FROM alice FROM bob SINCE 2026-11-01"},
			{"the newest with a PDF, to a file", "imapknife search --has-attachment='*.pdf' --newest 1 --json | imapknife fetch - --raw >newest.eml"},
		},
		flags:    append(lookup("long", "count"), selectionFlags()...),
		row:      result.Message{},
		variants: []variant{{flag: "count", row: result.Count{}, either: true}},
		setup: func(in *input) (runner, error) {
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			o := searchOptions{in: in, long: in.flagged("long"), count: in.flagged("count"), failEmpty: in.flagged("fail-empty")}
			if o.long && o.count {
				return nil, fault.New(fault.Usage, "--long and --count exclude each other")
			}
			if o.sel, err = in.searchSelection(c); err != nil {
				return nil, err
			}
			if err := o.read(in); err != nil {
				return nil, err
			}
			spec := searchSpec(in, o)
			return func(ctx context.Context) error {
				return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error { return runSearch(ctx, s, out, o) })
			}, nil
		},
	}
}

// read fills in what is wanted of each message besides its UID.
func (o *searchOptions) read(in *input) error {
	o.want = want{seq: o.sel.seq, maxBytes: in.number("max-bytes")}
	if o.long {
		o.want.envelope = longEnvelope
		o.want.flags, o.want.size, o.want.date = true, true, true
	}
	if o.count {
		return nil
	}
	return o.want.addFields(in)
}

// searchSelection takes `-` for rows on standard input, with --seq a set in
// front for sequence numbers, and everything else for the program.
func (in *input) searchSelection(c *connection) (*selection, error) {
	if len(in.args) == 0 {
		return in.selection(c, "", nil)
	}
	set := in.args[0] == "-"
	if in.flagged("seq") && !set {
		_, err := query.ParseSet(in.args[0])
		set = err == nil
	}
	if set {
		return in.selection(c, in.args[0], in.args[1:])
	}
	return in.selection(c, "", in.args)
}

func searchSpec(in *input, o searchOptions) output.Spec {
	if o.count {
		if o.sel.many() {
			return output.Spec{Row: result.Count{}, Columns: []output.Column{{Field: "mailbox"}, {Field: "count", Right: true}}}
		}
		// Plain output is the bare number.
		return output.Spec{Row: result.Count{}, Columns: []output.Column{{Field: "count"}}, Single: in.structured(), Bare: !in.structured()}
	}
	cols := []output.Column{{Field: "uid", Title: "UID", Right: true}}
	if o.sel.seq {
		cols = append([]output.Column{{Field: "seq", Right: true}}, cols...)
	}
	if o.sel.many() {
		cols = append([]output.Column{{Field: "mailbox"}}, cols...)
	}
	if o.long {
		cols = append(cols,
			output.Column{Field: "date", Format: localTime(in.location())},
			output.Column{Field: "from", Format: shortFrom, Flex: true},
			output.Column{Field: "subject", Flex: true},
			output.Column{Field: "flags", Format: shortFlags},
			output.Column{Field: "size", Right: true, Format: humanSize})
	}
	return output.Spec{Row: result.Message{}, Columns: cols}
}

// many reports whether rows can come from several mailboxes.
func (sel *selection) many() bool { return sel.all || len(sel.boxes) > 1 }

func runSearch(ctx context.Context, s *session.Session, out *output.Printer, o searchOptions) error {
	found := uint64(0)
	var missing fetch.Missing
	cut := cuts{in: o.in}
	defer func() { cut.tell(o.want.limit()) }()
	o.sel.light, o.sel.counts = true, o.count
	o.sel.blind = o.count || len(o.want.items()) == 0 && !o.want.seq
	err := o.sel.each(ctx, s, func(p *picked) error {
		found += p.count()
		switch {
		case o.count:
			return out.Row(&result.Count{Account: p.place.Account, Mailbox: p.place.Mailbox, Count: p.count()})
		case !o.sel.blind:
			rd := &reading{s: s, w: &o.want, missing: &missing, emit: func(m *result.Message) error {
				return o.sel.inOrder(m, func() error {
					cut.see(m)
					return out.Row(m)
				})
			}}
			_, err := rd.read(ctx, p)
			return err
		}
		return o.bare(p, out)
	})
	return empty(outcome(err, missing.Err(out.Rows()-missing.Lacking())), o.failEmpty, found)
}

// bare prints what is known of the messages before anything is read of them.
func (o *searchOptions) bare(p *picked, out *output.Printer) error {
	row := result.Message{Place: p.place}
	if !p.place.UIDValidity.Usable() {
		row.Warnings = []string{session.NoValidity}
	}
	for uid := range p.uids() {
		row.UID = uid
		show := func() error {
			row.UID = uid // by its turn others have been here
			return out.Row(&row)
		}
		if err := o.sel.inOrder(&row, show); err != nil {
			return err
		}
	}
	return nil
}

// uids yields what is picked, in its order.
func (p *picked) uids() iter.Seq[uint32] {
	if p.order == nil {
		return p.set.All()
	}
	return slices.Values(p.order)
}

// empty turns an empty answer into a no where that is asked for.
func empty(err error, failEmpty bool, found uint64) error {
	if err == nil && failEmpty && found == 0 {
		return fault.New(fault.Negative, "no message matches")
	}
	return err
}
