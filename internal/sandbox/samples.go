package sandbox

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"time"
)

// Sample is one made-up message.
type Sample struct {
	Mailbox string    // in UTF-8, "/" between levels
	Flags   []string  // to store with it
	Date    time.Time // for INTERNALDATE; the same instant as its Date field
	Raw     []byte    // lines end in CRLF, no NUL, header in ASCII, no line over 998 octets
}

// sampleMailbox is the one whose name is not ASCII and holds a blank.
const sampleMailbox = "Projekte/Größe XL"

//go:embed samples/*.eml
var sampleFiles embed.FS

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

// samples are listed in the order of their UIDs, oldest first in each mailbox.
var samples = [...]struct {
	file    string
	mailbox string
	age     time.Duration
	zone    int // hours east of UTC
	flags   []string
}{
	{"welcome", "INBOX", 29*day + 3*hour, 0, []string{`\Seen`}},
	{"newsletter", "INBOX", 24*day + 5*hour, -5, []string{`\Seen`}},
	{"list", "INBOX", 20*day + 2*hour, 1, nil},
	{"photo", "INBOX", 15*day + 9*hour, 10, []string{`\Answered`, `\Seen`}},
	{"invoice", "INBOX", 12*day + 4*hour, 1, []string{`\Flagged`, `\Seen`}},
	{"shipped", "INBOX", 9*day + 7*hour, -5, []string{`\Seen`}},
	{"japanese", "INBOX", 7*day + 11*hour, 9, nil},
	{"thread-1", "INBOX", 6*day + 8*hour, 1, []string{`\Answered`, `\Seen`}},
	{"thread-2", "INBOX", 6*day + 2*hour, 1, []string{`\Seen`}},
	{"report", "INBOX", 4*day + 6*hour, 0, []string{"$Report"}},
	{"thread-3", "INBOX", 3*day + 10*hour, 1, nil},
	{"odd", "INBOX", 2*day + 5*hour, 3, nil},
	{"forward", "INBOX", 1*day + 4*hour, 1, []string{"$Forwarded", `\Flagged`}},
	{"ci", "INBOX", 2 * hour, 0, nil},
	{"code", "INBOX", 6 * minute, 0, nil},
	{"russian", "Archive", 28*day + 1*hour, 3, []string{`\Seen`}},
	{"german", "Archive", 18*day + 6*hour, 1, []string{`\Answered`, `\Seen`}},
	{"minutes", "Archive/Meetings", 30*day - 1*hour, 1, []string{`\Seen`}},
	{"draft", "Drafts", 19*day + 20*hour, 1, []string{`\Draft`, `\Seen`}},
	{"spam", "Junk", 5*day + 13*hour, -8, []string{"$Junk"}},
	{"sent-photo", "Sent", 15*day + 8*hour, 1, []string{`\Seen`}},
	{"sent", "Sent", 5*day + 3*hour, 1, []string{`\Seen`}},
	{"old-offer", "Trash", 26*day + 5*hour, -5, []string{`\Seen`}},
	{"french", sampleMailbox, 10*day + 2*hour, 2, []string{`\Seen`}},
}

const dateLayout = "Mon, 02 Jan 2006 15:04:05 -0700"

// Samples returns the built-in messages as they look at now: always the same,
// but for their dates, which lie in the 30 days before.
func Samples(now time.Time) []Sample {
	out := make([]Sample, len(samples))
	for i, s := range samples {
		zone := time.FixedZone("", s.zone*int(hour/time.Second))
		date := now.Add(-s.age).In(zone).Truncate(time.Second)
		raw, err := fs.ReadFile(sampleFiles, "samples/"+s.file+".eml")
		if err != nil {
			panic(err) // not embedded: a test would have seen it
		}
		raw = bytes.ReplaceAll(raw, []byte("@DATE@"), []byte(date.Format(dateLayout)))
		raw = bytes.ReplaceAll(raw, []byte("@EARLIER@"), []byte(date.Add(-26*hour).Format(dateLayout)))
		if s.file == "report" {
			raw = bytes.ReplaceAll(raw, []byte("@READINGS@\n"), readings())
		}
		out[i] = Sample{Mailbox: s.mailbox, Flags: append([]string(nil), s.flags...), Date: date, Raw: toCRLF(raw)}
	}
	return out
}

// readings is a CSV file that makes the message about 300 KB large, in base64.
func readings() []byte {
	const rows, lineLength = 9600, 76
	var csv, out bytes.Buffer
	csv.WriteString("site,meter,reading\r\n")
	for i := range rows {
		fmt.Fprintf(&csv, "site-%02d,M%05d,%07d\r\n", i%24, i, i*i%9_999_991)
	}
	code := base64.StdEncoding.EncodeToString(csv.Bytes())
	for len(code) > 0 {
		n := min(lineLength, len(code))
		out.WriteString(code[:n] + "\n")
		code = code[n:]
	}
	return out.Bytes()
}
