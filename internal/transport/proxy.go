package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/hostname"
	"golang.org/x/net/http/httpproxy"
)

// NoProxy as Config.Proxy switches the environment's proxy off.
const NoProxy = "none"

// proxy is a proxy as its URL describes it.
type proxy struct {
	scheme   string // socks5, http or https
	host     string
	port     string
	user     string
	password string
	variable string // of the environment that named it, empty for none
}

// String is the proxy without its credentials.
func (p *proxy) String() string { return p.scheme + "://" + p.addr() }

func (p *proxy) addr() string { return net.JoinHostPort(p.host, p.port) }

// proxySchemes maps the schemes of proxy URLs to what is spoken and to the
// port. socks5 and socks5h are one: the proxy looks the server's name up.
// Desktops export socks.
var proxySchemes = map[string]struct{ scheme, port string }{
	"socks5": {"socks5", "1080"}, "socks5h": {"socks5", "1080"}, "socks": {"socks5", "1080"},
	"http": {"http", "80"}, "https": {"https", "443"},
}

// maxSOCKSText is the longest name or password in SOCKS5 (RFC 1928, RFC 1929).
const maxSOCKSText = 255

// parseProxy reads the URL of a proxy. No part of it is in an error, for it may
// be a part of a password.
func parseProxy(text string) (*proxy, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, badProxy("it cannot be parsed")
	}
	as, known := proxySchemes[strings.ToLower(u.Scheme)]
	p := &proxy{scheme: as.scheme, host: u.Hostname(), port: u.Port(), user: u.User.Username()}
	p.password, _ = u.User.Password()
	if p.host != "" {
		if p.host, err = hostname.Parse(p.host); err != nil {
			return nil, badProxy("its host is not a name or an IP address")
		}
	}
	switch n, err := strconv.ParseUint(p.port, 10, 16); {
	case !known || u.Opaque != "":
		return nil, badProxy("the scheme must be socks5, http or https")
	case p.host == "":
		return nil, badProxy("it names no host")
	case p.port != "" && (err != nil || n == 0):
		return nil, badProxy("the port is not 1 to 65535")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return nil, badProxy("there is something behind the port")
	case p.scheme == "socks5" && (len(p.user) > maxSOCKSText || len(p.password) > maxSOCKSText || p.user == "" && u.User != nil):
		return nil, badProxy("SOCKS5 needs a user name, and takes at most 255 octets of it and of the password")
	case p.scheme != "socks5" && strings.Contains(p.user, ":"):
		return nil, badProxy("a colon in a user name cannot be sent to an HTTP proxy")
	}
	if p.port == "" {
		p.port = as.port
	}
	return p, nil
}

func badProxy(why string) error {
	return fault.New(fault.Usage, "the URL of the proxy cannot be used: %s", why).
		Hint("a proxy is socks5://HOST:PORT, http://HOST:PORT or https://HOST:PORT; --proxy none goes without")
}

// ProxyPassword reports whether the URL of a proxy holds a password, which must
// not stand on a command line.
func ProxyPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false // refused whatever it holds
	}
	_, has := u.User.Password()
	return has
}

// proxy finds the proxy to go through, nil for none. NO_PROXY, and that
// loopback is reached directly, hold for the environment's proxy alone.
func (c *Config) proxy() (*proxy, error) {
	switch {
	case c.Local(), c.Proxy == NoProxy:
		return nil, nil
	case c.Proxy != "":
		return parseProxy(c.Proxy)
	}
	variable, text := c.getenv("all_proxy", "ALL_PROXY")
	if text == "" || !c.proxied() {
		return nil, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text // as other programs read it
	}
	p, err := parseProxy(text)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "%s", variable)
	}
	p.variable = variable
	return p, nil
}

// proxied reports whether host and port are for the environment's proxy.
func (c *Config) proxied() bool {
	if host := strings.ToLower(c.Host); host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	_, no := c.getenv("no_proxy", "NO_PROXY")
	// Which proxy does not matter here: only whether there is one.
	choose := (&httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: no}).ProxyFunc()
	u, err := choose(&url.URL{Scheme: "https", Host: c.addr()})
	return err == nil && u != nil
}

// getenv returns the first of the variables that is set, and its value.
func (c *Config) getenv(names ...string) (name, value string) {
	for _, name := range names {
		for i := len(c.Environ) - 1; i >= 0; i-- {
			if v, ok := strings.CutPrefix(c.Environ[i], name+"="); ok {
				if v != "" {
					return name, v
				}
				break
			}
		}
	}
	return "", ""
}

// through connects to the proxy and has it connect to host and port.
func (c *Config) through(ctx context.Context, p *proxy) (net.Conn, error) {
	what := "the proxy " + p.String()
	nc, err := (&net.Dialer{Resolver: c.Resolver}).DialContext(ctx, "tcp", p.addr())
	if err != nil {
		return nil, p.blame(c.proxyFailure(ctx, what, err))
	}
	if p.scheme == "https" {
		tc := tls.Client(nc, &tls.Config{ServerName: p.host, RootCAs: c.roots, MinVersion: tls.VersionTLS12})
		if err := tc.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, p.blame(c.proxyFailure(ctx, what, err))
		}
		nc = tc
	}
	err = bound(ctx, nc, func() error {
		if p.scheme == "socks5" {
			return p.socks(nc, c.Host, c.Port)
		}
		return p.connect(nc, c.addr())
	})
	if err != nil {
		nc.Close()
		return nil, p.blame(c.proxyFailure(ctx, what, err))
	}
	return nc, nil
}

// proxyFailure is failure for the connection to a proxy, whose ports and names
// are not those of the mail server.
func (c *Config) proxyFailure(ctx context.Context, what string, err error) error {
	err, cause := c.failure(ctx, what, err), err
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != fault.Connect {
		return err
	}
	switch dns, isDNS := errors.AsType[*net.DNSError](cause); {
	case ctx.Err() != nil:
	case errors.Is(cause, io.EOF), errors.Is(cause, io.ErrUnexpectedEOF), errors.Is(cause, syscall.ECONNRESET):
		e.Op = what + " closed the connection before it had answered"
		e.Hints = []string{"check the scheme of its URL: socks5, http or https"}
	case isDNS && dns.IsNotFound:
		e.Hints = []string{"check the host name of the proxy"}
	case errors.Is(cause, syscall.ECONNREFUSED):
		e.Hints = []string{"nothing listens there: check the port of the proxy"}
	}
	return err
}

// blame adds where the proxy comes from, when nobody asked for it by name.
func (p *proxy) blame(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind == fault.Connect && p.variable != "" {
		e.Hint("%s in the environment names the proxy; --proxy none goes without", p.variable)
	}
	return err
}

// passwordHint says where a proxy's credentials go.
const passwordHint = "IMAPKNIFE_PROXY or ALL_PROXY in the environment may hold them: %s://USER:PASSWORD@HOST:PORT"
