package imaptest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func newProvider(t *testing.T) *Provider {
	t.Helper()
	p, err := NewProvider()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// told is a provider's JSON.
func told(t *testing.T, res *http.Response, err error) map[string]any {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatalf("%d %q", res.StatusCode, data)
	}
	if (res.StatusCode == http.StatusOK) != (out["error"] == nil) {
		t.Errorf("status %d of %s", res.StatusCode, data)
	}
	return out
}

func post(t *testing.T, p *Provider, path, form string) map[string]any {
	t.Helper()
	res, err := http.Post(p.URL(path), "application/x-www-form-urlencoded", strings.NewReader(form))
	return told(t, res, err)
}

func TestProviderCode(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.Set(func(b *Behaviour) { b.ClientSecret = "s" })
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	authorize := func(query string) url.Values {
		res, err := client.Get(p.URL("/authorize?" + query))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		u, err := url.Parse(res.Header.Get("Location"))
		if err != nil || res.StatusCode != http.StatusFound || u.Host != "localhost:9" {
			t.Fatalf("%d %v", res.StatusCode, u)
		}
		return u.Query()
	}
	good := "response_type=code&client_id=c&redirect_uri=http://localhost:9/&state=st&code_challenge_method=S256&code_challenge=" + challenge
	for _, bad := range []string{
		strings.Replace(good, "S256", "plain", 1), strings.Replace(good, "state=st", "", 1), strings.Replace(good, challenge, "x", 1), strings.Replace(good, "type=code", "type=token", 1),
	} {
		if q := authorize(bad); q.Get("error") == "" || q.Get("code") != "" {
			t.Errorf("%s: %v", bad, q)
		}
	}
	form := func(code string) string {
		return "grant_type=authorization_code&client_id=c&client_secret=s&redirect_uri=http://localhost:9/&code_verifier=" + verifier + "&code=" + code
	}
	for _, spoil := range [][2]string{{verifier, strings.Repeat("w", 43)}, {"localhost:9", "localhost:8"}, {"client_id=c", "client_id=d"}, {"client_secret=s", ""}} {
		q := authorize(good)
		if out := post(t, p, "/token", strings.Replace(form(q.Get("code")), spoil[0], spoil[1], 1)); out["error"] == nil {
			t.Errorf("%v: %v", spoil, out)
		}
	}
	q := authorize(good)
	if q.Get("state") != "st" {
		t.Errorf("%v", q)
	}
	out := post(t, p, "/token", form(q.Get("code")))
	if out["access_token"] == nil || out["refresh_token"] == nil || out["expires_in"] != 3600. {
		t.Errorf("%v", out)
	}
	if out := post(t, p, "/token", form(q.Get("code"))); out["error"] != "invalid_grant" {
		t.Errorf("a code was taken twice: %v", out)
	}
	p.Set(func(b *Behaviour) { b.Deny = "access_denied" })
	if q := authorize(good); q.Get("error") != "access_denied" || q.Get("state") != "st" {
		t.Errorf("%v", q)
	}
}

func TestProviderRotation(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	_, first := p.IssueBoth("alice", time.Hour)
	refresh := func(token string) map[string]any {
		return post(t, p, "/token", "grant_type=refresh_token&refresh_token="+token)
	}
	second := refresh(first)
	if second["refresh_token"] == nil || second["refresh_token"] == first {
		t.Fatalf("%v", second)
	}
	if out := refresh(first); out["error"] != "invalid_grant" {
		t.Errorf("an old token was taken: %v", out)
	}
	if out := refresh(second["refresh_token"].(string)); out["error"] != "invalid_grant" {
		t.Errorf("the family goes on: %v", out)
	}
	if out := post(t, p, "/introspect", "token="+second["access_token"].(string)); out["active"] != false {
		t.Errorf("its access token, too: %v", out)
	}
	if n := p.Count("refresh"); n != 3 {
		t.Errorf("%d refreshes", n)
	}
}

func TestProviderIntrospection(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	good, old := p.Issue("alice@example.org", time.Hour), p.Issue("alice@example.org", -time.Second)
	ways := map[string]func(token string) map[string]any{
		"post": func(token string) map[string]any { return post(t, p, "/introspect", "token="+token) },
		"get": func(token string) map[string]any {
			res, err := http.Get(p.URL("/introspect?token=") + token + "&client_id=x")
			return told(t, res, err)
		},
		"auth": func(token string) map[string]any {
			req, err := http.NewRequest("GET", p.URL("/introspect"), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			res, err := http.DefaultClient.Do(req)
			return told(t, res, err)
		},
	}
	for name, ask := range ways {
		if out := ask(good); out["active"] != true || out["username"] != "alice@example.org" || out["exp"].(float64) < float64(time.Now().Unix()) {
			t.Errorf("%s: %v", name, out)
		}
		for _, bad := range []string{old, "unknown", ""} {
			if out := ask(bad); len(out) != 1 || out["active"] != false {
				t.Errorf("%s: %v", name, out)
			}
		}
	}
	p.Set(func(b *Behaviour) { b.Introspect = map[string]any{"username": "bob"} })
	if out := ways["get"](good); out["username"] != "bob" {
		t.Errorf("%v", out)
	}
	p.Revoke(good)
	if out := ways["get"](good); out["active"] != false {
		t.Errorf("%v", out)
	}
}

func TestProviderDevice(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.Set(func(b *Behaviour) { b.Polls = []string{"authorization_pending", "slow_down"} })
	code := post(t, p, "/device", "client_id=c")["device_code"].(string)
	poll := "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=c&device_code=" + code
	for _, want := range []any{"authorization_pending", "slow_down", nil, "invalid_grant"} {
		if out := post(t, p, "/token", poll); out["error"] != want {
			t.Errorf("%v, want %v", out, want)
		}
	}
	p.Set(func(b *Behaviour) {
		b.Fail = []Failure{{Error: "invalid_grant", Description: "AADSTS50076: x", Codes: []int{50076}}}
	})
	if out := post(t, p, "/device", "client_id=c"); out["error_description"] != "AADSTS50076: x" {
		t.Errorf("%v", out)
	}
}
