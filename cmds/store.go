package cmds

import (
	"context"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/change"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// storeModes are the flags of store, how they change flags or labels.
var storeModes = [...]struct {
	flag, mode string
	labels     bool
}{
	{"add", "+", false}, {"remove", "-", false}, {"set", "", false},
	{"add-label", "+", true}, {"remove-label", "-", true}, {"set-label", "", true},
}

func newStore() *verb {
	return &verb{
		name: "store", group: groupMessages, args: "SET",
		summary: "change flags of messages",
		about: `Adds, removes or sets flags: seen, answered, flagged, deleted, draft, with or
without a backslash, and keywords (keyword:read is one that would be taken for
a slip). The rows tell the flags after. A flag that
the server would not keep is an error, and nothing is changed. --unchanged-since
leaves alone what has changed since that modification sequence. --add-label and
the like change Gmail's labels.`,
		examples: []example{
			{"mark as read", "imapknife store 42 --add seen"},
			{"take flags away", "imapknife store --from ci@ --before 7d --remove flagged"},
			{"a keyword of your own", "imapknife store 40:42 --add invoice"},
		},
		flags: append(lookup("add", "remove", "set", "add-label", "remove-label", "set-label", "unchanged-since"), selectionWriteFlags()...),
		row:   result.Receipt{},
		setup: setupStore,
	}
}

func setupStore(in *input) (runner, error) {
	a := change.Store{}
	if err := storeChange(in, &a); err != nil {
		return nil, err
	}
	if in.flagged("unchanged-since") {
		n := in.number("unchanged-since")
		a.UnchangedSince = &n
	}
	o, err := in.writing(false)
	if err != nil {
		return nil, err
	}
	o.plan = func(ctx context.Context, s *session.Session, _ change.Target) (change.Action, string, error) {
		if a.Labels {
			if err := s.Need(ctx, "X-GM-EXT-1", "Gmail labels"); err != nil {
				return nil, "", err
			}
		}
		if a.UnchangedSince != nil {
			if err := s.Need(ctx, "CONDSTORE", "--unchanged-since"); err != nil {
				return nil, "", err
			}
		}
		return &a, "", in.newKeywords(ctx, s, &a)
	}
	field := "flags"
	if a.Labels {
		field = "labels"
	}
	return o.runner(output.Column{Field: field, Format: shortFlags}), nil
}

// newKeywords says which of the keywords the mailbox does not have yet: one may
// be misspelt.
func (in *input) newKeywords(ctx context.Context, s *session.Session, a *change.Store) error {
	box, err := s.Box(ctx)
	if err != nil || a.Labels || a.Mode == "-" || len(box.Flags) == 0 {
		return err
	}
	for _, f := range a.Flags {
		if f[0] != '\\' && !slices.ContainsFunc(box.Flags, func(known string) bool { return strings.EqualFold(known, f) }) {
			in.say("%q is a new keyword in the mailbox %q", f, box.Name)
		}
	}
	return nil
}

// storeChange reads which change is wanted: exactly one.
func storeChange(in *input, a *change.Store) error {
	given := 0
	for _, m := range storeModes {
		if !in.flagged(m.flag) {
			continue
		}
		given++
		a.Mode, a.Labels = m.mode, m.labels
		var err error
		if a.Labels {
			a.Flags, err = parseLabels(in.all(m.flag))
		} else {
			a.Flags, err = parseFlags(in.all(m.flag))
		}
		if err != nil {
			return err
		}
		if len(a.Flags) == 0 && a.Mode != "" {
			return fault.New(fault.Usage, "--%s names no flag", m.flag)
		}
	}
	if given != 1 {
		return fault.New(fault.Usage, "store needs exactly one of --add, --remove, --set, --add-label, --remove-label, --set-label").
			Hint("--add seen marks as read; --set '' takes every flag away")
	}
	return nil
}

// parseLabels reads Gmail labels: one a flag, as they may hold commas.
func parseLabels(values []string) ([]string, error) {
	for _, v := range values {
		if v == "" || strings.ContainsAny(v, "\x00\r\n") {
			return nil, fault.New(fault.Usage, "%q is no label", v)
		}
	}
	return slices.Clone(values), nil
}
