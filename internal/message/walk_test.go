package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// outline walks over raw and writes number, type and body of each part.
func outline(t *testing.T, r io.Reader) (string, error) {
	t.Helper()
	var out []string
	err := Walk(r, func(p *WalkPart) error {
		s := p.Number + ":" + p.Structure.MediaType()
		if len(p.Warnings) > 0 {
			s += "!"
		}
		if p.Body != nil && p.Structure.MediaType() != "message/rfc822" {
			body, err := io.ReadAll(p.Body)
			if err != nil {
				return err
			}
			s += fmt.Sprintf("=%q", body)
		}
		out = append(out, s)
		return nil
	})
	return strings.Join(out, " "), err
}

func TestWalk(t *testing.T) {
	const mixed = "Content-Type: multipart/mixed; boundary=b\n\n"
	tests := []struct{ name, raw, want string }{
		{"plain", "Subject: a\n\nbody\n", `1:text/plain="body\n"`},
		{"no line end", "Subject: a\n\nbody", `1:text/plain="body"`},
		{"no body", "Subject: a\n", `1:text/plain=""`},
		{"no header", "\nbody\n", `1:text/plain="body\n"`},
		{"nothing", "", `1:text/plain=""`},
		{"CR", "Subject: a\rContent-Type: text/html\r\rbody\r", `1:text/html="body\n"`},
		{"two parts", mixed + "preamble\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n--b--\nepilogue\n",
			`:multipart/mixed 1:text/plain="one" 2:text/html="two\n"`},
		{"CRLF", strings.ReplaceAll(mixed+"--b\n\none\ntwo\n--b--\n", "\n", "\r\n"), `:multipart/mixed 1:text/plain="one\r\ntwo"`},
		{"blanks behind the boundary", mixed + "--b \t\n\none\n--b-- \n", `:multipart/mixed 1:text/plain="one"`},
		{"no last boundary", mixed + "--b\n\none\n", `:multipart/mixed 1:text/plain="one\n"`},
		{"boundary as the last octets", mixed + "--b\n\none\n--b", `:multipart/mixed 1:text/plain="one" 2:text/plain=""`},
		{"no empty line in a part", mixed + "--b\nContent-Type: text/html\n--b--\n", `:multipart/mixed 1:text/html=""`},
		{"empty parts", mixed + "--b\n--b\n\n--b\n\n\n--b--\n", `:multipart/mixed 1:text/plain="" 2:text/plain="" 3:text/plain=""`},
		{"no parts", mixed + "text\n", `:multipart/mixed`},
		{"not the boundary", mixed + "--b\n\n--bb\n --b\n--B\n-b\n----b\n--b-\n--b--\n", `:multipart/mixed 1:text/plain="--bb\n --b\n--B\n-b\n----b\n--b-"`},
		{"nested", mixed + "--b\nContent-Type: multipart/alternative; boundary=\"c\"\n\n--c\n\none\n--c\nContent-Type: text/html\n\ntwo\n--c--\n\n--b\n\nthree\n--b--\n",
			`:multipart/mixed 1:multipart/alternative 1.1:text/plain="one" 1.2:text/html="two" 2:text/plain="three"`},
		{"inner boundary not closed", mixed + "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n",
			`:multipart/mixed 1:multipart/alternative 1.1:text/plain="one" 2:text/plain="two"`},
		{"both have one boundary", mixed + "--b\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b--\n--b--\n",
			`:multipart/mixed 1:multipart/alternative 1.1:text/plain="one"`},
		{"message", mixed + "--b\nContent-Type: message/rfc822\n\nSubject: in\n\ninner\n--b--\n", `:multipart/mixed 1:message/rfc822 1.1:text/plain="inner"`},
		{"message with parts", mixed + "--b\n\none\n--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ntwo\n--c\n\nthree\n--c--\n--b--\n",
			`:multipart/mixed 1:text/plain="one" 2:message/rfc822 :multipart/mixed 2.1:text/plain="two" 2.2:text/plain="three"`},
		{"message alone", "Content-Type: message/rfc822\n\nSubject: in\n\ninner\n", `1:message/rfc822 1.1:text/plain="inner\n"`},
		{"message cut in its header", mixed + "--b\nContent-Type: message/rfc822\n\nSubject: in\n--b--\n", `:multipart/mixed 1:message/rfc822 1.1:text/plain=""`},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\ninner\n--b\nContent-Type: text/plain\n\ntwo\n--b--\n",
			`:multipart/digest 1:message/rfc822 1.1:text/plain="inner" 2:text/plain="two"`},
		{"mbox line and junk", "From a@x Fri Nov 20 10:00:00 2026\njunk\nContent-Type: text/html\n\nbody", `1:text/html="body"`},
		{"unknown encoding", "Content-Transfer-Encoding: x-odd\n\nbody", `1:text/plain="body"`},
		{"broken types", mixed + "--b\nContent-Type: text\n\n1\n--b\nContent-Type: text / html; x\n\n2\n--b\nContent-Type: \n\n3\n--b\nContent-Type: text/html charset=utf-8\n\n4\n--b--\n",
			`:multipart/mixed 1:text/plain="1" 2:text/html="2" 3:text/plain="3" 4:text/html="4"`},
		{"quoted boundary", "Content-Type: multipart/mixed;\n boundary=\"a b;c=(d)\"\n\n--a b;c=(d)\n\none\n--a b;c=(d)--\n", `:multipart/mixed 1:text/plain="one"`},
		{"boundary in pieces", "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\none\n--ab--\n", `:multipart/mixed 1:text/plain="one"`},
		{"boundary like an encoded-word", "Content-Type: multipart/mixed; boundary=\"=?a?q?b?=\"\n\n--=?a?q?b?=\n\none\n--=?a?q?b?=--\n", `:multipart/mixed 1:text/plain="one"`},
		{"no boundary, guessed", "Content-Type: multipart/mixed\n\n--=_x1\nContent-Type: text/html\n\none\n--=_x1--\n", `:multipart/mixed 1:text/html="one"`},
		{"another boundary, guessed", "Content-Type: multipart/mixed; boundary=y\n\n-- \nsig\n--=_x1\nContent-Type: text/html\n\none\n--=_x1--\n", `:multipart/mixed 1:text/html="one"`},
		{"no boundary at all", "Content-Type: multipart/mixed\n\nbody\n", `1:text/plain!="body\n"`},
		{"inner one does not take the outer's", mixed + "--b\nContent-Type: multipart/mixed\n\n--b\nContent-Type: text/html\n\ntwo\n--b--\n",
			`:multipart/mixed 1:text/plain!="" 2:text/html="two"`},
		{"a long line", mixed + "--b\n\n" + strings.Repeat("x", 100) + "\n--b--\n", `:multipart/mixed 1:text/plain="` + strings.Repeat("x", 100) + `"`},
	}
	for _, tt := range tests {
		for _, read := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			if got, err := outline(t, read(strings.NewReader(tt.raw))); got != tt.want || err != nil {
				t.Errorf("%s: got\n%s, %v, want\n%s", tt.name, got, err, tt.want)
			}
		}
	}
}

// A body must come out whole whatever the buffers do with its lines.
func TestWalkLongLines(t *testing.T) {
	for _, n := range []int{1, streamBuffer - 1, streamBuffer, 2*streamBuffer - 1, 2 * streamBuffer, 2*streamBuffer + 1, 5 * streamBuffer} {
		for _, eol := range []string{"\n", "\r\n"} {
			body := strings.Repeat("x", n) + eol + eol + strings.Repeat("-", n) + eol + "--" + strings.Repeat("b", n)
			raw := "Content-Type: multipart/mixed; boundary=b" + eol + eol + "--b" + eol + eol + body + eol + "--b--" + eol
			got, err := outline(t, strings.NewReader(raw))
			want := fmt.Sprintf(":multipart/mixed 1:text/plain=%q", body)
			if n == 1 { // the last line is the boundary itself
				want = fmt.Sprintf(":multipart/mixed 1:text/plain=%q 2:text/plain=%q", strings.TrimSuffix(body, eol+"--b"), "")
			}
			if got != want || err != nil {
				t.Errorf("%d octets: %d of %d, %v", n, len(got), len(want), err)
			}
		}
	}
}

func TestWalkReadMessage(t *testing.T) {
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\ninner\n--b\n\ntwo\n--b--\n"
	var got []string
	err := Walk(strings.NewReader(raw), func(p *WalkPart) error {
		if p.Body != nil {
			b := make([]byte, 5)
			n, _ := p.Body.Read(b) // not to its end
			got = append(got, p.Number+string(b[:n]))
		}
		return nil
	})
	if s := strings.Join(got, "|"); s != "1Subje|2two" || err != nil {
		t.Errorf("%s, %v", s, err)
	}
}

func TestWalkErrors(t *testing.T) {
	stop := errors.New("stop")
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n"
	for n := range 2 {
		calls := 0
		err := Walk(strings.NewReader(raw), func(*WalkPart) error {
			if calls++; calls > n {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || calls != n+1 {
			t.Errorf("%v after %d calls", err, calls)
		}
	}
	// A cut message is read as far as it goes, and the error stays.
	for n := range len(raw) {
		cut := io.MultiReader(strings.NewReader(raw[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
		err := Walk(cut, func(p *WalkPart) error {
			if p.Body != nil {
				_, err := io.Copy(io.Discard, p.Body)
				return err
			}
			return nil
		})
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func TestReadStructure(t *testing.T) {
	raw := strings.ReplaceAll(`From: a@x
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8BIT
Content-Language: de, en
Content-Description: =?utf-8?q?=C3=A9?=
Content-ID: <i@x>
Content-MD5: abc==
Content-Location: http://x/
 y

one
two

--b
Content-Type: message/rfc822
Content-Disposition: attachment; filename*=utf-8''%C3%A9.eml

Subject: in
Content-Type: multipart/alternative; boundary=c

--c

three
--c--

--b--
`, "\n", "\r\n")
	s, err := ReadStructure(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.Part()
	if got := numbers(p); got != "=multipart/mixed (1=text/plain 2=message/rfc822 (=multipart/alternative (2.1=text/plain)))" {
		t.Error(got)
	}
	one, two := p.Parts[0], p.Parts[1]
	if one.Size != 10 || one.Lines != 2 || one.Encoding != "8bit" || one.Description != "é" || one.ContentID != "<i@x>" || one.MD5 != "abc==" ||
		one.Location != "http://x/y" || fmt.Sprint(one.Language) != "[de en]" {
		t.Errorf("%+v", one)
	}
	inner := raw[strings.Index(raw, "Subject: in"):strings.Index(raw, "\r\n--b--")]
	if two.Size != uint64(len(inner)) || two.Lines != uint64(strings.Count(inner, "\n")) || two.Name != "é.eml" {
		t.Errorf("%+v, want %d octets, %d lines", two, len(inner), strings.Count(inner, "\n"))
	}
	if s := two.Parts[0].Parts[0].Size; s != 5 {
		t.Errorf("inner part of %d octets", s)
	}
	if a := Attachments(s); len(a) != 1 || a[0].Part != "2" {
		t.Errorf("%v", a)
	}
}

func TestWalkBounds(t *testing.T) {
	part := "--b\n\nx\n"
	many := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat(part, MaxParts+10)
	n := 0
	err := Walk(strings.NewReader(many), func(*WalkPart) error { n++; return nil })
	if fault.KindOf(err) != fault.Protocol || n != MaxParts {
		t.Errorf("%d parts, %v", n, err)
	}
	headers := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nX: "+strings.Repeat("x", MaxPartHeader-10)+"\n\ny\n", 300) + "--b--\n"
	n = 0
	err = Walk(strings.NewReader(headers), func(*WalkPart) error { n++; return nil })
	if fault.KindOf(err) != fault.Protocol || n != 301 {
		t.Errorf("%d parts with large headers, %v", n, err)
	}
	long := "Subject: a\nX: " + strings.Repeat("x", 2*MaxHeader) + "\nContent-Type: text/html\n\nbody"
	if got, err := outline(t, strings.NewReader(long)); !strings.HasPrefix(got, "1:text/") || !strings.Contains(got, `!="body"`) || err != nil {
		t.Errorf("%.100s, %v", got, err)
	}
}

// Nesting of any depth must take linear time and no stack.
func TestWalkDeep(t *testing.T) {
	const depth = 10_000
	var multi, single, same bytes.Buffer
	for i := range depth {
		fmt.Fprintf(&multi, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		single.WriteString("Content-Type: message/rfc822\n\n")
		same.WriteString("Content-Type: multipart/mixed; boundary=b\n\n--b\n")
	}
	for i := range depth {
		fmt.Fprintf(&multi, "\n--b%d--\n", depth-1-i)
		same.WriteString("\n--b--\n")
	}
	for name, b := range map[string]*bytes.Buffer{"multipart": &multi, "message": &single, "one boundary": &same} {
		start := time.Now()
		deepest := 0
		err := Walk(b, func(p *WalkPart) error { deepest = max(deepest, p.Depth); return nil })
		if d := time.Since(start); d > 10*time.Second || deepest > MaxDepth || err != nil && fault.KindOf(err) != fault.Protocol {
			t.Errorf("%s: depth %d in %v, %v", name, deepest, d, err)
		}
	}
}

func TestWalkLinear(t *testing.T) {
	nest := ""
	for i := range MaxDepth {
		nest += fmt.Sprintf("Content-Type: multipart/mixed; boundary=%s%d\n\n--%s%d\n", strings.Repeat("x", 60), i, strings.Repeat("x", 60), i)
	}
	for _, line := range []string{"--\n", "--" + strings.Repeat("x", 60) + "\n", "\n", "-\n", "--" + strings.Repeat("x", 60) + "0\nContent-Type: multipart/mixed\n\n"} {
		start := time.Now()
		err := Walk(strings.NewReader(nest+"\n"+strings.Repeat(line, 2<<20/len(line))), func(*WalkPart) error { return nil })
		if d := time.Since(start); d > 10*time.Second || err != nil && fault.KindOf(err) != fault.Protocol {
			t.Errorf("%.10q took %v, %v", line, d, err)
		}
	}
}

// A large body must not cost memory.
func TestWalkMemory(t *testing.T) {
	const octets = 8 << 20
	raw := io.MultiReader(strings.NewReader("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\n"),
		io.LimitReader(lineSource{}, octets), strings.NewReader("\n--b--\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var n int64
	err := Walk(raw, func(p *WalkPart) (err error) {
		if p.Body != nil {
			n, err = io.Copy(io.Discard, Decode(p.Body, p.Structure.Encoding))
		}
		return err
	})
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; n < octets/2 || used > 1<<20 || err != nil {
		t.Errorf("%d octets, %d allocated, %v", n, used, err)
	}
}

// lineSource gives lines of base64 for ever.
type lineSource struct{}

func (lineSource) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "QUJD\n"[i%5]
	}
	return len(p), nil
}

func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--b--\nz",
		"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n\r\nc\r\n--b--",
		"Content-Type: multipart/mixed\n\n--xxxxx\nContent-Type: text/html\n\n--xxxxx--",
		"A: b\r\rc\rd", "Content-Type: message/rfc822\n\n\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		whole, err := outline(t, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		pieces, err := outline(t, iotest.OneByteReader(bytes.NewReader(raw)))
		if err != nil || whole != pieces {
			t.Fatalf("%s whole, %s in pieces, %v", whole, pieces, err)
		}
		s, err := ReadStructure(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		sizes := map[string]uint64{}
		var check func(s *Structure, number, below string)
		check = func(s *Structure, number, below string) {
			if s.Size > uint64(len(raw)) || s.Lines > s.Size {
				t.Fatalf("part %s: %d octets, %d lines", number, s.Size, s.Lines)
			}
			if !s.multipart() && s.Message == nil {
				sizes[number] = s.Size
			}
			for i, c := range s.Children {
				n := partNumber(below, i)
				check(c, n, n)
			}
			if s.Message != nil {
				n, b := rootNumber(s.Message, number)
				check(s.Message, n, b)
			}
		}
		number, below := rootNumber(s, "")
		check(s, number, below)
		// What is read of a part is as large as the structure says.
		if err := Walk(bytes.NewReader(raw), func(p *WalkPart) error {
			if size, leaf := sizes[p.Number]; leaf && p.Body != nil {
				n, err := io.Copy(io.Discard, p.Body)
				if uint64(n) != size {
					t.Fatalf("part %s: read %d octets, structure says %d", p.Number, n, size)
				}
				return err
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		TextParts(s)
		Attachments(s)
	})
}

func BenchmarkWalk(b *testing.B) {
	raw := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + strings.Repeat(strings.Repeat("SGVsbG8s", 9)+"SGVs\r\n", 20_000) + "--b--\r\n"
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadStructure(strings.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}
