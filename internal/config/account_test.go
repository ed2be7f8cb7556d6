package config

import (
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParseURL(t *testing.T) {
	for in, want := range map[string]Account{
		"imaps://alice@mail.example.com/":      {Host: "mail.example.com", TLS: "implicit", User: "alice"},
		"imaps://alice@mail.example.com":       {Host: "mail.example.com", TLS: "implicit", User: "alice"},
		"IMAPS://alice@Mail.Example.com":       {Host: "Mail.Example.com", TLS: "implicit", User: "alice"},
		"imap://alice@h":                       {Host: "h", TLS: "starttls", User: "alice"},
		"imap+insecure://alice@localhost:1143": {Host: "localhost", Port: 1143, TLS: "none", User: "alice"},
		"imaps://h":                            {Host: "h", TLS: "implicit"},
		"imaps://h:993/":                       {Host: "h", Port: 993, TLS: "implicit"},
		"imaps://h:/":                          {Host: "h", TLS: "implicit"},
		"imaps://h:1/":                         {Host: "h", Port: 1, TLS: "implicit"},
		"imaps://h:65535/":                     {Host: "h", Port: 65535, TLS: "implicit"},
		"imaps://alice@example.com@h":          {Host: "h", TLS: "implicit", User: "alice@example.com"},
		"imaps://alice%40example.com@h":        {Host: "h", TLS: "implicit", User: "alice@example.com"},
		"imaps://a%20b%2Fc%3Ad@h":              {Host: "h", TLS: "implicit", User: "a b/c:d"},
		"imaps://j%C3%BCrgen@h":                {Host: "h", TLS: "implicit", User: "jürgen"},
		"imaps://alice@[::1]:1993/":            {Host: "::1", Port: 1993, TLS: "implicit", User: "alice"},
		"imaps://alice@[2001:db8::7]":          {Host: "2001:db8::7", TLS: "implicit", User: "alice"},
		"imaps://alice@[fe80::1%25eth0]/":      {Host: "fe80::1%eth0", TLS: "implicit", User: "alice"},
		"imaps://alice@127.0.0.1:993":          {Host: "127.0.0.1", Port: 993, TLS: "implicit", User: "alice"},
		"imaps://alice@h/INBOX":                {Host: "h", TLS: "implicit", User: "alice", Mailbox: "INBOX"},
		"imaps://alice@h/Lists/go%20nuts":      {Host: "h", TLS: "implicit", User: "alice", Mailbox: "Lists/go nuts"},
		"imaps://alice@h/Entw%C3%BCrfe":        {Host: "h", TLS: "implicit", User: "alice", Mailbox: "Entwürfe"},
		"imaps://alice@h/a@b:c":                {Host: "h", TLS: "implicit", User: "alice", Mailbox: "a@b:c"},
		"imaps://@h/":                          {Host: "h", TLS: "implicit"},
		"imaps://a@imap.bücher.example.org/":   {Host: "imap.xn--bcher-kva.example.org", TLS: "implicit", User: "a"},
		"imaps://a@imap.b%C3%BCcher.example/":  {Host: "imap.xn--bcher-kva.example", TLS: "implicit", User: "a"},
		"imaps://a%3Bb@h/c%3Bd":                {Host: "h", TLS: "implicit", User: "a;b", Mailbox: "c;d"},
	} {
		if got, err := ParseURL(in); err != nil || got != want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", in, got, err, want)
		}
	}
}

// What cannot be used is an error of usage. None of them shows s3cret.
func TestParseURLRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"imaps://alice:s3cret@h/":                `the URL "imaps://alice:<hidden>@h/" cannot be used: it holds a password`,
		"imaps://alice:@h/":                      "it holds a password",
		"imaps://:s3cret@h/":                     "it holds a password",
		"imaps://alice:s3cret@x@h/":              "it holds a password",
		"imaps://alice:%733cret@h/":              "it holds a password",
		"imaps://alice:s3cret@h:70000/":          "it holds a password",
		"imaps://alice:s3cret@h/?x=1":            "it holds a password",
		"imaps://alice:s3cret/x@h/":              "it holds a password",
		"imaps://alice:s3cret#x@h/":              "it holds a password",
		"imaps://alice:s3cret?x@h/":              "it holds a password",
		"imaps://alice:s3cret@h:port/":           "it holds a password",
		"imaps://alice:s3cret%@h/":               "it holds a % without two hexadecimal digits behind it",
		"imaps://alice:s3cret @h/":               "it holds a blank",
		"imaps://alice:s3cret\n@h/":              "it holds a control character",
		"imaps://alice:s3cret":                   "what stands behind the host's colon is not a port",
		"imaps://alice:s3cret/":                  "what stands behind the host's colon is not a port",
		"https://alice:s3cret@h/":                "the scheme must be imaps, imap or imap+insecure",
		"://alice:s3cret@h/":                     "it cannot be parsed",
		"//alice:s3cret@h/":                      "the scheme must be",
		"alice:s3cret@h":                         "the scheme must be",
		"imaps:alice:s3cret@h":                   "it names no host",
		"imaps:/alice:s3cret@h":                  "it names no host",
		"imaps:s3cret@h":                         "it names no host",
		"imaps://alice:s3cret@/":                 "it names no host",
		"imaps://alice:s3cret@:993/":             "it names no host",
		"":                                       "the scheme must be",
		"mail.example.com":                       "the scheme must be",
		"mail.example.com:993":                   "",
		"alice@mail.example.com":                 "the scheme must be",
		"imaps://":                               "it names no host",
		"imaps:///INBOX":                         "it names no host",
		"imaps://h:0/":                           `"0" is not a port`,
		"imaps://h:65536/":                       `"65536" is not a port`,
		"imaps://h:99999999999999999999/":        "is not a port",
		"imaps://h:-1/":                          "what stands behind the host's colon is not a port",
		"imaps://h:+993/":                        "what stands behind the host's colon is not a port",
		"imaps://::1/":                           "an IPv6 address stands in brackets",
		"imaps://[::1/":                          "it cannot be parsed",
		"imaps://h/?uid=5":                       "it has a query or fragment",
		"imaps://h/#x":                           "it has a query or fragment",
		"imaps://h\r\nA1 LOGOUT/":                "it holds a control character",
		"imaps://u@h:99999/":                     `the URL "imaps://u@h:99999/" cannot be used: "99999" is not a port: 1 to 65535`,
		"imaps://u@h/\n":                         "it ends with a line end",
		"imaps://u@h/\r\n":                       "it ends with a line end",
		" imaps://u@h/":                          "it begins or ends with a blank",
		"imaps://u@h/ ":                          "it begins or ends with a blank",
		"imaps://u@h/a b":                        "it holds a blank",
		"imaps://u@a..b/":                        `"a..b" is not a host name`,
		"imaps://u@b%C3%BC%20cher/":              "",
		"imaps://u;AUTH=PLAIN@h/":                "it names a way to log in",
		"imaps://u;auth=*@h/":                    "it names a way to log in",
		"imaps://u;x@h/":                         "it holds a ; in the user name",
		"imaps://u@h/INBOX;UIDVALIDITY=1/;UID=1": "parameters such as ;UID= are not supported",
		"imaps://u@h/;UID=1":                     "parameters such as ;UID= are not supported",
		"imaps://u@h/50%":                        "it holds a % without",
		"imaps://u@h/%zz":                        "it holds a % without",
	} {
		a, err := ParseURL(in)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want %s", in, a, err, want)
			continue
		}
		text := err.Error() + strings.Join(fault.Hints(err), " ")
		if strings.Contains(text, "s3cret") || strings.Contains(text, "3cret") || strings.ContainsAny(text, "\r\n") {
			t.Errorf("%q: the error shows it: %s", in, text)
		}
	}
}

func TestParsePort(t *testing.T) {
	for in, want := range map[string]int{"1": 1, "993": 993, "65535": 65535, "0": 0, "65536": 0, "-1": 0, "": 0, "imaps": 0, "9 93": 0, "0x3e1": 0, "+993": 0} {
		got, err := ParsePort(in)
		if got != want || (err == nil) != (want != 0) || err != nil && fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
}

func TestComplete(t *testing.T) {
	for in, want := range map[Account]Account{
		{Host: "h", User: "u"}:                              {Host: "h", User: "u", TLS: "implicit", Port: 993},
		{Host: "h", TLS: "starttls"}:                        {Host: "h", TLS: "starttls", Port: 143},
		{Host: "h", TLS: "none"}:                            {Host: "h", TLS: "none", Port: 143},
		{Host: "h", TLS: "starttls", Port: 1, Mailbox: "m"}: {Host: "h", TLS: "starttls", Port: 1, Mailbox: "m"},
	} {
		if got, err := in.Complete(); err != nil || got != want {
			t.Errorf("%+v: %+v, %v", in, got, err)
		}
	}
	for _, tls := range []string{"ssl", "IMPLICIT", "tls", " "} {
		if _, err := (Account{Host: "h", TLS: tls}).Complete(); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "implicit, starttls, none") {
			t.Errorf("%q: %v", tls, err)
		}
	}
}

// Only what can be nothing but this machine is loopback: clear text is let
// through to it.
func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "imap.localhost": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "notlocalhost": false, "127.0.0.1.example.com": false, "128.0.0.1": false, "0.0.0.0": false, "::": false,
		"127.1": false, "2130706433": false, "localhost.localdomain": false, "mail.example.com": false, "10.0.0.1": false, "fe80::1%lo": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

// A password never comes out again, whatever it holds, and what is taken has
// a host and a mode.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"", "s3cret", "a@b", "/x", "?#", "%zz", "://", "[::1]", "\r\n", "\x00\xff", "1234"} {
		f.Add(seed, "imaps://")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, password, scheme string) {
		if scheme != "" && scheme != "imaps://" && scheme != "imap://" {
			return
		}
		text := scheme + "alice:" + password + "@h/"
		if scheme == "" && strings.Contains(text, "://") {
			return // then it is the scheme that stands in front
		}
		if got, want := redacted(text), scheme+"alice:<hidden>@h/"; got != want {
			t.Errorf("%q: %q", text, got)
		}
		if a, err := ParseURL(text); err == nil && !strings.ContainsAny(password, "/?#") {
			t.Errorf("%q is taken: %+v", text, a)
		}
		if a, err := ParseURL(scheme + password); err == nil && (a.Host == "" || a.TLS == "") {
			t.Errorf("%q: %+v", scheme+password, a)
		}
	})
}

func TestPassword(t *testing.T) {
	for in, want := range map[string]string{
		"u:pw@h": "pw", "imaps://u:pw@h/": "pw", "u:p@w@h": "p@w", "u:p:w@h": "p:w", "u@x:pw@h": "pw", ":pw@h": "pw", "u:p/w@h": "p/w",
		"u@h": "", "u@h:993": "", "u:@h": "", "imaps://u@h:993/": "", "h:993": "", "": "", "@": "", "a:b": "",
	} {
		if got, ok := Password(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
}
