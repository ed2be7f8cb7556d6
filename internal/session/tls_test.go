package session

import (
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/wire"
)

// LITERAL+, said in clear, does not hold behind STARTTLS: a literal waits.
func TestStartTLSForgetsLiterals(t *testing.T) {
	srv := serve(t, `S: * OK [CAPABILITY IMAP4rev1 STARTTLS LITERAL+] ready
C: {tag} STARTTLS
S: * CAPABILITY IMAP4rev1 LITERAL+
S: $tag OK go
STARTTLS
C: {tag} CAPABILITY
S: * CAPABILITY IMAP4rev1
S: $tag OK
C: {login} LOGIN "alice" "s3cret\"\\pass"
C: {more} CAPABILITY
S: $login OK in
S: * CAPABILITY IMAP4rev1
S: $more OK
C~ (?P<list>\w+) LIST "" \{2000\}x+
S: $list OK listed
`, imaptest.Options{})
	s := enter(t, secure(t, srv, StartTLS))
	must(t, s.List(t.Context(), ListRequest{Patterns: []string{strings.Repeat("x", 2000)}}, func(*ListEntry) error { return nil }))
}

// However STARTTLS is disturbed, the session ends as one that could not be
// protected, and no octet of a credential was sent.
func TestStartTLSDisturbed(t *testing.T) {
	for name, tt := range map[string]struct{ script, text string }{
		"answers behind": {"S: * OK\nC: {tag} STARTTLS\nS= $tag OK go\\r\\nA2 OK in\\r\\nA3 OK in\\r\\n\nHANG", "octets ahead of the TLS handshake"},
		"all at once":    {"S= * OK hi\\r\\nA1 OK go\\r\\nA2 OK in\\r\\n\nHANG", "octets ahead of the TLS handshake"},
		"continuation":   {"S: * OK\nC: {tag} STARTTLS\nS: + go on\nHANG", "no answer from the server"},
		"nothing":        {"S: * OK\nC: {tag} STARTTLS\nHANG", "no answer from the server"},
		"silence":        {"S: * OK\nC: {tag} STARTTLS\nS: $tag OK go\nHANG", "no TLS with 127.0.0.1:"},
		"BYE":            {"S: * OK\nC: {tag} STARTTLS\nS: * BYE away\nCLOSE", "server said BYE away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := imaptest.Start(tt.script+"\n", imaptest.Options{})
			must(t, err)
			cfg := secure(t, srv, StartTLS)
			cfg.IOTimeout, cfg.ConnectTimeout = 300*time.Millisecond, 300*time.Millisecond
			_, err = Open(t.Context(), cfg)
			failed(t, err, fault.Connect, tt.text)
			srv.Close()
			for _, c := range srv.Record().Commands(0) {
				if strings.Contains(c.Text, "LOGIN") || strings.Contains(c.Text, "AUTHENTICATE") || strings.Contains(c.Text, "s3cret") {
					t.Errorf("sent %q", c.Text)
				}
			}
		})
	}
}

func TestImplicitTLS(t *testing.T) {
	srv := serve(t, "", imaptest.Options{TLS: true})
	var trace strings.Builder
	cfg := secure(t, srv, Implicit)
	cfg.Trace = wire.NewTrace(&trace, time.Now, false)
	s := examined(t, cfg)
	res, err := s.Search(t.Context(), SearchRequest{})
	if err != nil || res.Count != 3 {
		t.Errorf("%+v, %v", res, err)
	}
	for _, want := range []string{"== connected to 127.0.0.1:", "== TLS 1.3, TLS_", "certificate verified for 127.0.0.1"} {
		if !strings.Contains(trace.String(), want) {
			t.Errorf("%q is not in the trace:\n%s", want, trace.String())
		}
	}
}

// What can be wrong with a certificate, and what a person can allow.
func TestLeaves(t *testing.T) {
	for name, tt := range map[string]struct {
		leaf   imaptest.Leaf
		change func(*Config)
		text   string // empty: the session is opened
		hint   string
	}{
		"right":                    {},
		"expired":                  {leaf: imaptest.Leaf{Expired: true}, text: "expired"},
		"another host":             {leaf: imaptest.Leaf{WrongHost: true}, text: "no TLS with 127.0.0.1:", hint: "--server-name"},
		"self-signed":              {leaf: imaptest.Leaf{SelfSigned: true}, text: "unknown authority", hint: "--ca-file"},
		"the system's trust":       {change: func(c *Config) { c.CAFile = "" }, text: "unknown authority", hint: "--ca-file"},
		"insecure":                 {leaf: imaptest.Leaf{Expired: true, WrongHost: true, SelfSigned: true}, change: func(c *Config) { c.Insecure = true }},
		"another name":             {change: func(c *Config) { c.ServerName = "mail.example.com" }, text: "no TLS with", hint: "--server-name"},
		"by name":                  {change: func(c *Config) { c.ServerName = "localhost" }},
		"clear text on a TLS port": {change: func(c *Config) { c.TLS = NoTLS; c.IOTimeout = 200 * time.Millisecond }, text: "server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := imaptest.Start("", imaptest.Options{TLS: true, Leaf: tt.leaf})
			must(t, err)
			cfg := secure(t, srv, Implicit)
			if tt.change != nil {
				tt.change(&cfg)
			}
			s, err := Open(t.Context(), cfg)
			if err == nil {
				err = s.Settle(t.Context())
				s.Close()
			}
			srv.Close()
			if tt.text == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failed(t, err, fault.Connect, tt.text)
			if !strings.Contains(strings.Join(fault.Hints(err), " "), tt.hint) {
				t.Errorf("hints %q, want %q", fault.Hints(err), tt.hint)
			}
			for _, c := range srv.Record().Commands(0) {
				t.Errorf("sent %q", c.Text)
			}
		})
	}
}

func TestOldTLS(t *testing.T) {
	srv, err := imaptest.Start("", imaptest.Options{TLS: true, MaxTLS: tls.VersionTLS11})
	must(t, err)
	defer srv.Close()
	_, err = Open(t.Context(), secure(t, srv, Implicit))
	failed(t, err, fault.Connect, "no TLS with")
}

func TestCAFile(t *testing.T) {
	srv, err := imaptest.Start("", imaptest.Options{TLS: true})
	must(t, err)
	defer srv.Close()
	cfg := secure(t, srv, Implicit)
	must(t, os.WriteFile(cfg.CAFile, []byte("no certificate"), 0o600))
	_, err = Open(t.Context(), cfg)
	failed(t, err, fault.Usage, "no certificate in the CA file")
	cfg.CAFile += ".missing"
	_, err = Open(t.Context(), cfg)
	failed(t, err, fault.Usage, "cannot read the CA file")
	if n := srv.Record().Conns(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	silent, err := net.Listen("tcp", "127.0.0.1:0") // never accepts, so never shakes hands
	must(t, err)
	defer silent.Close()
	l.Close()
	for name, tt := range map[string]struct {
		cfg        Config
		text, hint string
	}{
		"nobody listens": {Config{Host: "127.0.0.1", Port: port}, "connection refused", "993"},
		"no such host":   {Config{Host: "no.such.host.invalid", Port: 993}, "cannot connect to no.such.host.invalid:993: ", "host name"},
	} {
		cfg := tt.cfg
		cfg.TLS, cfg.Now, cfg.ConnectTimeout = Implicit, time.Now, 200*time.Millisecond
		if strings.Contains(name, "host") {
			cfg.ConnectTimeout = 10 * time.Second
		}
		_, err := Open(t.Context(), cfg)
		failed(t, err, fault.Connect, tt.text)
		if strings.Count(err.Error(), tt.cfg.Host) > 2 || !strings.Contains(strings.Join(fault.Hints(err), " "), tt.hint) {
			t.Errorf("%s: %v, hints %q", name, err, fault.Hints(err))
		}
	}
}
