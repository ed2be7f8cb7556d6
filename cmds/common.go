package cmds

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// sessionFlags are the flags of every verb that opens a session.
func sessionFlags() []*flag { return inGroup(groupOutput, groupConnection) }

// selectionFlags are the flags of every verb that selects messages.
func selectionFlags() []*flag {
	return append(inGroup(groupSelect, groupCriteria), sessionFlags()...)
}

// writeFlags are the flags of every verb that changes something, besides those
// of its session.
func writeFlags() []*flag { return append(inGroup(groupSafety), sessionFlags()...) }

// mailbox is the mailbox that the flags, the environment or the URL name.
func (c *connection) mailbox() string {
	if name := c.in.last("mailbox"); name != "" {
		return name
	}
	if c.account.Mailbox != "" {
		return c.account.Mailbox
	}
	return "INBOX"
}

// specialNames are the special uses that can stand for a mailbox.
var specialNames = []string{`\Sent`, `\Drafts`, `\Trash`, `\Junk`, `\Archive`, `\All`, `\Flagged`, `\Important`}

// specialUse reads \Sent or @sent; ok is false for an ordinary name.
func specialUse(name string) (attr string, ok bool) {
	if len(name) < 2 || name[0] != '\\' && name[0] != '@' {
		return "", false
	}
	for _, s := range specialNames {
		if strings.EqualFold(s[1:], name[1:]) {
			return s, true
		}
	}
	return "", false
}

func isSpecialUse(name string) bool {
	_, ok := specialUse(name)
	return ok
}

// foldInbox spells INBOX, which is the same in any case, in one way.
func foldInbox(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// unique folds INBOX and leaves out names that stand there twice.
func unique(names []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range names {
		if name = foldInbox(name); !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// checkName is an error for a mailbox name that no server can have.
func checkName(name string) error {
	switch {
	case name == "":
		return fault.New(fault.Usage, "the mailbox name is empty")
	case strings.ContainsAny(name, "\x00\r\n"):
		return fault.New(fault.Usage, "the mailbox name %q holds a line break or NUL", name)
	case !utf8.ValidString(name):
		return fault.New(fault.Usage, "the mailbox name %q is not UTF-8", name)
	case name[0] == '\\':
		if _, ok := specialUse(name); !ok {
			return fault.New(fault.Usage, "%q is no special use", name).Hint("there are: %s", strings.Join(specialNames, " "))
		}
	}
	return nil
}

// checkNames checks several names.
func checkNames(names []string) error {
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
	}
	return nil
}

// blameMailbox is blame of a mailbox that no argument names.
func (in *input) blameMailbox(err error) error {
	if len(in.args) > 0 {
		return err
	}
	return in.blame(err, "mailbox")
}

// resolveNames puts real names in the place of special-use names. The names
// have been checked.
func resolveNames(ctx context.Context, s *session.Session, names []string) ([]string, error) {
	out := slices.Clone(names)
	for i, name := range names {
		attr, ok := specialUse(name)
		if !ok {
			continue
		}
		var err error
		if out[i], err = s.SpecialUse(ctx, attr); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// statusItems is what STATUS is asked for: all that the server tells, but a
// MAILBOXID only where it is named. Cyrus 3.6 answers that with octets of
// its memory now and then, line ends among them, which costs the counts that
// follow. select tells it from another place.
func (in *input) statusItems(ctx context.Context, s *session.Session) ([]string, error) {
	items, err := s.StatusItems(ctx)
	if !slices.Contains(in.uses(), "mailboxid") {
		items = slices.DeleteFunc(items, func(it string) bool { return it == "MAILBOXID" })
	}
	return items, err
}

// humanSize shows octets in a table.
func humanSize(v any) string {
	n, ok := v.(uint64)
	if !ok {
		return fmt.Sprint(v)
	}
	if n < 1024 {
		return fmt.Sprint(n)
	}
	f := float64(n)
	for _, unit := range "KMGTPE" {
		if f /= 1024; f < 1024 {
			if f < 10 {
				return fmt.Sprintf("%.1f%c", f, unit)
			}
			return fmt.Sprintf("%.0f%c", f, unit)
		}
	}
	return fmt.Sprint(n)
}

// shortFrom shows who a message is from: the name, or else the address.
func shortFrom(v any) string {
	list, _ := v.([]result.Address)
	var out []string
	for _, a := range list {
		if a.Name != "" {
			out = append(out, output.Address(a.Name, ""))
		} else {
			out = append(out, a.Address)
		}
	}
	return strings.Join(out, ", ")
}

// shortFlags shows flags in a table without their backslashes.
func shortFlags(v any) string {
	list, _ := v.([]string)
	return strings.ReplaceAll(strings.Join(list, " "), `\`, "")
}

// localTime shows a time in a table.
func localTime(loc *time.Location) func(any) string {
	return func(v any) string {
		t, ok := v.(time.Time)
		if !ok {
			return fmt.Sprint(v)
		}
		return t.In(loc).Format("2006-01-02 15:04")
	}
}
