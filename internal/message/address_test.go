package message

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAddresses(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"bare", "bob@example.org", "<bob@example.org>"},
		{"angle", "Bob <bob@x>", "Bob<bob@x>"},
		{"angle without a name", "<bob@x>", "<bob@x>"},
		{"no blank", "Bob<bob@x>", "Bob<bob@x>"},
		{"quoted", `"Doe, John" <j@x>`, "Doe, John<j@x>"},
		{"quoted pairs", `"John \"Q\" \\ Doe" <j@x>`, `John "Q" \ Doe<j@x>`},
		{"list", "a@x, B <b@x>,\t<c@x>", "<a@x>|B<b@x>|<c@x>"},
		{"empty members", ",, a@x,,b@x, ", "<a@x>|<b@x>"},
		{"semicolons", "a@x; B <b@x>; c@x", "<a@x>|B<b@x>|<c@x>"},
		{"old name", "bob@x (Bob Doe)", "Bob Doe<bob@x>"},
		{"old name in front", "(Bob) bob@x", "Bob<bob@x>"},
		{"nested comment", "bob@x (Bob (the \\) one))", "Bob (the ) one)<bob@x>"},
		{"comment behind the angle", "<bob@x> (Bob)", "Bob<bob@x>"},
		{"comment beside the name", "Bob (home) <bob@x>", "Bob<bob@x>"},
		{"comment in the address", "Bob <bob@(host)x>", "Bob<bob@x>"},
		{"group", "Friends: a@x, B <b@x>;, c@x", "<a@x>|B<b@x>|<c@x>"},
		{"empty group", "undisclosed-recipients:;", ""},
		{"empty group with a blank", "Undisclosed recipients: ;", ""},
		{"empty group without its end", "undisclosed-recipients:", ""},
		{"comments in an empty group", "(none)(yet)Undisclosed people :(nobody(I know)) ;", ""},
		{"nothing but a comment", "(nobody), a@x", "<a@x>"},
		{"quoted group", `"A, B": a@x;`, "<a@x>"},
		{"a colon in a name", "Support: Billing <b@x>", "Support: Billing<b@x>"},
		{"route", "Bob <@a,@b:c@d>", "Bob<c@d>"},
		{"null", "<>", ""},
		{"null with a name", "Bob <>", "Bob<>"},
		{"domain literal", "a@[IPv6:2001:db8::1], b@x", "<a@[IPv6:2001:db8::1]>|<b@x>"},
		{"quoted local part", `"john doe"@x, "a,b" <"c d"@y>`, `<"john doe"@x>|a,b<"c d"@y>`},
		{"greater-than in a quoted local part", `<"a>b"@x>, c@x`, `<"a>b"@x>|<c@x>`},
		{"blanks in the address", "Bob < bob @ x . org >", "Bob<bob@x.org>"},
		{"blanks in a bare address", "bob @ x . org", "<bob@x.org>"},
		{"no brackets", "John Doe john@x", "John Doe<john@x>"},
		{"no brackets, address first", "john@x John Doe", "John Doe<john@x>"},
		{"quoted name, no brackets", `"John Doe" john@x`, "John Doe<john@x>"},
		{"no comma", "a@x b@x", "<a@x>|<b@x>"},
		{"no comma behind the bracket", "A <a@x> B <b@x>", "A<a@x>|B<b@x>"},
		{"bracket not closed", "Bob <bob@x, c@x", "Bob<bob@x>|<c@x>"},
		{"bracket not closed at the end", "Bob <bob@x", "Bob<bob@x>"},
		{"bracket not opened", "bob@x>", "<bob@x>"},
		{"doubled brackets", "Bob <<bob@x>>, c@x", "Bob<bob@x>|<c@x>"},
		{"unescaped quotes", `"John "Johnny" Doe" <j@x>, b@x`, "John Johnny Doe<j@x>|<b@x>"},
		{"quote not closed", `"John Doe <j@x>`, `"John Doe<j@x>`},
		{"quote not closed, list", `a@x, John" Doe <j@x>`, `<a@x>|John" Doe<j@x>`},
		{"comment not closed", "Bob (the <bob@x>", "Bob (the<bob@x>"},
		{"comma in a name", "Doe, John <j@x>, b@x", "Doe, John<j@x>|<b@x>"},
		{"commas in a name", "Doe, John, Jr. <j@x>", "Doe, John, Jr.<j@x>"},
		{"local names", "root, alice", "<root>|<alice>"},
		{"name without an address", "undisclosed recipients", "undisclosed recipients<>"},
		{"encoded", "=?utf-8?q?J=C3=B6rg?= <j@x>", "Jörg<j@x>"},
		{"encoded with blanks", "=?utf-8?q?J=C3=B6rg_M?= =?utf-8?q?=C3=BCller?= <j@x>", "Jörg Müller<j@x>"},
		{"encoded in quotes", `"=?utf-8?q?J=C3=B6rg?=" <j@x>`, "Jörg<j@x>"},
		{"encoded in a comment", "j@x (=?utf-8?q?J=C3=B6rg?=)", "Jörg<j@x>"},
		{"encoded comma", "=?utf-8?q?Doe=2C_J?= <j@x>, b@x", "Doe, J<j@x>|<b@x>"},
		{"comma inside a word", "=?utf-8?q?Doe,_J?= <j@x>", "Doe, J<j@x>"},
		{"address inside a word stays a name", "=?utf-8?q?a=40bank_=3Ca=40bank=3E?= <evil@x>", "a@bank <a@bank><evil@x>"},
		{"everything inside a word", "=?utf-8?q?Bob_=3Cbob=40x=3E?=", "Bob <bob@x><>"},
		{"address as the name", "bob@x <bob@x>", "bob@x<bob@x>"},
		{"another address as the name", "a@bank Support <evil@x>", "a@bank Support<evil@x>"},
		{"single quotes", "'bob@x' <bob@x>", "'bob@x'<bob@x>"},
		{"raw UTF-8", "Jörg <jörg@müller.example>", "Jörg<jörg@müller.example>"},
		{"raw Latin-1", "J\xf6rg <j\xf6rg@x>", "Jörg<jörg@x>"},
		{"dots in names", "John Q. Doe <j@x>, J.R.R. <r@x>", "John Q. Doe<j@x>|J.R.R.<r@x>"},
		{"blanks in names", "John \t  Doe <j@x>", "John Doe<j@x>"},
		{"brackets in names", "[List, one] <l@x>", "[List, one]<l@x>"},
		{"junk", ";:,<>@()\"", "<:>|<@\">"},
		{"nothing", "  ", ""},
	}
	for _, tt := range tests {
		var got []string
		for _, a := range Addresses([]byte(tt.raw)) {
			got = append(got, a.Name+"<"+a.Address+">")
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("%s: Addresses(%q) = %s, want %s", tt.name, tt.raw, g, tt.want)
		}
	}
}

func TestAddressesBounds(t *testing.T) {
	raw := strings.Repeat("a@x,", MaxAddresses+5)
	list, ok := parseAddresses(nil, raw)
	if len(list) != MaxAddresses || ok {
		t.Errorf("%d addresses, %v", len(list), ok)
	}
	list, ok = parseAddresses(nil, strings.Repeat("a,", MaxAddresses+5))
	if len(list) != MaxAddresses || ok {
		t.Errorf("%d local names, %v", len(list), ok)
	}
	if Addresses(nil) == nil {
		t.Error("nil for no addresses")
	}
}

func FuzzAddresses(f *testing.F) {
	for _, s := range []string{`"Doe, J" <j@x>, G: a@x;, b@x (B)`, "<@a,@b:c@d>", "a @ b . c d", `"\"`, "=?utf-8?q?a,b?= <a@b", "a, b <c", "(((", "x\xff <y\xff>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, a := range Addresses(raw) {
			if !utf8.ValidString(a.Name) || !utf8.ValidString(a.Address) {
				t.Errorf("%q is not UTF-8", a)
			}
		}
	})
}
