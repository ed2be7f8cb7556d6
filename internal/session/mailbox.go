package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/imapknife/imapknife/internal/wire"
)

// Create makes a mailbox (RFC 9051 section 6.3.4). use is a special use such as
// \Archive, for which the caller has made sure of CREATE-SPECIAL-USE (RFC
// 6154), empty for none. id is the MAILBOXID that the server tells (RFC 8474
// section 4.1), if any. refused is the server's NO or BAD; err means that the
// outcome is not known.
func (s *Session) Create(ctx context.Context, name, use string) (id string, refused, err error) {
	if err := s.sureOf(ctx, name); err != nil {
		return "", nil, err
	}
	cmd := wire.NewCommand("CREATE").String(s.encodeName(name))
	if use != "" {
		cmd.Atom("(USE (" + use + "))")
	}
	st, err := s.do(ctx, cmd)
	switch {
	case err != nil:
		return "", nil, err
	case !st.OK():
		return "", refusal(st, "cannot create the mailbox %q", name), nil
	}
	if st.Code == "MAILBOXID" {
		if told := strings.Trim(st.Args, "()"); validObjectID(told) {
			id = told
		}
	}
	return id, nil, nil
}

// Delete removes a mailbox with its messages (RFC 9051 section 6.3.5). refused
// and err are as those of Create.
func (s *Session) Delete(ctx context.Context, name string) (refused, err error) {
	return s.manage(ctx, name, func(octets string) *wire.Command { return wire.NewCommand("DELETE").String(octets) }, "cannot delete the mailbox %q", name)
}

// Rename gives a mailbox, and those below it, another name; renaming INBOX
// moves its messages (RFC 9051 section 6.3.6). refused and err are as those of
// Create.
func (s *Session) Rename(ctx context.Context, from, to string) (refused, err error) {
	rename := func(octets string) *wire.Command {
		return wire.NewCommand("RENAME").String(octets).String(s.encodeName(to))
	}
	return s.manage(ctx, from, rename, "cannot rename the mailbox %q to %q", from, to)
}

// Subscribe subscribes to a mailbox (RFC 9051 section 6.3.7). refused and err
// are as those of Create.
func (s *Session) Subscribe(ctx context.Context, name string) (refused, err error) {
	return s.manage(ctx, name, func(octets string) *wire.Command { return wire.NewCommand("SUBSCRIBE").String(octets) }, "cannot subscribe to the mailbox %q", name)
}

// Unsubscribe undoes Subscribe.
func (s *Session) Unsubscribe(ctx context.Context, name string) (refused, err error) {
	return s.manage(ctx, name, func(octets string) *wire.Command { return wire.NewCommand("UNSUBSCRIBE").String(octets) }, "cannot unsubscribe from the mailbox %q", name)
}

func (s *Session) manage(ctx context.Context, name string, build func(octets string) *wire.Command, format string, args ...any) (refused, err error) {
	if err := s.sureOf(ctx, name); err != nil {
		return nil, err
	}
	st, err := s.aboutNow(ctx, name, build)
	if err == nil && !st.OK() {
		refused = s.unnamed(st, name, "%s", fmt.Sprintf(format, args...))
	}
	return refused, err
}

// Lookup tells what plain LIST says of each name, nil where the server lists no
// such mailbox. It needs no capability, so that it can go out with the login.
// refused is the server's NO or BAD, after which nothing is known.
func (s *Session) Lookup(ctx context.Context, names []string) (found []*ListEntry, refused, err error) {
	found = make([]*ListEntry, len(names))
	for from := 0; from < len(names); from += statusBatch {
		to := min(from+statusBatch, len(names))
		no, err := s.lookup(ctx, names[from:to], found[from:to])
		if err != nil {
			return nil, nil, err
		}
		if refused == nil {
			refused = no
		}
	}
	return found, refused, nil
}

func (s *Session) lookup(ctx context.Context, names []string, found []*ListEntry) (refused, err error) {
	pending := make([]*wire.Pending, len(names))
	for i, name := range names {
		// The name may hold * or %, which match others too.
		cmd := wire.NewCommand("LIST").String("").String(s.octets(name)).On(func(r *wire.Response) error {
			e := s.readList(r)
			if e == nil {
				return r.Err()
			}
			for j, name := range names {
				if e.Name == name || e.Raw == s.octets(name) {
					found[j] = e
				}
			}
			return nil
		}, "LIST")
		if pending[i], err = s.send(ctx, cmd); err != nil {
			return nil, err
		}
	}
	for i, name := range names {
		st, err := s.finish(ctx, pending[i])
		if err != nil {
			return nil, err
		}
		if !st.OK() && refused == nil {
			refused = refusal(st, "cannot look for the mailbox %q", name)
		}
	}
	return refused, nil
}

// Subscribed reports whether the mailbox, which need not exist, is subscribed.
// refused is the server's NO or BAD, after which nothing is known.
func (s *Session) Subscribed(ctx context.Context, name string) (is bool, refused, err error) {
	if err := s.learn(ctx); err != nil {
		return false, nil, err
	}
	ask := func(cmd *wire.Command) func() (wire.Status, error) {
		return func() (wire.Status, error) {
			return s.do(ctx, cmd.String("").String(s.octets(name)).On(func(r *wire.Response) error {
				e := s.readList(r)
				if e == nil {
					return r.Err()
				}
				// \Noselect in LSUB is a level with subscriptions below it.
				is = is || (e.Name == name || e.Raw == s.octets(name)) && !(r.Kind == "LSUB" && e.Has(`\Noselect`))
				return nil
			}, "LIST", "LSUB"))
		}
	}
	lsub := ask(wire.NewCommand("LSUB"))
	var st wire.Status
	if s.Offers("LIST-EXTENDED") {
		st, err = s.plainly("LIST-EXTENDED", ask(wire.NewCommand("LIST").List("SUBSCRIBED")), lsub)
	} else {
		st, err = lsub()
	}
	if err == nil && !st.OK() {
		refused = refusal(st, "cannot tell whether %q is subscribed", name)
	}
	return is, refused, err
}

// Naming tells how the names of one's own mailboxes are made: what they begin
// with, and the delimiter of the hierarchy; by NAMESPACE (RFC 2342) or else by
// LIST. Both are empty where the server does not tell.
func (s *Session) Naming(ctx context.Context) (prefix, delimiter string, err error) {
	if err := s.learn(ctx); err != nil {
		return "", "", err
	}
	list := func() (wire.Status, error) {
		return s.do(ctx, wire.NewCommand("LIST").String("").String("").On(func(r *wire.Response) error {
			if e := s.readList(r); e != nil {
				delimiter = e.Delimiter
			}
			return nil
		}, "LIST"))
	}
	if !s.Offers("NAMESPACE") {
		_, err = list()
		return prefix, delimiter, err
	}
	_, err = s.plainly("NAMESPACE", func() (wire.Status, error) {
		return s.do(ctx, wire.NewCommand("NAMESPACE").On(func(r *wire.Response) error {
			personal := r.Open()
			if personal && r.Open() { // the first of them
				p, _ := r.String(wire.MaxToken)
				prefix, _ = s.decodeName(string(p))
				d, _ := r.String(16)
				delimiter = string(d)
			}
			return r.Err()
		}, "NAMESPACE"))
	}, list)
	return prefix, delimiter, err
}
