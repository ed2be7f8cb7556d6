package oauth

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// visit opens an address as a browser does, and returns the last page.
func visit(t *testing.T, address string) (int, string, http.Header) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Error(err)
		return 0, "", nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(body), res.Header
}

// stop is where the provider sends the browser, not yet visited.
func stop(t *testing.T, address string) *url.URL {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	u, err := url.Parse(res.Header.Get("Location"))
	if err != nil || u.Host == "" {
		t.Fatalf("no redirect: %d %v", res.StatusCode, err)
	}
	return u
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	for _, redirect := range []string{"", "http://127.0.0.1", "http://localhost", "http://localhost/back"} {
		t.Run(redirect, func(t *testing.T) {
			t.Parallel()
			p := provider(t, func(b *imaptest.Behaviour) { b.ClientID, b.ClientSecret, b.Scope = "own-client", "shh-secret", "imap" })
			c := config(p)
			c.Client.Secret, c.Login, c.Provider.Redirect = "shh-secret", "alice@example.org", redirect
			c.Provider.Params = map[string]string{"prompt": "consent"}
			var page string
			var header http.Header
			got, err := Authorize(t.Context(), c, UI{
				Show: func(string) {},
				Open: func(address string) error {
					_, page, header = visit(t, address)
					return errors.New("browsers may fail and work")
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Access == "" || got.Refresh == "" || got.ClientSecret != "shh-secret" || got.Scope != "imap" || time.Until(got.Expiry) < 50*time.Minute {
				t.Errorf("expiry %v, scope %q", got.Expiry, got.Scope)
			}
			asked, form := p.Asked("authorize")[0], p.Asked("code")[0]
			for name, want := range map[string]string{
				"scope": "imap offline", "login_hint": "alice@example.org", "prompt": "consent", "client_id": "own-client", "code_challenge_method": "S256",
			} {
				if asked.Get(name) != want {
					t.Errorf("%s is %q", name, asked.Get(name))
				}
			}
			if asked.Has("client_secret") || asked.Has("code_verifier") || len(form.Get("code_verifier")) < 43 || len(asked.Get("state")) < 43 {
				t.Errorf("asked %v", asked)
			}
			u, err := url.Parse(asked.Get("redirect_uri"))
			if err != nil || u.Port() == "" || redirect != "" && strings.Replace(u.String(), ":"+u.Port(), "", 1) != redirect || redirect == "" && u.Path != "/" {
				t.Errorf("redirect_uri %v", u)
			}
			if !strings.Contains(page, "look at the terminal") || header.Get("Referrer-Policy") != "no-referrer" || header.Get("Cache-Control") != "no-store" || !strings.Contains(header.Get("Content-Security-Policy"), "'none'") {
				t.Errorf("%v\n%s", header, page)
			}
			if res, err := http.Get("http://" + net.JoinHostPort("127.0.0.1", u.Port()) + u.Path + "?state=" + asked.Get("state") + "&code=x"); err == nil {
				// Another process may have the port by now; only our door says this.
				body, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if strings.Contains(string(body), "has been answered already") {
					t.Error("the port is still open")
				}
			}
		})
	}
}

// TestKnocking is about everything that may come to the port and is not the
// answer: none of it ends the sign-in.
func TestKnocking(t *testing.T) {
	t.Parallel()
	p := provider(t, nil)
	get := func(address, host, method string) int {
		req, err := http.NewRequest(method, address, nil)
		if err != nil {
			t.Error(err)
			return 0
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return 0
		}
		defer res.Body.Close()
		page, _ := io.ReadAll(res.Body)
		if strings.Contains(string(page), "<script>") {
			t.Errorf("%s", page)
		}
		return res.StatusCode
	}
	_, err := Authorize(t.Context(), config(p), UI{Show: func(string) {}, Open: func(address string) error {
		back := stop(t, address)
		state := back.Query().Get("state")
		door := "http://" + back.Host
		for _, knock := range []struct {
			address, host, method string
			want                  int
		}{
			{door + "/favicon.ico", "", "GET", 404},
			{door + "/", "", "GET", 400},
			{door + "/?code=x", "", "GET", 400},
			{door + "/?code=x&state=", "", "GET", 400},
			{door + "/?code=x&state=" + state + "x", "", "GET", 400},
			{door + "/?error=%3Cscript%3E&state=wrong", "", "GET", 400},
			{door + "/?state=" + state, "", "GET", 400},
			{back.String(), "evil.example", "GET", 403},
			{back.String(), "evil.example:" + back.Port(), "GET", 403},
			{back.String(), "", "POST", 405},
			{back.String(), "", "GET", 200},
			{back.String(), "", "GET", 410},
			{door + "/?error=access_denied&state=" + state, "", "GET", 410},
		} {
			if got := get(knock.address, knock.host, knock.method); got != knock.want {
				t.Errorf("%s %s (%s): %d, want %d", knock.method, knock.address, knock.host, got, knock.want)
			}
		}
		return nil
	}})
	if err != nil {
		t.Error(err)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	p := provider(t, func(b *imaptest.Behaviour) { b.Deny, b.DenyDetails = "access_denied", "<b>no</b>\x1b" })
	var page string
	_, err := Authorize(t.Context(), config(p), UI{Show: func(string) {}, Open: func(address string) error {
		_, page, _ = visit(t, address)
		return nil
	}})
	wants(t, err, fault.Auth, "cannot sign in", "mock said access_denied", `<b>no</b>\u001b`, "turned down")
	if !strings.Contains(page, "The provider refused: access_denied") || strings.Contains(page, "<b>") {
		t.Error(page)
	}
	p.Set(func(b *imaptest.Behaviour) { b.Deny = "<script>" })
	_, err = Authorize(t.Context(), config(p), UI{Show: func(string) {}, Open: func(address string) error {
		_, page, _ = visit(t, address)
		return nil
	}})
	wants(t, err, fault.Auth, "mock said <script>")
	if strings.Contains(page, "<script>") {
		t.Error(page)
	}
}

func TestNobodySignsIn(t *testing.T) {
	t.Parallel()
	c := config(provider(t, nil))
	c.limit = time.Millisecond
	_, err := Authorize(t.Context(), c, UI{Show: func(string) {}})
	wants(t, err, fault.Auth, "nobody has signed in within 1ms")

	c.limit = time.Minute
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = Authorize(ctx, c, UI{Show: func(string) { cancel(fault.Interrupt) }})
	wants(t, err, fault.Interrupted)

	ctx, cancel = context.WithCancelCause(t.Context())
	_, err = Authorize(ctx, c, UI{Show: func(string) {}, Paste: func(context.Context) (string, error) {
		cancel(fault.Interrupt)
		select {} // a read of a terminal
	}})
	wants(t, err, fault.Interrupted)
}

func TestAuthorizeNeeds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no client id":           func(c *Config) { c.Client.ID = "" },
		"no authorization URL":   func(c *Config) { c.Provider.AuthURL = "" },
		"token URL":              func(c *Config) { c.Provider.TokenURL = "http://example.org/" },
		"is no loopback address": func(c *Config) { c.Provider.Redirect = "http://example.org/" },
	} {
		c := config(provider(t, nil))
		change(&c)
		_, err := Authorize(t.Context(), c, UI{Show: func(string) { t.Error("shown") }})
		if fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGivenPort is for providers that know one port only.
func TestGivenPort(t *testing.T) {
	t.Parallel()
	c := config(provider(t, nil))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c.Port = taken.Addr().(*net.TCPAddr).Port
	_, err = Authorize(t.Context(), c, UI{Show: func(string) {}})
	wants(t, err, fault.Auth, "cannot listen", "--paste")
}

func TestPaste(t *testing.T) {
	t.Parallel()
	for name, paste := range map[string]func(*url.URL) string{
		"address": func(u *url.URL) string { return " " + u.String() + "\n" },
		"query":   func(u *url.URL) string { return u.RawQuery },
		"code":    func(u *url.URL) string { return u.Query().Get("code") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := provider(t, nil)
			var address string
			got, err := Authorize(t.Context(), config(p), UI{
				Show:  func(a string) { address = a },
				Paste: func(context.Context) (string, error) { return paste(stop(t, address)), nil },
			})
			if err != nil || got.Access == "" {
				t.Error(err)
			}
		})
	}
	p := provider(t, nil)
	_, err := Authorize(t.Context(), config(p), UI{Show: func(string) {}, Paste: func(context.Context) (string, error) { return "code=x&state=y", nil }})
	wants(t, err, fault.Auth, "its state is another")
	_, err = Authorize(t.Context(), config(p), UI{Show: func(string) {}, Paste: func(context.Context) (string, error) { return "forged", nil }})
	wants(t, err, fault.Auth, "invalid_grant")
}

func TestReadPasted(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"http://localhost:1/?state=st&code=4%2F0Ab": "4/0Ab", "localhost:1/?code=x&state=st#frag": "x", "localhost:1/?code=x#frag": "", "4%2F0Ab": "4/0Ab", "4/0Ab": "4/0Ab", `"abc"`: "abc",
		"code=x&state=st": "x", "?state=st&code=x": "x", "?code=x": "", "?code=x&state=": "", "code=x": "", "https://a/?error=access_denied&state=st": "!access_denied", "https://a/?error=access_denied": "",
		"": "", " \n": "", "http://localhost:1/": "", "two words": "", "?": "", "http://a/?code=": "", "http://a/?code=%zz": "", "%zz": "", "http://a/?code=x%00": "", "a\x1bb": "",
	} {
		got, err := readPasted(s, "st")
		if got.refusal != nil {
			got.code = "!" + string(got.refusal.Error)
		}
		if got.code != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", s, got.code, err)
		}
	}
}

func FuzzPasted(f *testing.F) {
	for _, s := range []string{"http://localhost:1/?state=st&code=4%2F0Ab", "abc", "code=x&state=y", "?error=x&code=y", "%", "a?b#c", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := readPasted(s, "st")
		if err != nil {
			if fault.KindOf(err) != fault.Auth || got != (arrival{}) {
				t.Errorf("%v", err)
			}
			return
		}
		if got.refusal == nil && (got.code == "" || !printable(got.code)) {
			t.Errorf("%q is a code", got.code)
		}
	})
}
