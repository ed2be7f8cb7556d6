package hostname

import (
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"imap.example.org": "imap.example.org", "IMAP.Example.ORG.": "IMAP.Example.ORG", "localhost": "localhost", "my_host": "my_host",
		"imap.bücher.example.org": "imap.xn--bcher-kva.example.org", "BÜCHER.example": "xn--bcher-kva.example", "例え.example": "xn--r8jz45g.example",
		"127.0.0.1": "127.0.0.1", "::1": "::1", "[::1]": "::1", "fe80::1%eth0": "fe80::1%eth0", "[fe80::1%eth0]": "fe80::1%eth0",
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"": "not a name", "[x]": "IPv6", "[127.0.0.1]": "IPv6", "h:993": "holds a port", "[::1]:993": "holds a port",
		"imaps://h/": "a URL", "a@h": "a user", "a:hunter2@h": "a user", "imap.example.org ": "blank", "a b": "blank", "h/INBOX": "holds a path",
		"a..b": "not a name", "-a.b": "not a name", "a-.b": "not a name", "a,b": "not a name", "h\x00": "not a name", "[::1": "not a name",
		"::g": "not a name", strings.Repeat("a", 64): "not a name", strings.Repeat("a.", 150): "not a name",
	} {
		got, err := Parse(in)
		if fault.KindOf(err) != fault.Usage || got != "" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// What is parsed is a fixed point, and holds nothing that a URL or a resolver
// would read otherwise.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"imap.example.org", "bücher.example", "[::1]", "a:1", "ﬀ.example", "a。b", "fe80::1%25"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(got); err != nil || again != got {
			t.Errorf("%q: %q, then %q, %v", s, got, again, err)
		}
		if !strings.Contains(got, ":") && strings.Trim(strings.ToLower(got), labelCharacters+".") != "" {
			t.Errorf("%q: %q", s, got)
		}
	})
}
