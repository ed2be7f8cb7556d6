package cmds

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/session"
)

// hollowStructure is the warning of a message that was read without the
// server's structure of it.
const hollowStructure = "the server reports a structure without content, so the message itself was read"

// hollow reports a structure of nothing but empty texts. Servers report it not
// only of empty mail, but also of mail whose Content-Type they cannot read;
// Dovecot puts one such text into the multipart.
func hollow(s *message.Structure) bool {
	switch {
	case s == nil:
		return false
	case strings.HasPrefix(s.MediaType(), "multipart/"):
		return !slices.ContainsFunc(s.Children, func(c *message.Structure) bool { return !hollow(c) })
	}
	return s.Message == nil && s.Size == 0 && strings.HasPrefix(s.MediaType(), "text/")
}

// itself reads the structure and the texts of a message out of its octets, for
// the server has none of its parts; nil where there is no more than the server
// reports. Of a message longer than maxText only the beginning counts.
func (rd *reading) itself(ctx context.Context, uid uint32) (*message.Structure, *texts, error) {
	var raw []byte
	_, err := rd.ask(ctx, session.FetchRequest{Set: query.MakeSet(uid), Items: []string{"BODY.PEEK[]"},
		Body: func(_ *session.Fetched, _ string, r io.Reader, _ int64) (err error) {
			raw, err = io.ReadAll(io.LimitReader(r, maxText))
			return err
		}})
	if err != nil {
		return nil, nil, err
	}
	s, _ := message.ReadStructure(bytes.NewReader(raw))
	if s == nil || hollow(s) {
		return nil, nil, nil
	}
	t := newTexts(s, rd.w)
	err = message.Walk(bytes.NewReader(raw), func(p *message.WalkPart) (err error) {
		if p.Body != nil && strings.EqualFold(p.Structure.Type, "text") {
			t.raw[p.Number], err = io.ReadAll(p.Body)
		}
		return err
	})
	for t.reconsider() {
	}
	t.cut = len(raw) == maxText
	return s, t, err
}
