package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

const (
	deviceGrant     = "urn:ietf:params:oauth:grant-type:device_code"
	pollInterval    = 5 * time.Second // where the provider does not say (RFC 8628 section 3.2)
	slower          = 5 * time.Second // what slow_down adds (section 3.5)
	maxInterval     = 5 * time.Minute
	deviceLifetime  = 15 * time.Minute // where the provider does not say, though it must
	maxDeviceExpiry = time.Hour
)

// DeviceCode is what a person needs: the page to open on any device, and the
// code to type there. Both are safe to print.
type DeviceCode struct {
	URL     string
	Code    string
	Full    string // page with the code in it, empty where there is none
	Expires time.Time
}

// Device gets a token by the device code (RFC 8628). show is called once. It
// blocks until the person has signed in or the code has expired, an hour at
// most.
func Device(ctx context.Context, c Config, show func(DeviceCode)) (Token, error) {
	if c.Provider.DeviceURL == "" && c.Provider.noDevice != "" {
		return Token{}, fault.New(fault.Auth, "%s", c.Provider.noDevice).
			Hint("sign in without --device; with --paste the browser can be on another machine")
	}
	if err := c.ready(c.Provider.device(), c.Provider.token()); err != nil {
		return Token{}, err
	}
	form := url.Values{"client_id": {c.Client.ID}}
	if len(c.Provider.Scopes) > 0 {
		form.Set("scope", strings.Join(c.Provider.Scopes, " "))
	}
	asked := c.Now()
	a, err := c.post(ctx, c.Provider.device(), form)
	if err != nil {
		return Token{}, c.deviceFault(err)
	}
	code, err := c.deviceCode(a, asked)
	if err != nil {
		return Token{}, err
	}
	show(code)
	token, err := c.poll(ctx, string(a.DeviceCode), code.Expires, interval(a.Interval))
	if err != nil {
		return Token{}, c.deviceFault(err)
	}
	return token, nil
}

// deviceFault adds what is particular to this way of signing in.
func (c *Config) deviceFault(err error) error {
	e := fault.Wrap(fault.Auth, err, "cannot sign in by device code")
	if r, ok := errors.AsType[*Refusal](err); ok && slices.Contains(r.Numbers, blocked) {
		e.Hint("many organisations block the device code: signing in without --device may be allowed")
	}
	return e
}

func interval(s seconds) time.Duration {
	if !s.known || s.d <= 0 {
		return pollInterval
	}
	return min(s.d, maxInterval)
}

// deviceCode checks what a person is to be shown.
func (c *Config) deviceCode(a *answer, asked time.Time) (DeviceCode, error) {
	name := c.Provider.name()
	page := string(a.VerificationURI)
	if page == "" {
		page = string(a.VerificationURL)
	}
	if a.DeviceCode == "" || a.UserCode == "" || page == "" {
		return DeviceCode{}, fault.New(fault.Auth, "the answer of %s has no code to type", name).Hint("the device URL may be wrong")
	}
	if (endpoint{url: page}).check() != nil {
		return DeviceCode{}, fault.New(fault.Auth, "the page that %s names for the code is not https", name)
	}
	lifetime := deviceLifetime
	if a.ExpiresIn.known {
		lifetime = min(a.ExpiresIn.d, maxDeviceExpiry)
	}
	code := DeviceCode{URL: c.words(text(page), maxText), Code: c.words(a.UserCode, 60), Expires: asked.Add(lifetime)}
	if full := string(a.VerificationFull); full != "" && (endpoint{url: full}).check() == nil {
		code.Full = c.words(text(full), maxText)
	}
	return code, nil
}

// poll asks for the token until it is there (RFC 8628 section 3.5).
func (c *Config) poll(ctx context.Context, code string, expires time.Time, every time.Duration) (Token, error) {
	var trouble error // the network's last
	for {
		if !c.Now().Add(every).Before(expires) {
			if trouble != nil {
				return Token{}, trouble
			}
			return Token{}, fault.New(fault.Auth, "the code has expired before anybody signed in with it").Hint("to try again: %s --device", c.again())
		}
		if err := c.sleep(ctx, every); err != nil {
			return Token{}, err
		}
		form := url.Values{"grant_type": {deviceGrant}, "device_code": {code}}
		token, err := c.grant(ctx, form, Token{ClientSecret: c.Client.Secret})
		if err == nil {
			return token, nil
		}
		r, refused := errors.AsType[*Refusal](err)
		switch {
		case refused && r.Code == "authorization_pending":
			trouble = nil
		case refused && r.Code == "slow_down":
			trouble, every = nil, min(every+slower, maxInterval)
		case ctx.Err() == nil && fault.KindOf(err) == fault.Connect:
			trouble, every = err, min(2*every, maxInterval)
		default:
			return Token{}, err
		}
	}
}
