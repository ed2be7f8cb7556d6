package discover

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/imapknife/imapknife/internal/fault"
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

// The limits of RFC 5321 section 4.5.3.1, in octets.
const (
	maxLocal  = 64
	maxDomain = 253
)

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
	ascii, err := asciiDomain(domain)
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

// asciiDomain is a host name in ASCII (IDNA, RFC 5891), lower case. Only
// letters, digits and hyphens stand between its dots.
func asciiDomain(s string) (string, error) {
	out, err := idna.Lookup.ToASCII(s)
	if err != nil {
		return "", err
	}
	out = strings.ToLower(out)
	if len(out) > maxDomain {
		return "", fault.New(fault.Usage, "the name is longer than %d octets", maxDomain)
	}
	for label := range strings.SplitSeq(out, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", fault.New(fault.Usage, "%q is not a host name", s)
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return "", fault.New(fault.Usage, "%q is not a host name", s)
		}
	}
	return out, nil
}

// hostName is a server's name as a foreign source gives it, checked: a domain
// or an IP address.
func hostName(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		return ip.String(), true
	}
	out, err := asciiDomain(s)
	return out, err == nil
}

// within tells whether host is domain or below it.
func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}
