package imaptest

import (
	"fmt"
	"strings"
)

// message is one of the messages that FETCH answers with by default.
type message struct {
	flags     string
	date      string
	envelope  string
	structure string
	header    string
	parts     map[string]string // by part number
	mime      map[string]string
	body      string
}

var samples = [3]message{
	{
		flags:     `(\Seen)`,
		date:      `"20-Nov-2026 10:00:00 +0000"`,
		envelope:  `("Fri, 20 Nov 2026 10:00:00 +0000" "First" (("Alice" NIL "alice" "example.com")) (("Alice" NIL "alice" "example.com")) (("Alice" NIL "alice" "example.com")) ((NIL NIL "bob" "example.com")) NIL NIL NIL "<1@example.com>")`,
		structure: `("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 13 1 NIL NIL NIL NIL)`,
		header: "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nFrom: Alice <alice@example.com>\r\nTo: bob@example.com\r\n" +
			"Subject: First\r\nMessage-ID: <1@example.com>\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n",
		parts: map[string]string{"1": "first message"},
		body:  "first message",
	},
	{
		flags:    `()`,
		date:     `"20-Nov-2026 11:00:00 +0000"`,
		envelope: `("Fri, 20 Nov 2026 11:00:00 +0000" "Second" (("Bob" NIL "bob" "example.com")) (("Bob" NIL "bob" "example.com")) (("Bob" NIL "bob" "example.com")) ((NIL NIL "alice" "example.com")) NIL NIL NIL "<2@example.com>")`,
		structure: `(("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 14 1 NIL NIL NIL NIL)` +
			`("TEXT" "CSV" ("NAME" "a.csv") NIL NIL "BASE64" 8 1 NIL ("ATTACHMENT" ("FILENAME" "a.csv")) NIL NIL) "MIXED" ("BOUNDARY" "b") NIL NIL NIL)`,
		header: "Date: Fri, 20 Nov 2026 11:00:00 +0000\r\nFrom: Bob <bob@example.com>\r\nTo: alice@example.com\r\n" +
			"Subject: Second\r\nMessage-ID: <2@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
		parts: map[string]string{"1": "second message", "2": "YSxiCg=="},
		mime: map[string]string{
			"1": "Content-Type: text/plain; charset=UTF-8\r\n\r\n",
			"2": "Content-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		},
		body: "--b\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nsecond message\r\n" +
			"--b\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\nContent-Transfer-Encoding: base64\r\n\r\nYSxiCg==\r\n--b--\r\n",
	},
	{
		flags:     `(\Flagged $Forwarded)`,
		date:      `"20-Nov-2026 12:00:00 +0000"`,
		envelope:  `("Fri, 20 Nov 2026 12:00:00 +0000" "=?UTF-8?Q?Th=C3=AFrd?=" ((NIL NIL "carol" "example.com")) ((NIL NIL "carol" "example.com")) ((NIL NIL "carol" "example.com")) ((NIL NIL "alice" "example.com")) NIL NIL "<2@example.com>" "<3@example.com>")`,
		structure: `("TEXT" "HTML" ("CHARSET" "UTF-8") NIL NIL "QUOTED-PRINTABLE" 20 1 NIL NIL NIL NIL)`,
		header: "Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nFrom: carol@example.com\r\nTo: alice@example.com\r\nIn-Reply-To: <2@example.com>\r\n" +
			"Subject: =?UTF-8?Q?Th=C3=AFrd?=\r\nMessage-ID: <3@example.com>\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
		parts: map[string]string{"1": "<p>third message</p>"},
		body:  "<p>third message</p>",
	},
}

// sample is the message with UID n.
func sample(n uint32) *message { return &samples[(n-1)%3] }

// item is a FETCH item. The key is its name without header field names and
// partial, the reply's name has the field names.
func (m *message) item(n uint32, key, name string) (value string, literal, ok bool) {
	switch key {
	case "UID":
		return fmt.Sprint(n), false, true
	case "FLAGS":
		return m.flags, false, true
	case "INTERNALDATE":
		return m.date, false, true
	case "RFC822.SIZE":
		return fmt.Sprint(len(m.header) + len(m.body)), false, true
	case "ENVELOPE":
		return m.envelope, false, true
	case "BODYSTRUCTURE", "BODY":
		return m.structure, false, true
	case "BODY[]", "RFC822":
		return m.header + m.body, true, true
	case "BODY[HEADER]", "RFC822.HEADER":
		return m.header, true, true
	case "BODY[TEXT]", "RFC822.TEXT":
		return m.body, true, true
	case "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS.NOT]":
		return m.fields(name, key == "BODY[HEADER.FIELDS]"), true, true
	}
	section, ok := strings.CutPrefix(key, "BODY[")
	section = strings.TrimSuffix(section, "]")
	if part, isMIME := strings.CutSuffix(section, ".MIME"); isMIME {
		value, ok = m.mime[part]
		return value, true, ok
	}
	if !ok {
		return "", false, false
	}
	value, ok = m.parts[section]
	return value, true, ok
}

// fields picks header fields; the sample headers have no folded lines.
func (m *message) fields(name string, in bool) string {
	_, list, _ := strings.Cut(name, "(")
	list, _, _ = strings.Cut(list, ")")
	wanted := map[string]bool{}
	for f := range strings.FieldsSeq(strings.ToUpper(list)) {
		wanted[strings.Trim(f, `"`)] = true
	}
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(m.header, "\r\n\r\n"), "\r\n") {
		field, _, _ := strings.Cut(line, ":")
		if wanted[strings.ToUpper(field)] == in {
			out.WriteString(line + "\r\n")
		}
	}
	return out.String() + "\r\n"
}
