package message

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/result"
)

// plainHeader is what HEADER.FIELDS gives for an ordinary message, about 400
// octets.
const plainHeader = "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n" +
	"From: Continuous Integration <ci@build.example.org>\r\n" +
	"To: \"Doe, John\" <john.doe@example.com>, alice@example.net\r\n" +
	"Cc: Release Team <release-team@example.org>\r\n" +
	"Subject: [build] imapknife #4711 has passed on linux/amd64\r\n" +
	"Message-ID: <20261120100000.4711.build@build.example.org>\r\n" +
	"In-Reply-To: <20261119090000.4710.build@build.example.org>\r\n\r\n"

const encodedHeader = "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n" +
	"From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.org>\r\n" +
	"To: =?iso-8859-1?Q?Andr=E9?= <andre@example.com>, alice@example.net\r\n" +
	"Subject: =?utf-8?B?R3LDvMOfZSBhdXMgV2llbiwgdW5kIG5vY2ggbWVocg==?=\r\n" +
	" =?utf-8?B?IEdyw7zDn2U=?=\r\n" +
	"Message-ID: <20261120100000.4711.build@build.example.org>\r\n\r\n"

func TestEnvelope(t *testing.T) {
	tests := []struct {
		name, raw string
		want      Fields
		json      string
		warnings  string
	}{
		{"ordinary", plainHeader, 0, `{"date":"2026-11-20T10:00:00+01:00","subject":"[build] imapknife #4711 has passed on linux/amd64",` +
			`"from":[{"name":"Continuous Integration","address":"ci@build.example.org"}],` +
			`"to":[{"name":"Doe, John","address":"john.doe@example.com"},{"name":"","address":"alice@example.net"}],` +
			`"cc":[{"name":"Release Team","address":"release-team@example.org"}],` +
			`"message_id":"<20261120100000.4711.build@build.example.org>","in_reply_to":"<20261119090000.4710.build@build.example.org>"}`, ""},
		{"encoded", encodedHeader, 0, `{"date":"2026-11-20T10:00:00+01:00","subject":"Grüße aus Wien, und noch mehr Grüße",` +
			`"from":[{"name":"Jörg Müller","address":"joerg@example.org"}],` +
			`"to":[{"name":"André","address":"andre@example.com"},{"name":"","address":"alice@example.net"}],` +
			`"message_id":"<20261120100000.4711.build@build.example.org>"}`, ""},
		{"nothing", "\r\n", 0, `{}`, ""},
		{"nothing, all wanted", "\r\n", AllFields, `{"subject":"","from":[],"sender":[],"reply_to":[],"to":[],"cc":[],"bcc":[],"message_id":"","in_reply_to":"","references":[]}`, ""},
		{"some wanted", "Subject: a\r\n\r\n", FieldFrom | FieldDate, `{"subject":"a","from":[]}`, ""},
		{"every list", "FROM: a@x\nsender: b@x\nReply-To: c@x\nto: d@x\ncc: e@x\nbcc: f@x\n", 0,
			`{"from":[{"name":"","address":"a@x"}],"sender":[{"name":"","address":"b@x"}],"reply_to":[{"name":"","address":"c@x"}],` +
				`"to":[{"name":"","address":"d@x"}],"cc":[{"name":"","address":"e@x"}],"bcc":[{"name":"","address":"f@x"}]}`, ""},
		{"twice", "Subject: a\nSubject: b\nTo: a@x\nCc: c@x\nTo: b@x\n", 0,
			`{"subject":"a","to":[{"name":"","address":"a@x"},{"name":"","address":"b@x"}],"cc":[{"name":"","address":"c@x"}]}`,
			"subject: the field occurs more than once|to: the field occurs more than once"},
		{"references", "References: <a@x> <b@x>\r\n\t<c\r\n @x>,<d@x><e@x f@x <g@x>\r\n", 0,
			`{"references":["\u003ca@x\u003e","\u003cb@x\u003e","\u003cc@x\u003e","\u003cd@x\u003e","\u003ce@x","f@x","\u003cg@x\u003e"]}`, ""},
		{"message id with a comment", "Message-ID: <a@x> (added by gw)\n", 0, `{"message_id":"\u003ca@x\u003e"}`, ""},
		{"message id without brackets", "Message-ID: a@x\n", 0, `{"message_id":"a@x"}`, ""},
		{"broken date", "Date: tomorrow\nSubject: a\n", AllFields &^ (FieldSender | FieldReplyTo | FieldCc | FieldBcc | FieldReferences | FieldInReplyTo | FieldMessageID),
			`{"subject":"a","from":[],"to":[]}`, "date: cannot be read"},
		{"Latin-1", "Subject: caf\xe9\nFrom: Andr\xe9 <a@x>\n", 0, `{"subject":"café","from":[{"name":"André","address":"a@x"}]}`,
			guessed("subject") + "|" + guessed("from")},
		{"strangers", "X-Y: a\nDate-Received: b\nTO-X: c\nQQ: d\nQQQQ: e\nQQQQQQ: f\n", 0, `{}`, ""},
	}
	for _, tt := range tests {
		var m result.Message
		warnings := Envelope([]byte(tt.raw), tt.want, &m)
		got, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(tt.json)
		g := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `"account":"","mailbox":"","uidvalidity":0,"uid":0,`, "", `"account":"","mailbox":"","uidvalidity":0,"uid":0`, "").Replace(string(got))
		if g != want {
			t.Errorf("%s: got\n%s, want\n%s", tt.name, g, want)
		}
		if w := strings.Join(warnings, "|"); w != tt.warnings {
			t.Errorf("%s: warnings %q, want %q", tt.name, w, tt.warnings)
		}
	}
}

// Address lists share one array until it is full; they must not run into
// each other, and m must not change with the buffer it was read from.
func TestEnvelopeMemory(t *testing.T) {
	raw := []byte("From: a@x\nTo: b@x, c@x\nCc: " + strings.Repeat("d@x,", 20) + "\nTo: e@x\nBcc: f@x\n")
	var m result.Message
	Envelope(raw, 0, &m)
	clear(raw)
	_ = append(*m.From, result.Address{Address: "z@x"})
	for i, tt := range []struct {
		list *[]result.Address
		want string
		n    int
	}{{m.From, "a@x", 1}, {m.To, "b@x", 3}, {m.Cc, "d@x", 20}, {m.Bcc, "f@x", 1}} {
		if len(*tt.list) != tt.n || (*tt.list)[0].Address != tt.want {
			t.Errorf("list %d: %v", i, *tt.list)
		}
	}
	if (*m.To)[2].Address != "e@x" {
		t.Errorf("to: %v", *m.To)
	}
}

func TestEnvelopeBounds(t *testing.T) {
	var m result.Message
	warnings := Envelope([]byte("References: "+strings.Repeat("<a@x> ", MaxReferences+5)+"\nTo: "+strings.Repeat("a@x,", MaxAddresses)+"\nTo: b@x\n"), 0, &m)
	if len(*m.References) != MaxReferences || len(*m.To) != MaxAddresses || !strings.HasPrefix(warnings[0], "references: the field has more") ||
		!strings.HasPrefix(warnings[1], "to: the field has more") {
		t.Errorf("%d references, %d addresses, warnings %q", len(*m.References), len(*m.To), warnings)
	}
}

func TestEnvelopeAllocations(t *testing.T) {
	raw := []byte(plainHeader)
	var m result.Message
	if n := testing.AllocsPerRun(100, func() { Envelope(raw, 0, &m) }); n > 4 {
		t.Errorf("%v allocations for an ordinary message", n)
	}
}

func BenchmarkEnvelopePlain(b *testing.B) { benchmarkEnvelope(b, plainHeader) }

func BenchmarkEnvelopeEncoded(b *testing.B) { benchmarkEnvelope(b, encodedHeader) }

func benchmarkEnvelope(b *testing.B, header string) {
	raw := []byte(header)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var m result.Message
		Envelope(raw, AllFields, &m)
	}
}

func BenchmarkParseDate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParseDate("Fri, 20 Nov 2026 10:00:00 +0100")
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(plainHeader))
	f.Add([]byte(encodedHeader))
	f.Add([]byte("References: <a <b> c\nDate: x\nTo: =?utf-16?q?=?= <"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m result.Message
		Envelope(raw, AllFields, &m)
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}
