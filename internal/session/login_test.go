package session

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/wire"
)

var (
	plainResponse = base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + password))
	loginLine     = `LOGIN "alice" "s3cret\"\\pass"`
)

func TestMechanisms(t *testing.T) {
	if got := strings.Join(Mechanisms(), " "); got != "scram-sha-512-plus scram-sha-512 scram-sha-256-plus scram-sha-256 scram-sha-1-plus scram-sha-1 cram-md5 plain login oauthbearer xoauth2 external anonymous" {
		t.Error(got)
	}
	const wide = "pä"
	wideResponse := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + wide))
	for _, tt := range [...]struct {
		name, capability string
		auth             []string
		secret           string
		login            []string
	}{
		{"LOGIN", "IMAP4rev1 SASL-IR AUTH=PLAIN", nil, password, []string{loginLine}},
		{"nothing said", "IMAP4rev1", nil, password, []string{loginLine}},
		{"LOGIN is forbidden", "IMAP4rev1 SASL-IR AUTH=PLAIN LOGINDISABLED", nil, password, []string{"AUTHENTICATE PLAIN " + plainResponse}},
		{"LOGIN is forbidden in small letters", "imap4REV1 sasl-ir auth=plain logindisabled", nil, password, []string{"AUTHENTICATE PLAIN " + plainResponse}},
		{"without an initial response", "IMAP4rev1 AUTH=PLAIN LOGINDISABLED", nil, password, []string{"AUTHENTICATE PLAIN", plainResponse}},
		{"--auth plain", "IMAP4rev1 SASL-IR AUTH=PLAIN", []string{"PLAIN"}, password, []string{"AUTHENTICATE PLAIN " + plainResponse}},
		{"--auth in order", "IMAP4rev1 AUTH=PLAIN LOGINDISABLED", []string{"login", "plain"}, password, []string{"AUTHENTICATE PLAIN", plainResponse}},
		{"IMAP4rev2 has SASL-IR", "IMAP4rev2 AUTH=PLAIN LOGINDISABLED", nil, password, []string{"AUTHENTICATE PLAIN " + plainResponse}},
		{"both revisions need not", "IMAP4rev1 IMAP4rev2 AUTH=PLAIN LOGINDISABLED", nil, password, []string{"AUTHENTICATE PLAIN", plainResponse}},
		{"--auth after a failure", "IMAP4rev1 SASL-IR AUTH=PLAIN", []string{"xoauth2", "scram-sha-1", "plain"}, password, []string{"AUTHENTICATE PLAIN " + plainResponse}},
		{"8-bit by PLAIN", "IMAP4rev1 SASL-IR AUTH=PLAIN", nil, wide, []string{"AUTHENTICATE PLAIN " + wideResponse}},
		{"8-bit by LOGIN", "IMAP4rev1", nil, wide, []string{`LOGIN "alice" {3}` + wide}},
		{"8-bit by LOGIN at once", "IMAP4rev1 LITERAL-", nil, wide, []string{`LOGIN "alice" {3+}` + wide}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := serve(t, "CAPABILITY "+tt.capability+"\nPASSWORD "+tt.secret, imaptest.Options{})
			cfg := to(t, srv)
			cfg.Auth, cfg.Secret = tt.auth, func(context.Context) (string, error) { return tt.secret, nil }
			s := examined(t, cfg)
			box, err := s.Box(t.Context())
			must(t, err)
			if box.Exists != 3 {
				t.Errorf("%+v", box)
			}
			got := sent(srv)
			if n := len(tt.login); strings.Join(got[:min(n, len(got))], "\n") != strings.Join(tt.login, "\n") || got[len(got)-1] != `EXAMINE "INBOX"` {
				t.Errorf("sent %q, want %q first", got, tt.login)
			}
		})
	}
}

// Behind LOGIN the mailbox is opened in the same flight; behind AUTHENTICATE,
// whose next line the server may wait for, nothing is sent.
func TestFlights(t *testing.T) {
	for capability, want := range map[string]int{
		"IMAP4rev1": 1, "IMAP4rev1 SASL-IR AUTH=PLAIN LOGINDISABLED": 2, "IMAP4rev1 AUTH=PLAIN LOGINDISABLED": 3,
	} {
		srv := serve(t, "CAPABILITY "+capability, imaptest.Options{Delay: 20 * time.Millisecond})
		s := examined(t, to(t, srv))
		res, err := s.Search(t.Context(), SearchRequest{})
		if err != nil || res.Count != 3 {
			t.Errorf("%+v, %v", res, err)
		}
		s.Close()
		sent(srv)
		if got := srv.Record().Flights(1); got != want {
			t.Errorf("%s: %d flights, want %d\n%s", capability, got, want, srv.Record())
		}
	}
}

// Where no mechanism is left, no octet of a credential is sent.
func TestNoMechanism(t *testing.T) {
	for _, tt := range [...]struct {
		name, script string
		auth         []string
		text         string
	}{
		{"LOGINDISABLED", "CAPABILITY IMAP4rev1 LOGINDISABLED", nil, "no way to log in that imapknife knows (LOGINDISABLED)"},
		{"LOGINDISABLED, asked for", "CAPABILITY IMAP4rev1 LOGINDISABLED\nGREETING * OK ready", nil, "(LOGINDISABLED)"},
		{"LOGINDISABLED, --auth login", "CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LOGINDISABLED", []string{"login"}, "does not offer --auth login (LOGINDISABLED)"},
		{"--auth plain", "CAPABILITY IMAP4rev1", []string{"plain"}, "does not offer --auth plain"},
		{"--auth nonsense", "CAPABILITY IMAP4rev1", []string{"x"}, "does not offer --auth x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := serve(t, tt.script, imaptest.Options{})
			cfg := to(t, srv)
			cfg.Auth = tt.auth
			_, err := Open(t.Context(), cfg)
			failed(t, err, fault.Auth, tt.text)
			for _, c := range sent(srv) {
				if c != "CAPABILITY" {
					t.Errorf("sent %q", c)
				}
			}
		})
	}
}

func TestLoginRefused(t *testing.T) {
	for answer, want := range map[string]struct {
		kind fault.Kind
		hint string
	}{
		"NO [AUTHENTICATIONFAILED] wrong":    {fault.Auth, "app password"},
		"NO no":                              {fault.Auth, "check the user name"},
		"BAD syntax":                         {fault.Auth, "check the user name"},
		"NO [UNAVAILABLE] down":              {fault.Refused, "try again later"},
		"NO [EXPIRED] old":                   {fault.Auth, "expired"},
		"NO [PRIVACYREQUIRED] not like this": {fault.Auth, "wants TLS"},
	} {
		srv := serve(t, "CAPABILITY IMAP4rev1\nON LOGIN\nS: $tag "+answer, imaptest.Options{})
		s := examined(t, to(t, srv))
		_, err := s.Search(t.Context(), SearchRequest{})
		failed(t, err, want.kind, `cannot log in as "alice": server said `+strings.Fields(answer)[0])
		if !strings.Contains(strings.Join(fault.Hints(err), " "), want.hint) {
			t.Errorf("%s: hints %q", answer, fault.Hints(err))
		}
		if _, err := s.Box(t.Context()); err == nil {
			t.Errorf("%s: a mailbox is open", answer)
		}
	}
}

// A server that repeats the password does not get it into an error or a trace.
func TestLoginRepeatsPassword(t *testing.T) {
	for _, script := range []string{
		"CAPABILITY IMAP4rev1\nON LOGIN (.*)\nS: * OK you said $1\nS: $tag BAD unknown: LOGIN $1 " + password,
		"CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LOGINDISABLED\nON AUTHENTICATE PLAIN (.*)\nS: * OK you said $1\nS: $tag NO [X $1] $1",
		"CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED\nON AUTHENTICATE PLAIN\nS: +\nC~ (.*)\nS: * OK you said $1\nS: $tag NO $1",
	} {
		srv := serve(t, script, imaptest.Options{})
		var trace strings.Builder
		cfg := to(t, srv)
		cfg.Trace = wire.NewTrace(&trace, time.Now, false)
		s, err := Open(t.Context(), cfg)
		if err == nil {
			err = s.Settle(t.Context())
			s.Close()
		}
		failed(t, err, fault.Auth, "server said")
		for _, piece := range []string{"s3cret", "pass", base64.StdEncoding.EncodeToString([]byte(password))[:8], plainResponse[:12], plainResponse[8:20]} {
			if strings.Contains(err.Error(), piece) {
				t.Errorf("the error shows it: %v", err)
			}
			if strings.Contains(trace.String(), piece) {
				t.Errorf("the trace shows %q:\n%s", piece, trace.String())
			}
		}
	}
}

const cramScript = `CAPABILITY IMAP4rev1 SASL-IR AUTH=CRAM-MD5 AUTH=PLAIN
ON AUTHENTICATE CRAM-MD5
S: + PDFAeD4=
C~ .*
S: $tag NO [AUTHENTICATIONFAILED] no
`

// The strongest mechanism comes first. When it fails, no other is tried that
// shows the password, unless --auth says so.
func TestStrongest(t *testing.T) {
	srv := serve(t, cramScript, imaptest.Options{})
	_, err := Open(t.Context(), to(t, srv))
	failed(t, err, fault.Auth, "by CRAM-MD5")
	if got := strings.Join(sent(srv), "\n"); !strings.HasPrefix(got, "AUTHENTICATE CRAM-MD5\n") || strings.Contains(got, "PLAIN") || strings.Contains(got, "LOGIN") {
		t.Errorf("sent %q", got)
	}
	srv = serve(t, cramScript+"PASSWORD "+password, imaptest.Options{})
	cfg := to(t, srv)
	cfg.Auth = []string{"cram-md5", "plain"}
	s := examined(t, cfg)
	if _, err := s.Box(t.Context()); err != nil || s.Mechanism() != "PLAIN" {
		t.Error(err, s.Mechanism())
	}
	if got := strings.Join(sent(srv), "\n"); !strings.Contains(got, "AUTHENTICATE PLAIN "+plainResponse) {
		t.Errorf("sent %q", got)
	}
}

// A refused token is renewed once, and the reason of the refusal is told.
func TestToken(t *testing.T) {
	const script = `CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN
ON AUTHENTICATE XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciBvbGQBAQ==
S: + eyJzdGF0dXMiOiI0MDEifQ==
C:
S: $tag NO [AUTHENTICATIONFAILED] no
ON AUTHENTICATE XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciBuZXcBAQ==
S: $tag OK in
`
	srv := serve(t, script, imaptest.Options{})
	cfg := to(t, srv)
	cfg.Token, cfg.Secret = true, func(context.Context) (string, error) { return "old", nil }
	_, err := Open(t.Context(), cfg)
	failed(t, err, fault.Auth, "status 401")
	srv = serve(t, script, imaptest.Options{})
	to := to(t, srv)
	cfg.Host, cfg.Port = to.Host, to.Port
	cfg.Renew = func(_ context.Context, refused string) (string, error) {
		if refused != "old" {
			t.Errorf("refused %q", refused)
		}
		return "new", nil
	}
	s, err := Open(t.Context(), cfg)
	must(t, err)
	defer s.Close()
	must(t, s.Settle(t.Context()))
	if got := sent(srv); len(got) < 2 || s.Mechanism() != "XOAUTH2" {
		t.Errorf("sent %q", got)
	}
}

// Without a user's secret nothing is asked for by a mechanism that needs none.
func TestSecretless(t *testing.T) {
	srv := serve(t, "CAPABILITY IMAP4rev1 SASL-IR AUTH=ANONYMOUS AUTH=PLAIN\nON AUTHENTICATE ANONYMOUS aW1hcGtuaWZl\nS: $tag OK in\n", imaptest.Options{})
	cfg := to(t, srv)
	cfg.Auth = []string{"anonymous"}
	cfg.Secret = func(context.Context) (string, error) {
		t.Error("the secret is fetched")
		return "", nil
	}
	s, err := Open(t.Context(), cfg)
	must(t, err)
	s.Close()
}

// A mechanism that the server wants to go on is cancelled.
func TestPlainGoesOn(t *testing.T) {
	srv := serve(t, `CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LOGINDISABLED
ON AUTHENTICATE PLAIN
S: + bW9yZQ==
C~ \*
S: $tag BAD cancelled
`, imaptest.Options{})
	_, err := Open(t.Context(), to(t, srv))
	failed(t, err, fault.Auth, "asks for more than the mechanism has")
}

func TestNoSecret(t *testing.T) {
	srv := serve(t, "", imaptest.Options{})
	cfg := to(t, srv)
	mine := errors.New("no keyring")
	cfg.Secret = func(context.Context) (string, error) { return "", mine }
	if _, err := Open(t.Context(), cfg); err != mine {
		t.Error(err)
	}
	if n := srv.Record().Conns(); n != 0 {
		t.Errorf("%d connections without a secret", n)
	}
}

// Without login the capabilities can be told, and nothing else is sent.
func TestNoLogin(t *testing.T) {
	for _, script := range []string{"", "GREETING * OK ready"} {
		srv := serve(t, "CAPABILITY X Y\n"+script, imaptest.Options{})
		cfg := to(t, srv)
		cfg.Secret = nil
		s := enter(t, cfg)
		before, after, err := s.Capabilities(t.Context())
		if err != nil || strings.Join(before, " ") != "X Y" || after != nil {
			t.Errorf("%q, %q, %v", before, after, err)
		}
		for _, c := range sent(srv) {
			if c != "CAPABILITY" {
				t.Errorf("sent %q", c)
			}
		}
	}
}

// PREAUTH needs no login. What the server offers is known as after one.
func TestPreauth(t *testing.T) {
	for _, greeting := range []string{"* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH] hello", "* PREAUTH hello"} {
		srv := serve(t, "CAPABILITY IMAP4rev1 ESEARCH\nGREETING "+greeting, imaptest.Options{})
		s := examined(t, to(t, srv))
		if has, err := s.Has(t.Context(), "ESEARCH"); !has || err != nil {
			t.Errorf("%s: ESEARCH %v, %v", greeting, has, err)
		}
		_, after, err := s.Capabilities(t.Context())
		if err != nil || strings.Join(after, " ") != "ESEARCH IMAP4rev1" {
			t.Errorf("%s: %q, %v", greeting, after, err)
		}
		res, err := s.Search(t.Context(), SearchRequest{})
		if err != nil || res.Count != 3 {
			t.Errorf("%s: %+v, %v", greeting, res, err)
		}
		for _, c := range sent(srv) {
			if strings.Contains(c, "LOGIN") || strings.Contains(c, "AUTH") {
				t.Errorf("sent %q", c)
			}
		}
	}
}

func TestGreetings(t *testing.T) {
	for script, want := range map[string]struct {
		kind fault.Kind
		text string
	}{
		"S: * BYE [UNAVAILABLE] too many": {fault.Refused, " refuses the connection: server said BYE [UNAVAILABLE] too many"},
		"S: +OK POP3":                     {fault.Protocol, "not IMAP"},
		"S: * NO":                         {fault.Protocol, "not IMAP"},
		"CLOSE":                           {fault.Connect, "closed the connection"},
		"S= * OK half\nCLOSE":             {fault.Connect, "closed the connection"},
		"S: * BYE soon\nCLOSE":            {fault.Refused, "soon"},
		"HANG":                            {fault.Connect, "for 100ms"},
		"DRIP 60ms * OK\nHANG":            {fault.Connect, "for 100ms"},
		"S: * OK [CAPABILITY IMAP4rev1]\nC: {tag} LOGIN \"alice\" \"s3cret\\\"\\\\pass\"\nC: {c} CAPABILITY\nCLOSE": {fault.Connect, "closed the connection"},
	} {
		srv, err := imaptest.Start(script+"\n", imaptest.Options{})
		must(t, err)
		cfg := to(t, srv)
		cfg.IOTimeout = 100 * time.Millisecond
		s, err := Open(t.Context(), cfg)
		if err == nil {
			err = s.Settle(t.Context())
			s.Close()
		}
		failed(t, err, want.kind, want.text)
		srv.Close()
	}
}

// A server that says nothing to the login is waited for once, not twice.
func TestLoginUnanswered(t *testing.T) {
	srv, err := imaptest.Start("CAPABILITY IMAP4rev1\nON LOGIN\nHANG\n", imaptest.Options{})
	must(t, err)
	defer srv.Close()
	cfg := to(t, srv)
	cfg.IOTimeout = 3 * time.Second
	s := examined(t, cfg)
	start := time.Now()
	_, err = s.Search(t.Context(), SearchRequest{})
	failed(t, err, fault.Connect, "for 3s")
	if took := time.Since(start); took > 2*cfg.IOTimeout {
		t.Errorf("it took %v", took)
	}
}

// An ALERT reaches the person wherever it stands.
func TestAlerts(t *testing.T) {
	srv := serve(t, `CAPABILITY IMAP4rev1
GREETING * OK [ALERT] greeting
ON LOGIN
S: * OK [ALERT] untagged
S: $tag OK [ALERT] login
ON EXAMINE
S: * NO [ALERT] opening
S: * 3 EXISTS
S: $tag OK [ALERT] opened
ON UID SEARCH
S: * SEARCH 1
S: $tag OK [alert] search
`, imaptest.Options{})
	cfg := to(t, srv)
	var alerts []string
	cfg.Notice = func(text string) { alerts = append(alerts, text) }
	s := examined(t, cfg)
	_, err := s.Search(t.Context(), SearchRequest{})
	must(t, err)
	if got := strings.Join(alerts, " "); got != "greeting untagged login opening opened search" {
		t.Error(got)
	}
}

// The account's digest tells accounts apart and neither the user nor the host.
func TestAccountID(t *testing.T) {
	a := Config{Host: "Mail.Example.com", Port: 993, User: "alice"}
	same := Config{Host: "mail.example.com", Port: 993, User: "alice", TLS: NoTLS}
	if a.AccountID() != same.AccountID() || len(a.AccountID()) != 12 {
		t.Error(a.AccountID(), same.AccountID())
	}
	for _, other := range []Config{{Host: "mail.example.com", Port: 143, User: "alice"}, {Host: "mail.example.com", Port: 993, User: "Alice"}, {Host: "mail.example.org", Port: 993, User: "alice"}} {
		if other.AccountID() == a.AccountID() {
			t.Errorf("%+v", other)
		}
	}
	if got := (&Config{Host: "::1", Port: 993}).Addr(); got != "[::1]:993" {
		t.Error(got)
	}
}
