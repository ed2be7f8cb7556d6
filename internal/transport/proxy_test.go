package transport

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParseProxy(t *testing.T) {
	for in, want := range map[string]string{
		"socks5://h":               "socks5://h:1080",
		"SOCKS5h://h:9050/":        "socks5://h:9050",
		"socks://127.0.0.1:1":      "socks5://127.0.0.1:1",
		"http://h":                 "http://h:80",
		"https://h":                "https://h:443",
		"http://a:s3cret@[::1]:81": "http://[::1]:81",
		"socks5://a%40b:s3cret@h":  "socks5://h:1080",
	} {
		if p, err := parseProxy(in); err != nil || p.String() != want {
			t.Errorf("%s: %v, %v; want %s", in, p, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                           "scheme",
		"h:1080":                     "scheme",
		"socks4://h":                 "scheme",
		"http:h":                     "scheme",
		"http://":                    "no host",
		"http://a:s3cret@":           "no host",
		"http://h:0":                 "port",
		"http://h:65536":             "port",
		"http://a:s3cret":            "cannot be parsed",
		"http://a:s3#cret@h":         "cannot be parsed",
		"http://h/path":              "behind the port",
		"http://h?s3cret":            "behind the port",
		"http://::1":                 "cannot be parsed",
		"http://h\r\nX: y":           "cannot be parsed",
		"socks5://:s3cret@h":         "user name",
		"http://a%3Ab:s3cret@h":      "colon",
		"socks5://a:" + long + "@h/": "at most 255",
	} {
		_, err := parseProxy(in)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), want) || len(fault.Hints(err)) == 0 {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: the error shows the password: %v", in, err)
		}
	}
	for in, want := range map[string]bool{"http://a:b@h": true, "http://a:@h": true, "http://a@h": false, "http://h:1": false, "none": false} {
		if ProxyPassword(in) != want {
			t.Errorf("%s: not %v", in, want)
		}
	}
}

var long = strings.Repeat("x", 256)

func FuzzParseProxy(f *testing.F) {
	for _, s := range []string{"socks5://h", "http://a:b@[::1]:81/", "https://h:0", "://", "http://a:b%zz@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseProxy(text)
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if p != nil {
			if again, err := parseProxy(p.String()); err != nil || again.String() != p.String() {
				t.Errorf("%q: %v, %v; %v", text, p, again, err)
			}
		}
	})
}

// Which proxy is taken: the one asked for, whatever NO_PROXY says, else that
// of the environment, but not to this machine.
func TestVia(t *testing.T) {
	const all = "ALL_PROXY=socks5://env"
	for _, tt := range []struct {
		host, proxy string
		env         []string
		want        string
	}{
		{"mail.example.org", "", nil, ""},
		{"mail.example.org", "", []string{all}, "socks5://env:1080"},
		{"mail.example.org", "", []string{"all_proxy=http://low", all}, "http://low:80"},
		{"mail.example.org", "", []string{"all_proxy=", all}, "socks5://env:1080"},
		{"mail.example.org", "", []string{"ALL_PROXY=bare:3128"}, "http://bare:3128"},
		{"mail.example.org", "", []string{"HTTPS_PROXY=http://web"}, ""},
		{"mail.example.org", NoProxy, []string{all}, ""},
		{"mail.example.org", "http://mine", []string{all, "NO_PROXY=*"}, "http://mine:80"},
		{"mail.example.org", "", []string{all, "NO_PROXY=*"}, ""},
		{"mail.example.org", "", []string{all, "no_proxy=example.org"}, ""},
		{"mail.example.org", "", []string{all, "NO_PROXY=.example.org:993"}, ""},
		{"mail.example.org", "", []string{all, "NO_PROXY=.example.org:143"}, "socks5://env:1080"},
		{"mail.example.org", "", []string{all, "NO_PROXY=ample.org"}, "socks5://env:1080"},
		{"192.0.2.7", "", []string{all, "NO_PROXY=192.0.2.0/24"}, ""},
		{"192.0.3.7", "", []string{all, "NO_PROXY=192.0.2.0/24"}, "socks5://env:1080"},
		{"localhost", "", []string{all}, ""},
		{"imap.localhost", "", []string{all}, ""},
		{"127.0.0.9", "", []string{all}, ""},
		{"::1", "", []string{all}, ""},
		{"localhost", "http://mine", nil, "http://mine:80"},
	} {
		c := Config{Host: tt.host, Port: 993, Proxy: tt.proxy, Environ: tt.env}
		if got, err := c.Via(); err != nil || got != tt.want {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
	for _, c := range []Config{{UnixSocket: "s"}, {Tunnel: "c"}} {
		c.Environ = []string{all}
		if got, err := c.Via(); got != "" || err != nil {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for want, c := range map[string]Config{
		"--proxy and --unix-socket exclude each other":  {Proxy: "http://h", UnixSocket: "s"},
		"--unix-socket and --tunnel exclude each other": {UnixSocket: "s", Tunnel: "t"},
		"longer than 103 octets":                        {UnixSocket: long},
		"the URL of the proxy cannot be used":           {Proxy: "ftp://h"},
		"ALL_PROXY: the URL of the proxy":               {Host: "h", Environ: []string{"ALL_PROXY=ftp://h"}},
	} {
		if err := c.Check(); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := Dial(t.Context(), c); fault.KindOf(err) != fault.Usage {
			t.Errorf("dialled: %v", err)
		}
	}
	for _, c := range []Config{{}, {Proxy: NoProxy, Tunnel: "t"}, {Environ: []string{"ALL_PROXY=ftp://h"}, Host: "localhost"}} {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
	}
}

// peer has said everything beforehand.
type peer struct {
	io.Reader
	bytes.Buffer
}

func (p *peer) Read(b []byte) (int, error) { return p.Reader.Read(b) }

func said(text string) *peer { return &peer{Reader: strings.NewReader(text)} }

func TestSOCKS(t *testing.T) {
	const granted = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	for _, tt := range []struct {
		name, user, host, answer string
		sent, err, hint          string
	}{
		{"a name", "", "mail.example.org", "\x05\x00" + granted + "* OK", "\x05\x01\x00\x05\x01\x00\x03\x10mail.example.org\x03\xe1", "", ""},
		{"IPv4", "", "192.0.2.7", "\x05\x00" + granted + "* OK", "\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x03\xe1", "", ""},
		{"IPv6", "", "2001:db8::7", "\x05\x00\x05\x00\x00\x04" + strings.Repeat("\x00", 18) + "* OK", "\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x03\xe1", "", ""},
		{"bound to a name", "", "h", "\x05\x00\x05\x00\x00\x03\x02ab\x00\x00* OK", "\x05\x01\x00\x05\x01\x00\x03\x01h\x03\xe1", "", ""},
		{"a password", "bob", "h", "\x05\x02\x01\x00" + granted + "* OK", "\x05\x02\x00\x02\x01\x03bob\x06s3cret\x05\x01\x00\x03\x01h\x03\xe1", "", ""},
		{"no password needed", "bob", "h", "\x05\x00" + granted + "* OK", "\x05\x02\x00\x02\x05\x01\x00\x03\x01h\x03\xe1", "", ""},
		{"a wrong password", "bob", "h", "\x05\x02\x01\x01", "\x05\x02\x00\x02\x01\x03bob\x06s3cret", "rejects the user name and password", "IMAPKNIFE_PROXY"},
		{"a password wanted", "", "h", "\x05\xff", "\x05\x01\x00", "wants a user name and password", "socks5://USER:PASSWORD@HOST:PORT"},
		{"a password wanted unasked", "", "h", "\x05\x02", "\x05\x01\x00", "wants a user name and password", "ALL_PROXY"},
		{"nothing will do", "bob", "h", "\x05\xff", "\x05\x02\x00\x02", "takes neither", ""},
		{"refused", "", "h", "\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "\x05\x01\x00\x05\x01\x00\x03\x01h\x03\xe1", "cannot connect to h port 993: connection refused", "check host and port"},
		{"an odd refusal", "", "h", "\x05\x00\x05\xee\x00\x01", "\x05\x01\x00\x05\x01\x00\x03\x01h\x03\xe1", "unknown reply", ""},
		{"HTTP", "", "h", "HTTP/1.1 400 Bad Request\r\n", "\x05\x01\x00", "does not speak SOCKS5", "scheme"},
		{"an odd address", "", "h", "\x05\x00\x05\x00\x00\x09\x00\x00", "\x05\x01\x00\x05\x01\x00\x03\x01h\x03\xe1", "does not speak SOCKS5", ""},
		{"cut", "", "h", "\x05", "\x05\x01\x00", "EOF", ""},
		{"a long name", "", long, "", "", "longer than 255 octets", ""},
	} {
		p := &proxy{scheme: "socks5", host: "p", port: "1", user: tt.user, password: "s3cret"}
		rw := said(tt.answer)
		err := p.socks(rw, tt.host, 993)
		if rw.String() != tt.sent {
			t.Errorf("%s: sent %q, want %q", tt.name, rw.String(), tt.sent)
		}
		if (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !strings.Contains(strings.Join(fault.Hints(err), " "), tt.hint) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s: %v, hints %q; want %q", tt.name, err, fault.Hints(err), tt.err)
		}
		if rest, _ := io.ReadAll(rw); err == nil && string(rest) != "* OK" {
			t.Errorf("%s: %q is left", tt.name, rest)
		}
	}
}

func FuzzSOCKS(f *testing.F) {
	f.Add("\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", "")
	f.Add("\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\x00\x00", "bob")
	f.Fuzz(func(t *testing.T, answer, user string) {
		if len(user) > maxSOCKSText {
			return
		}
		p := &proxy{scheme: "socks5", host: "p", port: "1", user: user, password: "s3cret"}
		if err := p.socks(said(answer), "h", 993); err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Error(err)
		}
	})
}

func TestAnswerHeader(t *testing.T) {
	for in, want := range map[string]struct {
		line string
		rest string
		err  error
	}{
		"HTTP/1.1 200 OK\r\n\r\n* OK":         {"HTTP/1.1 200 OK", "* OK", nil},
		"HTTP/1.0 200 OK\nVia: x\n\n* OK":     {"HTTP/1.0 200 OK", "* OK", nil},
		"HTTP/1.1 200 OK\r\nA: b\r\n\r\n\r\n": {"HTTP/1.1 200 OK", "\r\n", nil},
		"* OK ready\r\n":                      {"* OK ", "ready\r\n", nil},
		"HTTP/1.1 200 OK\r\n":                 {"", "", io.EOF},
		"":                                    {"", "", io.EOF},
	} {
		r, left := strings.NewReader(in), maxProxyHeader
		line, err := answerHeader(r, &left)
		rest, _ := io.ReadAll(r)
		if line != want.line || string(rest) != want.rest || !errors.Is(err, want.err) {
			t.Errorf("%q: %q, %q, %v", in, line, rest, err)
		}
	}
	left := maxProxyHeader
	_, err := answerHeader(strings.NewReader("HTTP/1.1 "+strings.Repeat("x", maxProxyHeader)), &left)
	if fault.KindOf(err) != fault.Connect || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
}

func FuzzStatusLine(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK", "HTTP/1.0 407", "HTTP/1.1  200", "HTTP/2 200", "HTTP/1.1 99 x", "HTTP/1.1 +20 x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if n, _, ok := parseStatusLine(line); ok != (n >= 100 && n <= 999) {
			t.Errorf("%q: %d, %v", line, n, ok)
		}
	})
}
