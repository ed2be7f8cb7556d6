// Package discover finds the IMAP server of a mail address: in a table of
// large providers, in DNS (RFC 6186, RFC 8314), in autoconfig files over HTTPS,
// in the public database of such files, and by guessing names. It asks; it
// neither logs in nor sees a secret, and it writes nothing.
package discover

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// Options say with what Find asks. The zero Options ask the system's resolver
// and the network.
type Options struct {
	Resolver *net.Resolver    // the system's when nil
	HTTP     *http.Client     // one of Find's own when nil; only https is ever asked, redirects included
	Now      func() time.Time // for the validity of certificates; the system's clock when nil
	Timeout  time.Duration    // of the whole search, 5 s when 0
	// Dial tries the guesses; a plain dialler with Resolver when nil. It must
	// obey its context. What it returns is closed at once.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// The values of Candidate.TLS.
const (
	Implicit = "implicit"
	StartTLS = "starttls"
)

// The values of Candidate.Password.
const (
	AppPassword = "app"  // a password made for programs, not that of the account
	NoPassword  = "none" // passwords are not accepted at all
)

// The values of Candidate.Source.
const (
	FromTable      = "provider table"
	FromSRV        = "SRV"
	FromAutoconfig = "autoconfig"
	FromDatabase   = "database"
	FromGuess      = "guess"
)

// Candidate is one server that may be the one. Everything in it but what the
// provider table says is untrusted text that was checked for its form.
type Candidate struct {
	Host     string // an ASCII name, or an address
	Port     int
	TLS      string   // Implicit or StartTLS
	Users    []string // user names to try, best first; one where the source is explicit
	Password string   // "" (that of the account), AppPassword or NoPassword
	OAuth    string   // "google", "microsoft" or ""
	Source   string
	Detail   string   // the record or URL that said so
	Hints    []string // what the person must know or do
	// Foreign: only DNS, which nobody signed, names this host outside of the mail
	// domain, by SRV or by MX. Who can forge DNS could collect the password, or
	// send it to a server where they can read along: ask before it is sent (RFC
	// 6186 section 6).
	Foreign bool
}

// Found is what a search found, and how.
type Found struct {
	Domain     string      // the mail domain in ASCII, lower case
	Candidates []Candidate // best first, each host, port and TLS mode once
	Notes      []string    // what each source was asked and said, a line each, untrusted
}

// Find looks for the IMAP server of a mail address. It blocks for Timeout at
// most. All sources are asked at once; a domain of the provider table is
// answered from it, and then nothing is asked at all. The guesses are not
// waited for when the others have ended with a candidate.
//
// Errors: Usage where address is none, the domain does not exist, no server
// was found, or the provider is known to have no IMAP; Connect where DNS could
// not be asked; the cause where ctx ended. But for the first and the last, Found
// is there beside the error, for its notes.
func Find(ctx context.Context, address string, o Options) (*Found, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	f := &finder{address: a, o: o}
	if p := providerOf(a.Domain); p != nil {
		f.note("provider table: %s is %s; nothing else was asked", a.Domain, p.name)
		return f.result(p, p.candidates(a, "domain "+a.Domain))
	}
	if f.o.Timeout == 0 {
		f.o.Timeout = 5 * time.Second
	}
	if f.o.Resolver == nil {
		f.o.Resolver = net.DefaultResolver
	}
	if f.o.Dial == nil {
		f.o.Dial = (&net.Dialer{Resolver: f.o.Resolver}).DialContext
	}
	f.http = secureClient(f.o)
	tctx, cancel := context.WithTimeout(ctx, f.o.Timeout)
	defer cancel()
	f.ask(tctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var all []Candidate
	for _, found := range f.found {
		all = append(all, found...)
	}
	return f.result(f.hosted, all)
}

// The sources, most trusted first. A source's place here is that of its notes
// and candidates.
const (
	rankSRV = iota
	rankAutoconfig
	rankMX
	rankDatabase
	rankGuess
	rankDomain // whether the domain exists: no candidates
	ranks
)

type finder struct {
	address  Address
	o        Options
	http     *http.Client
	table    []string // notes of the table
	found    [ranks][]Candidate
	notes    [ranks][]string
	hosted   *provider // whose MX the domain has
	declined bool      // SRV says that the domain offers no IMAP

	mu      sync.Mutex
	answers int  // DNS answers, be it that there is no such record
	silence int  // questions that DNS left open
	exists  bool // DNS knows something of the domain itself
}

func (f *finder) note(format string, args ...any) {
	f.table = append(f.table, fmt.Sprintf(format, args...))
}

// ask runs the sources and waits for them.
func (f *finder) ask(ctx context.Context) {
	var sure, guesses sync.WaitGroup
	guessing, stop := context.WithCancel(ctx)
	defer stop()
	guesses.Go(func() { f.guess(guessing) })
	sure.Go(func() { f.srv(ctx) })
	sure.Go(func() { f.autoconfig(ctx) })
	sure.Go(func() { f.byMX(ctx) })
	sure.Go(func() { f.domain(ctx) })
	sure.Wait()
	if slices.ContainsFunc(f.found[:rankGuess], func(c []Candidate) bool { return len(c) > 0 }) {
		stop()
	}
	if f.declined { // by name (RFC 6186 section 3.4): a server that answers there is not for this
		stop()
	}
	guesses.Wait()
	if f.declined {
		f.found[rankGuess], f.notes[rankGuess] = nil, []string{"guesses: none, since the domain says that it offers no IMAP"}
	}
}

// result merges what all sources found. p is the provider that hosts the
// domain, if that is known.
func (f *finder) result(p *provider, all []Candidate) (*Found, error) {
	out := &Found{Domain: f.address.Domain, Notes: f.table}
	for _, notes := range f.notes {
		out.Notes = append(out.Notes, notes...)
	}
	for _, c := range all {
		if p := providerOfHost(c.Host); p != nil && c.Source != FromTable {
			p.inform(&c)
		}
		i := slices.IndexFunc(out.Candidates, func(b Candidate) bool {
			return b.Host == c.Host && b.Port == c.Port && b.TLS == c.TLS
		})
		if i < 0 {
			out.Candidates = append(out.Candidates, c)
			continue
		}
		out.Candidates[i].confirm(c)
	}
	if len(out.Candidates) > 0 {
		return out, nil
	}
	return out, f.nothing(p)
}

// confirm takes from a less trusted source what c lacks. A host that HTTPS or
// the table names, too, is no longer known from DNS alone.
func (c *Candidate) confirm(other Candidate) {
	if c.Password == "" {
		c.Password = other.Password
	}
	if c.OAuth == "" {
		c.OAuth = other.OAuth
	}
	for _, h := range other.Hints {
		if !slices.Contains(c.Hints, h) {
			c.Hints = append(c.Hints, h)
		}
	}
	if len(other.Users) == 1 && slices.Contains(c.Users, other.Users[0]) {
		c.Users = other.Users
	}
	c.Foreign = c.Foreign && other.Foreign
}

// nothing is the error of a search without a candidate.
func (f *finder) nothing(p *provider) error {
	d := f.address.Domain
	byHand := func(e *fault.Error) error {
		return e.Hint("if you know the server, name it: imaps://%s@HOST/", f.address.urlUser())
	}
	switch {
	case p != nil && p.host == "":
		e := fault.New(fault.Usage, "%s has no IMAP server", p.name)
		for _, h := range p.hints {
			e.Hint("%s", h)
		}
		return e
	case f.declined:
		return byHand(fault.New(fault.Usage, "%s has no IMAP server: its SRV records say so", d))
	case f.answers == 0 && f.silence > 0:
		return byHand(fault.New(fault.Connect, "cannot look for the IMAP server of %s: DNS gave no answer to any question", d).
			Hint("check the network and the name servers of this machine"))
	case !f.exists && f.silence == 0:
		return byHand(fault.New(fault.Usage, "the domain %s does not exist: DNS knows no mail server, name server or address of it", d).
			Hint("check how the address is spelt"))
	}
	return byHand(fault.New(fault.Usage, "no IMAP server found for %s", d).
		Hint("login --discover shows what was asked"))
}
