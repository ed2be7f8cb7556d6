package discover

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/charset"

	"github.com/imapknife/imapknife/internal/fault"
)

// Limits on an autoconfig file.
const (
	maxDepth   = 16
	maxServers = 20
	maxValue   = 512
	maxMethods = 10
)

// server is an incomingServer element of type imap, as it is written.
type server struct {
	host, port, socket, user string
	methods                  []string
	issuer                   string // of the file's oAuth2 element
}

// parseAutoconfig reads the IMAP servers of an autoconfig file (the format of
// Thunderbird, draft-ietf-mailmaint-autoconfig). It is tolerant of what is
// unknown or unfinished; entities other than XML's own stay as they are
// written, and no DTD is looked at.
func parseAutoconfig(data []byte) ([]server, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Strict = false
	d.CharsetReader = charset.NewReaderLabel
	var out []server
	var path []string
	var value strings.Builder
	issuer, rooted := "", false
	for {
		token, err := d.Token()
		if err != nil {
			if !rooted || len(out) == 0 && !errors.Is(err, io.EOF) {
				return nil, fault.New(fault.Protocol, "is not an autoconfig file")
			}
			for i := range out {
				out[i].issuer = issuer
			}
			return out, nil
		}
		switch t := token.(type) {
		case xml.StartElement:
			name := t.Name.Local
			if name == "incomingServer" && !strings.EqualFold(attr(t, "type"), "imap") {
				name = "" // its children are not looked at
			}
			path = append(path, name)
			value.Reset()
			if rooted = path[0] == "clientConfig"; !rooted {
				return nil, fault.New(fault.Protocol, "is not an autoconfig file")
			}
			if len(path) > maxDepth {
				return nil, fault.New(fault.Protocol, "nests deeper than %d elements", maxDepth)
			}
			if name == "incomingServer" {
				if len(out) == maxServers {
					return nil, fault.New(fault.Protocol, "names more than %d servers", maxServers)
				}
				out = append(out, server{})
			}
		case xml.CharData:
			value.Write(t)
		case xml.EndElement:
			if len(path) == 0 {
				continue
			}
			text := strings.TrimSpace(value.String())
			switch {
			case len(path) >= 2 && path[len(path)-2] == "incomingServer":
				out[len(out)-1].set(path[len(path)-1], text)
			case len(path) >= 2 && path[len(path)-2] == "oAuth2" && path[len(path)-1] == "issuer":
				issuer = text
			}
			path = path[:len(path)-1]
			value.Reset()
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (s *server) set(name, value string) {
	if len(value) > maxValue {
		return
	}
	switch name {
	case "hostname":
		s.host = value
	case "port":
		s.port = value
	case "socketType":
		s.socket = value
	case "username":
		s.user = value
	case "authentication":
		if len(s.methods) < maxMethods {
			s.methods = append(s.methods, strings.ToLower(value))
		}
	}
}

// candidate is the server for address a; false where it has no TLS or makes no
// sense.
func (s server) candidate(a Address) (Candidate, bool) {
	fill := strings.NewReplacer("%EMAILADDRESS%", a.String(), "%EMAILLOCALPART%", a.Local, "%EMAILDOMAIN%", a.Domain)
	var c Candidate
	var ok bool
	if c.Host, ok = hostName(fill.Replace(s.host)); !ok {
		return c, false
	}
	port, err := strconv.ParseUint(s.port, 10, 16)
	if err != nil || port == 0 {
		return c, false
	}
	c.Port = int(port)
	switch strings.ToUpper(s.socket) {
	case "SSL":
		c.TLS = Implicit
	case "STARTTLS":
		c.TLS = StartTLS
	default:
		return c, false
	}
	c.Users = a.users()
	if s.user != "" {
		user := fill.Replace(s.user)
		if !utf8.ValidString(user) || strings.ContainsFunc(user, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			return c, false
		}
		c.Users = []string{user}
	}
	s.authentication(&c)
	return c, true
}

// authentication maps the methods of the file. A password is what a server
// takes that says nothing.
func (s server) authentication(c *Candidate) {
	password, oauth := len(s.methods) == 0, false
	for _, m := range s.methods {
		switch m {
		case "password-cleartext", "plain", "password-encrypted", "secure":
			password = true
		case "oauth2":
			oauth = true
			c.OAuth = oauthProvider(s.issuer)
		case "ntlm", "gssapi":
			c.Hints = append(c.Hints, "the server offers "+strings.ToUpper(m)+", which imapknife does not do")
		case "tls-client-cert":
			c.Hints = append(c.Hints, "the server wants a client certificate: --client-cert, --client-key")
		case "none", "client-ip-address":
			c.Hints = append(c.Hints, "the server lets in by network address")
		}
	}
	if !password {
		c.Password = NoPassword
	}
	if oauth && !password && c.OAuth == "" {
		c.Hints = append(c.Hints, "the server wants OAuth 2.0 of a provider without a preset: a token_command can give the token")
	}
}

// oauthProvider is the preset for an issuer.
func oauthProvider(issuer string) string {
	issuer = strings.TrimPrefix(strings.ToLower(issuer), "https://")
	issuer, _, _ = strings.Cut(issuer, "/")
	switch issuer {
	case "accounts.google.com":
		return google
	case "login.microsoftonline.com", "login.live.com":
		return microsoft
	}
	return ""
}
