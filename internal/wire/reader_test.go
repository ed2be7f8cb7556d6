package wire

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// errLost is what the transport says in these tests when its data have ended.
var errLost = errors.New("lost")

// feed is a Reader over what src gives, as a connection has it. It fails the
// test when it is asked again and again after the end: that would be a loop.
func feed(t testing.TB, src io.Reader) *Reader {
	asked := 0
	return &Reader{buf: make([]byte, bufferSize+lookBack), fill: func(p []byte) (int, error) {
		n, err := src.Read(p)
		if err == io.EOF {
			err = errLost
			if asked++; asked > 1000 {
				t.Fatal("the end is read for ever")
			}
		}
		return n, err
	}}
}

// run reads r by one call a letter of ops and writes down what each gave.
//
//	( ) Open, Close   a Atom   i Item     s String    c String of 3 octets
//	n Number          3 Number32          S Set       k Skip   t Text
//	N TryNumber
//	I Take of BODY[1]  u Until )
//	b Body to its end p Body's first 2 octets         e AtEnd  . Next
//	f finish, of an untagged response     F finish, of a status
func run(r *Reader, ops string) string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, op := range ops {
		switch op {
		case '(':
			say("%v", r.Open())
		case ')':
			say("%v", r.Close())
		case 'a':
			say("%s", r.Atom())
		case 'i':
			say("%s", r.Item())
		case 'I':
			if r.Take("BODY[1]") {
				say("BODY[1]")
			} else { // it may not have arrived whole
				say("%s", r.Item())
			}
		case 'u':
			say("%s", r.Until(')'))
		case 's', 'c':
			limit := MaxString
			if op == 'c' {
				limit = 3
			}
			if s, ok := r.String(limit); ok {
				say("%q", s)
			} else {
				say("NIL")
			}
		case 'n':
			say("%d", r.Number())
		case 'N':
			n, ok := r.TryNumber()
			say("%d %v", n, ok)
		case '3':
			say("%d", r.Number32())
		case 'S':
			r.Set(func(lo, hi uint32) { say("%d:%d", lo, hi) })
		case 'k':
			r.Skip()
		case 't':
			say("%s", r.Text())
		case 'b', 'p':
			say("%s", body(r, op == 'p'))
		case 'e':
			say("%v", r.AtEnd())
		case '.':
			say("%q", r.Next())
		case 'f', 'F':
			say("finish")
			r.finish(op == 'f')
		}
	}
	if r.Cut() {
		say("cut")
	}
	switch err := r.Err(); {
	case IsSyntax(err):
		say("syntax: %v", err)
	case err != nil:
		say("err: %v", err)
	}
	return strings.Join(out, " ")
}

func body(r *Reader, part bool) string {
	b := r.Body()
	if b == nil {
		return "NIL"
	}
	var src io.Reader = b
	if part {
		src = io.LimitReader(b, 2)
	}
	data, err := io.ReadAll(src)
	out := fmt.Sprintf("%d of %d %q", len(data), b.Size, data)
	if err != nil {
		out += " " + err.Error()
	}
	return out
}

var readerTests = [...]struct{ name, in, ops, want string }{
	// What the grammar says (RFC 9051 section 9).
	{"atoms", `FLAGS \Seen` + "\r\n", "aaae", `FLAGS \Seen  true`},
	{"list", `(a (b) c)` + "\r\n", "(a(a)a))e", "true a true b true c true true true syntax: a list that does not end"},
	{"quoted", `"a b" "" "q\"\\" x` + "\r\n", "ssss", `"a b" "" "q\"\\" "x"`},
	{"literal", "{3}\r\na\rb {0}\r\n x\r\n", "sss", `"a\rb" "" "x"`},
	{"literal8", "~{2}\r\n\x00\n)\r\n", "s)", `"\x00\n" true`},
	{"literal+", "{2+}\r\nab\r\n", "s", `"ab"`},
	{"nil", `NIL nil "NIL" NILS` + "\r\n", "ssss", `NIL NIL "NIL" "NILS"`},
	{"numbers", "0 4294967295 18446744073709551615\r\n", "n3n", "0 4294967295 18446744073709551615"},
	{"item", `BODY[HEADER.FIELDS (A "B]")]<7> x` + "\r\n", "ia", `BODY[HEADER.FIELDS (A "B]")]<7> x`},
	{"item in a list", `(UID 1 BODY[1.MIME] NIL)` + "\r\n", "(iniis)", "true UID 1 BODY[1.MIME] NIL NIL true syntax: \")\" where a string belongs"},
	{"set", "1,5:7,9:8 x\r\n", "Sa", "1:1 5:7 9:8 x"},
	{"huge set", "1:4294967295\r\n", "S", "1:4294967295"},
	{"text", "  some [text] {5}\r\n", "te", "some [text] {5} true"},
	{"next", " (\r\n", ".(.", `'(' true '\x00'`},
	{"skip", `(a "b)" {3}` + "\r\n" + `)))(c)) d` + "\r\n", "ka", "d"},
	{"skip each", "NIL a \"b\" {1}\r\nc (d) 7\r\n", "kkkkkn", "7"},
	{"skip nothing at a list's end", "(a)\r\n", "(ak)", "true a true"},

	{"take", "BODY[1] x BODY[1]<0> BODY[1.MIME] BODY[1](y)\r\n", "IaIIIe", "BODY[1] x BODY[1]<0> BODY[1.MIME] BODY[1] false"},
	{"take behind a body", "{3}\r\nabc  BODY[1] x\r\n", "pIa", `2 of 3 "ab" BODY[1] x`},
	{"until", "a b \"c) d)\r\n", "u)u)", `a b "c true d true`},
	{"until the end", "a b\r\nc\r\n", "uefa", "a b true finish c"},

	// What servers do all the same.
	{"two blanks", "a  (  b\t )  \"c\"\r\n", "a(a)se", `a true b true "c" true`},
	{"no blank", `a(b)"c"(d)` + "\r\n", "a(a)s(a)e", `a true b true "c" true d true true`},
	{"no blank before a literal", "BODY[]{3}\r\nabc)\r\n", "is)", `BODY[] "abc" true`},
	{"no blank before a partial literal", "BODY[TEXT]<0>{3}\r\nabc)\r\n", "ib)", `BODY[TEXT]<0> 3 of 3 "abc" true`},
	{"no blank before a tilde", "BINARY[1]~{3}\r\nabc)\r\n", "i", "BINARY[1]~"},
	{"quote inside", `"say "hi" you" x` + "\r\n", "saa", `"say \"hi" you `},
	{"quote inside a word", `"a"b" x` + "\r\n", "sa", `"a\"b" x`},
	{"quote at the end of a list", `"a"b")` + "\r\n", "s)", `"a\"b" true`},
	{"backslash that escapes nothing", `"C:\dir" x` + "\r\n", "sa", `"C:\\dir" x`},
	{"bracket in a flag", `(\Seen a]b [c)` + "\r\n", "(sss)", `true "\\Seen" "a]b" "[c" true`},
	{"8-bit atom", "(caf\xe9)\r\n", "(s)", `true "caf\xe9" true`},
	{"tilde in front of an atom", "~user/x y\r\n", "ss", `"~user/x" "y"`},
	{"line feed alone", "a (b\n", "a(a)", "a true b true syntax: a list that does not end"},
	{"brace in an atom", "a{b}c d\r\n", "aa", "a{b}c d"},
	{"brace in an item", "a{b}c d\r\n", "ii", "a{b}c d"},

	// What cannot be read costs the response only.
	{"no number", "x 5\r\n", "nn", `0 0 syntax: "x 5" where a number belongs`},
	{"no string", "(a)\r\n", "ss", `NIL NIL syntax: "(a)" where a string belongs`},
	{"list without an end", "(a (b\r\n", "(a(a))", "true a true b true true syntax: a list that does not end"},
	{"skip without an end", "(a (b\r\n", "ka", " syntax: a value that does not end"},
	{"quoted without an end", "\"a b\r\n", "sa", "NIL  syntax: a quoted string that does not end"},
	{"literal without a size", "{}\r\n", "s", "NIL syntax: a literal without its size"},
	{"brace in front of an atom", "{a} {1}\r\n\n b\r\nc\r\n", "sfa", "NIL finish c"},
	{"literal without a line end", "{5} x\r\n", "s", "NIL syntax: a literal's size without a line end"},
	{"literal without a brace", "{5\r\n", "s", "NIL syntax: a literal without its size"},
	{"set with a star", "1,*\r\n", "S", `1:1 syntax: "*" where a number belongs`},
	{"set over 32 bits", "1:4294967296\r\n", "S", "syntax: number 4294967296 is over 32 bits"},
	{"number over 32 bits", "4294967296\r\n", "3", "0 syntax: number 4294967296 is over 32 bits"},
	{"number over 64 bits", "18446744073709551616\r\n", "n", "0 syntax: a number over 64 bits"},
	{"numbers and what is none", "7 -1 18446744073709551615 18446744073709551616 99999999999999999999999 NIL \"5\" (1 (2)) x)\r\n", "NNNNNNNNNN)",
		"7 true 0 false 18446744073709551615 true 0 false 0 false 0 false 0 false 0 false 0 false 0 false true"},
	{"cut at a limit", "\"abcdef\" x\r\n", "ca", `"abc" x cut`},
	{"literal cut at a limit", "{6}\r\nabcdef x\r\n", "ca", `"abc" x cut`},
	{"skipping is no cut", "\"abcdef\" x\r\n", "ka", "x"},

	// Bodies.
	{"body", "{5}\r\nab\r\nc)\r\n", "b)", `5 of 5 "ab\r\nc" true`},
	{"body quoted", "\"abc\")\r\n", "b)", `3 of 3 "abc" true`},
	{"body nil", "NIL)\r\n", "b)", "NIL true"},
	{"body empty", "{0}\r\n)\r\n", "b)", `0 of 0 "" true`},
	{"body in part", "{9}\r\nabcdefghi UID 7)\r\n", "pin)", `2 of 9 "ab" UID 7 true`},
	{"body in part, quoted", "\"abcd\" UID 7)\r\n", "pin)", `2 of 4 "ab" UID 7 true`},
	{"body in part, then the end", "{9}\r\nabcde\r\nhi)\r\nnext\r\n", "pfa", `2 of 9 "ab" finish next`},
	{"body cut", "{9}\r\nabc", "b", `3 of 9 "abc" lost err: lost`},
	{"body cut at once", "{9}\r\n", "b", `0 of 9 "" lost err: lost`},
	{"body cut while skipped", "{9}\r\nabc", "pa", `2 of 9 "ab"  err: lost`},
	{"literal cut", "{9}\r\nabc", "s", "NIL err: lost"},
	{"quoted cut", "\"abc", "s", "NIL err: lost"},
	{"atom cut", "abc", "a", " err: lost"},
	{"number cut", "12", "n", "12 err: lost"},
	{"text cut", "some text", "t", "some text err: lost"},

	// Resynchronisation: what finish passes over is exactly one response.
	{"finish", "a b c\r\nd\r\n", "afa", "a finish d"},
	{"finish passes literals", "a {3}\r\nb\r\n {2}\r\n\r\n c\r\nd\r\n", "afa", "a finish d"},
	{"finish behind an error", "x {3}\r\nb\r\n c\r\nd\r\n", "nfa", "0 finish d"},
	{"finish behind a quoted string without an end", "\"a {3}\r\nb\r\n c\r\nd\r\n", "sfa", "NIL finish d"},
	{"finish behind an announcement taken for an atom", "a{3}\r\nb\r\n c\r\nd\r\n", "afa", "a{3} finish d"},
	{"finish behind an announcement skipped as an item", "a{3}\r\nb\r\n c\r\nd\r\n", "kfa", "finish d"},
	{"finish does not look into the literal before", "{2}\r\n{5}\r\nd\r\n", "sfa", `"{5" finish d`},
	{"finish does not look into a body left", "{2}\r\n{5}\r\nd\r\n", "pfa", `2 of 2 "{5" finish d`},
	{"finish does not look into the line before", "a {5\r\n}\r\nd\r\n", "aafa", "a {5 finish }"},
	{"finish of a status", "OK text {5}\r\nd\r\n", "aFa", "OK finish d"},
	{"finish of a text", "x name {5}\r\nd\r\n", "atfa", "x name {5} finish d"},
	{"a size that is none", "a {x}\r\nb\r\n", "afa", "a finish b"},
	{"a size without digits", "a {}\r\nb\r\n", "afa", "a finish b"},
	{"a size with plus", "a {1+}\r\n\n\r\nb\r\n", "afa", "a finish b"},
}

func TestReader(t *testing.T) {
	for _, tt := range readerTests {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(feed(t, strings.NewReader(tt.in)), tt.ops); got != tt.want {
				t.Errorf("all at once:\n got %s\nwant %s", got, tt.want)
			}
			if got := run(feed(t, iotest.OneByteReader(strings.NewReader(tt.in))), tt.ops); got != tt.want {
				t.Errorf("octet by octet:\n got %s\nwant %s", got, tt.want)
			}
			if got := run(feed(t, iotest.HalfReader(strings.NewReader(tt.in))), tt.ops); got != tt.want {
				t.Errorf("in pieces:\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Tokens that lie across the buffer's end are the same.
func TestReaderAcrossBuffer(t *testing.T) {
	for _, tt := range readerTests {
		for room := 1; room < min(len(tt.in), 2*lookBack); room++ {
			r := feed(t, strings.NewReader(tt.in[room:]))
			r.r, r.w = len(r.buf)-room, len(r.buf)
			copy(r.buf[r.r:], tt.in)
			if got := run(r, tt.ops); got != tt.want {
				t.Errorf("%s, %d octets before the end:\n got %s\nwant %s", tt.name, room, got, tt.want)
			}
		}
	}
}

// In memory, as for the arguments of a response code, the end is no error.
func TestNewReader(t *testing.T) {
	for _, tt := range [...]struct{ in, ops, want string }{
		{"4 (a b)", "n(aa)e", "4 true a b true true"},
		{"123", "n", "123"},
		{"abc", "a", "abc"},
		{"", "aes", ` true NIL syntax: "" where a string belongs`},
		{"NIL", "s", "NIL"},
		{`"ab`, "s", "NIL syntax: a quoted string that does not end"},
		{`"ab"`, "s", `"ab"`},
		{"{2}\r\nab", "s", `"ab"`},
		{"{2}\r\nab", "b", `2 of 2 "ab"`},
		{"{9}\r\nab", "s", "NIL syntax: a literal that is cut"},
		{"{9}\r\nab", "b", `2 of 9 "ab" a literal that is cut syntax: a literal that is cut`},
		{"{9}\r\nab", "pa", `2 of 9 "ab"  syntax: a literal that is cut`},
		{"1:2,4", "S", "1:2 4:4"},
		{"(a", "(a)", "true a true syntax: a list that does not end"},
	} {
		if got := run(NewReader([]byte(tt.in)), tt.ops); got != tt.want {
			t.Errorf("%q by %s:\n got %s\nwant %s", tt.in, tt.ops, got, tt.want)
		}
	}
}

// A Body never says io.EOF before all that was announced has come.
func TestBodyCut(t *testing.T) {
	for _, full := range []string{"{5}\r\nabc", "{5}\r\n"} {
		for _, whole := range []bool{true, false} {
			r := feed(t, strings.NewReader(full))
			b := r.Body()
			var err error
			if whole {
				_, err = io.ReadAll(b)
			} else {
				_, err = b.WriteTo(io.Discard)
			}
			if !errors.Is(err, errLost) {
				t.Errorf("%q: %v, want %v", full, err, errLost)
			}
		}
	}
}

// WriteTo passes on what it is given and no more.
func TestBodyWriteTo(t *testing.T) {
	text := strings.Repeat("0123456789", 20_000)
	for name, in := range map[string]string{
		"literal": fmt.Sprintf("{%d}\r\n%s x\r\n", len(text), text),
		"quoted":  `"` + text + `" x` + "\r\n",
	} {
		for i, src := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			r := feed(t, src)
			var out strings.Builder
			n, err := io.Copy(&out, r.Body())
			if err != nil || n != int64(len(text)) || out.String() != text {
				t.Errorf("%s %d: %d octets, %v", name, i, n, err)
			}
			if a := string(r.Atom()); a != "x" {
				t.Errorf("%s %d: %q behind it", name, i, a)
			}
		}
	}
	r := feed(t, strings.NewReader("{3}\r\nabc UID\r\n"))
	full := errors.New("disk full")
	if _, err := r.Body().WriteTo(iotest.TruncateWriter(io.Discard, 0)); err != nil {
		t.Error(err)
	}
	r = feed(t, strings.NewReader("{3}\r\nabc UID\r\n"))
	if _, err := r.Body().WriteTo(failing{full}); err != full {
		t.Errorf("a writer's error is %v", err)
	}
	if a := string(r.Atom()); a != "UID" {
		t.Errorf("behind a writer's error: %q", a)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
