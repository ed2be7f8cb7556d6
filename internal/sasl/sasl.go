// Package sasl holds the client side of the SASL mechanisms that IMAP servers
// announce: what is said to the server, and what its answers prove. It knows
// neither IMAP nor the network, and must not print a secret.
package sasl

import (
	"crypto/tls"
	"slices"
	"strings"

	gosasl "github.com/emersion/go-sasl"
	"github.com/imapknife/imapknife/internal/fault"
)

// Client is one exchange by one mechanism (RFC 4422). It is used once.
type Client interface {
	// Start returns the mechanism's name and the initial response; nil where
	// the server speaks first.
	Start() (mech string, initial []byte, err error)
	// Next answers a challenge.
	Next(challenge []byte) (response []byte, err error)
	// Done judges the server's word that we are logged in: an error says that
	// the server had to prove itself, and has not, or that it has not asked for
	// what it would need to know.
	Done() error
}

// Kind is what a mechanism needs.
type Kind int

const (
	NeedsPassword Kind = iota
	NeedsToken         // an OAuth 2 access token
	NeedsNothing
)

// Credentials are what a mechanism may use.
type Credentials struct {
	User     string
	Authzid  string // user to act as, empty for User
	Password string
	Token    string
	Host     string // OAUTHBEARER tells host and port
	Port     int
	TLS      *tls.ConnectionState // nil in clear text
	Offered  []string             // what the server announced, in upper case
}

// Mechanism is one way to log in.
type Mechanism struct {
	Name    string // as servers announce it
	Reveals bool   // the server sees the password or token itself
	Needs   Kind
	Authzid bool // has a place for one
	Binds   bool // to the TLS connection, which there must be
	start   func(Credentials) (Client, error)
}

// New starts an exchange. Errors are of kind Usage or Auth.
func (m Mechanism) New(c Credentials) (Client, error) {
	if c.Authzid != "" && !m.Authzid {
		return nil, fault.New(fault.Usage, "%s cannot act as another user", m.Name).
			Hint("--authzid works with PLAIN, SCRAM, EXTERNAL and OAUTHBEARER")
	}
	return m.start(c)
}

// mechanisms is ordered from the strongest to the weakest.
var mechanisms = [...]Mechanism{
	{Name: "SCRAM-SHA-512-PLUS", Needs: NeedsPassword, Authzid: true, Binds: true, start: scram512Plus},
	{Name: "SCRAM-SHA-512", Needs: NeedsPassword, Authzid: true, start: scram512},
	{Name: "SCRAM-SHA-256-PLUS", Needs: NeedsPassword, Authzid: true, Binds: true, start: scram256Plus},
	{Name: "SCRAM-SHA-256", Needs: NeedsPassword, Authzid: true, start: scram256},
	{Name: "SCRAM-SHA-1-PLUS", Needs: NeedsPassword, Authzid: true, Binds: true, start: scram1Plus},
	{Name: "SCRAM-SHA-1", Needs: NeedsPassword, Authzid: true, start: scram1},
	{Name: "CRAM-MD5", Needs: NeedsPassword, start: cramMD5},
	{Name: "PLAIN", Needs: NeedsPassword, Reveals: true, Authzid: true, start: plain},
	{Name: "LOGIN", Needs: NeedsPassword, Reveals: true, start: login},
	{Name: "OAUTHBEARER", Needs: NeedsToken, Reveals: true, Authzid: true, start: oauthBearer},
	{Name: "XOAUTH2", Needs: NeedsToken, Reveals: true, start: xoauth2},
	{Name: "EXTERNAL", Needs: NeedsNothing, Authzid: true, start: external},
	{Name: "ANONYMOUS", Needs: NeedsNothing, start: anonymous},
}

// Mechanisms lists all, strongest first.
func Mechanisms() []Mechanism { return slices.Clone(mechanisms[:]) }

// Choose lists the mechanisms to try of those offered (upper case) that need
// one of have: those of order (in any case) in that order, or without one all,
// the strongest first. EXTERNAL and ANONYMOUS are there only by order. bound
// tells that there is TLS to bind to.
func Choose(offered, order []string, bound bool, have ...Kind) []Mechanism {
	var out []Mechanism
	add := func(m Mechanism) {
		if slices.Contains(offered, m.Name) && slices.Contains(have, m.Needs) && (bound || !m.Binds) {
			out = append(out, m)
		}
	}
	for _, m := range mechanisms {
		if len(order) == 0 && m.Needs != NeedsNothing {
			add(m)
		}
	}
	for _, name := range order {
		for _, m := range mechanisms {
			if strings.EqualFold(m.Name, name) {
				add(m)
			}
		}
	}
	return out
}

// unproved is a client whose server has nothing to prove.
type unproved struct{ gosasl.Client }

func (unproved) Done() error { return nil }

// Next ends the exchange where the mechanism has no more to say.
func (u unproved) Next(challenge []byte) ([]byte, error) {
	response, err := u.Client.Next(challenge)
	if err != nil {
		err = fault.New(fault.Auth, "the server asks for more than the mechanism has")
	}
	return response, err
}

// plain is RFC 4616.
func plain(c Credentials) (Client, error) {
	return unproved{gosasl.NewPlainClient(c.Authzid, c.User, c.Password)}, nil
}

// external is RFC 4422 appendix A: TLS has told the server who we are. The
// user, where one is known, is asked for by name.
func external(c Credentials) (Client, error) {
	as := c.Authzid
	if as == "" {
		as = c.User
	}
	return unproved{gosasl.NewExternalClient(as)}, nil
}

// anonymous is RFC 4505. The trace that it wants tells nothing of the person.
func anonymous(Credentials) (Client, error) {
	return unproved{gosasl.NewAnonymousClient("imapknife")}, nil
}

// loginClient is the LOGIN mechanism, which no RFC defines: the server asks
// for the user, then for the password, in words of its own.
type loginClient struct {
	answers []string
}

func login(c Credentials) (Client, error) {
	return &loginClient{[]string{c.User, c.Password}}, nil
}

func (l *loginClient) Start() (string, []byte, error) { return "LOGIN", nil, nil }

func (l *loginClient) Done() error {
	if len(l.answers) > 0 {
		return fault.New(fault.Protocol, "the server said OK before it had asked for user and password")
	}
	return nil
}

func (l *loginClient) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, fault.New(fault.Auth, "the server asks for more than the mechanism has")
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}
