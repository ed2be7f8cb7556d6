// Package hostname reads the names of servers, wherever they come from: a URL,
// a flag, the account file, a name service. A name leaves it in ASCII, with
// internationalised labels as A-labels (RFC 5891), so that the resolver, TLS
// and the server all see one spelling. It must not resolve anything.
package hostname

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"github.com/imapknife/imapknife/internal/fault"
)

// The limits of RFC 1035 section 2.3.4, in octets.
const (
	maxName  = 253
	maxLabel = 63
)

const labelCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-_"

// ASCII returns a domain name in ASCII and in lower case. Only letters, digits,
// hyphens and underscores may stand between its dots. Errors are of kind Usage.
func ASCII(name string) (string, error) {
	out := strings.ToLower(name)
	if !ascii(out) {
		var err error
		if out, err = idna.Lookup.ToASCII(name); err != nil {
			return "", fault.New(fault.Usage, "%q is not a host name", name)
		}
	}
	if len(out) > maxName {
		return "", fault.New(fault.Usage, "the host name is longer than %d octets", maxName)
	}
	for label := range strings.SplitSeq(out, ".") {
		if label == "" || len(label) > maxLabel || strings.Trim(label, labelCharacters) != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return "", fault.New(fault.Usage, "%q is not a host name", name)
		}
	}
	return out, nil
}

// Parse reads a host as a user writes it: a domain name, perhaps with a final
// dot, or an IP address, perhaps in brackets. Errors are of kind Usage, say
// what else the text holds, and never repeat what stands before an @.
func Parse(text string) (string, error) {
	name := text
	if inner, ok := strings.CutPrefix(name, "["); ok && strings.HasSuffix(inner, "]") {
		name = strings.TrimSuffix(inner, "]")
		if ip, err := netip.ParseAddr(name); err != nil || !ip.Is6() {
			return "", fault.New(fault.Usage, "the host %q is not an IPv6 address in brackets", text)
		}
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return name, nil
	}
	bad := func(why string) *fault.Error {
		return fault.New(fault.Usage, "the host %q cannot be used: %s", text, why)
	}
	switch _, port, hasPort := strings.Cut(text, ":"); {
	case strings.Contains(text, "://"):
		return "", fault.New(fault.Usage, "a URL stands where a host is expected").Hint("--url takes a URL")
	case strings.Contains(text, "@"):
		return "", fault.New(fault.Usage, "a user stands where a host is expected").Hint("--user takes the user, --url both as imaps://USER@HOST/")
	case strings.ContainsAny(text, " \t\r\n"):
		return "", bad("it holds a blank")
	case hasPort && !strings.Contains(port, ":") || strings.Contains(text, "]:"):
		return "", bad("it holds a port").Hint("--port takes the port, --url both as imaps://USER@HOST:PORT/")
	case strings.Contains(text, "/"):
		return "", bad("it holds a path").Hint("--url takes a URL")
	}
	name = strings.TrimSuffix(name, ".")
	out, err := ASCII(name)
	if err != nil {
		return "", bad("it is not a name or an IP address")
	}
	if ascii(name) { // as it is written
		return name, nil
	}
	return out, nil
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f }) < 0
}
