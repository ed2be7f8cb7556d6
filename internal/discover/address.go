package discover

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/hostname"
)

// Address is a mail address in its two parts.
type Address struct {
	Local  string // as typed
	Domain string // ASCII (IDNA), lower case, without a final dot
}

func (a Address) String() string { return a.Local + "@" + a.Domain }

// urlUser is the address as the user of a URL.
func (a Address) urlUser() string { return url.User(a.String()).String() }

// users are the names that RFC 6186 section 4 tells to try.
func (a Address) users() []string { return []string{a.String(), a.Local} }

// maxLocal is the limit of RFC 5321 section 4.5.3.1.1, in octets.
const maxLocal = 64

// ParseAddress takes a bare address apart. Quoted local parts and address
// literals, which no provider gives out, are refused. Errors are of kind Usage.
func ParseAddress(s string) (Address, error) {
	bad := func(format string, args ...any) (Address, error) {
		return Address{}, fault.New(fault.Usage, "%q is not a mail address: "+format, append([]any{s}, args...)...).
			Hint("it looks like alice@example.org; a server can be named as imaps://USER@HOST/")
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return bad("it has no @")
	}
	local, domain := s[:at], strings.TrimSuffix(s[at+1:], ".")
	odd := func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`"(),:;<>@[\]`, r)
	}
	switch {
	case !utf8.ValidString(s):
		return bad("it is not UTF-8")
	case local == "":
		return bad("nothing stands before the @")
	case len(local) > maxLocal:
		return bad("more than %d octets stand before the @", maxLocal)
	case strings.ContainsFunc(local, odd):
		return bad("it holds a space or a character that addresses do not have")
	case domain == "":
		return bad("nothing stands behind the @")
	}
	ascii, err := hostname.ASCII(domain)
	if err != nil {
		return bad("%q is not a domain", domain)
	}
	if !strings.Contains(ascii, ".") {
		return bad("the domain %q has no dot", domain)
	}
	if _, err := netip.ParseAddr(ascii); err == nil {
		return bad("%s is an IP address", ascii)
	}
	return Address{Local: local, Domain: ascii}, nil
}

// hostName is a server's name as a foreign source gives it, checked: a domain
// or an IP address.
func hostName(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		return ip.String(), true
	}
	out, err := hostname.ASCII(s)
	return out, err == nil
}

// within tells whether host is domain or below it.
func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}
