package sasl

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/xdg-go/scram"
)

func find(t testing.TB, name string) Mechanism {
	t.Helper()
	for _, m := range Mechanisms() {
		if m.Name == name {
			return m
		}
	}
	t.Fatal(name)
	return Mechanism{}
}

func start(t testing.TB, name string, c Credentials) (Client, string) {
	t.Helper()
	client, err := find(t, name).New(c)
	if err != nil {
		t.Fatal(err)
	}
	mech, initial, err := client.Start()
	if err != nil || mech != name {
		t.Fatal(mech, err)
	}
	if initial == nil {
		return client, "<none>"
	}
	return client, string(initial)
}

// What is sent first, and then, by the mechanisms that need no proof.
func TestWords(t *testing.T) {
	alice := Credentials{User: "user@example.com", Password: "tanstaaf", Token: "vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==", Host: "server.example.com", Port: 143}
	as := alice
	as.Authzid = "bob,=x"
	for _, tt := range [...]struct {
		name  string
		c     Credentials
		words []string // challenge, response, challenge, …; the first is the initial response
	}{
		{"PLAIN", alice, []string{"\x00user@example.com\x00tanstaaf"}}, // RFC 4616
		{"PLAIN", as, []string{"bob,=x\x00user@example.com\x00tanstaaf"}},
		{"LOGIN", alice, []string{"<none>", "Username:", "user@example.com", "Password:", "tanstaaf"}},
		{"CRAM-MD5", Credentials{User: "tim", Password: "tanstaaftanstaaf"}, []string{"<none>", // RFC 2195
			"<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890"}},
		{"EXTERNAL", Credentials{User: "alice"}, []string{"alice"}},
		{"EXTERNAL", Credentials{User: "alice", Authzid: "bob"}, []string{"bob"}},
		{"EXTERNAL", Credentials{}, []string{""}},
		{"ANONYMOUS", alice, []string{"imapknife"}},
		{"OAUTHBEARER", alice, []string{ // RFC 7628 section 4.1
			"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01",
			`{"status":"invalid_token","scope":"example_scope"}`, "\x01"}},
		{"OAUTHBEARER", as, []string{
			"n,a=bob=2C=3Dx,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01", "", "\x01"}},
		{"XOAUTH2", alice, []string{"user=user@example.com\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01", `{}`, ""}},
	} {
		client, initial := start(t, tt.name, tt.c)
		if initial != tt.words[0] {
			t.Errorf("%s begins with %q, want %q", tt.name, initial, tt.words[0])
		}
		for i := 1; i < len(tt.words); i += 2 {
			got, err := client.Next([]byte(tt.words[i]))
			if err != nil || string(got) != tt.words[i+1] {
				t.Errorf("%s answers %q to %q, %v; want %q", tt.name, got, tt.words[i], err, tt.words[i+1])
			}
		}
		if err := client.Done(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := client.Next([]byte("more")); fault.KindOf(err) != fault.Auth {
			t.Errorf("%s goes on: %v", tt.name, err)
		}
	}
}

func TestFailure(t *testing.T) {
	for in, want := range map[string]string{
		`{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}`: "status 401, scope https://mail.google.com/",
		`{"status":400,"error":"invalid_token","error_description":"expired"}`:   "status 400, error invalid_token, expired",
		`{}`:                          "no reason given",
		``:                            "no reason given",
		`not JSON`:                    "not JSON",
		`the token s3cret is no good`: "the token <hidden> is no good",
		"bad \xff":                    "bad \uFFFD",
		strings.Repeat("x", 5000):     strings.Repeat("x", maxFailure) + "…",
	} {
		client, _ := start(t, "XOAUTH2", Credentials{User: "alice", Token: "s3cret"})
		if _, err := client.Next([]byte(in)); err != nil {
			t.Fatal(err)
		}
		if got := client.(*tokenClient).Failure(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for _, c := range []Credentials{{User: "a\x01", Token: "t"}, {User: "a", Token: "t\r\nA1 LOGOUT"}, {User: "a", Authzid: "\x00", Token: "t"}} {
		if _, err := find(t, "OAUTHBEARER").New(c); fault.KindOf(err) != fault.Auth {
			t.Errorf("%q: %v", c.User, err)
		}
	}
}

func TestAuthzid(t *testing.T) {
	for _, m := range Mechanisms() {
		_, err := m.New(Credentials{User: "a", Authzid: "b", Password: "p", Token: "t"})
		if m.Authzid == (fault.KindOf(err) == fault.Usage) {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

func TestChoose(t *testing.T) {
	all := make([]string, 0, len(mechanisms))
	for _, m := range slices.Backward(mechanisms[:]) {
		all = append(all, m.Name)
	}
	for _, tt := range [...]struct {
		offered, order []string
		bound          bool
		have           []Kind
		want           string
	}{
		{all, nil, true, []Kind{NeedsPassword}, "SCRAM-SHA-512-PLUS SCRAM-SHA-512 SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN"},
		{all, nil, false, []Kind{NeedsPassword}, "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN"},
		{all, nil, true, []Kind{NeedsToken}, "OAUTHBEARER XOAUTH2"},
		{all, nil, true, []Kind{NeedsNothing}, ""},
		{all, []string{"plain", "Scram-Sha-256", "external"}, true, []Kind{NeedsPassword, NeedsNothing}, "PLAIN SCRAM-SHA-256 EXTERNAL"},
		{all, []string{"plain"}, true, []Kind{NeedsToken}, ""},
		{all, []string{"scram-sha-256-plus"}, false, []Kind{NeedsPassword}, ""},
		{[]string{"PLAIN", "GSSAPI", "X"}, nil, true, []Kind{NeedsPassword}, "PLAIN"},
		{nil, nil, true, []Kind{NeedsPassword}, ""},
	} {
		var got []string
		for _, m := range Choose(tt.offered, tt.order, tt.bound, tt.have...) {
			got = append(got, m.Name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%v of %v for %v: %v, want %s", tt.order, len(tt.offered), tt.have, got, tt.want)
		}
	}
}

// The exchanges of RFC 5802 section 5 and RFC 7677 section 3.
func TestScramVectors(t *testing.T) {
	for _, tt := range [...]struct {
		name, nonce, first, challenge, final, verifier string
	}{
		{"SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
		{"SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
			"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
	} {
		hash := map[string]scram.HashGeneratorFcn{"SCRAM-SHA-1": scram.SHA1, "SCRAM-SHA-256": scram.SHA256}[tt.name]
		inner, err := hash.NewClient("user", "pencil", "")
		if err != nil {
			t.Fatal(err)
		}
		client := &scramClient{tt.name, inner.WithNonceGenerator(func() string { return tt.nonce }).NewConversation()}
		if _, first, _ := client.Start(); string(first) != tt.first {
			t.Errorf("%s: %q", tt.name, first)
		}
		if final, err := client.Next([]byte(tt.challenge)); err != nil || string(final) != tt.final {
			t.Errorf("%s: %q, %v", tt.name, final, err)
		}
		if client.Done() == nil {
			t.Error("a server that has proved nothing is believed")
		}
		if last, err := client.Next([]byte(tt.verifier)); err != nil || len(last) > 0 || client.Done() != nil {
			t.Errorf("%s: %q, %v, %v", tt.name, last, err, client.Done())
		}
	}
}

// pair makes the two ends of a TLS connection.
func pair(t *testing.T, version uint16) (client, server tls.ConnectionState) {
	t.Helper()
	ca, err := imaptest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	config, err := ca.Config(imaptest.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	config.MinVersion, config.MaxVersion = version, version
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan tls.ConnectionState, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if c.(*tls.Conn).Handshake() == nil {
			done <- c.(*tls.Conn).ConnectionState()
		}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState(), <-done
}

// converse runs an exchange with a server of another make, which knows the
// password, and returns the client's and the server's verdict.
func converse(t *testing.T, client Client, password string, on func(*scram.Server) *scram.ServerConversation, hash scram.HashGeneratorFcn) (error, bool) {
	t.Helper()
	known, err := hash.NewClient("alice", password, "")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := known.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "0123456789abcdef", Iters: 4096})
	if err != nil {
		t.Fatal(err)
	}
	server, err := hash.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	if err != nil {
		t.Fatal(err)
	}
	conv := on(server)
	_, message, err := client.Start()
	for err == nil && !conv.Done() {
		reply, serr := conv.Step(string(message))
		if message, err = client.Next([]byte(reply)); serr != nil {
			break
		}
	}
	if err == nil {
		err = client.Done()
	}
	return err, conv.Valid()
}

// Bound and unbound, right and wrong, with TLS 1.2 and 1.3.
func TestScramExchange(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		here, there := pair(t, version)
		exporter, err := scram.NewTLSExporterBinding(&there)
		if err != nil {
			t.Fatal(err)
		}
		endpoint, err := scram.NewTLSServerEndpointBinding(&here) // the certificate, which both know
		if err != nil {
			t.Fatal(err)
		}
		usual := exporter
		if version < tls.VersionTLS13 {
			usual = endpoint
		}
		for _, tt := range [...]struct {
			what, name, password string
			offered              []string
			server               scram.ChannelBinding
			none                 bool // the server knows no binding
			ok                   bool
		}{
			{"bound", "SCRAM-SHA-256-PLUS", "pencil", nil, usual, false, true},
			{"bound", "SCRAM-SHA-1-PLUS", "pencil", nil, usual, false, true},
			{"wrong password", "SCRAM-SHA-256-PLUS", "pen", nil, usual, false, false},
			{"another connection", "SCRAM-SHA-256-PLUS", "pencil", nil, scram.ChannelBinding{Type: usual.Type, Data: make([]byte, 32)}, false, false},
			{"unbound", "SCRAM-SHA-256", "pencil", nil, scram.ChannelBinding{}, true, true},
			{"unbound, chosen", "SCRAM-SHA-256", "pencil", []string{"SCRAM-SHA-256-PLUS"}, usual, false, true},
			{"stripped", "SCRAM-SHA-256", "pencil", []string{"SCRAM-SHA-256"}, usual, false, false},
			{"wrong password", "SCRAM-SHA-256", "pen", nil, scram.ChannelBinding{}, true, false},
		} {
			client, err := find(t, tt.name).New(Credentials{User: "alice", Password: "pencil", TLS: &here, Offered: tt.offered})
			if err != nil {
				t.Fatal(err)
			}
			hash := scram.SHA256
			if strings.Contains(tt.name, "SHA-1") {
				hash = scram.SHA1
			}
			err, valid := converse(t, client, tt.password, func(s *scram.Server) *scram.ServerConversation {
				if tt.none {
					return s.NewConversation()
				}
				return s.NewConversationWithChannelBinding(tt.server)
			}, hash)
			if (err == nil) != tt.ok || valid != tt.ok {
				t.Errorf("%s, %s, %s: client %v, server %v", tls.VersionName(version), tt.name, tt.what, err, valid)
			}
		}
	}
	if _, err := find(t, "SCRAM-SHA-256-PLUS").New(Credentials{User: "a", Password: "p"}); fault.KindOf(err) != fault.Auth {
		t.Error(err)
	}
}

// What a server may not do.
func TestScramHostile(t *testing.T) {
	for in, want := range map[string]string{
		"":                                      "SCRAM does not go on",
		"garbage":                               "SCRAM does not go on",
		"r=other,s=QSXCR+Q6sek8bf92,i=4096":     "SCRAM does not go on",
		"r=NONCEx,s=QSXCR+Q6sek8bf92,i=1":       "SCRAM does not go on",
		"r=NONCEx,s=QSXCR+Q6sek8bf92,i=1000001": "iterations",
		"r=NONCEx,s=QSXCR+Q6sek8bf92,i=99999999999999999999": "iterations",
		"r=NONCEx,s=QSXCR+Q6sek8bf92,i=-5":                   "iterations",
		"r=NONCEx,s=!,i=4096":                                "SCRAM does not go on",
		"m=ext,r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096":           "SCRAM does not go on",
		"e=unknown-user":                                     `the server says "unknown-user"`,
		strings.Repeat("x", maxMessage+1):                    "too long",
	} {
		client, first := start(t, "SCRAM-SHA-256", Credentials{User: "alice", Password: "s3cret"})
		_, nonce, _ := strings.Cut(first, ",r=")
		_, err := client.Next([]byte(strings.ReplaceAll(in, "NONCE", nonce)))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%.60q: %v", in, err)
		}
		if client.Done() == nil {
			t.Errorf("%.60q: believed", in)
		}
	}
	if _, err := find(t, "SCRAM-SHA-1").New(Credentials{User: "alice", Password: "s3cret\x00"}); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a password with NUL: %v", err)
	}
}

// No mechanism that does not reveal the password lets it, or anything else
// unasked, out; and none panics, whatever the server says.
func FuzzNext(f *testing.F) {
	f.Add("SCRAM-SHA-256", "r=x,s=QSXCR+Q6sek8bf92,i=4096", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")
	f.Add("SCRAM-SHA-1", "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096", "e=other-error")
	f.Add("CRAM-MD5", "<1@x>", "")
	f.Add("LOGIN", "User", "Pass")
	f.Add("OAUTHBEARER", `{"status":{"a":[1]}}`, "x")
	f.Fuzz(func(t *testing.T, name, first, second string) {
		i := slices.IndexFunc(mechanisms[:], func(m Mechanism) bool { return m.Name == name })
		if i < 0 || mechanisms[i].Binds {
			return
		}
		client, err := mechanisms[i].New(Credentials{User: "alice", Password: "s3cret", Token: "t0ken"})
		if err != nil {
			t.Fatal(err)
		}
		_, initial, err := client.Start()
		said := string(initial)
		_, nonce, _ := strings.Cut(said, ",r=")
		for _, challenge := range []string{first, second} {
			var reply []byte
			if err == nil {
				reply, err = client.Next([]byte(strings.ReplaceAll(challenge, "NONCE", nonce)))
				said += string(reply)
			}
		}
		if !mechanisms[i].Reveals && strings.Contains(said, "s3cret") || err != nil && strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%s: %q, %v", name, said, err)
		}
	})
}
