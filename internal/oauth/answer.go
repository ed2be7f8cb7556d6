package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

const (
	maxBody        = 1 << 20          // octets of a provider's answer
	requestLimit   = 30 * time.Second // of one request
	unknownExpiry  = time.Hour        // lifetime of a token whose provider does not say
	maxExpiry      = 10 * 365 * 24 * time.Hour
	formEncoded    = "application/x-www-form-urlencoded"
	secretsInForms = "refresh_token code client_secret code_verifier device_code" // separated by blanks
)

// answer is what a provider says at the token endpoint (RFC 6749 sections 5.1
// and 5.2) or the device authorization endpoint (RFC 8628 section 3.2).
type answer struct {
	AccessToken  text    `json:"access_token"`
	TokenType    text    `json:"token_type"`
	RefreshToken text    `json:"refresh_token"`
	ExpiresIn    seconds `json:"expires_in"`
	Scope        text    `json:"scope"`

	DeviceCode       text    `json:"device_code"`
	UserCode         text    `json:"user_code"`
	VerificationURI  text    `json:"verification_uri"`
	VerificationURL  text    `json:"verification_url"` // as Google spells it
	VerificationFull text    `json:"verification_uri_complete"`
	Interval         seconds `json:"interval"`

	Error       text  `json:"error"`
	Description text  `json:"error_description"`
	Codes       codes `json:"error_codes"` // Microsoft's
}

// text is a string that may be something else: what is no string is kept as
// the JSON that it is.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	switch {
	case string(data) == "null":
	case json.Unmarshal(data, &s) == nil:
		*t = text(s)
	default:
		*t = text(data)
	}
	return nil
}

// seconds is a number, or one in a string, or unknown.
type seconds struct {
	d     time.Duration
	known bool
}

func (s *seconds) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(string(data), `"`)), 64)
	if err != nil || math.IsNaN(f) {
		return nil
	}
	limit := maxExpiry.Seconds()
	s.d, s.known = time.Duration(max(-limit, min(f, limit)))*time.Second, true
	return nil
}

// codes are numbers, where they are.
type codes []int

func (c *codes) UnmarshalJSON(data []byte) error {
	var numbers []int
	if json.Unmarshal(data, &numbers) == nil {
		*c = numbers
	}
	return nil
}

// post sends a form to an endpoint and reads what it says. Failing it says of
// kind Connect where the network or the provider is at fault for now, else Auth
// with a Refusal. It blocks for requestLimit at most.
func (c *Config) post(ctx context.Context, to endpoint, form url.Values) (*answer, error) {
	if err := to.check(); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, to.url, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fault.New(fault.Usage, "the %s URL is not one that can be used", to.what)
	}
	for name := range strings.FieldsSeq(secretsInForms) {
		c.secrets().Add(form.Get(name))
	}
	req.Header.Set("Content-Type", formEncoded)
	req.Header.Set("Accept", "application/json")
	res, err := c.client().Do(req)
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	return c.read(res.StatusCode, res.Header.Get("Content-Type"), body)
}

// client never follows a redirect: the form has secrets, and an endpoint that
// moves is either a wrong URL or a network that wants a person to sign in to it.
func (c *Config) client() *http.Client {
	var client http.Client
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Jar = nil
	return &client
}

func (c *Config) unreached(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Connect, "%s did not answer within %d s", c.Provider.name(), int(requestLimit.Seconds()))
	}
	return fault.Wrap(fault.Connect, err, "cannot reach %s", c.Provider.name())
}

// read makes sense of an answer. The secrets in it are kept out of messages.
func (c *Config) read(status int, kind string, body []byte) (*answer, error) {
	name := c.Provider.name()
	if len(body) > maxBody {
		return nil, fault.New(fault.Auth, "the answer of %s is longer than 1 MiB", name)
	}
	var a answer
	if json.Unmarshal(body, &a) != nil || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil, unreadable(name, status, kind, body)
	}
	c.secrets().Add(string(a.AccessToken), string(a.RefreshToken), string(a.DeviceCode))
	if a.Error != "" {
		return nil, c.refused(status, &a)
	}
	if status/100 != 2 {
		return nil, strange(name, status)
	}
	return &a, nil
}

// unreadable is the error of an answer that is not JSON.
func unreadable(name string, status int, kind string, body []byte) error {
	html := strings.Contains(strings.ToLower(kind), "html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	switch {
	case status/100 == 3:
		return fault.New(fault.Connect, "%s answered with a redirect (status %d), which is not followed", name, status).
			Hint("the network may want you to sign in to it in a browser first, or the URL is wrong")
	case temporary(status):
		return strange(name, status)
	case html:
		return fault.New(fault.Connect, "%s answered with a web page (status %d) in the place of a token", name, status).
			Hint("the network may want you to sign in to it in a browser first, or the URL is wrong")
	}
	return fault.New(fault.Auth, "the answer of %s (status %d) is not JSON", name, status).Hint("the URL may be wrong")
}

func temporary(status int) bool { return status >= 500 || status == http.StatusTooManyRequests }

func strange(name string, status int) error {
	if temporary(status) {
		return fault.New(fault.Connect, "%s answered with status %d", name, status).Hint("it may be too busy: try again later")
	}
	return fault.New(fault.Auth, "%s answered with status %d and no reason", name, status).Hint("the URL may be wrong")
}

// tokenOf makes a token of an answer. before is the one that it renews, or has
// the client secret only.
func (c *Config) tokenOf(a *answer, before Token) (Token, error) {
	name := c.Provider.name()
	switch {
	case a.AccessToken == "":
		return Token{}, fault.New(fault.Auth, "the answer of %s has no access token", name)
	case !printable(string(a.AccessToken)), !printable(string(a.RefreshToken)):
		return Token{}, fault.New(fault.Auth, "the answer of %s has a token with characters that no token has", name)
	case a.TokenType != "" && !strings.EqualFold(string(a.TokenType), "bearer"):
		return Token{}, fault.New(fault.Auth, "%s gives tokens of type %s, which mail servers do not take", name, c.words(a.TokenType, maxText))
	}
	if must := c.Provider.must; must != "" && a.Scope != "" && !granted(string(a.Scope), must) && granted(strings.Join(c.Provider.Scopes, " "), must) {
		return Token{}, fault.New(fault.Auth, "%s did not give the permission for mail", name).
			Hint("sign in again and leave the box for mail ticked: %s", c.again())
	}
	lifetime := unknownExpiry
	if a.ExpiresIn.known {
		lifetime = a.ExpiresIn.d
	}
	t := Token{Access: string(a.AccessToken), Refresh: string(a.RefreshToken), Expiry: c.Now().Add(lifetime), ClientSecret: before.ClientSecret, Scope: string(a.Scope)}
	if t.Refresh == "" {
		t.Refresh = before.Refresh // still good (RFC 6749 section 6)
	}
	if t.Scope == "" {
		t.Scope = before.Scope
	}
	return t, nil
}

func granted(scopes, one string) bool {
	for _, s := range strings.Fields(scopes) {
		if s == one {
			return true
		}
	}
	return false
}

// printable reports whether a token is of the characters that RFC 6749
// appendix A allows.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
