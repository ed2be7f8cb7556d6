package session

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/pin"
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
		"all at once":    {"S= * OK hi\\r\\nA1 OK go\\r\\nA2 OK in\\r\\n\nHANG", "the answer to STARTTLS came before it was sent"},
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

// What can be wrong with a certificate, each in its own words, and what a
// person can allow.
func TestLeaves(t *testing.T) {
	wrong := []string{"sha256:" + strings.Repeat("0f", 32)}
	for name, tt := range map[string]struct {
		leaf   imaptest.Leaf
		change func(*Config)
		text   string // empty: the session is opened
		hint   string
	}{
		"right":                     {},
		"expired":                   {leaf: imaptest.Leaf{Expired: true}, text: "the certificate expired on " + time.Now().Add(-24*time.Hour).UTC().Format("2006-01-02"), hint: "--tls-pin sha256:"},
		"not yet valid":             {leaf: imaptest.Leaf{NotYet: true}, text: "the certificate is not valid before " + time.Now().Add(24*time.Hour).UTC().Format("2006-01-02"), hint: "clock"},
		"another host":              {leaf: imaptest.Leaf{WrongHost: true}, text: "the certificate is for imap.elsewhere.example, not for 127.0.0.1", hint: "--server-name"},
		"self-signed":               {leaf: imaptest.Leaf{SelfSigned: true}, text: "the certificate is self-signed", hint: "--ca-file"},
		"the system's trust":        {change: func(c *Config) { c.CAFile = "" }, text: `the certificate is signed by "CN=imaptest CA", an unknown authority`, hint: "only if you know that this is your server"},
		"insecure":                  {leaf: imaptest.Leaf{Expired: true, WrongHost: true, SelfSigned: true}, change: func(c *Config) { c.Insecure = true }},
		"another name":              {change: func(c *Config) { c.ServerName = "mail.example.com" }, text: "the certificate is for localhost, 127.0.0.1, ::1, not for mail.example.com", hint: "--server-name"},
		"by name":                   {change: func(c *Config) { c.ServerName = "localhost" }},
		"clear text on a TLS port":  {change: func(c *Config) { c.TLS = NoTLS; c.IOTimeout = 200 * time.Millisecond }, text: "server"},
		"another pin":               {change: func(c *Config) { c.TLSPins = wrong }, text: "and the pin is sha256:0f0f", hint: "find out which"},
		"another pin, insecure":     {change: func(c *Config) { c.TLSPins = wrong; c.Insecure = true }, text: "the server's key is sha256:"},
		"no client certificate":     {leaf: imaptest.Leaf{ClientCert: true}, text: "the server asked for a client certificate, got none, and ended the connection", hint: "--client-cert FILE"},
		"TLS 1.3 wanted and spoken": {change: func(c *Config) { c.TLSMin = "1.3" }},
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

// The pin that an error names is the one that trusts that server, whatever is
// wrong with its certificate, with TLS from the start and after STARTTLS.
func TestPins(t *testing.T) {
	t.Parallel()
	for _, mode := range []TLSMode{Implicit, StartTLS} {
		srv, err := imaptest.Start("CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK go\nSTARTTLS",
			imaptest.Options{TLS: mode == Implicit, Leaf: imaptest.Leaf{Expired: true, WrongHost: true, SelfSigned: true}})
		must(t, err)
		defer srv.Close()
		cfg := secure(t, srv, mode)
		progress := new(Progress)
		cfg.Progress = progress
		_, err = Open(t.Context(), cfg)
		failed(t, err, fault.Connect, "expired")
		if progress.TLS == nil || len(progress.TLS.PeerCertificates) != 1 || progress.TLS.Version != tls.VersionTLS13 {
			t.Fatalf("%+v", progress.TLS)
		}
		leaf := progress.TLS.PeerCertificates[0]
		key := pin.Of(leaf)
		if !strings.Contains(strings.Join(fault.Hints(err), " "), "--tls-pin "+key+" trusts") {
			t.Errorf("hints %q", fault.Hints(err))
		}
		sum, _ := hex.DecodeString(strings.TrimPrefix(key, "sha256:"))
		for _, form := range []string{key, "SHA256:" + strings.ToUpper(key[7:]), "sha256:" + base64.StdEncoding.EncodeToString(sum)} {
			cfg.TLSPins = []string{"sha256:" + strings.Repeat("00", 32), form}
			s := enter(t, cfg)
			if s.tlsState == nil || len(s.tlsState.PeerCertificates) != 1 {
				t.Errorf("%v: %+v", mode, s.tlsState)
			}
			must(t, s.Settle(t.Context()))
		}
		// The fingerprint of the certificate is what people have at hand.
		cfg.TLSPins = []string{pin.Fingerprint(leaf)}
		_, err = Open(t.Context(), cfg)
		failed(t, err, fault.Connect, "the server's key is "+key)
		if !strings.Contains(strings.Join(fault.Hints(err), " "), "fingerprint") {
			t.Errorf("hints %q", fault.Hints(err))
		}
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, data ...[]byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, bytes.Join(data, nil), 0o600))
		return path
	}
	for _, mode := range []TLSMode{Implicit, StartTLS} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			srv, err := imaptest.Start("CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK go\nSTARTTLS",
				imaptest.Options{TLS: mode == Implicit, MaxTLS: version, Leaf: imaptest.Leaf{ClientCert: true}})
			must(t, err)
			defer srv.Close()
			open := func(cert, key string) error {
				cfg := secure(t, srv, mode)
				cfg.ClientCert, cfg.ClientKey = cert, key
				s, err := Open(t.Context(), cfg)
				if err == nil {
					err = s.Settle(t.Context())
					s.Close()
				}
				return err
			}
			cert, key, err := srv.CA().Client()
			must(t, err)
			must(t, open(file("both.pem", key, cert), ""))
			must(t, open(file("cert.pem", cert), file("key.pem", key)))
			err = open("", "")
			if text := fmt.Sprint(err, fault.Hints(err)); fault.KindOf(err) != fault.Connect || !strings.Contains(text, "client certificate") || !strings.Contains(text, "--client-cert FILE") {
				t.Errorf("%v, %x: %s", mode, version, text)
			}
			other, err := imaptest.NewCA()
			must(t, err)
			cert, key, err = other.Client()
			must(t, err)
			err = open(file("other.pem", cert, key), "")
			if text := fmt.Sprint(err, fault.Hints(err)); fault.KindOf(err) != fault.Connect || !strings.Contains(text, "the server may not accept the") {
				t.Errorf("%v, %x: %s", mode, version, text)
			}
		}
	}
}

// What is wrong with the files is said before anything is dialled.
func TestClientCertificateFiles(t *testing.T) {
	t.Parallel()
	ca, err := imaptest.NewCA()
	must(t, err)
	cert, key, err := ca.Client()
	must(t, err)
	_, otherKey, err := ca.Client()
	must(t, err)
	dir := t.TempDir()
	file := func(name string, data ...[]byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, bytes.Join(data, nil), 0o600))
		return path
	}
	encrypted := []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
	old := []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
	for _, tt := range []struct{ cert, key, text, hint string }{
		{"", file("k", key), "--client-key without --client-cert", ""},
		{dir + "/missing", "", "cannot read the client certificate", ""},
		{file("c", cert), dir + "/missing", "cannot read the key of the client certificate", ""},
		{file("c", cert), "", "no private key in", "--client-key FILE"},
		{file("k", key), "", "no certificate in", "PEM"},
		{file("e", cert, encrypted), "", "is encrypted", "openssl pkey"},
		{file("c", cert), file("o", old), "is encrypted", "openssl pkey"},
		{file("c", cert), file("k2", otherKey), "private key does not match public key", ""},
		{file("c2", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), file("k", key), "cannot be used", ""},
	} {
		_, err := Certificate(tt.cert, tt.key)
		failed(t, err, fault.Usage, tt.text)
		if !strings.Contains(strings.Join(fault.Hints(err), " "), tt.hint) {
			t.Errorf("%s: hints %q", tt.text, fault.Hints(err))
		}
		_, err = Open(t.Context(), Config{Host: "127.0.0.1", Port: 1, ClientCert: tt.cert, ClientKey: tt.key, Now: time.Now})
		failed(t, err, fault.Usage, tt.text)
	}
}

// A server that is too old is told from one that fails otherwise, by what it
// offers where that can be found out.
func TestOldTLS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		max        uint16
		mode       TLSMode
		min        string
		text, hint string
	}{
		{tls.VersionTLS11, Implicit, "", "the server speaks only TLS 1.1, and TLS 1.2 is required", "must be updated"},
		{tls.VersionTLS10, Implicit, "", "the server speaks only TLS 1.0, and TLS 1.2 is required", "must be updated"},
		{tls.VersionTLS11, StartTLS, "", "the server speaks no TLS 1.2, and TLS 1.2 is required", "must be updated"},
		{tls.VersionTLS12, Implicit, "1.3", "the server speaks only TLS 1.2, and TLS 1.3 is required", "--tls-min 1.2"},
	} {
		srv, err := imaptest.Start("CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK go\nSTARTTLS", imaptest.Options{TLS: tt.mode == Implicit, MaxTLS: tt.max})
		must(t, err)
		defer srv.Close()
		cfg := secure(t, srv, tt.mode)
		cfg.TLSMin = tt.min
		_, err = Open(t.Context(), cfg)
		failed(t, err, fault.Connect, tt.text)
		if !strings.Contains(strings.Join(fault.Hints(err), " "), tt.hint) {
			t.Errorf("hints %q", fault.Hints(err))
		}
	}
}

func TestParseHello(t *testing.T) {
	for _, tt := range []struct {
		in      string
		version uint16
		alert   byte
	}{
		{"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01", tls.VersionTLS10, 0}, // a server that knows nothing newer
		{"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03", tls.VersionTLS12, 0},
		{"\x15\x03\x01\x00\x02\x02\x46", 0, alertProtocolVersion},
		{"\x15\x03\x03\x00\x02\x02\x70", 0, alertUnrecognizedName},
		{"\x15\x03\x03\x00\x02\x02", 0, 0},
		{"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03", 0, 0},
		{"\x16\x03\x01\x00\x2a\x0b\x00\x00\x26\x03\x01", 0, 0},
		{"* OK IMAP ready", 0, 0},
		{"", 0, 0},
	} {
		if version, alert := parseHello([]byte(tt.in)); version != tt.version || alert != tt.alert {
			t.Errorf("%q: %x, %d", tt.in, version, alert)
		}
	}
}

func FuzzParseHello(f *testing.F) {
	f.Add([]byte("\x15\x03\x01\x00\x02\x02\x46"))
	f.Add([]byte("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if version, alert := parseHello(b); version != 0 && alert != 0 {
			t.Errorf("%x, %d", version, alert)
		}
	})
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
