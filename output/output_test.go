package output

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
)

func ptr[T any](v T) *T { return &v }

// sample is a message with the fields that a search usually prints.
func sample(uid uint32) *result.Message {
	at := time.Date(2026, 11, 20, 15, 4, 5, 0, time.FixedZone("", 3600))
	return &result.Message{
		Place:        result.Place{Account: "a1b2c3d4", Mailbox: "INBOX", UIDValidity: "1234567890"},
		UID:          uid,
		Flags:        &[]string{`\Seen`, "$Forwarded"},
		InternalDate: &at,
		Size:         ptr(uint64(12345)),
		Date:         &at,
		Subject:      ptr("Re: Build #1234 failed: größere Änderungen <&>"),
		From:         &[]result.Address{{Name: "Alice Example", Address: "alice@example.org"}},
		To:           &[]result.Address{{Name: "Doe, Bob", Address: "bob@example.org"}, {Address: "c@example.net"}},
		MessageID:    ptr("<abcdefghijklmnop@mail.example.org>"),
	}
}

var (
	messages = Spec{Row: result.Message{}, Columns: []Column{
		{Field: "uid", Right: true}, {Field: "flags"}, {Field: "from", Flex: true}, {Field: "subject", Flex: true}}}
	count = Spec{Row: result.Count{}, Single: true}
)

// render prints rows and closes with ok; it returns what was written.
func render(t *testing.T, o Options, s Spec, ok bool, rows ...any) (string, error) {
	t.Helper()
	var b bytes.Buffer
	p, err := New(t.Context(), &b, o, s)
	if err != nil {
		return "", err
	}
	for _, r := range rows {
		if err := p.Row(r); err != nil {
			if cerr := p.Close(false); !errors.Is(cerr, err) {
				t.Errorf("close gave %v after %v", cerr, err)
			}
			return b.String(), err
		}
	}
	err = p.Close(ok)
	return b.String(), err
}

func TestFormats(t *testing.T) {
	evil := sample(7)
	evil.Subject = ptr("a\tb\r\nc\x00d\x1b[31me\u202ef")
	evil.From, evil.Flags = nil, nil
	one := result.Count{Account: "a1", Mailbox: "Sent\tItems", Count: 3}

	for _, c := range []struct {
		name string
		o    Options
		s    Spec
		rows []any
		want string
	}{
		{"tsv", Options{}, messages, []any{sample(1), sample(20)},
			"1\t\\Seen $Forwarded\tAlice Example <alice@example.org>\tRe: Build #1234 failed: größere Änderungen <&>\n" +
				"20\t\\Seen $Forwarded\tAlice Example <alice@example.org>\tRe: Build #1234 failed: größere Änderungen <&>\n"},
		{"tsv of a row by value", Options{Fields: []string{"uid"}}, messages, []any{*sample(1)}, "1\n"},
		{"tsv evil", Options{}, messages, []any{evil}, "7\t\t\ta b  c d\x1b[31me\u202ef\n"},
		{"tsv evil on a terminal", Options{Format: TSV, TTY: true}, messages, []any{evil}, "7\t\t\ta b  c d^[[31me<U+202E>f\n"},
		{"zero", Options{Zero: true}, messages, []any{evil}, "7\t\t\ta b\r\nc d\x1b[31me\u202ef\x00"},
		{"zero on a terminal", Options{Zero: true, TTY: true, Fields: []string{"uid", "subject"}}, messages, []any{evil},
			"7\ta b^M^Jc d^[[31me<U+202E>f\x00"},
		{"tsv fields", Options{Fields: []string{"to", " from.address", "date", "truncated", "size"}}, messages, []any{sample(1)},
			"\"Doe, Bob\" <bob@example.org>, c@example.net\talice@example.org\t2026-11-20T15:04:05+01:00\t\t12345\n"},
		{"tsv single", Options{}, count, []any{one}, "account\ta1\nmailbox\tSent Items\ncount\t3\n"},
		{"tsv single zero", Options{Zero: true}, count, []any{one}, "account\ta1\x00mailbox\tSent Items\x00count\t3\x00"},
		{"no rows", Options{}, messages, nil, ""},
		{"no rows on a terminal", Options{TTY: true}, messages, nil, ""},
		{"json no rows", Options{Format: JSON}, messages, nil, "[]\n"},
		{"json no rows on a terminal", Options{Format: JSON, TTY: true}, messages, nil, "[]\n"},
		{"json", Options{Format: JSON, Fields: []string{"subject", "uid", "seq", "from.address"}}, messages, []any{evil, sample(2)},
			`[{"subject":"a\tb\r\nc\u0000d\u001b[31me` + "\u202e" + `f","uid":7},` +
				`{"subject":"Re: Build #1234 failed: größere Änderungen <&>","uid":2,"from.address":["alice@example.org"]}]` + "\n"},
		{"json on a terminal", Options{Format: JSON, TTY: true, Fields: []string{"subject", "from", "flags"}}, messages, []any{evil, sample(2)}, `[
  {
    "subject": "a\tb\r\nc\u0000d\u001b[31me\u202ef"
  },
  {
    "subject": "Re: Build #1234 failed: größere Änderungen <&>",
    "from": [
      {
        "name": "Alice Example",
        "address": "alice@example.org"
      }
    ],
    "flags": [
      "\\Seen",
      "$Forwarded"
    ]
  }
]
`},
		{"json colour", Options{Format: JSONL, TTY: true, Color: true, Fields: []string{"uid", "seq", "subject"}}, messages, []any{evil},
			"{\x1b[1;34m\"uid\"\x1b[0m:7,\x1b[1;34m\"subject\"\x1b[0m:" +
				"\x1b[32m\"a\\tb\\r\\nc\\u0000d\\u001b[31me\\u202ef\"\x1b[0m}\n"},
		{"json single", Options{Format: JSON}, count, []any{&one}, `{"account":"a1","mailbox":"Sent\tItems","count":3}` + "\n"},
		{"json single on a terminal", Options{Format: JSON, TTY: true}, count, []any{&one},
			"{\n  \"account\": \"a1\",\n  \"mailbox\": \"Sent\\tItems\",\n  \"count\": 3\n}\n"},
		{"jsonl", Options{Format: JSONL, Fields: []string{"uid"}}, messages, []any{sample(1), sample(2)}, "{\"uid\":1}\n{\"uid\":2}\n"},
		{"jsonl single", Options{Format: JSONL}, count, []any{&one}, `{"account":"a1","mailbox":"Sent\tItems","count":3}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := render(t, c.o, c.s, true, c.rows...)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// A command that fails must not leave half a JSON document.
func TestFailedCommandPrintsNoDocument(t *testing.T) {
	for _, o := range []Options{{Format: JSON}, {Format: JSON, TTY: true}, {JQ: "."}, {Format: JSON, JQ: "length"}} {
		for _, n := range []int{0, 1, 10_000} { // 10,000 rows do not fit in the spool's memory
			rows := make([]any, n)
			for i := range rows {
				rows[i] = sample(uint32(i + 1))
			}
			if got, err := render(t, o, messages, false, rows...); got != "" || err != nil {
				t.Errorf("%+v, %d rows: %d octets, error %v", o, n, len(got), err)
			}
		}
		if got, err := render(t, o, count, false, result.Count{}); got != "" || err != nil {
			t.Errorf("%+v, single: %q, error %v", o, got, err)
		}
		if got, err := render(t, o, count, true); got != "" || err != nil {
			t.Errorf("%+v, single without a row: %q, error %v", o, got, err)
		}
	}
	for _, o := range []Options{{}, {TTY: true}, {Format: JSONL}, {Template: "{{.uid}}"}, {Format: JSONL, JQ: ".uid"}} {
		if got, _ := render(t, o, messages, false, sample(1)); got == "" {
			t.Errorf("%+v: the rows before the failure are lost", o)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		o          Options
		text, hint string
	}{
		{Options{Fields: []string{"subjct"}}, `there is no field "subjct"`, `did you mean "subject"?`},
		{Options{Fields: []string{"uid", "message-id"}}, `there is no field "message-id"`, `did you mean "message_id"?`},
		{Options{Fields: []string{"xyzzy"}}, `there is no field "xyzzy"`, "the fields are account, mailbox, uidvalidity, uid,"},
		{Options{Fields: []string{"structure.typ"}}, `there is no field "structure.typ"`, `did you mean "structure.type"?`},
		{Options{Fields: []string{"from.adress"}}, `there is no field "from.adress"`, `did you mean "from.address"?`},
		{Options{Fields: []string{"uid.x"}}, `there is no field "uid.x"`, ""},
		{Options{Fields: []string{"date.wall"}}, `there is no field "date.wall"`, ""},
		{Options{Fields: []string{""}}, `there is no field ""`, "the fields are"},
		{Options{Fields: []string{"from."}}, `there is no field "from."`, "the fields are from.name, from.address"},
		{Options{Fields: []string{"uid", "uid "}}, `--fields names "uid" twice`, ""},
		{Options{JQ: ".[", Format: JSON}, "cannot read the --jq program", ""},
		{Options{JQ: "nosuch"}, "cannot compile the --jq program", ""},
		{Options{JQ: "input"}, "cannot compile the --jq program", ""},
		{Options{JQ: `import "x" as x; .`}, "cannot compile the --jq program", ""},
		{Options{Template: "{{.uid"}, "cannot read the template", ""},
		{Options{Template: "{{nosuch .uid}}"}, "cannot read the template", ""},
		{Options{Template: `{{define "x"}}{{end}}`}, "the template prints nothing", ""},
		{Options{Template: "x", JQ: "."}, "--template and --jq exclude", ""},
		{Options{Template: "x", Format: JSON}, "--template and --json exclude", ""},
		{Options{JQ: ".", Format: TSV}, "--jq and tab-separated values exclude", ""},
		{Options{Zero: true, Format: JSON}, "-0 and --json exclude", "-0 separates plain output"},
		{Options{Zero: true, Format: JSONL}, "-0 and --jsonl exclude", ""},
		{Options{Zero: true, Format: Table}, "-0 and a table exclude", ""},
	} {
		_, err := New(t.Context(), io.Discard, c.o, messages)
		if err == nil || fault.KindOf(err) != fault.Usage || !strings.HasPrefix(err.Error(), c.text) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.text)
		}
		if hints := strings.Join(fault.Hints(err), "\n"); !strings.Contains(hints, c.hint) {
			t.Errorf("%+v: hints %q, want %q", c.o, hints, c.hint)
		}
	}
}

func TestMisuse(t *testing.T) {
	for _, s := range []Spec{{}, {Row: 1}, {Row: result.Count{}, Columns: []Column{{Field: "nosuch"}}}} {
		if _, err := New(t.Context(), io.Discard, Options{}, s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
	for _, v := range []any{nil, 1, (*result.Count)(nil), result.Version{}} {
		if _, err := render(t, Options{}, count, true, v); err == nil {
			t.Errorf("%#v is taken as a row", v)
		}
	}
	if _, err := render(t, Options{}, count, true, result.Count{}, result.Count{}); err == nil {
		t.Error("two rows are taken where one was announced")
	}
	p, err := New(t.Context(), io.Discard, Options{}, count)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(true), p.Close(true), p.Flush()); err != nil {
		t.Error(err)
	}
	if p.Row(result.Count{}) == nil {
		t.Error("a row is taken after Close")
	}
}

// fullWriter takes room octets and fails then.
type fullWriter struct {
	room int
	err  error
	got  bytes.Buffer
}

func (f *fullWriter) Write(p []byte) (int, error) {
	if len(p) <= f.room {
		f.room -= len(p)
		return f.got.Write(p)
	}
	n, _ := f.got.Write(p[:f.room])
	f.room = 0
	return n, f.err
}

func TestWriteErrorsAreNeverLost(t *testing.T) {
	specs := []Options{{}, {TTY: true}, {Format: JSON}, {Format: JSON, TTY: true}, {Format: JSONL}, {Zero: true}, {JQ: ".[].subject"},
		{JQ: ".", Format: JSONL}, {Template: "{{.subject}}"}}
	for _, o := range specs {
		for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EPIPE} {
			for _, room := range []int{0, 1, 100, bufferSize, bufferSize + 1} {
				w := &fullWriter{room: room, err: &os.PathError{Op: "write", Path: "/dev/stdout", Err: errno}}
				p, err := New(t.Context(), w, o, messages)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 1500 {
					if err = p.Row(sample(uint32(i + 1))); err != nil {
						break
					}
				}
				if cerr := p.Close(true); err != nil && !errors.Is(cerr, err) {
					t.Errorf("%+v: close gave %v after %v", o, cerr, err)
				} else {
					err = cerr
				}
				want := fault.Local
				if errno == syscall.EPIPE {
					want = fault.Closed
				}
				if !errors.Is(err, errno) || fault.KindOf(err) != want {
					t.Fatalf("%+v, room for %d: %v", o, room, err)
				}
				if w.got.Len() > room {
					t.Errorf("%+v: written after an error", o)
				}
				for _, later := range []error{p.Row(sample(1)), p.Flush(), p.Close(true)} {
					if !errors.Is(later, errno) {
						t.Errorf("%+v: a later call gave %v", o, later)
					}
				}
			}
		}
	}
	if err := (&vertical{}).flush(); err != nil {
		t.Error(err)
	}
	w := &fullWriter{err: syscall.ENOSPC}
	p, err := New(t.Context(), w, Options{TTY: true}, count)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Row(result.Count{}), p.Close(true)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("single: %v", err)
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestShortWrite(t *testing.T) {
	p, err := New(context.Background(), shortWriter{}, Options{}, messages)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Row(sample(1)), p.Flush()); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

func TestFlush(t *testing.T) {
	for _, o := range []Options{{}, {TTY: true}, {Format: JSONL}, {Template: "{{.uid}}"}, {Format: JSONL, JQ: ".uid"}, {Zero: true}} {
		var b bytes.Buffer
		p, err := New(t.Context(), &b, o, messages)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			before := b.Len()
			if err := p.Row(sample(uint32(i + 1))); err != nil {
				t.Fatal(err)
			}
			if b.Len() != before {
				t.Errorf("%+v: written before Flush", o)
			}
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			if b.Len() == before {
				t.Errorf("%+v: row %d is not there after Flush", o, i)
			}
		}
		if p.Rows() != 3 {
			t.Errorf("%d rows", p.Rows())
		}
	}
}

// The struct of a row belongs to the caller again once Row has returned.
func TestRowsMayBeReused(t *testing.T) {
	for _, o := range []Options{{}, {TTY: true}, {Format: JSON}, {Format: JSONL}, {JQ: ".[]|[.uid,.from[0].name]"}, {Template: "{{.uid}}{{.from}}"}} {
		var want []any
		for i := range 150 {
			m := sample(uint32(i + 1))
			(*m.From)[0].Name = strings.Repeat("x", i)
			want = append(want, m)
		}
		expected, err := render(t, o, messages, true, want...)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		p, err := New(t.Context(), &b, o, messages)
		if err != nil {
			t.Fatal(err)
		}
		reused := sample(0)
		for i := range 150 {
			reused.UID = uint32(i + 1)
			(*reused.From)[0].Name = strings.Repeat("x", i)
			if err := p.Row(reused); err != nil {
				t.Fatal(err)
			}
		}
		reused.UID = 0
		if err := p.Close(true); err != nil {
			t.Fatal(err)
		}
		if b.String() != expected {
			t.Errorf("%+v: rows changed behind the caller's back", o)
		}
	}
}
