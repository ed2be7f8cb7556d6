package transport

import (
	"encoding/base64"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// maxProxyHeader is how many octets of answer a proxy may send, in all.
const maxProxyHeader = 16 << 10

// connect asks an HTTP proxy for a connection to addr (RFC 9110 section 9.3.6).
// What follows the header is the server's and stays unread.
func (p *proxy) connect(nc net.Conn, addr string) error {
	if strings.ContainsFunc(addr, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return fault.New(fault.Usage, "the host name %q cannot be sent to a proxy", addr).Hint("a name with other than ASCII letters is written as xn--…")
	}
	request := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if p.user != "" || p.password != "" {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password)) + "\r\n"
	}
	if _, err := io.WriteString(nc, request+"\r\n"); err != nil {
		return err
	}
	left := maxProxyHeader
	for {
		line, err := answerHeader(nc, &left)
		if err != nil {
			return err
		}
		status, reason, ok := parseStatusLine(line)
		switch {
		case !ok:
			return fault.New(fault.Connect, "the proxy %s does not speak HTTP: %.60q", p, line).Hint("check the scheme of its URL: socks5, http or https")
		case status < 200: // provisional, another answer follows
		case status < 300:
			return nil
		default:
			return p.refusal(addr, status, reason)
		}
	}
}

// refusal is the error of a proxy that answered with another status than 200.
func (p *proxy) refusal(addr string, status int, reason string) error {
	if len(reason) > 80 {
		reason = reason[:80] + "…"
	}
	e := fault.New(fault.Connect, "the proxy %s refuses to connect to %s: %s", p, addr, strings.TrimSpace(strconv.Itoa(status)+" "+reason))
	switch {
	case status == 407 && p.user != "":
		e.Hint("check the proxy's user name and password; only Basic authentication is supported")
	case status == 407:
		e.Hint("it wants a user name and password; "+passwordHint, p.scheme)
	case status == 403 || status == 405:
		e.Hint("many proxies allow CONNECT to port 443 only: its operator can allow this one")
	case status >= 502 && status <= 504:
		e.Hint("the proxy cannot reach the server: check host and port in the URL")
	}
	return e
}

// answerHeader reads the header of one answer and returns its first line. It
// reads octet by octet, for what follows is not its own.
func answerHeader(r io.Reader, left *int) (first string, err error) {
	var head []byte
	var one [1]byte
	for ; *left > 0; *left-- {
		if _, err := io.ReadFull(r, one[:]); err != nil {
			return "", err
		}
		head = append(head, one[0])
		if s := string(head[max(0, len(head)-4):]); strings.HasSuffix(s, "\n\r\n") || strings.HasSuffix(s, "\n\n") {
			line, _, _ := strings.Cut(string(head), "\n")
			return strings.TrimSuffix(line, "\r"), nil
		}
		if len(head) == len("HTTP/") && string(head) != "HTTP/" {
			return string(head), nil // it need not end ever
		}
	}
	return "", fault.New(fault.Connect, "the proxy answers with a header longer than %d octets", maxProxyHeader)
}

// parseStatusLine takes HTTP/1.1 200 OK apart.
func parseStatusLine(line string) (status int, reason string, ok bool) {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(code) != 3 || n < 100 {
		return 0, "", false
	}
	return int(n), strings.TrimSpace(reason), true
}
