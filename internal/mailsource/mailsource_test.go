package mailsource

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

func read(t testing.TB, m *Message) string {
	t.Helper()
	r, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != m.Size {
		t.Errorf("%s %d: %d octets, and Size says %d", m.Source, m.Number, len(data), m.Size)
	}
	return string(data)
}

// one reads text as standard input.
func all(t testing.TB, text string) []*Message {
	t.Helper()
	s, err := Open([]string{"-"}, iotest.OneByteReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	var out []*Message
	for m, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func TestSingle(t *testing.T) {
	long := strings.Repeat("x", 3*bufferSize)
	for _, tt := range []struct {
		in, out   string
		converted bool
		nul       bool
	}{
		{"", "", false, false},
		{"A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc\r\n", false, false},
		{"A: b\n\nc\n", "A: b\r\n\r\nc\r\n", true, false},
		{"A: b\r\n\nc", "A: b\r\n\r\nc", true, false},
		{"a\rb\r\n", "a\rb\r\n", false, false},
		{"a\r\r\n\n", "a\r\r\n\r\n", true, false},
		{"\n", "\r\n", true, false},
		{"\r", "\r", false, false},
		{"From : a@example.org\r\nSubject: spaced\r\n\r\nx\r\n", "From : a@example.org\r\nSubject: spaced\r\n\r\nx\r\n", false, false},
		{"From \t : a 10:00\n\nx\n", "From \t : a 10:00\r\n\r\nx\r\n", true, false},
		{"a\x00\n", "a\x00\r\n", true, true},
		{">From x\n\nFrom y 10:00\n", ">From x\r\n\r\nFrom y 10:00\r\n", true, false},
		{long + "\n" + long, long + "\r\n" + long, true, false},
		{long[1:bufferSize] + "\r\n\n", long[1:bufferSize] + "\r\n\r\n", true, false},
		{long[:bufferSize] + "\r\n", long[:bufferSize] + "\r\n", false, false},
		{long[2:bufferSize] + "\r\n", long[2:bufferSize] + "\r\n", false, false},
	} {
		m := all(t, tt.in)
		if len(m) != 1 || m[0].Source != "-" || m[0].Number != 0 || !m[0].Date.IsZero() {
			t.Fatalf("%.40q: %+v", tt.in, m)
		}
		if got := read(t, m[0]); got != tt.out {
			t.Errorf("%.40q became %.40q, want %.40q", tt.in, got, tt.out)
		}
		if m[0].Converted != tt.converted || m[0].NUL != tt.nul {
			t.Errorf("%.40q: converted %v, NUL %v", tt.in, m[0].Converted, m[0].NUL)
		}
	}
}

func TestMessageID(t *testing.T) {
	m := all(t, "From a 10:00\nSubject: x\nmessage-id:\n <a@b>\n\nMessage-ID: <no>\n\nFrom b 10:00\n\nMessage-ID: <no>\n")
	if len(m) != 2 || m[0].MessageID != "<a@b>" || m[1].MessageID != "" {
		t.Errorf("%q, %q", m[0].MessageID, m[1].MessageID)
	}
}

func TestMbox(t *testing.T) {
	long := strings.Repeat("y", 2*bufferSize)
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"one", "From a\nA: b\n\nc\n", []string{"A: b\r\n\r\nc\r\n"}},
		{"CRLF", "From a\r\nA: b\r\n\r\nc\r\n\r\nFrom b Fri Nov 20 10:00:00 2026\r\nd\r\n", []string{"A: b\r\n\r\nc\r\n", "d\r\n"}},
		{"the empty line is the separator's", "From a\nx\n\n\nFrom b 10:00\ny\n\n", []string{"x\r\n\r\n", "y\r\n"}},
		{"nothing but separators", "From a\nFrom b 10:00\n\nFrom c 10:00\n", []string{"From b 10:00\r\n", ""}},
		{"no empty line before", "From a\nx\nFrom b 10:00\n", []string{"x\r\nFrom b 10:00\r\n"}},
		{"no time of day", "From a\nx\n\nFrom here on: text\n", []string{"x\r\n\r\nFrom here on: text\r\n"}},
		{"quoted", "From a\n>From x\n>>From y\n>Fro\n> From z\nx >From\n", []string{"From x\r\n>From y\r\n>Fro\r\n> From z\r\nx >From\r\n"}},
		{"a field with a blank", "From a\nx\n\nFrom : b 10:00\ny\n", []string{"x\r\n\r\nFrom : b 10:00\r\ny\r\n"}},
		{"no end", "From a\nx", []string{"x"}},
		{"no line", "From a", []string{}},
		{"a long line", "From a\n" + long + "From b 10:00\n" + long + "\n\nFrom c 10:00\nz\n", []string{long + "From b 10:00\r\n" + long + "\r\n", "z\r\n"}},
		{"Status stays", "From a\nStatus: RO\nX-Status: A\n\n", []string{"Status: RO\r\nX-Status: A\r\n"}},
	} {
		m := all(t, tt.in)
		var got []string
		for i, m := range m {
			if m.Number != i+1 {
				t.Errorf("%s: message %d has the number %d", tt.name, i+1, m.Number)
			}
			got = append(got, read(t, m))
		}
		if tt.name == "no line" { // a From_ line without an end is all there is
			if len(got) > 1 || len(got) == 1 && got[0] != "" {
				t.Errorf("%s: %.100q", tt.name, got)
			}
			continue
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %.100q, want %.100q", tt.name, got, tt.want)
		}
	}
}

func TestMboxDate(t *testing.T) {
	m := all(t, "From a Fri Nov 20 10:00:00 2026\nx\n\nFrom b 10:00\ny\n")
	if len(m) != 2 || !m[0].Date.Equal(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)) || !m[1].Date.IsZero() {
		t.Errorf("%v", m)
	}
}

func TestInternal(t *testing.T) {
	const state = "From M Fri Nov 20 10:00:00 2026\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nThis text is part of the internal format\n\n"
	m := all(t, state+state+"From b Fri Nov 20 10:00:00 2026\nSubject: FOLDER INTERNAL DATA\n\ny\n")
	if len(m) != 3 || !m[0].Internal || m[1].Internal || m[2].Internal {
		t.Errorf("%+v", m)
	}
	if _, alone, _ := strings.Cut(state, "\n"); all(t, alone)[0].Internal {
		t.Error("a file of one message")
	}
}

func TestFromLineDate(t *testing.T) {
	for in, want := range map[string]string{
		"From a Fri Nov 13 10:00:00 2026":                         "2026-11-13T10:00:00Z",
		"From a Fri Nov  6 10:00:00 2026":                         "2026-11-06T10:00:00Z",
		"From a b c Fri Nov 13 10:00:00 2026 -0500":               "2026-11-13T10:00:00-05:00",
		"From a Fri Nov 13 10:00:00 -0500 2026":                   "2026-11-13T10:00:00-05:00",
		"From a Fri Nov 13 10:00 2026":                            "2026-11-13T10:00:00Z",
		"From a@example.org Sat Jan  3 01:05:34 MET 1998":         "1998-01-03T01:05:34+01:00",
		"From a@example.org Sat Jan  3 01:05:34 1998 +0100 (MET)": "1998-01-03T01:05:34+01:00",
		"From a Sat Jan  3 01:05:34 Pacific Standard Time 1998":   "1998-01-03T01:05:34-08:00",
		"From a Sat, 3 Jan 1998 01:05:34 +0100":                   "1998-01-03T01:05:34+01:00",
		"From a 3 Jan 1998 01:05:34 EST":                          "1998-01-03T01:05:34-05:00",
		"From a Sat Jan  3 01:05:34 1998 remote from host":        "1998-01-03T01:05:34Z " + unknownZone,
		"From a Sat Jan  3 01:05:34 XYZT 1998":                    "1998-01-03T01:05:34Z " + unknownZone,
		"From a Sat Jan 33 01:05:34 1998":                         " " + noFromDate,
		"From a":                                                  " " + noFromDate,
		"From a yesterday at ten":                                 " " + noFromDate,
		"From a at 10:00":                                         " " + noFromDate,
	} {
		got := ""
		date, warning := fromLineDate(in)
		if !date.IsZero() {
			got = date.Format(time.RFC3339)
		}
		if warning != "" {
			got += " " + warning
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func write(t *testing.T, name, text string, when time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, when, when); err != nil {
		t.Fatal(err)
	}
}

func TestMaildir(t *testing.T) {
	dir := t.TempDir()
	at := func(n int) time.Time { return time.Date(2026, 11, 20, 10, n, 0, 0, time.UTC) }
	write(t, dir+"/cur/b:2,SRP", "2\n", at(2))
	write(t, dir+"/new/a", "1\n", at(1))
	write(t, dir+"/cur/c!2,TDF", "3\r\n", at(3))
	write(t, dir+"/cur/d:1,S", "4", at(3))
	write(t, dir+"/cur/.x", "no", at(0))
	write(t, dir+"/tmp/y", "no", at(0))
	if err := os.Mkdir(dir+"/cur/folder", 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	for m, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(dir, m.Source)
		got = append(got, filepath.ToSlash(rel)+" "+m.Date.UTC().Format("15:04")+" "+strings.Join(m.Flags, " ")+" "+read(t, m))
	}
	want := []string{"new/a 10:01  1\r\n", `cur/b:2,SRP 10:02 \Seen \Answered $Forwarded 2` + "\r\n", `cur/c!2,TDF 10:03 \Deleted \Draft \Flagged 3` + "\r\n", "cur/d:1,S 10:03  4"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, want string }{
		{dir, "is no Maildir"},
		{filepath.Join(dir, "none"), "no such file or directory"},
	} {
		_, err := Open([]string{tt.name}, nil)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), dir) != 1 {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	_, err := Open([]string{"-"}, iotest.ErrReader(io.ErrClosedPipe))
	if err == nil || !strings.Contains(err.Error(), "cannot read standard input") {
		t.Error(err)
	}
}

// TestChanged: what was looked at is what is sent, or nothing.
func TestChanged(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.eml")
	when := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for what, change := range map[string]func(){
		"longer":   func() { write(t, name, "A: b\n\nlonger\n", when) },
		"later":    func() { write(t, name, "A: b\n\nd\n", when.Add(time.Second)) },
		"replaced": func() { os.Rename(name, name+"~"); write(t, name, "A: b\n\ne\n", when) },
		"gone":     func() { os.Remove(name) },
	} {
		write(t, name, "A: b\n\nc\n", when)
		s, err := Open([]string{name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for m, err := range s.All() {
			if err != nil {
				t.Fatal(err)
			}
			read(t, m)
			change()
			if _, err := m.Open(); fault.KindOf(err) != fault.Local {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

func TestUnreadable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.eml")
	write(t, name, "A: b\n", time.Now())
	s, err := Open([]string{name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(name)
	for m, err := range s.All() {
		if err != nil || m.Problem == nil {
			t.Errorf("%v, %v", err, m.Problem)
		}
	}
}

// FuzzMbox: whatever the octets, the messages are pieces of the file in order,
// with the sizes they are said to have, and no bare LF is left in them.
func FuzzMbox(f *testing.F) {
	for _, seed := range []string{
		"", "From ", "From a\n", "From a\nSubject: x\n\n>From y\n\nFrom b 10:00\r\n\r\nz", "From a\n\n\n\nFrom b 1:00\n\nFrom c 1:00",
		"From : x 10:00\n\nFrom a Sat Jan  3 01:05:34 MET 1998\n\nFrom \t: 1:00\n\nFrom b Sat 1:00 Standard Time\nX-IMAP: 1\nSubject: folder internal data",
		"From a\n>>>From \n>From 10:00", "x\nFrom a 10:00\n", "From a\n\x00\r\r\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		end, kept := int64(0), 0
		for e, err := range Mbox(in) {
			if err != nil {
				t.Fatal(err)
			}
			if e.start < end || e.end < e.start || e.end > int64(len(data)) {
				t.Fatalf("%d to %d behind %d", e.start, e.end, end)
			}
			end = e.end
			plain, err := io.ReadAll(e.Reader(pieces{in}))
			if err != nil || len(plain) > int(e.end-e.start) {
				t.Fatalf("%d octets of %d, %v", len(plain), e.end-e.start, err)
			}
			kept += len(plain)
			var s survey
			s.Write(plain)
			var halves survey
			halves.Write(plain[:len(plain)/2])
			halves.Write(plain[len(plain)/2:])
			if s.bare != halves.bare || s.size != halves.size || s.nul != halves.nul {
				t.Fatal("a message in two pieces is counted otherwise")
			}
			sent, err := io.ReadAll(e.reader(in, true, true))
			if err != nil || int64(len(sent)) != s.size+s.bare {
				t.Fatalf("%d octets, not %d, %v", len(sent), s.size+s.bare, err)
			}
			if bytes.Count(sent, []byte("\n")) != bytes.Count(sent, []byte("\r\n")) {
				t.Fatal("a bare LF is left")
			}
			if !bytes.Equal(bytes.ReplaceAll(sent, []byte("\r\n"), []byte("\n")), bytes.ReplaceAll(plain, []byte("\r\n"), []byte("\n"))) {
				t.Fatal("more than line ends has changed")
			}
		}
		if kept > len(data) {
			t.Fatal("more out than in")
		}
	})
}

// pieces gives small pieces.
type pieces struct{ r io.ReaderAt }

func (i pieces) ReadAt(p []byte, off int64) (int, error) {
	return i.r.ReadAt(p[:min(len(p), 7)], off)
}
