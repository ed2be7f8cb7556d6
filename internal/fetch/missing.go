// Package fetch decides what becomes of messages, parts and items that were
// asked for and did not come: what was asked and did not come is not success.
// It must not know how messages are read, nor how rows are shown.
package fetch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
)

// Reason is why something did not come.
type Reason int

const (
	// Gone: there is no such message, or it was removed before it was read.
	Gone Reason = iota
	// Absent: the message is there and has no such part.
	Absent
	// Withheld: the message is there, and the server does not send what it must
	// have, or what it sends cannot be read.
	Withheld
)

// Missing gathers, over all mailboxes of a command, what was asked for and did
// not come. The zero value is ready to use.
type Missing struct {
	lots []lot
}

// lot is the messages of one mailbox for which the same did not come.
type lot struct {
	reason        Reason
	mailbox, what string
	uids          query.Builder
	set           query.Set
}

// Add notes that what (a part, an item; empty for the whole message) did not
// come for some messages.
func (m *Missing) Add(reason Reason, mailbox, what string, uids query.Set) {
	if uids.Empty() {
		return
	}
	i := slices.IndexFunc(m.lots, func(l lot) bool { return l.reason == reason && l.mailbox == mailbox && l.what == what })
	if i < 0 {
		i = len(m.lots)
		m.lots = append(m.lots, lot{reason: reason, mailbox: mailbox, what: what})
	}
	for _, r := range uids {
		m.lots[i].uids.Add(r.Lo, r.Hi)
	}
}

// Lacking is how many messages are there without something that was asked for.
func (m *Missing) Lacking() int {
	boxes := map[string]query.Set{}
	n := uint64(0)
	for i := range m.lots {
		if l := &m.lots[i]; l.reason != Gone {
			boxes[l.mailbox] = boxes[l.mailbox].Union(l.all())
		}
	}
	for _, set := range boxes {
		n += set.Len()
	}
	return int(n)
}

// all is the messages of the lot.
func (l *lot) all() query.Set {
	l.set = l.set.Union(l.uids.Set())
	return l.set
}

// Err is the error of what did not come, nil when everything did. whole is how
// many messages or parts came with all that was asked for. Its kind is Partial
// where something came, else Protocol where the server withheld something, else
// Negative: the answer is no.
func (m *Missing) Err(whole int) error {
	kind := fault.Negative
	var gone, texts []string
	absent := false
	for i := range m.lots {
		l := &m.lots[i]
		if l.reason == Gone {
			gone = append(gone, fmt.Sprintf("UID %s in %q", ShortSet(l.all()), l.mailbox))
			continue
		}
		absent = absent || l.reason == Absent
		if l.reason == Withheld {
			kind = fault.Protocol
		}
		texts = append(texts, l.text())
	}
	if gone != nil {
		texts = append([]string{"no message with " + strings.Join(gone, ", ")}, texts...)
	}
	if texts == nil {
		return nil
	}
	if whole > 0 {
		kind = fault.Partial
	}
	if more := len(texts) - maxTexts; more > 0 {
		texts = append(texts[:maxTexts], fmt.Sprintf("and %d more", more))
	}
	e := fault.New(kind, "%s", strings.Join(texts, "; "))
	if absent {
		e.Hint("fetch SET --structure --json tells the parts")
	}
	return verdict{e}
}

// verdict is the error of a command that was carried out.
type verdict struct{ err *fault.Error }

func (v verdict) Error() string { return v.err.Error() }
func (v verdict) Unwrap() error { return v.err }

// IsVerdict reports whether err is only about what did not come: what did come
// is a whole answer.
func IsVerdict(err error) bool {
	_, ok := errors.AsType[verdict](err)
	return ok
}

// text says what the messages of a lot lack.
func (l *lot) text() string {
	set := l.all()
	who, has := "messages", "have"
	if set.Len() == 1 {
		who, has = "message", "has"
	}
	if l.reason == Absent {
		return fmt.Sprintf("%s %s in %q %s no %s", who, ShortSet(set), l.mailbox, has, l.what)
	}
	return fmt.Sprintf("the server sent no usable %s for %s %s in %q", l.what, who, ShortSet(set), l.mailbox)
}

const (
	// maxTexts is how much an error tells of what is missing, in sentences.
	maxTexts = 10
	// maxUIDs is how much of a set of UIDs it tells, in octets.
	maxUIDs = 200
)

// ShortSet is a set as an error shows it: no longer than a line or two.
func ShortSet(set query.Set) string {
	text := set.String()
	if len(text) > maxUIDs {
		text = text[:maxUIDs] + "…"
	}
	return text
}
