package session

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// Nothing that was said before TLS holds after it: neither that login is
// forbidden, nor what the server offers, nor an alert.
func TestStartTLSForgets(t *testing.T) {
	srv := serve(t, `
GREETING * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED SASL-IR AUTH=PLAIN ESEARCH LITERAL+] clear
CAPABILITY IMAP4rev1 IDLE
ON STARTTLS
S: * CAPABILITY IMAP4rev1 XCLEAR LOGINDISABLED
S: * OK [ALERT] in clear
S: $tag OK [CAPABILITY IMAP4rev1 XCLEAR LOGINDISABLED] go
STARTTLS
`, imaptest.Options{})
	cfg := secure(t, srv, StartTLS)
	var alerts []string
	cfg.Notice = func(text string) { alerts = append(alerts, text) }
	s := examined(t, cfg)
	before, after, err := s.Capabilities(t.Context())
	must(t, err)
	const want = "IDLE IMAP4rev1"
	if strings.Join(before, " ") != want || strings.Join(after, " ") != want || s.Offers("XCLEAR") || s.Offers("ESEARCH") {
		t.Errorf("offers %q before and %q after the login", before, after)
	}
	if alerts != nil {
		t.Errorf("told %q", alerts)
	}
	if got := sent(srv); !slices.Equal(got[:3], []string{"STARTTLS", "CAPABILITY", loginLine}) {
		t.Errorf("sent %q", got)
	}
}

// Where TLS does not come about, nothing but STARTTLS is sent.
func TestStartTLSRefused(t *testing.T) {
	for _, tt := range []struct{ name, script, text string }{
		{"NO", "CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag NO not today", "STARTTLS is not possible on 127.0.0.1:"},
		{"not offered", "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\nHANG", "the server does not offer it"},
		{"BAD", "CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag BAD what?", "STARTTLS is not possible"},
		{"BYE", "CAPABILITY +STARTTLS\nON STARTTLS\nS: * BYE\nCLOSE", "server said BYE"},
		{"PREAUTH", "GREETING * PREAUTH in already", "logged us in before TLS (PREAUTH)"},
		{"octets ahead of the handshake", "CAPABILITY +STARTTLS\nON STARTTLS\nS= $tag OK go\\r\\n* OK [CAPABILITY IMAP4rev1 XEVIL] x\\r\\n\nSTARTTLS", "octets ahead of the TLS handshake"},
		{"one octet ahead of the handshake", "CAPABILITY +STARTTLS\nON STARTTLS\nS= $tag OK go\\r\\n \nSTARTTLS", "1 octets ahead of the TLS handshake"},
		{"OK ahead of the command", "S= * OK hi\\r\\nA1 OK go\\r\\n\nC: {tag} STARTTLS\nS: $tag OK go", "the answer to STARTTLS came before it was sent"},
		{"no handshake", "CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK go\nS: * OK go on", "no TLS with 127.0.0.1:"},
		{"gone", "CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK go\nCLOSE", "the server closed the connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv, err := imaptest.Start(tt.script, imaptest.Options{})
			must(t, err)
			defer srv.Close() // a handshake in clear departs from every script
			s, err := Open(t.Context(), secure(t, srv, StartTLS))
			if err == nil {
				s.Close()
			}
			if k := fault.KindOf(err); k != fault.Connect && k != fault.Protocol || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v (%v)", err, k)
			}
			for _, c := range sent(srv) {
				if strings.Contains(c, "LOGIN") || strings.Contains(c, "alice") || strings.Contains(c, "AUTHENTICATE") {
					t.Errorf("sent %q", c)
				}
			}
		})
	}
}

// A server that says OK to STARTTLS, and answers the handshake in clear text.
func TestStartTLSGoesOnInClear(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "* OK hi\r\n")
		r := bufio.NewReader(c)
		line, _ := r.ReadString('\n')
		tag, _, _ := strings.Cut(line, " ")
		io.WriteString(c, tag+" OK go\r\n")
		r.ReadByte() // of the handshake
		io.WriteString(c, "* OK go on\r\n")
		io.Copy(io.Discard, r)
	}()
	_, err = Open(t.Context(), Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: StartTLS, Now: time.Now, ConnectTimeout: 5 * time.Second})
	failed(t, err, fault.Connect, "the server goes on in clear text after its OK to STARTTLS")
}

// A certificate that is not for the server ends it before a credential is
// sent, with TLS from the start and after STARTTLS.
func TestCertificates(t *testing.T) {
	const script = "CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK go\nSTARTTLS"
	for _, mode := range []TLSMode{Implicit, StartTLS} {
		srv, err := imaptest.Start(script, imaptest.Options{TLS: mode == Implicit})
		must(t, err)
		defer srv.Close()
		cfg := secure(t, srv, mode)
		cfg.ServerName = "other.example"
		_, err = Open(t.Context(), cfg)
		failed(t, err, fault.Connect, "no TLS with")
		if err != nil && !strings.Contains(strings.Join(fault.Hints(err), " "), "--server-name") {
			t.Errorf("%v: hints %q", mode, fault.Hints(err))
		}
		cfg.ServerName, cfg.CAFile = "", ""
		_, err = Open(t.Context(), cfg)
		failed(t, err, fault.Connect, "no TLS with")
		for _, c := range sent(srv) {
			if strings.Contains(c, "LOGIN") {
				t.Errorf("%v: sent %q", mode, c)
			}
		}
		enter(t, secure(t, srv, mode)).Close()
	}
}
