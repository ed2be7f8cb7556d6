package oauth

import (
	"context"
	"crypto/subtle"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/imapknife/imapknife/internal/fault"
)

// signInLimit is how long a person has to sign in.
const signInLimit = 10 * time.Minute

// UI is how a person is spoken to during Authorize.
type UI struct {
	// Show tells the address to open. It is called once, first.
	Show func(url string)
	// Open opens a browser; nil where that was not asked for. When it fails,
	// the address that was shown still serves.
	Open func(url string) error
	// Paste asks for the address that the browser ends at, or for the code in
	// it; nil to listen on the loopback port instead. For a browser on another
	// machine: it shows an error page, with the code in its address.
	Paste func(ctx context.Context) (string, error)
}

// Authorize gets a token by the authorization code with PKCE (RFC 6749 section
// 4.1, RFC 7636 with S256, RFC 8252 section 7.3). It blocks until the person
// has signed in, for ten minutes at most.
func Authorize(ctx context.Context, c Config, ui UI) (Token, error) {
	if err := c.ready(c.Provider.auth(), c.Provider.token()); err != nil {
		return Token{}, err
	}
	if c.limit == 0 {
		c.limit = signInLimit
	}
	late := fault.New(fault.Auth, "nobody has signed in within %s", strings.TrimSuffix(c.limit.String(), "0s")).Hint("to try again: %s", c.again())
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit, late)
	defer cancel()

	verifier, state := oauth2.GenerateVerifier(), oauth2.GenerateVerifier() // 32 random octets each
	c.secrets().Add(verifier, state)
	door, err := c.listen(state, ui.Paste != nil)
	if err != nil {
		return Token{}, err
	}
	defer door.close()
	address := c.authURL(door.redirect, state, verifier)
	ui.Show(address)
	if ui.Open != nil {
		_ = ui.Open(address)
	}
	var got arrival
	if ui.Paste != nil {
		got, err = pasted(ctx, ui.Paste, state)
	} else {
		got, err = door.wait(ctx)
	}
	if err != nil {
		return Token{}, err
	}
	if got.refusal != nil {
		return Token{}, fault.Wrap(fault.Auth, c.refused(0, got.refusal), "cannot sign in")
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {got.code}, "redirect_uri": {door.redirect}, "code_verifier": {verifier},
	}
	token, err := c.grant(ctx, form, Token{ClientSecret: c.Client.Secret})
	if err != nil {
		return Token{}, fault.Wrap(fault.Auth, err, "cannot sign in")
	}
	return token, nil
}

// authURL is the page to sign in at.
func (c *Config) authURL(redirect, state, verifier string) string {
	page := oauth2.Config{
		ClientID: c.Client.ID, Scopes: c.Provider.Scopes, RedirectURL: redirect,
		Endpoint: oauth2.Endpoint{AuthURL: c.Provider.AuthURL},
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	if c.Login != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", c.Login))
	}
	for name, value := range c.Provider.Params {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	return page.AuthCodeURL(state, options...)
}

// grant asks the token endpoint. before is the token that is renewed, or has
// the client secret only.
func (c *Config) grant(ctx context.Context, form url.Values, before Token) (Token, error) {
	form.Set("client_id", c.Client.ID)
	if before.ClientSecret != "" {
		form.Set("client_secret", before.ClientSecret)
	}
	a, err := c.post(ctx, c.Provider.token(), form)
	if err != nil {
		return Token{}, err
	}
	return c.tokenOf(a, before)
}

// arrival is what came back to the redirect address: a code, or a refusal.
type arrival struct {
	code    string
	refusal *answer
}

// wrongState is the outcome of an answer to another question.
func wrongState() error {
	return fault.New(fault.Auth, "that is not the answer to this sign-in: its state is another").
		Hint("use the page that was shown last, and paste the address that it ends at")
}

// pasted asks the person for what the browser ended at.
func pasted(ctx context.Context, ask func(context.Context) (string, error), state string) (arrival, error) {
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 1)
	go func() { // a terminal may not notice that ctx has ended
		text, err := ask(ctx)
		lines <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return arrival{}, context.Cause(ctx)
	case l := <-lines:
		if l.err != nil {
			return arrival{}, l.err
		}
		return readPasted(l.text, state)
	}
}

// readPasted makes sense of an address, of the query of one, or of a code alone.
// An address has the state of this sign-in, or it is not the answer to it.
func readPasted(s, state string) (arrival, error) {
	s = strings.Trim(strings.TrimSpace(s), `"'<>`)
	nothing := fault.New(fault.Auth, "there is no code in what was pasted").
		Hint("paste the whole address that the browser ends at; it has code= in it")
	if s == "" || len(s) > maxBody {
		return arrival{}, nothing
	}
	query, ok := s, strings.Contains(s, "code=") || strings.Contains(s, "error=")
	switch _, after, found := strings.Cut(s, "?"); {
	case found:
		query, ok = after, true
	case !ok && strings.ContainsAny(s, ": \t\r\n"):
		return arrival{}, nothing
	}
	if !ok {
		code, err := url.PathUnescape(s) // as it stands in an address
		if err != nil || !printable(code) {
			return arrival{}, nothing
		}
		return arrival{code: code}, nil
	}
	query, _, _ = strings.Cut(query, "#")
	values, err := url.ParseQuery(query)
	if err != nil {
		return arrival{}, nothing
	}
	if !same(values.Get("state"), state) { // a code alone has none, and PKCE guards it
		return arrival{}, wrongState()
	}
	got, ok := arrived(values)
	if !ok {
		return arrival{}, nothing
	}
	return got, nil
}

// arrived reads the parameters of the redirect (RFC 6749 section 4.1.2). An
// error goes before a code.
func arrived(values url.Values) (arrival, bool) {
	if e := values.Get("error"); e != "" {
		return arrival{refusal: &answer{Error: text(e), Description: text(values.Get("error_description"))}}, true
	}
	code := values.Get("code")
	return arrival{code: code}, code != "" && printable(code)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
