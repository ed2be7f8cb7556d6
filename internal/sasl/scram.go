package sasl

import (
	"crypto/tls"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/xdg-go/scram"
)

// The limits on what a server may ask of SCRAM. A million iterations take
// about half a second; the server chooses the number.
const (
	maxIterations = 1_000_000
	maxMessage    = 4096 // octets of one message of the server
)

// scramClient is SCRAM (RFC 5802, RFC 7677): neither side shows the password,
// and the server proves that it knows it.
type scramClient struct {
	name string
	conv *scram.ClientConversation
}

func scram512Plus(c Credentials) (Client, error) {
	return newScram(scram.SHA512, "SCRAM-SHA-512-PLUS", c)
}
func scram512(c Credentials) (Client, error) { return newScram(scram.SHA512, "SCRAM-SHA-512", c) }
func scram256Plus(c Credentials) (Client, error) {
	return newScram(scram.SHA256, "SCRAM-SHA-256-PLUS", c)
}
func scram256(c Credentials) (Client, error)   { return newScram(scram.SHA256, "SCRAM-SHA-256", c) }
func scram1Plus(c Credentials) (Client, error) { return newScram(scram.SHA1, "SCRAM-SHA-1-PLUS", c) }
func scram1(c Credentials) (Client, error)     { return newScram(scram.SHA1, "SCRAM-SHA-1", c) }

func newScram(hash scram.HashGeneratorFcn, name string, c Credentials) (Client, error) {
	client, err := hash.NewClient(c.User, c.Password, c.Authzid)
	if err != nil { // it may hold a part of the password
		return nil, fault.New(fault.Auth, "user name or password hold characters that SCRAM does not allow (SASLprep)").
			Hint("--auth plain,login sends them as they are")
	}
	s := &scramClient{name: name}
	switch {
	case strings.HasSuffix(name, "-PLUS"):
		b, err := binding(c.TLS)
		if err != nil {
			return nil, fault.Wrap(fault.Auth, err, "%s cannot be bound to this connection", name)
		}
		s.conv = client.NewConversationWithChannelBinding(b)
	case c.TLS != nil && !slices.Contains(c.Offered, name+"-PLUS"):
		// A server that does offer it will notice that somebody took it away.
		s.conv = client.NewConversationAdvertisingChannelBinding()
	default:
		s.conv = client.NewConversation()
	}
	return s, nil
}

// binding is what ties the login to the TLS connection: the exporter, which
// RFC 9266 makes the one for TLS 1.3, or below that, where the exporter may not
// be unique, the server's certificate.
func binding(st *tls.ConnectionState) (scram.ChannelBinding, error) {
	switch {
	case st == nil:
		return scram.ChannelBinding{}, errors.New("there is no TLS")
	case st.Version < tls.VersionTLS13:
		return scram.NewTLSServerEndpointBinding(st)
	}
	return scram.NewTLSExporterBinding(st)
}

func (s *scramClient) Start() (string, []byte, error) {
	first, err := s.conv.Step("")
	return s.name, []byte(first), err
}

func (s *scramClient) Next(challenge []byte) ([]byte, error) {
	if s.conv.Valid() {
		return nil, fault.New(fault.Auth, "the server asks for more than the mechanism has")
	}
	if len(challenge) > maxMessage {
		return nil, fault.New(fault.Protocol, "the server's message of %d octets is too long for SCRAM", len(challenge))
	}
	for field := range strings.SplitSeq(string(challenge), ",") {
		if text, ok := strings.CutPrefix(field, "i="); ok {
			if n, err := strconv.ParseUint(text, 10, 32); err != nil || n > maxIterations {
				return nil, fault.New(fault.Auth, "the server wants more than %d SCRAM iterations", maxIterations)
			}
		}
		if text, ok := strings.CutPrefix(field, "e="); ok {
			return nil, fault.New(fault.Auth, "the server says %q", text).Hint("%s", scramAdvice(text))
		}
	}
	response, err := s.conv.Step(string(challenge))
	if err != nil {
		return nil, fault.New(fault.Auth, "SCRAM does not go on: %v", err).
			Hint("somebody may be in the way, or the server's SCRAM is broken; --auth chooses another way to log in")
	}
	return []byte(response), nil
}

// scramAdvice is what to do about an error of RFC 5802 section 7.
func scramAdvice(text string) string {
	switch text {
	case "channel-bindings-dont-match", "unsupported-channel-binding-type", "server-does-support-channel-binding", "channel-binding-not-supported":
		return "the TLS connection may end somewhere before the server, or somebody is in the way; --auth scram-sha-256 logs in unbound"
	}
	return "check the user name and the password"
}

func (s *scramClient) Done() error {
	if s.conv.Valid() {
		return nil
	}
	return fault.New(fault.Auth, "the server did not prove that it knows the password").
		Hint("somebody may be in the way: nothing was read and nothing written")
}
