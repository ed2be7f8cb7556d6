package change

import (
	"context"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// Store changes flags, or labels of Gmail.
type Store struct {
	Mode           string   // "+" adds, "-" removes, "" sets
	Flags          []string // as sent
	Labels         bool     // Flags are labels
	UnchangedSince *uint64
	Action         string // the receipt's action; store when empty

	expunged uint64 // messages that the server removed while it did the last STORE
}

func (a *Store) name() string {
	if a.Action != "" {
		return a.Action
	}
	return "store"
}

// begin refuses flags that the mailbox would not keep: some servers drop them
// without a word, others keep them for this session only.
func (a *Store) begin(ctx context.Context, w *Writer, p *part) error {
	box, err := w.Session.Box(ctx)
	if err != nil || !box.HasPermanent || a.Labels || a.Mode == "-" {
		return err
	}
	if len(box.PermanentFlags) == 1 && box.PermanentFlags[0] == `\*` {
		return nil // it does not list the flags that it keeps
	}
	for _, f := range a.Flags {
		keyword := !strings.HasPrefix(f, `\`)
		if !hasFlag(box.PermanentFlags, f) && !(keyword && hasFlag(box.PermanentFlags, `\*`)) {
			return fault.New(fault.Refused, "the mailbox %q does not keep the flag %s", box.Name, f).
				Hint("imapknife select --write tells permanentflags: what the server keeps")
		}
	}
	return nil
}

// hasFlag compares as servers do: flags and keywords in any case.
func hasFlag(list []string, flag string) bool {
	return slices.ContainsFunc(list, func(f string) bool { return strings.EqualFold(f, flag) })
}

func (a *Store) do(ctx context.Context, w *Writer, p *part) error {
	set := p.uids(todo, sent)
	if set.Empty() {
		return nil
	}
	p.move(set, sent)
	res, err := w.Session.Store(ctx, session.StoreRequest{Set: set, Item: a.Mode + a.item(), Flags: a.Flags, UnchangedSince: a.UnchangedSince})
	if err != nil {
		return err
	}
	if res.Refusal != nil {
		return a.refused(ctx, w, p, res.Refusal)
	}
	if res.Cut {
		return a.rest(ctx, w, p)
	}
	for uid := range res.Modified.All() {
		p.items[uid].end(result.Refused, "it has changed since", nil)
	}
	for uid, flags := range res.Flags {
		if p.items[uid].state == sent {
			a.after(p.items[uid], flags)
		}
	}
	// Servers need not report messages that had the flags before.
	a.expunged = res.Expunged
	err = a.read(ctx, w, p, a.after)
	a.expunged = 0
	return err
}

// refused ends a STORE that was answered NO. A server may refuse a set for one
// message that has gone: the others are sent again, without it.
func (a *Store) refused(ctx context.Context, w *Writer, p *part, refusal error) error {
	set := p.uids(sent)
	there, err := w.Session.Present(ctx, set)
	if err != nil {
		return err
	}
	a.gone(p, set.Subtract(there))
	if left := p.uids(sent); !left.Empty() && left.Len() < set.Len() {
		return a.do(ctx, w, p)
	}
	for it := range p.in(sent) {
		it.end(result.Refused, refusal.Error(), refusal)
	}
	return nil
}

// rest goes on after a STORE that the server did for some of the messages only:
// it looks which, and sends the others again as long as that gets on.
func (a *Store) rest(ctx context.Context, w *Writer, p *part) error {
	before := p.uids(sent).Len()
	if err := a.look(ctx, w, p); err != nil {
		return err
	}
	if left := p.uids(todo); left.Len() < before {
		return a.do(ctx, w, p)
	}
	for it := range p.in(todo) {
		it.end(result.Refused, "the server did the command for some messages only (MESSAGELIMIT)", nil)
	}
	return nil
}

func (a *Store) item() string {
	if a.Labels {
		return "X-GM-LABELS"
	}
	return "FLAGS"
}

// after ends an item whose flags after the change are told.
func (a *Store) after(it *item, flags []string) {
	own := slices.DeleteFunc(append([]string{}, flags...), recent)
	if a.Labels {
		it.row.Labels = &own
	} else {
		it.row.Flags = &own
	}
	if wrong := a.lacks(own); wrong != "" {
		it.end(result.Refused, wrong, nil)
		return
	}
	it.end(result.Done, "", nil)
}

// recent is the flag that only the server changes.
func recent(flag string) bool { return strings.EqualFold(flag, `\Recent`) }

// lacks says in which way flags are not as wanted, empty when they are.
func (a *Store) lacks(flags []string) string {
	for _, f := range a.Flags {
		if there := hasFlag(flags, f); a.Mode == "-" && there {
			return "the server keeps " + f
		} else if a.Mode != "-" && !there {
			return "the server does not keep " + f
		}
	}
	if a.Mode == "" {
		for _, f := range flags {
			if !recent(f) && !hasFlag(a.Flags, f) {
				return "the server keeps " + f
			}
		}
	}
	return ""
}

// look finds the messages whose flags are as wanted; the others are changed
// again, which does no harm.
func (a *Store) look(ctx context.Context, w *Writer, p *part) error {
	return a.read(ctx, w, p, func(it *item, flags []string) {
		if a.lacks(flags) == "" {
			a.after(it, flags)
		} else {
			it.state = todo
		}
	})
}

// read tells the flags of the messages whose outcome is not known.
func (a *Store) read(ctx context.Context, w *Writer, p *part, tell func(*item, []string)) error {
	open := p.uids(sent)
	if open.Empty() {
		return nil
	}
	told, err := w.Session.Fetch(ctx, session.FetchRequest{Set: open, Items: []string{a.item()}, Whole: true, Row: func(m *session.Fetched) error {
		flags := m.Flags
		if a.Labels {
			flags = m.GmailLabels
		}
		tell(p.items[m.UID], flags)
		return nil
	}})
	if err != nil {
		return err
	}
	a.gone(p, open.Subtract(told))
	return nil
}

// gone ends the items that are not in the mailbox any more. Some servers (Gmail,
// as its owner may set it) remove what is flagged \Deleted at once: EXPUNGE comes
// before the OK. That is what delete is for.
func (a *Store) gone(p *part, lost query.Set) {
	ours := a.Mode != "-" && hasFlag(a.Flags, `\Deleted`) && !a.Labels && lost.Len() <= a.expunged
	for it := range p.in(sent) {
		switch {
		case !lost.Contains(it.uid, 0):
		case ours && a.Action != "":
			it.end(result.Done, "", nil)
			it.warn("the server removed it for good as soon as it was flagged")
		case ours:
			it.end(result.Missing, `the server removed it as soon as it was flagged \Deleted`, nil)
		default:
			it.end(result.Missing, "it has gone meanwhile", nil)
		}
	}
}
