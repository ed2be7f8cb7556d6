package wire

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// Any octets, read by any sequence of calls: it ends, holds no more than the
// limits say, and gives the same whether the octets come at once or one by one.
func FuzzReader(f *testing.F) {
	for _, tt := range readerTests {
		f.Add([]byte(tt.in), tt.ops)
	}
	f.Add([]byte("\x00{4}\r\n~{3+}\r\n\"\\"), "afsScb")
	f.Add([]byte("{1099511627776}\r\nx"), "bf")
	f.Add([]byte(strings.Repeat("(", 200)), "kf")
	f.Fuzz(func(t *testing.T, in []byte, ops string) {
		if len(ops) > 100 || len(in) > 1<<16 {
			return
		}
		text := string(in)
		whole := feed(t, strings.NewReader(text))
		a := run(whole, ops)
		b := run(feed(t, iotest.OneByteReader(strings.NewReader(text))), ops)
		if a != b {
			t.Errorf("%q by %s\n at once %s\noctets  %s", in, ops, a, b)
		}
		if held := cap(whole.long) + len(whole.buf); held > 8*len(in)+2*bufferSize {
			t.Errorf("%d octets made us hold %d", len(in), held)
		}
		run(NewReader(in), ops)
	})
}

// conversation has three commands in flight, whose callbacks read what comes
// in every way there is, and returns what they saw.
func conversation(t testing.TB, src io.Reader, ops string) (seen []string, err error) {
	c, _ := overMemory(t, io.MultiReader(strings.NewReader("* OK ready\r\n"), src), Options{
		Trace:  NewTrace(io.Discard, time.Now, false),
		Notice: func(r *Response) { seen = append(seen, fmt.Sprint("notice ", r.Kind, r.Num, r.HasNum, r.Status)) },
	})
	c.Hide("secret")
	ctx := t.Context()
	if _, err := c.Greeting(ctx); err != nil {
		t.Fatal(err)
	}
	read := func(r *Response) error {
		seen = append(seen, fmt.Sprint(r.Kind, r.Num, r.HasNum, r.Status, run(r.Reader, ops)))
		return r.Err()
	}
	login, _ := c.Send(ctx, NewCommand("LOGIN").String("u").Secret("secret").On(read, "CAPABILITY"))
	examine, _ := c.Send(ctx, NewCommand("EXAMINE").String("INBOX").On(read, "FLAGS", "EXISTS", "OK", "NO"))
	fetch, _ := c.Send(ctx, NewCommand("UID FETCH").Atom("1:*").Atom("(UID BODY[])").On(read, "FETCH"))
	for _, p := range []*Pending{login, examine, fetch} {
		st, werr := c.Wait(ctx, p)
		seen = append(seen, fmt.Sprint(st))
		if err = werr; err != nil {
			break
		}
		if !p.Done() {
			t.Error("Wait returned before the end")
		}
	}
	c.Logout()
	return seen, err
}

// Whatever a server says behind its greeting, the commands in flight end,
// with an answer or an error of a kind, and nothing depends on the pieces in
// which it comes.
func FuzzConn(f *testing.F) {
	for _, seed := range []string{
		"A1 OK in\r\n* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\nA2 OK [READ-ONLY] done\r\n* 1 FETCH (UID 7 BODY[] {5}\r\nA3 OK FLAGS ())\r\nA3 OK done\r\n",
		"A1 NO [AUTHENTICATIONFAILED] no\r\nA2 BAD\r\nA3 BAD\r\n", "* BYE secret\r\n", "+ c2VjcmV0\r\nA3 OK\r\nA2 OK\r\nA1 OK\r\n",
		"\x00\r\n\r\n + \r\n", "* 1 FETCH (BODY[]{3}\r\nabc)\r\nA1 OK\r\n", "* 1 FETCH (\"a{9}\r\nA1 OK x\r\n", "* OK [ALERT] {5}\r\nA1 OK {3}\r\n", "* X {99999999999999999999}\r\n",
		"* 1 FETCH (A {3}\r\nx", "* 5\r\n*\r\n", "A1 OK",
	} {
		f.Add([]byte(seed), "(iiiniib)")
		f.Add([]byte(seed), "k")
		f.Add([]byte(seed), "(p")
		f.Add([]byte(seed), "tss")
	}
	f.Fuzz(func(t *testing.T, in []byte, ops string) {
		if len(ops) > 50 || len(in) > 1<<16 || strings.ContainsAny(ops, "fF") {
			return
		}
		seen, err := conversation(t, strings.NewReader(string(in)), ops)
		again, err2 := conversation(t, iotest.OneByteReader(strings.NewReader(string(in))), ops)
		if strings.Join(seen, "\n") != strings.Join(again, "\n") || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%q by %s\n at once %q, %v\noctets  %q, %v", in, ops, seen, err, again, err2)
		}
		switch fault.KindOf(err) {
		case fault.None, fault.Connect, fault.Refused, fault.Protocol:
		default:
			t.Errorf("%q by %s: %v is of kind %v", in, ops, err, fault.KindOf(err))
		}
	})
}

// What a server announces makes us hold nothing before it comes, and what
// comes no more than the limits allow.
func TestMemoryBounded(t *testing.T) {
	text := func(format string, args ...any) io.Reader { return strings.NewReader(fmt.Sprintf(format, args...)) }
	for name, tt := range map[string]struct {
		src io.Reader
		ops string
	}{
		"announced":       {text("{1099511627776}\r\nabc"), "s"},
		"announced body":  {text("{1099511627776}\r\nabc"), "b"},
		"literal":         {io.MultiReader(text("{8388608}\r\n"), many('x', 8<<20)), "sa"},
		"quoted":          {io.MultiReader(text(`"`), many('x', 8<<20), text("\"\r\n")), "sa"},
		"text":            {many('x', 8<<20), "t"},
		"atom":            {many('x', 8<<20), "af"},
		"parentheses":     {many('(', 8<<20), "kf"},
		"open":            {many('(', 1<<20), strings.Repeat("(", 1000)},
		"numbers":         {many('1', 8<<20), "nf"},
		"set":             {io.MultiReader(text("1"), many(',', 1<<20)), "Sf"},
		"skipped body":    {io.MultiReader(text("{8388608}\r\n"), many('x', 8<<20)), "pa"},
		"skipped literal": {io.MultiReader(text("a {8388608}\r\n"), many('x', 8<<20)), "af"},
	} {
		r := feed(t, tt.src)
		before := allocated()
		run(r, tt.ops)
		// A string of MaxString grows by doubling and is rendered here.
		if got := allocated() - before; got > 16*MaxString {
			t.Errorf("%s: %d octets were allocated", name, got)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// many is n times the same octet.
func many(b byte, n int64) io.Reader { return io.LimitReader(endless(b), n) }

type endless byte

func (b endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}
