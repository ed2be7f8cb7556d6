package sandbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/imapknife/imapknife/internal/mailsource"
)

// mbox adds the messages of an mboxrd file to INBOX.
func (s *seeder) mbox(data []byte) error {
	in, n := bytes.NewReader(data), 0
	for m, err := range mailsource.Mbox(in) {
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(m.Reader(in))
		if err != nil {
			return err
		}
		date := m.Date
		if date.IsZero() {
			date = sentDate(raw, s.now)
		}
		if n++; n == 1 && mailsource.IsInternal(raw) {
			continue // no mail
		}
		if err := s.add("INBOX", toCRLF(raw), nil, date); err != nil {
			return fmt.Errorf("message %d: %s", n, reason(err))
		}
	}
	return nil
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
