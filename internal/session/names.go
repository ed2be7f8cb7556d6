package session

import (
	"context"
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
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
		name = latin1(name)
	}
	return name, EncodeName(name) == raw
}

// latin1 reads each octet as the character of that number.
func latin1(raw string) string {
	runes := make([]rune, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		runes = append(runes, rune(raw[i]))
	}
	return string(runes)
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

// utf8Names reports whether names travel as UTF-8 and & stands for itself: on a
// server that speaks IMAP4rev2 and not IMAP4rev1 (RFC 9051 section 5.1 and
// appendix A.1). The server's own word counts more than what it said last time.
func (s *Session) utf8Names() bool {
	for _, c := range [...]caps{s.caps, s.greeting, s.guessed} {
		_, rev1 := c["IMAP4REV1"]
		_, rev2 := c["IMAP4REV2"]
		if rev1 || rev2 {
			return !rev1
		}
	}
	return false
}

// encodeName returns the octets by which this server knows the mailbox.
func (s *Session) encodeName(name string) string {
	if s.utf8Names() {
		return name
	}
	return EncodeName(name)
}

// decodeName is DecodeName as this server spells names.
func (s *Session) decodeName(raw string) (name string, exact bool) {
	switch {
	case !s.utf8Names():
		return DecodeName(raw)
	case utf8.ValidString(raw):
		return raw, true
	}
	return latin1(raw), false
}

// sureOf makes sure, before something is written, how the server spells names
// where that matters: what it said last time may not hold.
func (s *Session) sureOf(ctx context.Context, name string) error {
	if EncodeName(name) == name || s.caps != nil || s.greeting != nil {
		return nil
	}
	return s.Ready(ctx)
}
