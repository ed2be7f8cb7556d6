// Package transport makes the connection that an IMAP session runs over: TCP,
// through a proxy or not, a Unix socket, or the standard input and output of a
// command. It knows neither IMAP nor the session's TLS, and it never falls back
// from one way to another: where a proxy is asked for and fails, nothing is
// dialled directly.
package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// Config says where the connection goes and by which way.
type Config struct {
	Host string
	Port int

	Proxy      string // URL of a proxy, "none", or empty for what Environ says
	UnixSocket string // path of a socket that is the server
	Tunnel     string // shell command whose standard input and output are the server

	Environ  []string      // of the tunnel; ALL_PROXY and NO_PROXY are looked up in it
	Stderr   io.Writer     // gets what the tunnel says; nil for nobody
	Resolver *net.Resolver // nil for the system's

	// Timeout is what ctx's deadline was made of, for errors.
	Timeout time.Duration
	// Step is called when a stage begins (dns, and one of tcp, proxy, unix,
	// tunnel) and returns what ends it. Nil spares the lookup that times dns.
	Step func(name string) (end func())

	roots *x509.CertPool // for https:// proxies, nil for the system's
}

// maxSocketPath is the longest path that every system takes for a socket.
const maxSocketPath = 103

// Local reports whether the connection is a socket or a command of this
// machine, so that host and port are not dialled.
func (c *Config) Local() bool { return c.UnixSocket != "" || c.Tunnel != "" }

// Check reports, without dialling, what is wrong with the configuration: an
// error of kind Usage.
func (c *Config) Check() error {
	var ways []string
	if c.Proxy != "" && c.Proxy != NoProxy {
		ways = append(ways, "--proxy")
	}
	if c.UnixSocket != "" {
		ways = append(ways, "--unix-socket")
	}
	if c.Tunnel != "" {
		ways = append(ways, "--tunnel")
	}
	switch {
	case len(ways) > 1:
		return fault.New(fault.Usage, "%s exclude each other", strings.Join(ways, " and ")).
			Hint("a tunnel's command can use a proxy of its own")
	case len(c.UnixSocket) > maxSocketPath:
		return fault.New(fault.Usage, "the path of the Unix socket is longer than %d octets", maxSocketPath).
			Hint("change into its directory and name it from there")
	}
	_, err := c.proxy()
	return err
}

// Via is the proxy that the connection goes through, as errors show it, and
// empty for none. The error is that of Check.
func (c *Config) Via() (string, error) {
	if p, err := c.proxy(); err != nil || p == nil {
		return "", err
	} else {
		return p.String(), nil
	}
}

// Dial connects. It blocks until that is done, has failed, or ctx ends. The
// caller closes the connection; that of a tunnel ends its command. Errors are
// of kind Connect, Usage before anything was dialled, or ctx's cause.
func Dial(ctx context.Context, c Config) (net.Conn, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Tunnel != "" {
		defer c.begin("tunnel")()
		return c.tunnel()
	}
	if c.UnixSocket != "" {
		defer c.begin("unix")()
		nc, err := new(net.Dialer).DialContext(ctx, "unix", c.UnixSocket)
		if err != nil {
			return nil, c.failure(ctx, c.UnixSocket, err)
		}
		return nc, nil
	}
	p, err := c.proxy()
	if err != nil {
		return nil, err
	}
	if p != nil {
		defer c.begin("proxy")()
		return c.through(ctx, p)
	}
	return c.direct(ctx)
}

func (c *Config) begin(step string) (end func()) {
	if c.Step == nil {
		return func() {}
	}
	return c.Step(step)
}

// direct dials host and port.
func (c *Config) direct(ctx context.Context) (net.Conn, error) {
	if _, err := netip.ParseAddr(c.Host); c.Step != nil && err != nil {
		// The dialer looks the name up again, so that it can try the
		// addresses as it always does.
		end := c.begin("dns")
		resolver := c.Resolver
		if resolver == nil {
			resolver = net.DefaultResolver
		}
		_, err := resolver.LookupNetIP(ctx, "ip", c.Host)
		end()
		if err != nil {
			return nil, c.failure(ctx, c.addr(), err)
		}
	}
	defer c.begin("tcp")()
	nc, err := (&net.Dialer{Resolver: c.Resolver}).DialContext(ctx, "tcp", c.addr())
	if err != nil {
		return nil, c.failure(ctx, c.addr(), err)
	}
	return nc, nil
}

func (c *Config) addr() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// failure says why no connection to what has come about.
func (c *Config) failure(ctx context.Context, what string, err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	why := plain(err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	late := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil
	if late {
		why = "no answer in time"
		if c.Timeout > 0 {
			why = "no answer within " + c.Timeout.String()
		}
	}
	e := fault.New(fault.Connect, "cannot connect to %s: %s", what, why)
	if !late && errors.Is(err, syscall.ECONNRESET) {
		e = fault.Wrap(fault.Connect, syscall.ECONNRESET, "cannot connect to %s", what) // the session knows what may help
	}
	switch {
	case late:
		e.Hint("--connect-timeout sets how long to wait")
	case isDNS && dns.IsNotFound:
		e.Hint("check the host name in the URL")
	case isDNS:
		e.Hint("the name server did not answer: check the network and the host name in the URL")
	case c.UnixSocket != "" && errors.Is(err, syscall.ENOENT):
		e.Hint("the server makes the socket when it starts")
	case c.UnixSocket != "" && errors.Is(err, syscall.ECONNREFUSED):
		e.Hint("nothing listens on that socket")
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Hint("nothing listens on that port: imaps is 993, imap with STARTTLS 143")
	}
	return e
}

// plain is err's innermost text: the layers of package net repeat the address.
func plain(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return err.Error()
}

// bound runs talk, which uses nc, and ends its waits when ctx ends.
func bound(ctx context.Context, nc net.Conn, talk func() error) error {
	if t, ok := ctx.Deadline(); ok {
		nc.SetDeadline(t)
	}
	set := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		nc.SetDeadline(time.Unix(1, 0))
		close(set)
	})
	err := talk()
	if !stop() {
		<-set // it would else end a wait of the session
		if err == nil {
			err = context.Cause(ctx)
		}
	}
	nc.SetDeadline(time.Time{})
	return err
}
