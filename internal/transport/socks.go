package transport

import (
	"io"
	"net/netip"

	"github.com/imapknife/imapknife/internal/fault"
)

// The octets of SOCKS5 (RFC 1928) that are used here.
const (
	socksVersion  = 5
	socksConnect  = 1
	socksNoAuth   = 0
	socksPassword = 2 // RFC 1929
	socksIPv4     = 1
	socksName     = 3
	socksIPv6     = 4
)

// socksReplies are what a proxy can answer to a request, by its octet.
var socksReplies = [...]string{
	1: "general failure", 2: "not allowed by its rules", 3: "network unreachable", 4: "host unreachable",
	5: "connection refused", 6: "TTL expired", 7: "it does not know the command", 8: "it does not know that type of address",
}

// socks asks a SOCKS5 proxy for a connection to host, whose name the proxy
// looks up, and port.
func (p *proxy) socks(rw io.ReadWriter, host string, port int) error {
	if len(host) > maxSOCKSText {
		return fault.New(fault.Usage, "the host name is longer than %d octets, which no proxy takes", maxSOCKSText)
	}
	if err := p.socksLogin(rw); err != nil {
		return err
	}
	request := []byte{socksVersion, socksConnect, 0}
	if ip, err := netip.ParseAddr(host); err != nil {
		request = append(append(request, socksName, byte(len(host))), host...)
	} else if ip = ip.Unmap(); ip.Is4() {
		request = append(append(request, socksIPv4), ip.AsSlice()...)
	} else {
		request = append(append(request, socksIPv6), ip.AsSlice()...)
	}
	if _, err := rw.Write(append(request, byte(port>>8), byte(port))); err != nil {
		return err
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(rw, head); err != nil {
		return err
	}
	if head[0] != socksVersion {
		return p.notSOCKS()
	}
	if code := int(head[1]); code != 0 {
		why := "unknown reply"
		if code < len(socksReplies) {
			why = socksReplies[code]
		}
		return fault.New(fault.Connect, "the proxy %s cannot connect to %s port %d: %s", p, host, port, why).
			Hint("check host and port in the URL; the proxy looks the name up")
	}
	// The address that the proxy has bound is of no use here.
	left := 2
	switch head[3] {
	case socksIPv4:
		left += 4
	case socksIPv6:
		left += 16
	case socksName:
		if _, err := io.ReadFull(rw, head[:1]); err != nil {
			return err
		}
		left += int(head[0])
	default:
		return p.notSOCKS()
	}
	_, err := io.ReadFull(rw, make([]byte, left))
	return err
}

// socksLogin agrees on how to log in to the proxy, and does.
func (p *proxy) socksLogin(rw io.ReadWriter) error {
	offer := []byte{socksVersion, 1, socksNoAuth}
	if p.user != "" {
		offer = []byte{socksVersion, 2, socksNoAuth, socksPassword}
	}
	if _, err := rw.Write(offer); err != nil {
		return err
	}
	var answer [2]byte
	if _, err := io.ReadFull(rw, answer[:]); err != nil {
		return err
	}
	switch method := answer[1]; {
	case answer[0] != socksVersion:
		return p.notSOCKS()
	case method == socksNoAuth:
		return nil
	case method == socksPassword && p.user != "":
	case p.user == "":
		return fault.New(fault.Connect, "the proxy %s wants a user name and password", p).Hint(passwordHint, p.scheme)
	default:
		return fault.New(fault.Connect, "the proxy %s takes neither a password nor no password", p)
	}
	login := append([]byte{1, byte(len(p.user))}, p.user...)
	login = append(append(login, byte(len(p.password))), p.password...)
	if _, err := rw.Write(login); err != nil {
		return err
	}
	if _, err := io.ReadFull(rw, answer[:]); err != nil {
		return err
	}
	if answer[1] != 0 {
		return fault.New(fault.Connect, "the proxy %s rejects the user name and password", p).Hint("check them in IMAPKNIFE_PROXY or ALL_PROXY")
	}
	return nil
}

func (p *proxy) notSOCKS() error {
	return fault.New(fault.Connect, "the proxy %s does not speak SOCKS5", p).Hint("check the scheme of its URL: socks5, http or https")
}
