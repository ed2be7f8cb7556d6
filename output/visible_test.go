package output

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain ~text", "plain ~text"},
		{"größer 漢字 é עברית عربي", "größer 漢字 é עברית عربي"},
		{"\x00\t\r\n\x1b[31m\x7f", "^@^I^M^J^[[31m^?"},
		{"\u0080\u009b\u0085", "<U+0080><U+009B><U+0085>"},
		{"\x9b31m", "\ufffd31m"},
		{"a\xffb\xc3", "a\ufffdb\ufffd"},
		{"exe.\u202egpj\u202c", "exe.<U+202E>gpj<U+202C>"},
		{"\u2066\u2069\u200e\u200f\u061c", "<U+2066><U+2069><U+200E><U+200F><U+061C>"},
		{"\u2028\u2029", "<U+2028><U+2029>"},
		{"pay\u200bpal\ufeff\u2060\u00ad\u034f\u3164", "pay<U+200B>pal<U+FEFF><U+2060><U+00AD><U+034F><U+3164>"},
		{"a\u200db\u200c", "a<U+200D>b<U+200C>"},
		{"\U000e0041\U000e0001\U000e01f0", "<U+E0041><U+E0001><U+E01F0>"},
		{"👩\u200d💻 ❤\ufe0f\u200d🔥 1\ufe0f\u20e3 👍🏽", "👩\u200d💻 ❤\ufe0f\u200d🔥 1\ufe0f\u20e3 👍🏽"},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{"葛\U000e0100", "葛\U000e0100"},
		{"a\U000e0100", "a<U+E0100>"},
		{"👍\ufe0f\ufe0f\ufe01", "👍\ufe0f<U+FE0F><U+FE01>"},
		{"👩\u200d\u200d", "👩\u200d<U+200D>"},
		{"\u200d\ufe0f", "<U+200D>\ufe0f"},
		{"\u0600\u06dd", "\u0600\u06dd"}, // they have a glyph
	} {
		if got := Visible(c.in); got != c.want {
			t.Errorf("%+q: got %+q, want %+q", c.in, got, c.want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2Jb", "\u202e\u200d\ufe0f", "\xff\xfe\r\n\r", "👩\u200d💻", "\U000e0041", "\xe2\x80"} {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, s string, cut int) {
		got := Visible(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\t\r\n") {
			t.Fatalf("%q became %q", s, got)
		}
		checkSafe(t, got)
		if isPlain(s) && got != s {
			t.Fatalf("%q became %q", s, got)
		}
		if again := Visible(got); again != got {
			t.Fatalf("%q became %q became %q", s, got, again)
		}

		// However text is cut up for the writer, it looks the same.
		var whole, parts bytes.Buffer
		w := Text(&whole, true)
		w.Write([]byte(s))
		w.Close()
		w = Text(&parts, true)
		n := max(0, min(len(s), cut))
		w.Write([]byte(s[:n]))
		for i := n; i < len(s); i++ {
			w.Write([]byte{s[i]})
		}
		w.Close()
		if whole.String() != parts.String() {
			t.Fatalf("%q: %q in one, %q in pieces", s, whole.String(), parts.String())
		}
		checkSafe(t, whole.String())
	})
}
