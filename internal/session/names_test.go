package session

import (
	"strings"
	"testing"
	"unicode/utf8"
)

var nameTests = []struct {
	raw, name string
	exact     bool
}{
	{"", "", true},
	{"INBOX", "INBOX", true},
	{"a b\\c\"d*%", "a b\\c\"d*%", true},
	{"Entw&APw-rfe", "Entwürfe", true},
	{"&U,BTFw-/&ZeVnLIqe-", "台北/日本語", true},
	{"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語", true},
	{"&2D3eAA-", "\U0001F600", true},
	{"R&-D", "R&D", true},
	{"&-&-", "&&", true},
	{"tab&AAk-", "tab\t", true},
	// What is no modified UTF-7 is read somehow, and the raw name is needed.
	{"R&D", "R&D", false},
	{"R & D - x", "R & D - x", false},
	{"&", "&", false},
	{"&AP-", "&AP-", false},
	{"&AP8", "&AP8", false},
	{"&AP8=-", "&AP8=-", false},
	{"&2D0-", "\uFFFD", false},      // half a surrogate pair
	{"&AGE-", "a", false},           // what needed no encoding
	{"&APw-&APw-", "üü", false},     // two runs for one
	{"Entwürfe", "Entwürfe", false}, // raw UTF-8
	{"Entw\xfcrfe", "Entwürfe", false},
	{"\xff&APw-", "\u00ff\u00c3\u00bc", false},
	{"a\tb", "a\tb", false},
}

func TestNames(t *testing.T) {
	for _, tt := range nameTests {
		name, exact := DecodeName(tt.raw)
		if name != tt.name || exact != tt.exact {
			t.Errorf("DecodeName(%q) = %q, %v, want %q, %v", tt.raw, name, exact, tt.name, tt.exact)
		}
		if got := EncodeName(tt.name); tt.exact && got != tt.raw {
			t.Errorf("EncodeName(%q) = %q, want %q", tt.name, got, tt.raw)
		}
	}
}

// A name in UTF-8 comes back from its encoding, which is printable ASCII; a
// name that a server sent is called exact only if it goes back as it came.
func FuzzNames(f *testing.F) {
	for _, tt := range nameTests {
		f.Add(tt.raw)
		f.Add(tt.name)
	}
	f.Fuzz(func(t *testing.T, s string) {
		encoded := EncodeName(s)
		if i := strings.IndexFunc(encoded, func(r rune) bool { return r < 0x20 || r >= 0x7f }); i >= 0 {
			t.Errorf("EncodeName(%q) = %q", s, encoded)
		}
		if utf8.ValidString(s) {
			if name, exact := DecodeName(encoded); name != s || !exact {
				t.Errorf("%q becomes %q, %v by way of %q", s, name, exact, encoded)
			}
		}
		name, exact := DecodeName(s)
		if !utf8.ValidString(name) {
			t.Errorf("DecodeName(%q) = %q is no UTF-8", s, name)
		}
		if exact != (EncodeName(name) == s) {
			t.Errorf("DecodeName(%q) = %q, %v; back it is %q", s, name, exact, EncodeName(name))
		}
	})
}
