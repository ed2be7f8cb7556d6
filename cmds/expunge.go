package cmds

import (
	"context"

	"github.com/imapknife/imapknife/internal/change"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

func newExpunge() *verb {
	return &verb{
		name: "expunge", group: groupMessages, args: "[SET]",
		summary: `remove messages that are flagged \Deleted for good`,
		about: `With a set or criteria, removes exactly those of them that are flagged \Deleted,
which needs UIDPLUS. Alone, removes everything that is flagged in the mailbox,
whoever flagged it. It asks on the terminal first; elsewhere --yes is needed, or
it is exit 8.`,
		examples: []example{
			{"these two, if they are flagged", "imapknife expunge 42,43"},
			{"what would go", "imapknife expunge --dry-run"},
		},
		flags: selectionWriteFlags(),
		row:   result.Receipt{},
		setup: setupExpunge,
	}
}

func setupExpunge(in *input) (runner, error) {
	everything := len(in.args) == 0 && !in.selects()
	if everything { // what is flagged is found, so that each has its receipt
		in.settings = append(in.settings, setting{flag: lookup("query")[0], value: "DELETED", has: true})
	}
	o, err := in.writing(true)
	if err != nil {
		return nil, err
	}
	o.plan = func(ctx context.Context, s *session.Session, t change.Target) (change.Action, string, error) {
		if everything {
			a, what, err := o.remove(ctx, s, false)
			a.(*change.Remove).Everything = true
			return a, what, err
		}
		if err := s.Need(ctx, "UIDPLUS", "expunge SET"); err != nil {
			return nil, "", fault.Wrap(fault.KindOf(err), err, "nothing was removed").
				Hint("expunge without a set removes everything that is flagged")
		}
		return o.remove(ctx, s, false)
	}
	return o.runner(), nil
}

// selects reports whether a flag says which messages are meant.
func (in *input) selects() bool {
	for _, s := range in.settings {
		switch {
		case s.flag.group == groupCriteria, s.flag.name == "query", s.flag.name == "newest", s.flag.name == "limit":
			return true
		}
	}
	return false
}
