package imaptest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Provider is an OAuth 2 provider of the tests, plain HTTP on 127.0.0.1. It
// knows the authorization code with PKCE (S256 only), the device code,
// refreshing with rotation, and token introspection (RFC 7662). Where it is
// asked wrongly it refuses: it is the judge of what the client sends.
//
// /authorize signs the person in at once, or denies. A refresh token is good
// for one use where tokens rotate; using one again ends its whole family, as
// RFC 9700 section 4.14.2 wants it.
type Provider struct {
	server *httptest.Server

	mu      sync.Mutex
	set     Behaviour
	access  map[string]*issued
	refresh map[string]*family
	codes   map[string]authorization
	devices map[string]*device
	asked   map[string][]url.Values
	others  []*Provider // whose tokens are good here, too
}

// Behaviour is how a Provider answers. Change it with Provider.Set.
type Behaviour struct {
	User         string // who signs in; alice@example.org at first
	ClientID     string // that is asked for; empty for any
	ClientSecret string // that is asked for; empty for none
	Lifetime     int    // of access tokens in seconds; 3600 at first
	// ExpiresIn is what expires_in says, as JSON; empty for Lifetime, "none"
	// to leave it out.
	ExpiresIn string
	NoRefresh bool   // give no refresh token on signing in
	Fixed     bool   // refresh tokens do not rotate
	Scope     string // what scope says; empty to leave it out

	Deny        string // error that /authorize redirects with
	DenyDetails string // its description

	// Polls are the errors that polling for a device code gets, in order,
	// before it succeeds.
	Polls          []string
	DeviceLifetime int // seconds, 900 at first
	Interval       int // seconds, left out when 0
	// Fail is what /token and /device answer before anything else, one each
	// time.
	Fail []Failure
	// Hold keeps refreshes waiting until it is closed; nil for not.
	Hold <-chan struct{}
	// Notice is called with code, refresh or poll when one arrives; nil for not.
	Notice func(what string)
	// Introspect adds to what /introspect says of a good token, or replaces it.
	Introspect map[string]any
}

// Failure is a scripted answer. Either Body, or an OAuth error.
type Failure struct {
	Status      int // 400 when 0
	Error       string
	Description string
	Codes       []int // error_codes, as Microsoft has them
	Body        string
	Type        string // Content-Type of Body
	Location    string // Location header
}

type issued struct {
	user    string
	expires time.Time
	family  *family
}

type family struct {
	user    string
	current string // the one refresh token that is good
	over    bool
}

type authorization struct {
	user, redirect, challenge, client string
}

type device struct {
	client  string
	polls   []string
	expires time.Time
}

// NewProvider starts a provider.
func NewProvider() (*Provider, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Provider{
		set:    Behaviour{User: "alice@example.org", Lifetime: 3600, DeviceLifetime: 900},
		access: map[string]*issued{}, refresh: map[string]*family{}, codes: map[string]authorization{},
		devices: map[string]*device{}, asked: map[string][]url.Values{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /device", p.device)
	mux.HandleFunc("/introspect", p.introspect)
	p.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	p.server.Start()
	return p, nil
}

// Close ends the provider and waits for requests under way.
func (p *Provider) Close() { p.server.Close() }

// Vouch has /introspect tell about the tokens of another provider, too, as long
// as that is open.
func (p *Provider) Vouch(other *Provider) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others = append(p.others, other)
}

// URL is the provider's address with a path: /authorize, /token, /device or
// /introspect.
func (p *Provider) URL(path string) string { return p.server.URL + path }

// Set changes the behaviour.
func (p *Provider) Set(change func(*Behaviour)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.set)
}

// Count is how often the provider was asked: authorize, code, refresh, poll,
// device or introspect. Refused requests count.
func (p *Provider) Count(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked[what])
}

// Asked are the parameters of each request of a kind that Count knows.
func (p *Provider) Asked(what string) []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked[what])
}

// Issue makes an access token for a user, good for that long; with a negative
// time it has expired.
func (p *Provider) Issue(user string, valid time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	token := word("access")
	p.access[token] = &issued{user: user, expires: time.Now().Add(valid)}
	return token
}

// IssueBoth makes an access token and a refresh token of one family.
func (p *Provider) IssueBoth(user string, valid time.Duration) (access, refresh string) {
	access = p.Issue(user, valid)
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &family{user: user, current: word("refresh")}
	p.access[access].family, p.refresh[f.current] = f, f
	return access, f.current
}

// Revoke ends a token of either kind, and its family.
func (p *Provider) Revoke(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.refresh[token]; f != nil {
		f.over = true
	}
	if a := p.access[token]; a != nil {
		a.expires = time.Time{}
		if a.family != nil {
			a.family.over = true
		}
	}
}

// Expire ends an access token before its time. The refresh token stays good.
func (p *Provider) Expire(access string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.access[access]; a != nil {
		a.expires = time.Time{}
	}
}

// word is a token that greps find.
func word(kind string) string { return kind + "-" + rand.Text() }

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked["authorize"] = append(p.asked["authorize"], q)
	to, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil || to.Host == "": // RFC 6749 section 3.1.2.4: no redirect
		http.Error(w, "no redirect_uri", http.StatusBadRequest)
		return
	case p.set.ClientID != "" && q.Get("client_id") != p.set.ClientID, q.Get("client_id") == "":
		http.Error(w, "unknown client_id", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	switch challenge := q.Get("code_challenge"); {
	case q.Get("response_type") != "code":
		back.Set("error", "unsupported_response_type")
	case q.Get("state") == "", len(challenge) != 43, q.Get("code_challenge_method") != "S256":
		back.Set("error", "invalid_request")
		back.Set("error_description", "state and a code_challenge of S256 are wanted")
	case p.set.Deny != "":
		back.Set("error", p.set.Deny)
		back.Set("error_description", p.set.DenyDetails)
	default:
		code := word("code")
		p.codes[code] = authorization{p.set.User, q.Get("redirect_uri"), challenge, q.Get("client_id")}
		back.Set("code", code)
	}
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	form := readForm(r)
	kind := map[string]string{
		"authorization_code": "code", "refresh_token": "refresh", "urn:ietf:params:oauth:grant-type:device_code": "poll",
	}[form.Get("grant_type")]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[kind] = append(p.asked[kind], form)
	if p.set.Notice != nil {
		p.set.Notice(kind)
	}
	if hold := p.set.Hold; hold != nil && kind == "refresh" {
		p.mu.Unlock()
		<-hold
		p.mu.Lock()
	}
	if p.scripted(w) {
		return
	}
	if p.set.ClientID != "" && form.Get("client_id") != p.set.ClientID || form.Get("client_secret") != p.set.ClientSecret {
		fail(w, Failure{Status: http.StatusUnauthorized, Error: "invalid_client"})
		return
	}
	switch kind {
	case "code":
		p.redeem(w, form)
	case "refresh":
		p.renew(w, form)
	case "poll":
		p.poll(w, form)
	default:
		fail(w, Failure{Error: "unsupported_grant_type"})
	}
}

// scripted answers with the next scripted failure, if there is one.
func (p *Provider) scripted(w http.ResponseWriter) bool {
	if len(p.set.Fail) == 0 {
		return false
	}
	fail(w, p.set.Fail[0])
	p.set.Fail = p.set.Fail[1:]
	return true
}

// redeem takes an authorization code, once.
func (p *Provider) redeem(w http.ResponseWriter, form url.Values) {
	a, known := p.codes[form.Get("code")]
	delete(p.codes, form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case !known:
		fail(w, Failure{Error: "invalid_grant", Description: "no such code"})
	case a.redirect != form.Get("redirect_uri"), a.client != form.Get("client_id"):
		fail(w, Failure{Error: "invalid_grant", Description: "the code is for another redirect_uri or client"})
	case base64.RawURLEncoding.EncodeToString(sum[:]) != a.challenge:
		fail(w, Failure{Error: "invalid_grant", Description: "code_verifier does not fit"})
	default:
		p.give(w, p.found(a.user), !p.set.NoRefresh)
	}
}

// found begins a family.
func (p *Provider) found(user string) *family {
	f := &family{user: user, current: word("refresh")}
	p.refresh[f.current] = f
	return f
}

func (p *Provider) renew(w http.ResponseWriter, form url.Values) {
	old := form.Get("refresh_token")
	f := p.refresh[old]
	switch {
	case f == nil || f.over:
		fail(w, Failure{Error: "invalid_grant", Description: "Token has been expired or revoked."})
		return
	case f.current != old: // used before
		f.over = true
		fail(w, Failure{Error: "invalid_grant", Description: "The refresh token was used before."})
		return
	}
	if !p.set.Fixed {
		f.current = word("refresh")
		p.refresh[f.current] = f
	}
	p.give(w, f, !p.set.Fixed)
}

func (p *Provider) poll(w http.ResponseWriter, form url.Values) {
	d := p.devices[form.Get("device_code")]
	switch {
	case d == nil || d.client != form.Get("client_id"):
		fail(w, Failure{Error: "invalid_grant", Description: "no such device_code"})
	case time.Now().After(d.expires):
		fail(w, Failure{Error: "expired_token"})
	case len(d.polls) > 0:
		fail(w, Failure{Error: d.polls[0]})
		d.polls = d.polls[1:]
	default:
		delete(p.devices, form.Get("device_code"))
		p.give(w, p.found(p.set.User), !p.set.NoRefresh)
	}
}

// give answers with an access token.
func (p *Provider) give(w http.ResponseWriter, f *family, refresh bool) {
	token := word("access")
	p.access[token] = &issued{f.user, time.Now().Add(time.Duration(p.set.Lifetime) * time.Second), f}
	out := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": p.set.Lifetime}
	switch p.set.ExpiresIn {
	case "":
	case "none":
		delete(out, "expires_in")
	default:
		out["expires_in"] = json.RawMessage(p.set.ExpiresIn)
	}
	if refresh {
		out["refresh_token"] = f.current
	}
	if p.set.Scope != "" {
		out["scope"] = p.set.Scope
	}
	reply(w, http.StatusOK, out)
}

func (p *Provider) device(w http.ResponseWriter, r *http.Request) {
	form := readForm(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked["device"] = append(p.asked["device"], form)
	if p.scripted(w) {
		return
	}
	if form.Get("client_id") == "" || p.set.ClientID != "" && form.Get("client_id") != p.set.ClientID {
		fail(w, Failure{Status: http.StatusUnauthorized, Error: "invalid_client"})
		return
	}
	code := word("device")
	lifetime := time.Duration(p.set.DeviceLifetime) * time.Second
	p.devices[code] = &device{form.Get("client_id"), slices.Clone(p.set.Polls), time.Now().Add(lifetime)}
	out := map[string]any{
		"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": p.URL("/activate"), "expires_in": p.set.DeviceLifetime,
	}
	if p.set.Interval != 0 {
		out["interval"] = p.set.Interval
	}
	reply(w, http.StatusOK, out)
}

// introspect tells about an access token (RFC 7662). It takes what Dovecot
// sends in each introspection_mode: auth (a Bearer header), get (the token
// appended to the URL, so end it with ?token=) and post (a form).
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	form := readForm(r)
	token := form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && token == "" {
		token = bearer
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked["introspect"] = append(p.asked["introspect"], url.Values{"token": {token}})
	out := p.told(token)
	for _, other := range p.others {
		if out == nil {
			other.mu.Lock()
			out = other.told(token)
			other.mu.Unlock()
		}
	}
	if out == nil {
		out = map[string]any{"active": false}
	}
	reply(w, http.StatusOK, out)
}

// told is what /introspect says of a token, nil for one that is not good.
func (p *Provider) told(token string) map[string]any {
	a := p.access[token]
	if a == nil || !time.Now().Before(a.expires) || a.family != nil && a.family.over {
		return nil
	}
	out := map[string]any{"active": true, "username": a.user, "sub": a.user, "exp": a.expires.Unix(), "token_type": "Bearer"}
	maps.Copy(out, p.set.Introspect)
	return out
}

// readForm is the query and the body's form together.
func readForm(r *http.Request) url.Values {
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<20)
	if r.ParseForm() != nil {
		return url.Values{}
	}
	return r.Form
}

func fail(w http.ResponseWriter, f Failure) {
	status := f.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	if f.Error == "" {
		w.Header().Set("Content-Type", f.Type)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(f.Body))
		return
	}
	out := map[string]any{"error": f.Error}
	if f.Description != "" {
		out["error_description"] = f.Description
	}
	if f.Codes != nil {
		out["error_codes"] = f.Codes
	}
	reply(w, status, out)
}

func reply(w http.ResponseWriter, status int, out map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}
