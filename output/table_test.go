package output

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/result"
)

func TestTable(t *testing.T) {
	at := time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC)
	row := func(uid uint32, subject string) *result.Message {
		return &result.Message{UID: uid, Subject: &subject, InternalDate: &at,
			From: &[]result.Address{{Name: "Ann", Address: "a@example.org"}}}
	}
	local := at.Local().Format(tableTime)
	spec := Spec{Row: result.Message{}, Columns: []Column{
		{Field: "uid", Title: "UID", Right: true},
		{Field: "internal_date"},
		{Field: "from", Title: "FROM", Flex: true, Format: func(v any) string { return v.([]result.Address)[0].Name }},
		{Field: "subject", Flex: true},
	}}
	rows := []any{row(7, "漢字 wide"), row(1234, "e\u0301 combining\x1b[2J\n\tx"), row(8, "👩‍💻 joined"), &result.Message{UID: 9}}
	want := func(lines ...string) string {
		return strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "%LOCAL TIME", local)
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"any width", Options{TTY: true}, want(
			" UID  INTERNAL DATE     FROM  SUBJECT",
			"   7  %LOCAL TIME  Ann   漢字 wide",
			"1234  %LOCAL TIME  Ann   e\u0301 combining^[[2J  x",
			"   8  %LOCAL TIME  Ann   👩‍💻 joined",
			"   9")},
		{"44 columns", Options{TTY: true, Width: 44, Color: true}, want(
			"\x1b[1m UID  INTERNAL DATE     FROM  SUBJECT\x1b[0m",
			"   7  %LOCAL TIME  Ann   漢字 wide",
			"1234  %LOCAL TIME  Ann   e\u0301 combining^[…",
			"   8  %LOCAL TIME  Ann   👩‍💻 joined",
			"   9")},
		{"fields", Options{TTY: true, Fields: []string{"from.address", "uid", "truncated"}}, want(
			"FROM ADDRESS    UID  TRUNCATED",
			"a@example.org     7",
			"a@example.org  1234",
			"a@example.org     8",
			"                  9")},
	} {
		got, err := render(t, c.o, spec, true, rows...)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s\n%q", c.name, got, c.want, got)
		}
	}
}

func TestVertical(t *testing.T) {
	s := Spec{Row: result.Selected{}, Single: true}
	row := &result.Selected{Account: "a1", Mailbox: "a\x1bb", Exists: 3, UIDNext: ptr(uint64(9)), Flags: []string{`\Seen`, "x"}}
	got, err := render(t, Options{TTY: true, Color: true, Fields: []string{"mailbox", "exists", "uidnext", "unseen", "flags", "read_only"}}, s, true, row)
	want := "\x1b[1mMAILBOX  \x1b[0m  a^[b\n\x1b[1mEXISTS   \x1b[0m  3\n\x1b[1mUIDNEXT  \x1b[0m  9\n" +
		"\x1b[1mFLAGS    \x1b[0m  \\Seen x\n\x1b[1mREAD ONLY\x1b[0m  false\n"
	if err != nil || got != want {
		t.Errorf("got  %q\nwant %q\nerror %v", got, want, err)
	}
}

// The first rows decide the widths; what comes later is cut, and what is in
// memory is bounded.
func TestLaterRowsAreCut(t *testing.T) {
	s := Spec{Row: result.Attachment{}, Columns: []Column{{Field: "name", Flex: true}, {Field: "size", Right: true}, {Field: "type", Flex: true}}}
	var b bytes.Buffer
	p, err := New(t.Context(), &b, Options{TTY: true, Width: 40}, s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tableRows + 1 {
		name, kind := fmt.Sprintf("file %d", i%10), "text/plain"
		if i == tableRows {
			name, kind = "a much longer name than before", strings.Repeat("k", 2*tableCell)
		}
		if err := p.Row(&result.Attachment{Name: name, Size: 1, Type: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.r.(*table).first); n != 0 {
		t.Errorf("%d rows kept", n)
	}
	if err := p.Close(true); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	want := "a muc…     1  " + strings.Repeat("k", 25) + "…"
	if last := lines[len(lines)-1]; last != want {
		t.Errorf("got  %q\nwant %q", last, want)
	}
}

// No line of Flex columns is wider than the terminal, nothing acts on it, and
// no cell is cut inside a character.
func TestTableFitsAndIsSafe(t *testing.T) {
	s := Spec{Row: result.Attachment{}, Columns: []Column{{Field: "name", Flex: true}, {Field: "size", Right: true}, {Field: "type", Flex: true}}}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var rows []any
		for range 130 {
			rows = append(rows, &result.Attachment{Name: strings.Repeat(randomText(r), 5), Type: strings.Repeat(randomText(r), 3), Size: r.Uint64N(100)})
		}
		width := 24 + r.IntN(60)
		got, err := render(t, Options{TTY: true, Width: width}, s, true, rows...)
		if err != nil {
			t.Fatal(err)
		}
		checkSafe(t, strings.ToValidUTF8(got, "\x00"))
		for line := range strings.Lines(got) {
			if w := cells.StringWidth(strings.TrimSuffix(line, "\n")); w > width {
				t.Fatalf("%d cells in %d: %q", w, width, line)
			}
		}
	}
}

func TestLongCellIsCutAtACharacter(t *testing.T) {
	m := sample(1)
	for n := range 5 {
		m.Subject = ptr(strings.Repeat("x", n) + strings.Repeat("👍", tableCell))
		got, err := render(t, Options{TTY: true, Fields: []string{"subject"}}, messages, true, m)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(got, '\ufffd') || len(got) > tableCell+20 {
			t.Errorf("%d octets, cut inside a character", len(got))
		}
	}
}

func TestBareHasNoHeading(t *testing.T) {
	spec := Spec{Row: result.Count{}, Columns: []Column{{Field: "count"}}, Bare: true}
	for _, o := range []Options{{}, {TTY: true, Color: true}, {Format: Table}} {
		if got, err := render(t, o, spec, true, result.Count{Count: 3}); got != "3\n" || err != nil {
			t.Errorf("%+v: %q, %v", o, got, err)
		}
	}
}
