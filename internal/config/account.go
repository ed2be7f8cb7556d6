// Package config says which account a command uses: from a URL or from its
// parts. It must not dial, nor hold a secret.
package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/hostname"
)

// Account is how to reach a mail account.
type Account struct {
	Host    string
	Port    int
	TLS     string // implicit, starttls or none
	User    string
	Mailbox string // from the URL's path, empty for none
}

// modes maps URL schemes to TLS modes and their ports.
var modes = [...]struct {
	scheme, tls string
	port        int
}{
	{"imaps", "implicit", 993},
	{"imap", "starttls", 143},
	{"imap+insecure", "none", 143},
}

// ParseURL reads imaps://user@host:port/mailbox; the port is 0 where it says
// none. A password in the URL is refused: argv is for everybody to read.
func ParseURL(text string) (Account, error) {
	if e := oddities(text); e != nil {
		return Account{}, e
	}
	u, err := url.Parse(text)
	if err != nil { // its text may hold a part of a password
		return Account{}, bad(redacted(text), "it cannot be parsed").Hint(form)
	}
	a := Account{Host: u.Hostname()}
	for _, m := range modes {
		if strings.EqualFold(u.Scheme, m.scheme) {
			a.TLS = m.tls
		}
	}
	switch {
	case a.TLS == "":
		return a, bad(redacted(text), "the scheme must be imaps, imap or imap+insecure").
			Hint("imaps://user@host/ is TLS, imap:// STARTTLS, imap+insecure:// clear text on loopback")
	case a.Host == "":
		return a, bad(redacted(text), "it names no host").Hint(form)
	case strings.Contains(a.Host, ":") && !strings.HasPrefix(u.Host, "["):
		return a, bad(redacted(text), "an IPv6 address stands in brackets: imaps://[::1]/")
	}
	if _, has := u.User.Password(); has {
		return a, bad(redacted(text), "it holds a password").Hint(passwordWays)
	}
	if a.Host, err = hostname.Parse(a.Host); err != nil {
		return a, bad(redacted(text), fmt.Sprintf("%q is not a host name", u.Hostname())).Hint(form)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return a, bad(redacted(text), "it has a query or fragment").Hint("? is written %%3F and # %%23 in a name")
	}
	if p := u.Port(); p != "" {
		if a.Port, err = ParsePort(p); err != nil {
			return a, bad(redacted(text), err.Error()).Hint(form)
		}
	}
	a.User, a.Mailbox = u.User.Username(), strings.TrimPrefix(u.Path, "/")
	return a, nil
}

// URL is the account's server as a URL: without the user, and without a port
// that is the scheme's own.
func (a Account) URL() string {
	for _, m := range modes {
		if m.tls == a.TLS {
			host := a.Host
			if strings.Contains(host, ":") {
				host = "[" + strings.Replace(host, "%", "%25", 1) + "]"
			}
			if a.Port != 0 && a.Port != m.port {
				host += ":" + strconv.Itoa(a.Port)
			}
			return m.scheme + "://" + host + "/"
		}
	}
	return ""
}

const passwordWays = "set IMAPKNIFE_PASSWORD, or use --password-command, --password-file or --password-stdin"

// form is the hint that shows what a URL looks like.
const form = "a URL is imaps://user@host/ or imaps://user@host:993/mailbox"

// oddities finds what is wrong with a URL before it is parsed.
func oddities(text string) *fault.Error {
	shown := redacted(text)
	switch i := strings.IndexByte(text, '%'); {
	case strings.TrimRight(text, "\r\n") != text:
		return bad(shown, "it ends with a line end").Hint("leave that out: $(cat FILE) does")
	case strings.TrimSpace(text) != text:
		return bad(shown, "it begins or ends with a blank")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return bad(shown, "it holds a control character")
	case strings.Contains(text, " "):
		return bad(shown, "it holds a blank").Hint("write a blank as %%20")
	case i >= 0 && !escapes(text[i:]):
		return bad(shown, "it holds a % without two hexadecimal digits behind it").Hint("write %% itself as %%25")
	}
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return nil
	}
	if e := parameters(shown, rest); e != nil {
		return e
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	host := rest[strings.LastIndexByte(rest, '@')+1:]
	port := host[strings.LastIndexByte(host, ']')+1:]
	if _, port, ok = strings.Cut(port, ":"); ok && port != "" && !strings.Contains(port, ":") {
		if _, err := strconv.ParseUint(port, 10, 64); err != nil {
			if strings.Contains(shown, ":<hidden>@") {
				return bad(shown, "it holds a password").Hint(passwordWays)
			}
			return bad(shown, "what stands behind the host's colon is not a port").Hint(form)
		}
	}
	return nil
}

// parameters refuses the parameters of RFC 5092, which a semicolon begins: as a
// part of a name they would reach the server.
func parameters(shown, rest string) *fault.Error {
	authority, path, _ := strings.Cut(rest, "/")
	user := authority[:max(0, strings.LastIndexByte(authority, '@'))]
	switch {
	case strings.Contains(strings.ToUpper(user), ";AUTH="):
		return bad(shown, "it names a way to log in").Hint("--auth names it; ; is written %%3B in a user name")
	case strings.Contains(user, ";"):
		return bad(shown, "it holds a ; in the user name").Hint("; is written %%3B in a user name")
	case strings.Contains(path, ";"):
		return bad(shown, "it holds a ; behind the host: parameters such as ;UID= are not supported").
			Hint("UIDs are arguments of the commands that read messages, and --uidvalidity pins them; ; is written %%3B in a name")
	}
	return nil
}

// escapes reports whether each % in text begins an escape such as %20.
func escapes(text string) bool {
	for part := range strings.SplitSeq(text[1:], "%") {
		if len(part) < 2 {
			return false
		}
		if _, err := strconv.ParseUint(part[:2], 16, 8); err != nil {
			return false
		}
	}
	return true
}

// redacted hides what may be a password in a URL, however wrong that is: what
// stands between the first colon behind the scheme and the last @, or, without
// any @, what stands where a port does and is none.
func redacted(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if scheme += "://"; !ok {
		scheme, rest = "", text
	}
	end := strings.LastIndexByte(rest, '@')
	named := end >= 0
	if !named {
		end = len(rest)
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			end = i
		}
	}
	user, secret, has := strings.Cut(rest[:end], ":")
	if _, err := strconv.ParseUint(secret, 10, 64); has && (named || err != nil) {
		rest = user + ":<hidden>" + rest[end:]
	}
	return scheme + rest
}

// Password returns what may be a password in a word of a command line, however
// wrong it stands there: what is between the first colon, behind a scheme, and
// the last @.
func Password(word string) (string, bool) {
	if _, rest, ok := strings.Cut(word, "://"); ok {
		word = rest
	}
	_, secret, ok := strings.Cut(word[:max(0, strings.LastIndexByte(word, '@'))], ":")
	return secret, ok && secret != ""
}

func bad(text, why string) *fault.Error {
	return fault.New(fault.Usage, "the URL %q cannot be used: %s", text, why)
}

// ParsePort reads a TCP port.
func ParsePort(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fault.New(fault.Usage, "%q is not a port: 1 to 65535", text)
	}
	return int(n), nil
}

// Complete fills in what may be left out: TLS is implicit, and the port is the
// TLS mode's own.
func (a Account) Complete() (Account, error) {
	if a.TLS == "" {
		a.TLS = "implicit"
	}
	for _, m := range modes {
		if m.tls == a.TLS {
			if a.Port == 0 {
				a.Port = m.port
			}
			return a, nil
		}
	}
	return a, fault.New(fault.Usage, "--tls %q is none of implicit, starttls, none", a.TLS)
}

// Loopback reports whether host can only be this machine.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
