package oauth

import (
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// Provider is where tokens come from.
type Provider struct {
	Name      string // for messages; empty for the host of TokenURL
	AuthURL   string
	TokenURL  string
	DeviceURL string // empty where the provider has no device code
	Scopes    []string
	Params    map[string]string // more parameters of the authorization request
	// Redirect is the loopback address as the provider knows it, without a
	// port: any free one is put in (RFC 8252 section 7.3). Empty for
	// http://127.0.0.1/.
	Redirect string

	noDevice string // why there is no device code
	must     string // scope without which the token is of no use
}

const (
	googleMail    = "https://mail.google.com/"
	microsoftMail = "https://outlook.office.com/IMAP.AccessAsUser.All"
	microsoftBase = "https://login.microsoftonline.com/"
	googleName    = "google"
	microsoftName = "microsoft"
	defaultTenant = "common"
	plainRedirect = "http://127.0.0.1/"
)

var tenantForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)

// Preset is a provider that imapknife knows: google, or microsoft with a tenant
// (an id or a domain; empty for common, which is any).
func Preset(name, tenant string) (Provider, error) {
	switch name {
	case googleName:
		if tenant != "" {
			return Provider{}, fault.New(fault.Usage, "google has no tenants").Hint("leave --tenant out")
		}
		return Provider{
			Name: googleName, AuthURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
			Scopes: []string{googleMail}, must: googleMail, noDevice: "google does not allow the device code for mail",
			// Without these two there is no refresh token, or none but the first time.
			Params:   map[string]string{"access_type": "offline", "prompt": "consent"},
			Redirect: "http://127.0.0.1",
		}, nil
	case microsoftName:
		if tenant == "" {
			tenant = defaultTenant
		}
		if !tenantForm.MatchString(tenant) {
			return Provider{}, fault.New(fault.Usage, "%q is no tenant", tenant).Hint("a tenant is an id or a domain, such as example.onmicrosoft.com")
		}
		base := microsoftBase + tenant + "/oauth2/v2.0/"
		return Provider{
			Name: microsoftName, AuthURL: base + "authorize", TokenURL: base + "token", DeviceURL: base + "devicecode",
			Scopes: []string{microsoftMail, "offline_access"},
			// The portal takes http://localhost for desktop applications, and
			// 127.0.0.1 only through the manifest.
			Redirect: "http://localhost",
		}, nil
	}
	return Provider{}, fault.New(fault.Usage, "%q is no provider that imapknife knows", name).
		Hint("google and microsoft are; any other needs --oauth custom with --auth-url, --token-url and --scope")
}

// name is the provider in messages.
func (p *Provider) name() string {
	if p.Name != "" {
		return p.Name
	}
	if u, err := url.Parse(p.TokenURL); err == nil && u.Host != "" {
		return u.Host
	}
	return "the provider"
}

func (p *Provider) auth() endpoint   { return endpoint{p.AuthURL, "authorization", "auth"} }
func (p *Provider) token() endpoint  { return endpoint{p.TokenURL, "token", "token"} }
func (p *Provider) device() endpoint { return endpoint{p.DeviceURL, "device authorization", "device"} }

// endpoint is a URL of a provider, what it is for, and its part in the flag's
// name.
type endpoint struct{ url, what, flag string }

// check refuses what could carry a secret in clear.
func (e endpoint) check() error {
	if e.url == "" {
		return fault.New(fault.Usage, "the provider has no %s URL", e.what).Hint("--%s-url gives it", e.flag)
	}
	u, err := url.Parse(e.url)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fault.New(fault.Usage, "the %s URL is not one that can be used", e.what).Hint("it looks like https://login.example.org/oauth2/token")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fault.New(fault.Usage, "the %s URL %s is not https", e.what, clean(e.url, maxText)).Hint("tokens do not travel in clear text")
	}
	return nil
}

// loopback reports whether a host is this machine, whatever a resolver says.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
