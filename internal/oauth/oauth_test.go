package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// TestMain lets the test binary be one of many processes (source_test.go).
func TestMain(m *testing.M) {
	if os.Getenv(childOf) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

func provider(t *testing.T, change func(*imaptest.Behaviour)) *imaptest.Provider {
	t.Helper()
	p, err := imaptest.NewProvider()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if change != nil {
		p.Set(change)
	}
	return p
}

func config(p *imaptest.Provider) Config {
	return Config{
		Provider: Provider{
			Name: "mock", AuthURL: p.URL("/authorize"), TokenURL: p.URL("/token"), DeviceURL: p.URL("/device"), Scopes: []string{"imap", "offline"},
		},
		Client: Client{ID: "own-client"},
		Now:    time.Now,
	}
}

// wants checks an error's kind, and words in its message and hints.
func wants(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v: %v", got, kind, err)
	}
	all := err.Error() + "\n" + strings.Join(fault.Hints(err), "\n")
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("%q is not in:\n%s", w, all)
		}
	}
	for _, secret := range []string{"access-", "refresh-", "device-", "code-"} {
		if strings.Contains(all, secret) {
			t.Errorf("a secret (%s…) is in:\n%s", secret, all)
		}
	}
}

func TestTokenIsNeverPrinted(t *testing.T) {
	t.Parallel()
	token := Token{Access: "sesame-1", Refresh: "sesame-2", ClientSecret: "sesame-3", Expiry: time.Now()}
	client := Client{ID: "id", Secret: "sesame-4"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{token, &token, []Token{token}, map[string]Token{"a": token}, struct{ T Token }{token}, client, Config{Client: client}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "sesame") || strings.Contains(out, fmt.Sprintf("%x", "sesame")) {
				t.Errorf("%s of %T shows it: %s", verb, v, out)
			}
		}
	}
}

func TestTokenJSON(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 7200)
	for _, test := range []struct {
		token Token
		want  string
	}{
		{Token{Access: "a", Refresh: "r", ClientSecret: "s", Scope: "x y", Expiry: time.Date(2026, 11, 26, 13, 0, 0, 5, zone)},
			`{"access_token":"a","refresh_token":"r","expiry":"2026-11-26T11:00:00Z","client_secret":"s","scope":"x y"}`},
		{Token{Access: "a"}, `{"access_token":"a"}`},
	} {
		data, err := json.Marshal(test.token)
		if err != nil || string(data) != test.want {
			t.Errorf("%s, %v, want %s", data, err, test.want)
		}
		var back Token
		if err := json.Unmarshal(data, &back); err != nil || !back.Expiry.Equal(test.token.Expiry.Truncate(time.Second)) {
			t.Errorf("%v", err)
		}
		back.Expiry = test.token.Expiry
		if back != test.token {
			t.Errorf("%s does not come back", data)
		}
	}
	var broken Token
	err := json.Unmarshal([]byte(`{"access_token":"sesame","expiry":"sesame"}`), &broken)
	if err == nil || strings.Contains(err.Error(), "sesame") || broken != (Token{}) {
		t.Errorf("%v", err)
	}
}

func TestPreset(t *testing.T) {
	t.Parallel()
	google, err := Preset("google", "")
	if err != nil || google.Params["access_type"] != "offline" || google.Params["prompt"] != "consent" || google.Scopes[0] != "https://mail.google.com/" {
		t.Errorf("%+v %v", google, err)
	}
	for tenant, part := range map[string]string{"": "/common/", "contoso.onmicrosoft.com": "/contoso.onmicrosoft.com/"} {
		m, err := Preset("microsoft", tenant)
		if err != nil || !strings.Contains(m.TokenURL, part) || !strings.Contains(m.AuthURL, part) || !strings.Contains(m.DeviceURL, part) || m.Redirect != "http://localhost" {
			t.Errorf("%+v %v", m, err)
		}
		for _, e := range []endpoint{m.auth(), m.token(), m.device()} {
			if err := e.check(); err != nil {
				t.Error(err)
			}
		}
	}
	for _, bad := range [][2]string{{"microsoft", "../evil"}, {"microsoft", "a/b"}, {"microsoft", "a?b"}, {"google", "x"}, {"yahoo", ""}} {
		if _, err := Preset(bad[0], bad[1]); fault.KindOf(err) != fault.Usage {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for url, good := range map[string]bool{
		"https://login.example.org/token": true, "http://127.0.0.1:99/token": true, "http://localhost:99/": true, "http://[::1]:99/": true,
		"http://login.example.org/token": false, "http://localhost.example.org/": false, "http://127.0.0.1.example.org/": false, "": false,
		"ftp://localhost/": false, "https://": false, "https://a:b@example.org/": false, "token": false, "file:///etc/passwd": false, "https://x/#f": false,
	} {
		if err := (endpoint{url, "token", "token"}).check(); (err == nil) != good || err != nil && fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestBrowserIsNoShell(t *testing.T) {
	t.Parallel()
	address := "https://login.example.org/?a=$(x)&b=;c"
	for goos, first := range map[string]string{"linux": "xdg-open", "freebsd": "xdg-open", "darwin": "open", "windows": "rundll32"} {
		if argv := browser(goos, address); argv[0] != first || argv[len(argv)-1] != address {
			t.Errorf("%s: %q", goos, argv)
		}
	}
	for _, bad := range []string{"calc.exe", "file:///x", "--help", "javascript:x"} {
		if OpenBrowser(bad) == nil {
			t.Errorf("%s was opened", bad)
		}
	}
}

// post asks the mock's token endpoint for a refresh with a scripted answer.
func ask(t *testing.T, name string, f imaptest.Failure) (*answer, error) {
	t.Helper()
	p := provider(t, func(b *imaptest.Behaviour) { b.Fail = []imaptest.Failure{f} })
	c := config(p)
	c.Provider.Name, c.Login = name, "alice@example.org"
	return c.post(t.Context(), c.Provider.token(), map[string][]string{"refresh_token": {"sesame-refresh"}, "grant_type": {"refresh_token"}})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	again := "imapknife login alice@example.org"
	for name, test := range map[string]struct {
		provider string
		say      imaptest.Failure
		kind     fault.Kind
		words    []string
	}{
		"revoked":         {"mock", imaptest.Failure{Error: "invalid_grant", Description: "Token has been expired or revoked."}, fault.Auth, []string{"mock said invalid_grant: Token has been expired or revoked.", again}},
		"google testing":  {"google", imaptest.Failure{Error: "invalid_grant"}, fault.Auth, []string{"7 days", again}},
		"client":          {"mock", imaptest.Failure{Status: 401, Error: "invalid_client"}, fault.Auth, []string{"--client-secret-file"}},
		"unauthorized":    {"mock", imaptest.Failure{Error: "unauthorized_client"}, fault.Auth, []string{"desktop application"}},
		"denied":          {"mock", imaptest.Failure{Error: "access_denied"}, fault.Auth, []string{"turned down"}},
		"policy":          {"google", imaptest.Failure{Error: "admin_policy_enforced"}, fault.Auth, []string{"administrator"}},
		"number":          {"microsoft", imaptest.Failure{Error: "invalid_client", Description: "AADSTS7000218: The request body must contain", Codes: []int{7000218}}, fault.Auth, []string{"Allow public client flows"}},
		"in words only":   {"microsoft", imaptest.Failure{Error: "invalid_grant", Description: "AADSTS50076: Due to a configuration change\r\nTrace ID: 1"}, fault.Auth, []string{"second factor", again, "change Trace ID"}},
		"consent":         {"microsoft", imaptest.Failure{Error: "invalid_grant", Codes: []int{65001}}, fault.Auth, []string{"nobody has agreed"}},
		"policy tracking": {"microsoft", imaptest.Failure{Error: "invalid_grant", Codes: []int{530036}}, fault.Auth, []string{"without --device"}},
		"unknown number":  {"microsoft", imaptest.Failure{Error: "invalid_grant", Codes: []int{99999}}, fault.Auth, []string{"expired or was revoked"}},
		"busy":            {"mock", imaptest.Failure{Status: 503, Error: "temporarily_unavailable"}, fault.Connect, []string{"try again later"}},
		"status 200":      {"mock", imaptest.Failure{Status: 200, Error: "invalid_scope"}, fault.Auth, []string{"scope"}},
		"escapes":         {"mock", imaptest.Failure{Error: "x\x1b[31m", Description: "a\u202eb\x00c\nd"}, fault.Auth, []string{`x\u001b[31m`, `a\u202eb\u0000c d`}},
		"its own secret":  {"mock", imaptest.Failure{Error: "invalid_grant", Description: "token sesame-refresh is old"}, fault.Auth, []string{"token <hidden> is old"}},
		"portal":          {"mock", imaptest.Failure{Status: 200, Type: "text/html", Body: "<html>sign in to WLAN"}, fault.Connect, []string{"web page", "browser first"}},
		"portal unnamed":  {"mock", imaptest.Failure{Status: 403, Body: "\n<!doctype html>"}, fault.Connect, []string{"web page"}},
		"redirect":        {"mock", imaptest.Failure{Status: 307, Location: "http://127.0.0.1:1/", Body: "x"}, fault.Connect, []string{"redirect", "307"}},
		"no JSON":         {"mock", imaptest.Failure{Status: 404, Type: "text/plain", Body: "404 not found"}, fault.Auth, []string{"404", "not JSON"}},
		"JSON of no kind": {"mock", imaptest.Failure{Status: 200, Type: "application/json", Body: "[1]"}, fault.Auth, []string{"not JSON"}},
		"null":            {"mock", imaptest.Failure{Status: 200, Type: "application/json", Body: "null"}, fault.Auth, []string{"not JSON"}},
		"gateway":         {"mock", imaptest.Failure{Status: 502, Type: "text/html", Body: "<html>"}, fault.Connect, []string{"502", "try again later"}},
		"no reason":       {"mock", imaptest.Failure{Status: 400, Type: "application/json", Body: "{}"}, fault.Auth, []string{"400", "no reason"}},
		"an object":       {"mock", imaptest.Failure{Status: 400, Type: "application/json", Body: `{"error":{"code":400}}`}, fault.Auth, []string{`{"code":400}`}},
		"too long":        {"mock", imaptest.Failure{Status: 200, Type: "application/json", Body: `{"x":"` + strings.Repeat("x", maxBody) + `"}`}, fault.Auth, []string{"longer than 1 MiB"}},
		"long words":      {"mock", imaptest.Failure{Error: "invalid_grant", Description: strings.Repeat("x", 4000)}, fault.Auth, []string{strings.Repeat("x", maxText) + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ask(t, test.provider, test.say)
			wants(t, err, test.kind, test.words...)
			if strings.ContainsAny(err.Error(), "\n\r\x1b") || len(err.Error()) > 2000 || strings.Contains(err.Error(), "sesame") {
				t.Errorf("%q", err)
			}
			if r, ok := errors.AsType[*Refusal](err); ok != (test.say.Error != "" || name == "an object") || ok && r.Code == "" {
				t.Errorf("refusal %v", r)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	p := provider(t, nil)
	c := config(p)
	p.Close()
	_, err := c.post(t.Context(), c.Provider.token(), nil)
	wants(t, err, fault.Connect, "cannot reach mock")
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(fault.Interrupt)
	_, err = c.post(stopped, c.Provider.token(), nil)
	wants(t, err, fault.Interrupted)
}

// answers is a transport that says one thing.
type answers string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	before := Token{Access: "old", Refresh: "kept", ClientSecret: "cs", Scope: "s0"}
	for name, test := range map[string]struct {
		say      string
		lifetime time.Duration
		refresh  string
		scope    string
		fails    string
	}{
		"number":     {`{"access_token":"a","expires_in":3599,"refresh_token":"new","scope":"s1"}`, 3599 * time.Second, "new", "s1", ""},
		"string":     {`{"access_token":"a","expires_in":"3599"}`, 3599 * time.Second, "kept", "s0", ""},
		"fraction":   {`{"access_token":"a","expires_in":59.9}`, 59 * time.Second, "kept", "s0", ""},
		"absent":     {`{"access_token":"a"}`, time.Hour, "kept", "s0", ""},
		"null":       {`{"access_token":"a","expires_in":null}`, time.Hour, "kept", "s0", ""},
		"rubbish":    {`{"access_token":"a","expires_in":["x"]}`, time.Hour, "kept", "s0", ""},
		"zero":       {`{"access_token":"a","expires_in":0}`, 0, "kept", "s0", ""},
		"negative":   {`{"access_token":"a","expires_in":-5}`, -5 * time.Second, "kept", "s0", ""},
		"endless":    {`{"access_token":"a","expires_in":1e300}`, maxExpiry, "kept", "s0", ""},
		"bearer":     {`{"access_token":"a","token_type":"bearer"}`, time.Hour, "kept", "s0", ""},
		"mac":        {`{"access_token":"a","token_type":"mac"}`, 0, "", "", "type mac"},
		"none":       {`{"expires_in":3599}`, 0, "", "", "no access token"},
		"line break": {`{"access_token":"a\r\nb"}`, 0, "", "", "characters"},
		"no mail":    {`{"access_token":"a","scope":"openid"}`, 0, "", "", "permission for mail"},
		"mail":       {`{"access_token":"a","scope":"openid https://mail.google.com/"}`, time.Hour, "kept", "openid https://mail.google.com/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Config{Provider: Provider{Name: "mock", TokenURL: "https://login.example.org/token"}, Client: Client{ID: "id"}, Now: func() time.Time { return now }}
			if strings.HasSuffix(name, "mail") {
				c.Provider, _ = Preset("google", "")
			}
			c.HTTP = &http.Client{Transport: answers(test.say)}
			got, err := c.grant(t.Context(), map[string][]string{}, before)
			if test.fails != "" {
				wants(t, err, fault.Auth, test.fails)
				return
			}
			want := Token{Access: "a", Refresh: test.refresh, Expiry: now.Add(test.lifetime), ClientSecret: "cs", Scope: test.scope}
			if err != nil || got != want {
				t.Errorf("%v, expiry %v, scope %q", err, got.Expiry, got.Scope)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"a","expires_in":"3599"}`, `{"error":"invalid_grant","error_description":"AADSTS50076: x","error_codes":[50076]}`,
		`{"error":{"a":1}}`, `<html>`, `null`, `[`, "{\"error\":\"\u202e\x1b\"}", `{"expires_in":1e999}`, `{"access_token":"a","error_codes":["x"]}`,
	} {
		f.Add(400, "text/html", []byte(s))
		f.Add(200, "application/json", []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		c := Config{Provider: Provider{Name: "mock"}, Now: time.Now}
		c.secrets().Add("sesame-refresh")
		a, err := c.read(status, kind, body)
		if (a == nil) == (err == nil) {
			t.Fatal("neither an answer nor an error, or both")
		}
		if err != nil {
			if k := fault.KindOf(err); k != fault.Auth && k != fault.Connect {
				t.Errorf("kind %v", k)
			}
			if clean(err.Error(), 1<<20) != err.Error() && clean(err.Error(), 1<<20) != strings.TrimSpace(err.Error()) {
				t.Errorf("%q is not fit to print", err)
			}
			if bytes.Contains([]byte(err.Error()), []byte("sesame-refresh")) {
				t.Errorf("%q", err)
			}
			return
		}
		if token, err := c.tokenOf(a, Token{}); err == nil && (token.Access == "" || !printable(token.Access)) {
			t.Errorf("%q is a token", token.Access)
		}
	})
}
