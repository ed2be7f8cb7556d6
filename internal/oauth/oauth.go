// Package oauth gets OAuth 2 access tokens for a mail account and keeps them
// fresh: the authorization code with PKCE on a loopback address (RFC 6749, 7636
// and 8252), the device code (RFC 8628), and refreshing under a lock that all
// processes of a person share. It must not know IMAP, where tokens are kept,
// nor the terminal; and it never prints a token.
package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/hidden"
)

// Client is the person's own registration at a provider. A "desktop" client of
// Google has a secret, which is not confidential but must be sent; it is kept
// with the token, never in the account file.
type Client struct{ ID, Secret string }

// Format implements fmt.Formatter: the secret is never shown.
func (c Client) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "client %s", c.ID) }

// Config is what a token is asked for with.
type Config struct {
	Provider Provider
	Client   Client
	Login    string // user to suggest to the provider (login_hint), may be empty
	Again    string // command that signs in anew, for hints; empty for imapknife login
	Port     int    // loopback port that the provider knows, 0 for any free one

	Now   func() time.Time                           // the clock; has to be set
	Sleep func(context.Context, time.Duration) error // waits or ends with ctx, nil for real time
	HTTP  *http.Client                               // nil for the default; redirects are never followed
	// Secrets gets every token and code, and keeps them out of messages; nil for
	// a set of the Config's own.
	Secrets *hidden.Set
	limit   time.Duration // of a sign-in, 0 for signInLimit
}

func (c *Config) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// again is the command that signs in anew.
func (c *Config) again() string {
	switch {
	case c.Again != "":
		return c.Again
	case c.Login != "":
		return "imapknife login " + clean(c.Login, maxText)
	}
	return "imapknife login"
}

// ready says what is missing for the client to ask at all.
func (c *Config) ready(urls ...endpoint) error {
	if c.Client.ID == "" {
		return fault.New(fault.Usage, "OAuth needs a client id").Hint("docs/oauth.md says how to get one: --client-id ID")
	}
	for _, u := range urls {
		if err := u.check(); err != nil {
			return err
		}
	}
	return nil
}

// Token is an access token and what renews it. Every verb of package fmt shows
// it as <hidden>; but fmt looks into unexported fields by itself, so a struct
// that has a Token there must not be printed. The JSON form has the secrets: it
// is for the keyring.
type Token struct {
	Access       string
	Refresh      string    // empty where the provider gave none
	Expiry       time.Time // of Access, by this machine's clock; zero when not known
	ClientSecret string
	Scope        string // as granted, separated by blanks; empty when as asked
}

// kept is a Token as it is stored.
type kept struct {
	Access       string     `json:"access_token"`
	Refresh      string     `json:"refresh_token,omitempty"`
	Expiry       *time.Time `json:"expiry,omitempty"` // RFC 3339
	ClientSecret string     `json:"client_secret,omitempty"`
	Scope        string     `json:"scope,omitempty"`
}

// MarshalJSON writes the token with its secrets.
func (t Token) MarshalJSON() ([]byte, error) {
	k := kept{Access: t.Access, Refresh: t.Refresh, ClientSecret: t.ClientSecret, Scope: t.Scope}
	if !t.Expiry.IsZero() {
		expiry := t.Expiry.UTC().Truncate(time.Second)
		k.Expiry = &expiry
	}
	return json.Marshal(k)
}

// UnmarshalJSON reads what MarshalJSON wrote. Its errors show nothing of it.
func (t *Token) UnmarshalJSON(data []byte) error {
	var k kept
	if json.Unmarshal(data, &k) != nil {
		return fault.New(fault.Auth, "the stored token cannot be read")
	}
	*t = Token{Access: k.Access, Refresh: k.Refresh, ClientSecret: k.ClientSecret, Scope: k.Scope}
	if k.Expiry != nil {
		t.Expiry = *k.Expiry
	}
	return nil
}

func (Token) String() string   { return "<hidden>" }
func (Token) GoString() string { return "<hidden>" }

// Format implements fmt.Formatter, so that no verb reaches the secrets.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, "<hidden>") }
