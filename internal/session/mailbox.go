package session

import (
	"context"
	"strings"

	"github.com/imapknife/imapknife/internal/wire"
)

// Create makes a mailbox (RFC 9051 section 6.3.4). use is a special use such as
// \Archive, for which the caller has made sure of CREATE-SPECIAL-USE (RFC
// 6154), empty for none. id is the MAILBOXID that the server tells (RFC 8474
// section 4.1), if any. refused is the server's NO or BAD; err means that the
// outcome is not known.
func (s *Session) Create(ctx context.Context, name, use string) (id string, refused, err error) {
	cmd := wire.NewCommand("CREATE").String(EncodeName(name))
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
