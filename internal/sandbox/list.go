package sandbox

import (
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// List implements imapserver.Session: LIST with the extensions of RFC 5258
// (LIST-EXTENDED), 5819 (LIST-STATUS), 6154 (SPECIAL-USE), and LSUB.
func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	if len(patterns) == 0 { // asks for the delimiter only
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delim})
	}
	s.acct.mu.Lock()
	rows := s.acct.list(ref, patterns, o)
	s.acct.mu.Unlock()
	if !s.srv.caps.has(imap.CapSpecialUse) {
		for _, row := range rows {
			row.Attrs = slices.DeleteFunc(row.Attrs, isUse)
		}
	}
	for _, row := range rows {
		if err := w.WriteList(row); err != nil {
			return err
		}
	}
	return nil
}

func isUse(a imap.MailboxAttr) bool {
	switch a {
	case imap.MailboxAttrArchive, imap.MailboxAttrDrafts, imap.MailboxAttrJunk, imap.MailboxAttrSent, imap.MailboxAttrTrash:
		return true
	}
	return false
}

// list returns matching names in order: mailboxes, levels that exist only
// because something lies below them, and subscriptions to what is gone.
func (a *account) list(ref string, patterns []string, o *imap.ListOptions) []*imap.ListData {
	children := make(map[string]bool) // every name that has one below it
	names := make(map[string]bool)
	for name := range a.boxes {
		names[name] = true
		for _, up := range superiors(name) {
			names[up], children[up] = true, true
		}
	}
	below := make(map[string]bool) // has a subscribed name below it that is not listed itself
	if o.SelectSubscribed {
		for name := range a.subscribed {
			names[name] = true
			for _, up := range superiors(name) {
				names[up] = true
				below[up] = below[up] || !matchAny(ref, patterns, name)
			}
		}
	}
	var out []*imap.ListData
	for name := range names {
		if !matchAny(ref, patterns, name) {
			continue
		}
		if d := a.listed(name, children[name], below[name], o); d != nil {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(x, y *imap.ListData) int {
		return strings.Compare(sortKey(x.Mailbox), sortKey(y.Mailbox))
	})
	return out
}

// sortKey puts INBOX first and a mailbox before what is below it.
func sortKey(name string) string {
	if name == "INBOX" {
		return ""
	}
	return strings.ReplaceAll(name, string(delim), "\x01")
}

// listed is one row, or nil when the selection options leave it out.
func (a *account) listed(name string, hasChildren, subscribedBelow bool, o *imap.ListOptions) *imap.ListData {
	b := a.boxes[name]
	d := &imap.ListData{Mailbox: name, Delim: delim}
	childInfo := o.SelectRecursiveMatch && subscribedBelow
	switch {
	case o.SelectSubscribed && !a.subscribed[name] && !childInfo,
		o.SelectSpecialUse && (b == nil || b.use == ""):
		return nil
	}
	if childInfo {
		d.ChildInfo = &imap.ListDataChildInfo{Subscribed: true}
	}
	if b == nil { // \NonExistent says it to LIST-EXTENDED, \Noselect to everyone
		d.Attrs = append(d.Attrs, imap.MailboxAttrNonExistent, imap.MailboxAttrNoSelect)
	}
	if hasChildren {
		d.Attrs = append(d.Attrs, imap.MailboxAttrHasChildren)
	} else {
		d.Attrs = append(d.Attrs, imap.MailboxAttrHasNoChildren)
	}
	if a.subscribed[name] && (o.ReturnSubscribed || o.SelectSubscribed) {
		d.Attrs = append(d.Attrs, imap.MailboxAttrSubscribed)
	}
	if b != nil {
		if b.use != "" {
			d.Attrs = append(d.Attrs, b.use)
		}
		if o.ReturnStatus != nil {
			d.Status = b.status()
		}
	}
	return d
}

// superiors are the names above a name, the nearest last.
func superiors(name string) (out []string) {
	for i := range len(name) {
		if name[i] == delim {
			out = append(out, name[:i])
		}
	}
	return out
}

func matchAny(ref string, patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if name == "INBOX" {
			return match(strings.ToUpper(ref+p), name)
		}
		return match(canonicalName(ref+p), name)
	})
}

// match holds a name against a pattern where "*" is anything and "%" anything
// without the delimiter (RFC 9051, section 6.3.9). Its time is the product of
// the lengths, whatever the pattern.
func match(pattern, name string) bool {
	// at[i]: the pattern so far matches name[:i].
	at := make([]bool, len(name)+1)
	at[0] = true
	for k := range len(pattern) {
		c := pattern[k]
		if c == '*' || c == '%' {
			for i := range len(name) {
				at[i+1] = at[i+1] || at[i] && (c == '*' || name[i] != delim)
			}
			continue
		}
		for i := len(name); i > 0; i-- {
			at[i] = at[i-1] && name[i-1] == c
		}
		at[0] = false
	}
	return at[len(name)]
}
