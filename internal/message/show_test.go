package message

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestFlowed(t *testing.T) {
	tests := []struct {
		name, in string
		delsp    bool
		want     string
	}{
		{"fixed", "a\nb\n", false, "a\nb\n"},
		{"paragraph", "one \ntwo \nthree\nfour\n", false, "one two three\nfour\n"},
		{"delsp", "你 \n好\n", true, "你好\n"},
		{"quotes", ">one \n>two\n>>deep \n>> er\nmine\n", false, "> one two\n>> deep er\nmine\n"},
		{"quote ends a paragraph", ">one \ntwo\n", false, "> one \ntwo\n"},
		{"stuffed", " >not a quote\n From x\n  two\n", false, ">not a quote\nFrom x\n two\n"},
		{"signature", "text \n-- \nBob\n", false, "text \n-- \nBob\n"},
		{"quoted signature", "> text\n> -- \n> Bob\n", false, "> text\n> -- \n> Bob\n"},
		{"empty lines", "a \n\nb\n>\n> c\n", false, "a \nb\n>\n> c\n"},
		{"no line end", "a \nb", false, "a b\n"},
		{"open at the end", "a ", false, "a \n"},
		{"CRLF", "a \r\nb\r\n", false, "a b\n"},
		{"nothing", "", false, ""},
		{"many blanks", "a   \nb\n", false, "a   b\n"},
	}
	for _, tt := range tests {
		if got := Flowed(tt.in, tt.delsp); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	long := strings.Repeat("x ", 3*streamBuffer)
	if got := Flowed(long+"\nend\n", false); got != long+"end\n" {
		t.Errorf("a long line: %d octets", len(got))
	}
}

func TestWriteText(t *testing.T) {
	html := "<meta http-equiv=Content-Type content='text/html; charset=koi8-r'><p>\xf0\xf2\xe9\xf7\xe5\xf4"
	tests := []struct {
		name         string
		leaf         Leaf
		in           string
		text, source string
		warnings     string
	}{
		{"plain", Leaf{Charset: "iso-8859-1", Encoding: "quoted-printable"}, "caf=E9\r\n", "café\n", "café\n", ""},
		{"flowed", Leaf{Charset: "utf-8", Flowed: true}, "a \r\nb\r\n", "a b\n", "a \nb\n", ""},
		{"html", Leaf{HTML: true, Charset: "utf-8", Encoding: "base64"}, "PHA+w6k8cD5i", "é\n\nb\n", "<p>é<p>b", ""},
		{"html with meta", Leaf{HTML: true}, html, "ПРИВЕТ\n", strings.Replace(html, "\xf0\xf2\xe9\xf7\xe5\xf4", "ПРИВЕТ", 1), ""},
		{"html with another meta", Leaf{HTML: true}, "<meta name=x><meta charset=\"windows-1252\"/>\x80", "€\n", "<meta name=x><meta charset=\"windows-1252\"/>€", ""},
		{"html that cannot be UTF-16", Leaf{HTML: true}, "<meta charset=utf-16>é", "é\n", "<meta charset=utf-16>é", ""},
		{"html with a mark and another meta", Leaf{HTML: true}, "\xef\xbb\xbf<meta charset=iso-8859-1>Grüße", "Grüße\n", "<meta charset=iso-8859-1>Grüße", ""},
		{"a mark and another charset", Leaf{Charset: "iso-8859-1"}, "\xef\xbb\xbfGrüße", "Grüße", "Grüße", ""},
		{"charset of a sibling", Leaf{sibling: "gb2312"}, "\xc4\xe3\xba\xc3", "你好", "你好", "the charset of the text was guessed"},
		{"charset of a sibling, wrong one declared", Leaf{Charset: "utf-8", sibling: "big5"}, "\xa7A\xa6n", "你好", "你好", "the charset of the text was guessed"},
		{"charset of a sibling that does not fit", Leaf{sibling: "gb2312"}, "caf\xe9 na\xefve", "café naïve", "café naïve", "the charset of the text was guessed"},
		{"charset of a sibling that is not needed", Leaf{sibling: "gb2312"}, "Grüße", "Grüße", "Grüße", ""},
		{"warnings", Leaf{Charset: "x-none", Encoding: "x-none"}, "a", "a", "a", "unknown content transfer encoding, the octets are as they were sent|unknown charset, it was guessed"},
	}
	for _, tt := range tests {
		var text, source TextBuffer
		warnings, err := tt.leaf.WriteText(&text, iotest.OneByteReader(strings.NewReader(tt.in)))
		if text.String() != tt.text || err != nil || strings.Join(warnings, "|") != tt.warnings {
			t.Errorf("%s: %q, %q, %v", tt.name, text.String(), warnings, err)
		}
		if _, err := tt.leaf.WriteSource(&source, strings.NewReader(tt.in)); source.String() != tt.source || err != nil {
			t.Errorf("%s: source %q, %v", tt.name, source.String(), err)
		}
	}
}

func TestWriteTextCut(t *testing.T) {
	for _, l := range []Leaf{{Charset: "utf-8"}, {Charset: "utf-8", Flowed: true}, {Charset: "utf-8", HTML: true}} {
		for n := 1; n < 9; n++ {
			b := TextBuffer{Max: n}
			_, err := l.WriteText(&b, iotest.OneByteReader(strings.NewReader(strings.Repeat("é你😀", 1000))))
			if got := b.String(); !errors.Is(err, ErrCut) || !utf8.ValidString(got) || !strings.HasPrefix("é你😀", got) || len(got) < n-3 || len(got) > n {
				t.Errorf("%d octets: %q, %v", n, got, err)
			}
		}
		var b TextBuffer
		_, err := l.WriteText(&b, io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(io.ErrUnexpectedEOF)))
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(b.String(), "abc") {
			t.Errorf("a cut literal: %q, %v", b.String(), err)
		}
	}
}

func TestBlank(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, " \r\n\t\n": true, "\u00a0\u200b\ufeff\u3000": true, "\n.\n": false, "\u00a0é": false, "\u2800": true,
	} {
		if Blank(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestTextBuffer(t *testing.T) {
	b := TextBuffer{Max: 4}
	for _, s := range []string{"ab", "\xc3", "\xa9"} {
		if _, err := io.WriteString(&b, s); err != nil {
			t.Error(err)
		}
	}
	if b.String() != "abé" {
		t.Errorf("%q", b.String())
	}
	if n, err := io.WriteString(&b, "x"); n != 0 || !errors.Is(err, ErrCut) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := b.Write(nil); !errors.Is(err, ErrCut) {
		t.Error("writes go on behind the cut")
	}
}

func FuzzFlowed(f *testing.F) {
	f.Add(">a \n>b\n-- \n", true)
	f.Add(" > \n>> \n", false)
	f.Fuzz(func(t *testing.T, s string, delsp bool) {
		if got := Flowed(s, delsp); utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%q", got)
		}
	})
}
