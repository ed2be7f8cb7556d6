package sandbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// mbox adds the messages of an mboxrd file to INBOX.
func (s *seeder) mbox(data []byte) error {
	for i, m := range splitMbox(data) {
		date, ok := fromLineDate(m.from)
		if !ok {
			date = sentDate(m.raw, s.now)
		}
		if err := s.add("INBOX", toCRLF(m.raw), nil, date); err != nil {
			return fmt.Errorf("message %d: %s", i+1, reason(err))
		}
	}
	return nil
}

// mboxMessage is a message and the "From " line that stood before it.
type mboxMessage struct {
	from string
	raw  []byte
}

// splitMbox cuts at "From " lines that follow an empty line or nothing, and
// takes one ">" from lines like ">From " and ">>From ". The empty line before
// the next "From " line belongs to it.
func splitMbox(data []byte) (out []mboxMessage) {
	empty := true
	for line := range bytes.Lines(data) {
		if empty && bytes.HasPrefix(line, []byte("From ")) {
			trimMbox(out)
			out = append(out, mboxMessage{from: strings.TrimRight(string(line), "\r\n")})
			empty = false
			continue
		}
		empty = len(bytes.TrimRight(line, "\r\n")) == 0
		if len(out) == 0 {
			continue
		}
		if line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			line = line[1:]
		}
		m := &out[len(out)-1]
		m.raw = append(m.raw, line...)
	}
	trimMbox(out)
	return out
}

// trimMbox takes the separating empty line from the last message.
func trimMbox(out []mboxMessage) {
	if len(out) == 0 {
		return
	}
	m := &out[len(out)-1]
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if bytes.HasSuffix(m.raw, []byte(end)) {
			m.raw = m.raw[:len(m.raw)-len(end)/2]
			return
		}
	}
}

// fromLineDate reads the date of "From sender Fri Nov 20 19:15:00 2026", in
// UTC, or with a zone before or behind the year.
func fromLineDate(line string) (time.Time, bool) {
	words := strings.Fields(line)
	for _, layout := range []string{"Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 2006 -0700", "Mon Jan 2 15:04:05 -0700 2006", "Mon Jan 2 15:04 2006"} {
		n := len(strings.Fields(layout))
		if len(words) < n+1 {
			continue
		}
		if t, err := time.Parse(layout, strings.Join(words[len(words)-n:], " ")); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// decodeUTF7 reads modified UTF-7 (RFC 3501, section 5.1.3); what is not is
// left as it is.
func decodeUTF7(s string) string {
	var out strings.Builder
	for rest := s; rest != ""; {
		plain, shifted, ok := strings.Cut(rest, "&")
		out.WriteString(plain)
		if !ok {
			break
		}
		var code string
		if code, rest, ok = strings.Cut(shifted, "-"); !ok {
			return s
		}
		if code == "" {
			out.WriteByte('&')
			continue
		}
		b, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(code, ",", "/"))
		if err != nil || len(b)%2 != 0 {
			return s
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
		}
		out.WriteString(string(utf16.Decode(units)))
	}
	return out.String()
}
