package discover

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
)

var addresses = []struct{ in, want string }{
	{"alice@example.org", "alice@example.org"},
	{"Alice.O'Neil+x@EXAMPLE.org.", "Alice.O'Neil+x@example.org"},
	{"josé@bücher.example", "josé@xn--bcher-kva.example"},
	{"a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
	{"", ""},
	{"alice", ""},
	{"@example.org", ""},
	{"alice@", ""},
	{"alice@@example.org", ""},
	{"alice@localhost", ""},
	{"alice@127.0.0.1", ""},
	{"alice@[127.0.0.1]", ""},
	{"alice@example..org", ""},
	{"alice@-example.org", ""},
	{"alice@example.org/x", ""},
	{"alice@example.org:993", ""},
	{"al ice@example.org", ""},
	{"\"al\"@example.org", ""},
	{"Alice <alice@example.org>", ""},
	{"alice\x1b@example.org", ""},
	{"alice\u202e@example.org", ""},
	{"alice\xff@example.org", ""},
	{"imaps://alice@example.org/", ""},
	{strings.Repeat("a", 65) + "@example.org", ""},
	{"alice@" + strings.Repeat("a", 64) + ".org", ""},
	{"alice@" + strings.Repeat("abcdefg.", 40) + "org", ""},
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, test := range addresses {
		got, err := ParseAddress(test.in)
		if test.want == "" {
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("%q is %v, %v", test.in, got, err)
			}
			continue
		}
		if err != nil || got.String() != test.want {
			t.Errorf("%q is %v, %v", test.in, got, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, a := range addresses {
		f.Add(a.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String())
		if err != nil || again != a {
			t.Errorf("%q: %v, then %v, %v", s, a, again, err)
		}
		if !plainName(a.Domain) || strings.ContainsAny(a.Local, " \r\n\x00@") {
			t.Errorf("%q: %q", s, a)
		}
	})
}

// plainName tells whether s can go into a URL and a DNS question as it is.
func plainName(s string) bool {
	return s != "" && len(s) <= 253 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-._:") == ""
}

var files = []struct{ name, in, want string }{ // want: "" for none, "error"
	{"OAuth and a password", file(imap("i.test", 993, "SSL", "<authentication>OAuth2</authentication><authentication>password-cleartext</authentication>")), "i.test:993 implicit a@b.test a []"},
	{"issuer behind the server", strings.Replace(file(imap("i.test", 993, "ssl", "<authentication>OAuth2</authentication>")), "</clientConfig>",
		"<oAuth2><issuer>accounts.google.com</issuer></oAuth2></clientConfig>", 1), "i.test:993 implicit a@b.test a [] password=none oauth=google"},
	{"another charset", strings.Replace(file(imap("i.test", 993, "SSL", "<username>\xe9</username>")), "UTF-8", "ISO-8859-1", 1), "i.test:993 implicit é []"},
	{"an unknown charset", strings.Replace(file(imap("i.test", 993, "SSL", "")), "UTF-8", "KLINGON", 1), "error"},
	{"unknown elements", file("<x><y/></x>", imap("i.test", 993, "SSL", "<z><port>1</port></z>")), "i.test:993 implicit a@b.test a []"},
	{"cut off", strings.TrimSuffix(file(imap("i.test", 993, "SSL", "")), "</emailProvider></clientConfig>"), "i.test:993 implicit a@b.test a []"},
	{"cut off in the port", strings.SplitAfter(file(imap("i.test", 993, "SSL", "")), "<port>99")[0], ""},
	{"entities of a DTD", `<!DOCTYPE a [<!ENTITY h "evil.test"><!ENTITY f SYSTEM "file:///etc/passwd">]>` +
		"<clientConfig>" + imap("&h;", 993, "SSL", "") + imap("i.test", 993, "SSL", "<username>&f;</username>") + "</clientConfig>", "i.test:993 implicit &f; []"},
	{"a host with a path", file(imap("i.test/x", 993, "SSL", "")), ""},
	{"control characters in the user", file(imap("i.test", 993, "SSL", "<username>a&#13;&#10;b</username>")), ""},
	{"ports", file(imap("i.test", 0, "SSL", ""), imap("i.test", 99999, "SSL", ""), imap("i.test", -1, "SSL", "")), ""},
	{"plain", file(imap("i.test", 143, "plain", ""), imap("i.test", 143, "", "")), ""},
	{"a client certificate", file(imap("i.test", 993, "SSL", "<authentication>TLS-client-cert</authentication>")), "i.test:993 implicit a@b.test a [] password=none"},
	{"encrypted", file(imap("i.test", 143, "STARTTLS", "<authentication>password-encrypted</authentication>")), "i.test:143 starttls a@b.test a []"},
	{"too deep", "<clientConfig>" + strings.Repeat("<a>", 100), "error"},
	{"too many", file(strings.Repeat(imap("i.test", 993, "SSL", ""), maxServers+1)), "error"},
	{"a long name", file(imap(strings.Repeat("a.", 5000)+"test", 993, "SSL", "")), ""},
	{"a web page", "<!doctype html><html><body>hello", "error"},
	{"nothing", "", "error"},
	{"text", "hello", "error"},
	{"an empty file", "<clientConfig/>", ""},
}

func readFile(in string) string {
	servers, err := parseAutoconfig([]byte(in))
	if err != nil {
		return "error"
	}
	var out []Candidate
	for _, s := range servers {
		if c, ok := s.candidate(Address{"a", "b.test"}); ok {
			out = append(out, c)
		}
	}
	return show(out)
}

func TestAutoconfigFiles(t *testing.T) {
	t.Parallel()
	for _, test := range files {
		if got := readFile(test.in); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzAutoconfig(f *testing.F) {
	for _, test := range files {
		f.Add(test.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		servers, err := parseAutoconfig([]byte(in))
		if err != nil && len(servers) > 0 || len(servers) > maxServers {
			t.Fatalf("%d servers, %v", len(servers), err)
		}
		for _, s := range servers {
			c, ok := s.candidate(Address{"a", "b.test"})
			if !ok {
				continue
			}
			if !plainName(c.Host) || c.Port < 1 || c.Port > 65535 || c.TLS == "" || len(c.Users) == 0 {
				t.Errorf("%+v", c)
			}
			for _, u := range c.Users {
				if !utf8.ValidString(u) || strings.ContainsAny(u, "\r\n\x00\x1b") {
					t.Errorf("user %q", u)
				}
			}
		}
	})
}
