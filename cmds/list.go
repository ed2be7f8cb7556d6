package cmds

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type listOptions struct {
	patterns   []string
	subscribed bool
	selectable bool
	status     bool
}

func newList() *verb {
	return &verb{
		name: "list", group: groupMailboxes, args: "[PATTERN…]",
		summary: "list mailboxes",
		about: `Lists the mailboxes whose names match a pattern (* matches everything, % all but
the hierarchy delimiter), all of them without one, with their special use,
whether they are subscribed and have children, and with --status (or --fields
that names one) their counts.`,
		examples: []example{
			{"all mailboxes", "imapknife list"},
			{"unread messages a mailbox", "imapknife list --fields mailbox,unseen"},
			{"names for a script; a subscribed mailbox may be gone", "imapknife list --subscribed --selectable --jq '.[].mailbox'"},
		},
		flags: append(lookup("subscribed", "selectable", "status"), sessionFlags()...),
		row:   result.Mailbox{},
		setup: func(in *input) (runner, error) {
			o := listOptions{patterns: in.args, subscribed: in.flagged("subscribed"), selectable: in.flagged("selectable"), status: in.flagged("status")}
			o.status = o.status || slices.ContainsFunc(in.uses(), func(f string) bool { return slices.Contains(countFields, f) })
			if len(o.patterns) == 0 {
				o.patterns = []string{"*"}
			}
			if err := checkNames(o.patterns); err != nil {
				return nil, err
			}
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			spec := output.Spec{Row: result.Mailbox{}, Columns: listColumns(o)}
			return func(ctx context.Context) error {
				return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error { return runList(ctx, s, out, in, o) })
			}, nil
		},
	}
}

// countFields are the fields that STATUS reports: naming one in --fields, --jq or
// --template asks for it.
var countFields = []string{"messages", "recent", "unseen", "deleted", "size", "uidnext", "uidvalidity", "highestmodseq", "mailboxid", "appendlimit"}

func listColumns(o listOptions) []output.Column {
	cols := []output.Column{{Field: "mailbox", Flex: true}, {Field: "special_use", Title: "USE"}}
	if o.status {
		return append(cols, output.Column{Field: "messages", Right: true}, output.Column{Field: "unseen", Right: true},
			output.Column{Field: "size", Right: true, Format: humanSize}, output.Column{Field: "uidnext", Right: true},
			output.Column{Field: "uidvalidity", Right: true})
	}
	return append(cols, output.Column{Field: "subscribed"}, output.Column{Field: "children"}, output.Column{Field: "delimiter", Title: "DELIM"})
}

func runList(ctx context.Context, s *session.Session, out *output.Printer, in *input, o listOptions) error {
	patterns, err := resolveNames(ctx, s, o.patterns)
	if err != nil {
		return err
	}
	for i, p := range patterns {
		if strings.EqualFold(p, "INBOX") {
			patterns[i] = "INBOX" // Cyrus matches no other spelling
		}
	}
	q := session.ListRequest{Subscribed: o.subscribed, Detail: true}
	if o.status {
		if q.Status, err = in.statusItems(ctx, s); err != nil {
			return err
		}
	}
	var refused causes
	var names []string // of all of them, for completion
	told := 0
	tell := func(e *session.ListEntry) error {
		row := result.Mailbox{
			Account: s.Account(), Mailbox: e.Name, Delimiter: e.Delimiter, Attributes: e.Attributes,
			SpecialUse: e.SpecialUse(), Subscribed: e.Subscribed, Children: e.Children(), Selectable: e.Selectable(), Warnings: e.Warnings,
		}
		if !e.Exact {
			row.RawName = e.Raw
			if !utf8.ValidString(e.Raw) {
				row.RawBase64 = base64.StdEncoding.EncodeToString([]byte(e.Raw))
			}
		}
		if len(names) <= maxSeen && e.Selectable() {
			names = append(names, e.Name)
		}
		if e.Status != nil {
			row.Counts = counts(e.Status)
			row.Warnings = append(row.Warnings, e.Status.Warnings...)
			told++
		}
		if e.Refused != nil {
			refused = append(refused, e.Refused)
		} else {
			in.warn(e.Name, row.Warnings)
		}
		return out.Row(&row)
	}
	var seen []string // by an earlier list
	for _, l := range lists(o.patterns, patterns) {
		q.Patterns = l.patterns
		err = s.List(ctx, q, func(e *session.ListEntry) error {
			if o.selectable && !e.Selectable() || slices.Contains(seen, e.Name) || len(l.only) > 0 && !slices.Contains(l.only, e.Name) {
				return nil
			}
			if len(l.then) > 0 && slices.Contains(l.then, e.Name) {
				seen = append(seen, e.Name)
			}
			return tell(e)
		})
		if err != nil {
			break
		}
	}
	if err == nil && out.Rows() == 0 && len(o.patterns) > 0 && o.patterns[0] != "*" {
		return fault.New(fault.Negative, "no mailbox matches").Hint("imapknife list shows all of them")
	}
	if err == nil && !o.subscribed && len(o.patterns) == 1 && o.patterns[0] == "*" {
		in.p.keepMailboxes(s.Account(), names)
	}
	if err != nil || len(refused) == 0 {
		return err
	}
	e := &fault.Error{Kind: fault.Refused, Err: refused}
	if told > 0 {
		e.Kind = fault.Partial
	}
	return e
}

// listing is one list to ask for: only, unless it is empty, are the names wanted
// of it; then are those of the list behind it.
type listing struct{ patterns, only, then []string }

// lists are what to ask for patterns as given, where resolved has the names of
// special uses: one list, unless such a name holds * or %, which match others.
func lists(given, resolved []string) []listing {
	var globs, names []string
	for i, p := range resolved {
		if isSpecialUse(given[i]) && strings.ContainsAny(p, "*%") {
			names = append(names, p)
		} else {
			globs = append(globs, p)
		}
	}
	var out []listing
	if len(globs) > 0 {
		out = append(out, listing{patterns: globs, then: names})
	}
	if len(names) > 0 {
		out = append(out, listing{patterns: names, only: names})
	}
	return out
}

// counts copies what STATUS told.
func counts(d *session.StatusData) result.Counts {
	return result.Counts{
		Messages: d.Messages, Recent: d.Recent, Unseen: d.Unseen, Deleted: d.Deleted, Size: d.Size,
		UIDNext: d.UIDNext, UIDValidity: d.UIDValidity, HighestModseq: d.HighestModseq,
		MailboxID: d.MailboxID, AppendLimit: d.AppendLimit,
	}
}
