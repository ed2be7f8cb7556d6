package wire

import (
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, tt := range [...]struct {
		name, in, ops, want string
		kind                fault.Kind // of an error that is not of syntax
	}{
		{name: "longest token", in: long(MaxToken-1) + " b\r\n", ops: "aa", want: long(MaxToken-1) + " b"},
		{name: "token too long", in: long(MaxToken) + " b\r\nc\r\n", ops: "afa", want: " finish c"},
		{name: "token too long, the error", in: long(MaxToken) + " b\r\n", ops: "a", want: " syntax: a token longer than 65535 octets"},
		{name: "section too long", in: "BODY[" + long(MaxToken) + "]\r\nc\r\n", ops: "ifa", want: " finish c"},
		{name: "longest quoted", in: `"` + long(MaxString) + `"` + "\r\n", ops: "s", want: fmt.Sprintf("%q", long(MaxString))},
		{name: "quoted cut", in: `"` + long(MaxString+1) + `" b` + "\r\n", ops: "sa", want: fmt.Sprintf("%q b cut", long(MaxString))},
		{name: "literal cut", in: fmt.Sprintf("{%d}\r\n%s b\r\n", MaxString+1, long(MaxString+1)), ops: "sa", want: fmt.Sprintf("%q b cut", long(MaxString))},
		{name: "text cut", in: long(MaxText+5) + "\r\nb\r\n", ops: "tFa", want: long(MaxText) + " finish b"},
		{name: "deepest", in: strings.Repeat("(", MaxDepth) + strings.Repeat(")", MaxDepth) + " b\r\n", ops: "ka", want: "b"},
		{name: "too deep", in: strings.Repeat("(", MaxDepth+1) + ") {1}\r\n\n b\r\nc\r\n", ops: "kfa", want: "finish c"},
		{name: "too deep, the error", in: strings.Repeat("(", 1<<20) + "\r\n", ops: "k", want: "syntax: parentheses nested deeper than 128"},
		{name: "largest literal", in: fmt.Sprintf("{%d}\r\nabc", int64(MaxLiteral)), ops: "p", want: `2 of 1099511627776 "ab"`},
		{name: "literal too large", in: fmt.Sprintf("{%d}\r\nabc\r\n", int64(MaxLiteral)+1), ops: "sfa",
			want: "NIL finish  err: the server sent a literal of 1099511627777 octets", kind: fault.Protocol},
		{name: "literal over 64 bits", in: "{18446744073709551616}\r\nabc\r\n", ops: "s", want: "NIL err: the server sent a literal of an impossible size", kind: fault.Protocol},
		{name: "announced and never sent", in: fmt.Sprintf("{%d}\r\n", int64(MaxLiteral)), ops: "s", want: "NIL err: lost", kind: fault.Local},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := feed(t, strings.NewReader(tt.in))
			if got := run(r, tt.ops); got != tt.want {
				t.Errorf("got %.200s\nwant %.200s", got, tt.want)
			}
			if err := r.Err(); err != nil && !IsSyntax(err) && fault.KindOf(err) != tt.kind {
				t.Errorf("%v is of kind %v, want %v", err, fault.KindOf(err), tt.kind)
			}
			if len(tt.in) > 2*MaxToken {
				return
			}
			r = feed(t, iotest.OneByteReader(strings.NewReader(tt.in)))
			if got := run(r, tt.ops); got != tt.want {
				t.Errorf("octet by octet: got %.200s\nwant %.200s", got, tt.want)
			}
		})
	}
}

// A line that is too long ends the connection, whichever call reads it.
func TestMaxLine(t *testing.T) {
	for _, ops := range []string{"aa", "ka", "t", "f", "sssss", "nnnnnnnnnnnn"} {
		r := feed(t, strings.NewReader("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6\r\n"))
		r.line = MaxLine - 1
		r.mark = r.line
		run(r, ops)
		if err := r.Err(); fault.KindOf(err) != fault.Protocol || !strings.Contains(err.Error(), "268435456") {
			t.Errorf("%s: %v", ops, err)
		}
	}
	r := feed(t, strings.NewReader("1\r\n2\r\n"))
	r.line, r.mark = MaxLine-3, MaxLine-3
	if got := run(r, "afa"); got != "1 finish 2" {
		t.Errorf("the longest line: %s", got)
	}
}

// What one response made us hold is given back with the next.
func TestMemoryGivenBack(t *testing.T) {
	r := feed(t, strings.NewReader(fmt.Sprintf("{%d}\r\n%s\r\nb\r\n", MaxString, strings.Repeat("a", MaxString))))
	run(r, "s")
	if cap(r.long) < MaxString {
		t.Fatalf("%d octets held", cap(r.long))
	}
	run(r, "fa")
	if cap(r.long) > bufferSize {
		t.Errorf("%d octets are still held", cap(r.long))
	}
}
