package message

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseHeader(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"ordinary", "From: a@x\r\nTo: b@x\r\n\r\nbody: no\r\n", "From=a@x|To=b@x"},
		{"LF", "From: a@x\nTo: b@x\n\nbody: no\n", "From=a@x|To=b@x"},
		{"CR", "From: a@x\rTo: b@x\r\rbody: no\r", "From=a@x|To=b@x"},
		{"CR in LF lines is an octet", "Subject: a\rb\r\nTo: c\r\n", "Subject=a\rb|To=c"},
		{"CR CR LF", "From: a@x\r\r\nTo: b@x\r\r\n\r\r\nbody: no", "From=a@x|To=b@x"},
		{"no final blank line", "From: a@x\r\nTo: b@x", "From=a@x|To=b@x"},
		{"mbox line", "From alice@x Fri Nov 20 10:00:00 2026\nFrom: a@x\n", "From=a@x"},
		{"quoted mbox line", ">From alice@x Fri Nov 20 10:00:00 2026\nFrom: a@x\n", "From=a@x"},
		{"junk", "From: a@x\njunk without colon\n folded junk: x\nthis is not: a field\n: nameless\nTo: b@x\n", "From=a@x|To=b@x"},
		{"fold", "Subject: one\r\n two\r\n\tthree\r\nTo: b@x\r\n", "Subject=one two three|To=b@x"},
		{"fold of blanks only", "Subject: one\r\n \r\n two\r\nTo: b@x\r\n", "Subject=one  two|To=b@x"},
		{"fold in front", "Subject:\r\n one\r\n", "Subject=one"},
		{"fold at the start is junk", " x: y\r\nTo: b@x\r\n", "To=b@x"},
		{"blank before the colon", "Subject \t: a\r\n", "Subject=a"},
		{"no blank behind the colon", "Subject:a\r\n", "Subject=a"},
		{"8-bit name", "S\xfcbject: a\r\nTo: b\r\n", "To=b"},
		{"raw octets", "Subject: \xfc\xff\r\n", "Subject=\xfc\xff"},
		{"0x85 and 0xa0 are no blanks", "Subject: \xa0\x85\r\n", "Subject=\xa0\x85"},
		{"empty value", "Subject:\r\nTo: \r\n", "Subject=|To="},
		{"empty header", "\r\nTo: b\r\n", ""},
		{"nothing", "", ""},
		{"NUL", "Subject: a\x00b\r\n", "Subject=a\x00b"},
	}
	for _, tt := range tests {
		var got []string
		for _, f := range ParseHeader([]byte(tt.raw)) {
			got = append(got, f.Name+"="+string(f.Raw))
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, g, tt.want)
		}
	}
}

func TestParseHeaderBounds(t *testing.T) {
	many := strings.Repeat("A: b\r\n", MaxFields+10)
	if n := len(ParseHeader([]byte(many))); n != MaxFields {
		t.Errorf("%d fields, want %d", n, MaxFields)
	}
	long := "Subject: " + strings.Repeat("x", MaxHeader*2)
	if n := len(ParseHeader([]byte(long))[0].Raw); n > MaxHeader {
		t.Errorf("a value of %d octets", n)
	}
	_, warnings := Headers([]byte(long))
	if len(warnings) != 1 || warnings[0] != warnHeaderCut {
		t.Errorf("warnings %q", warnings)
	}
}

func TestHeaders(t *testing.T) {
	got, warnings := Headers([]byte("Subject: =?utf-8?q?caf=C3=A9?=\r\nX-Raw: caf\xe9\r\n\r\n"))
	if s := fmt.Sprint(got); s != "[{Subject café} {X-Raw café}]" {
		t.Errorf("got %s", s)
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], "x-raw: ") {
		t.Errorf("warnings %q", warnings)
	}
	if got, _ := Headers(nil); got == nil {
		t.Error("nil for an empty header")
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, s := range []string{"From: a@x\r\nSubject: a\r\n\tb\r\n\r\n", "From x\rA: b\r\rc", "a\x00:b\n c", ": \n:", "\n", " \n A:"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, field := range ParseHeader(raw) {
			if field.Name == "" || !isFieldName(field.Name) {
				t.Errorf("name %q", field.Name)
			}
		}
		fields, _ := Headers(raw)
		for _, h := range fields {
			if !utf8.ValidString(h.Value) {
				t.Errorf("%q is not UTF-8", h.Value)
			}
		}
	})
}
