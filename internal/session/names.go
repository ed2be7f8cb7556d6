package session

import (
	"context"
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/wire"
)

var base64Names = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// EncodeName writes a mailbox name in modified UTF-7 (RFC 3501 section
// 5.1.3), as every server without UTF8=ACCEPT enabled takes it.
func EncodeName(name string) string {
	var out strings.Builder
	for i := 0; i < len(name); {
		b := name[i]
		if b == '&' {
			out.WriteString("&-")
			i++
			continue
		}
		if b >= 0x20 && b < 0x7f {
			out.WriteByte(b)
			i++
			continue
		}
		j := i
		for j < len(name) && (name[j] < 0x20 || name[j] >= 0x7f) {
			j++
		}
		var octets []byte
		for _, u := range utf16.Encode([]rune(name[i:j])) {
			octets = append(octets, byte(u>>8), byte(u))
		}
		out.WriteString("&" + base64Names.EncodeToString(octets) + "-")
		i = j
	}
	return out.String()
}

// DecodeName reads a mailbox name as a server sends it: modified UTF-7, raw
// UTF-8, or Latin-1 from servers that know neither. exact is false where
// EncodeName does not give the same octets again, so that the raw name is
// needed to reach the mailbox.
func DecodeName(raw string) (name string, exact bool) {
	if strings.IndexFunc(raw, func(r rune) bool { return r == '&' || r < 0x20 || r >= 0x7f }) < 0 {
		return raw, true
	}
	name, ok := decodeUTF7(raw)
	if !ok {
		name = raw
	}
	if !utf8.ValidString(name) {
		runes := make([]rune, 0, len(name))
		for i := 0; i < len(name); i++ {
			runes = append(runes, rune(name[i]))
		}
		name = string(runes)
	}
	return name, EncodeName(name) == raw
}

func decodeUTF7(raw string) (string, bool) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(raw, "&")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		code, after, closed := strings.Cut(rest, "-")
		if !closed {
			return "", false
		}
		raw = after
		if code == "" {
			out.WriteByte('&')
			continue
		}
		octets, err := base64Names.DecodeString(code)
		if err != nil || len(octets)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(octets)/2)
		for i := range units {
			units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
		}
		for _, r := range utf16.Decode(units) {
			out.WriteRune(r)
		}
	}
}

// about sends a command about the mailbox name, which build makes of the name's
// octets. Where the server says NO, and the mailbox may have a name that is not
// in modified UTF-7, await tries those octets once.
func (s *Session) about(ctx context.Context, name string, build func(octets string) *wire.Command) (*wire.Pending, error) {
	octets := EncodeName(name)
	p, err := s.send(ctx, build(octets))
	own, known := s.raws[name]
	if !known {
		own = name
	}
	if err == nil && own != octets {
		if s.others == nil {
			s.others = map[*wire.Pending]func() *wire.Command{}
		}
		s.others[p] = func() *wire.Command { return build(own) }
	}
	return p, err
}

// respell sends cmd, after those of first, in the place of p, which the server has refused with no. If
// it takes that, what was in flight behind an EXAMINE, and failed for want of an
// open mailbox, is sent again. Otherwise the first refusal stands.
func (s *Session) respell(ctx context.Context, p *wire.Pending, cmd *wire.Command, no wire.Status, first ...*wire.Command) (wire.Status, error) {
	behind := s.c.InFlight()
	for _, b := range behind {
		if _, err := s.c.Wait(ctx, b); err != nil {
			return no, err
		}
	}
	s.probed = true // nothing was dropped
	for _, f := range first {
		if _, err := s.c.Send(ctx, f); err != nil {
			return no, err
		}
	}
	if err := s.c.Redo(ctx, p, cmd); err != nil {
		return no, err
	}
	st, err := s.c.Wait(ctx, p)
	if err != nil || !st.OK() {
		return no, err
	}
	if p.Name() == "STATUS" {
		return st, nil
	}
	for _, b := range behind {
		if !b.Result.OK() && s.others[b] == nil {
			if err := s.c.Repeat(ctx, b); err != nil {
				return st, err
			}
		}
	}
	return st, nil
}

// odd keeps the octets of a name that cannot be made of it again.
func (s *Session) odd(e *ListEntry) {
	if e.Exact {
		return
	}
	if s.raws == nil {
		s.raws = map[string]string{}
	}
	s.raws[e.Name] = e.Raw
}
