package discover

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/imapknife/imapknife/internal/fault"
)

// databaseURL is the public database of autoconfig files; a domain follows.
const databaseURL = "https://autoconfig.thunderbird.net/v1.1/"

// Limits on what web servers may send.
const (
	maxFile      = 1 << 20
	maxHeader    = 64 << 10
	maxRedirects = 5
)

// secureClient is o.HTTP, or a client of our own, that goes nowhere without
// TLS, whatever a server says.
func secureClient(o Options) *http.Client {
	c := &http.Client{}
	if o.HTTP != nil {
		*c = *o.HTTP
	} else {
		c.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Resolver: o.Resolver}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, Time: o.Now},
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true,
		}
	}
	asked := c.CheckRedirect
	c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != "https" {
			return fault.New(fault.Connect, "redirects to %s without TLS, which is not followed", r.URL.Scheme)
		}
		if len(via) > maxRedirects {
			return fault.New(fault.Connect, "redirects more than %d times", maxRedirects)
		}
		r.Header.Del("Referer") // it would tell the address to another host
		if asked != nil {
			return asked(r, via)
		}
		return nil
	}
	c.Jar = nil
	return c
}

// autoconfig asks the domain itself. Only the first URL carries the address.
func (f *finder) autoconfig(ctx context.Context) {
	d := f.address.Domain
	const path = "/mail/config-v1.1.xml"
	urls := [2]string{
		"https://autoconfig." + d + path + "?emailaddress=" + url.QueryEscape(f.address.String()),
		"https://" + d + "/.well-known/autoconfig" + path,
	}
	var found [2][]Candidate
	var notes [2]string
	var wg sync.WaitGroup
	for i, u := range urls {
		wg.Go(func() { found[i], notes[i] = f.file(ctx, u, FromAutoconfig) })
	}
	wg.Wait()
	for i := range urls {
		f.add(rankAutoconfig, "%s", notes[i])
		f.found[rankAutoconfig] = append(f.found[rankAutoconfig], found[i]...)
	}
}

// database asks the public database for a domain. The address is not sent.
func (f *finder) database(ctx context.Context, domain string) ([]Candidate, string) {
	return f.file(ctx, databaseURL+domain, FromDatabase)
}

// file fetches one autoconfig file and says what came of it.
func (f *finder) file(ctx context.Context, address, source string) ([]Candidate, string) {
	shown := address
	if u, err := url.Parse(address); err == nil {
		u.RawQuery = ""
		shown = u.String()
	}
	data, err := f.fetch(ctx, address)
	if err != nil {
		return nil, source + " " + shown + ": " + plain(err)
	}
	servers, err := parseAutoconfig(data)
	if err != nil {
		return nil, source + " " + shown + ": " + plain(err)
	}
	var out []Candidate
	for _, s := range servers {
		if c, ok := s.candidate(f.address); ok {
			c.Source, c.Detail = source, shown
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, source + " " + shown + ": names no IMAP server with TLS"
	}
	return out, fmt.Sprintf("%s %s: %s", source, shown, plural(len(out), "server"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (f *finder) fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "imapknife")
	r.Header.Set("Accept", "text/xml, application/xml")
	resp, err := f.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, fault.New(fault.Negative, "no such file")
	case resp.StatusCode != http.StatusOK:
		return nil, fault.New(fault.Refused, "answers %d", resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fault.New(fault.Protocol, "is larger than %d octets", maxFile)
	}
	return data, err
}
