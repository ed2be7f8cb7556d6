package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"github.com/imapknife/imapknife/internal/fault"
)

// ResolverAt asks one DNS server only, at host or host:port (port 53 where
// none is given), by UDP and by TCP where an answer is too large. The hosts
// file of the machine is still read for addresses; its search list is not used
// for the names that this package asks for, which are absolute.
func ResolverAt(addr string) *net.Resolver {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), "53")
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
}

// SRV is one record of RFC 6186.
type SRV struct {
	Service          string // "imaps" (TLS from the first octet) or "imap" (STARTTLS)
	Target           string // "." says that the domain does not offer the service
	Port             int
	Priority, Weight int
}

// Name is the record's owner.
func (s SRV) Name(domain string) string { return "_" + s.Service + "._tcp." + domain }

// LookupSRV asks for _imaps._tcp and _imap._tcp of domain at once. The records
// come imaps first (RFC 8314 section 5.1), then by priority, and by chance as
// their weights say (RFC 2782). No record is no error; a question that DNS left
// open is one of kind Connect, beside the records of the other.
func LookupSRV(ctx context.Context, r *net.Resolver, domain string) ([]SRV, error) {
	if r == nil {
		r = net.DefaultResolver
	}
	found, errs := lookupServices(ctx, r, domain)
	var open error
	for i, err := range errs {
		if err != nil && open == nil {
			open = fault.New(fault.Connect, "cannot look up _%s._tcp.%s: %s", services[i], domain, plain(err))
		}
	}
	return slices.Concat(found[0], found[1]), open
}

// services are asked for in this order of preference.
var services = [2]string{"imaps", "imap"}

func lookupServices(ctx context.Context, r *net.Resolver, domain string) (found [2][]SRV, errs [2]error) {
	var wg sync.WaitGroup
	for i, service := range services {
		wg.Go(func() { found[i], errs[i] = lookupService(ctx, r, service, domain) })
	}
	wg.Wait()
	return found, errs
}

func lookupService(ctx context.Context, r *net.Resolver, service, domain string) ([]SRV, error) {
	_, records, err := r.LookupSRV(ctx, service, "tcp", domain+".")
	out := make([]SRV, 0, len(records))
	for _, rec := range records {
		target := "."
		if rec.Target != "." {
			var ok bool
			if target, ok = hostName(rec.Target); !ok || rec.Port == 0 {
				continue
			}
		}
		out = append(out, SRV{Service: service, Target: target, Port: int(rec.Port), Priority: int(rec.Priority), Weight: int(rec.Weight)})
	}
	if err == nil || notFound(err) || len(records) > 0 {
		return out, nil
	}
	return nil, err
}

// srv is the source of RFC 6186.
func (f *finder) srv(ctx context.Context) {
	domain := f.address.Domain
	found, errs := lookupServices(ctx, f.o.Resolver, domain)
	offered := func(records []SRV) bool { return len(records) != 1 || records[0].Target != "." }
	f.declined = !offered(found[0]) && !offered(found[1])
	left := 0
	for i, service := range services {
		name := "SRV _" + service + "._tcp." + domain
		if errs[i] != nil {
			f.counted(errs[i])
			f.add(rankSRV, "%s: %s", name, plain(errs[i]))
			continue
		}
		f.counted(nil)
		if len(found[i]) == 0 {
			f.add(rankSRV, "%s: no record", name)
		}
		for _, s := range found[i] {
			f.exist()
			if s.Target == "." {
				f.add(rankSRV, "%s: the domain says that it does not offer this", name)
				continue
			}
			c := Candidate{
				Host: s.Target, Port: s.Port, TLS: Implicit, Users: f.address.users(), Source: FromSRV,
				Detail:  fmt.Sprintf("%s: %d %d %d %s", name, s.Priority, s.Weight, s.Port, s.Target),
				Foreign: foreign(s.Target, domain),
			}
			if service == "imap" {
				c.TLS = StartTLS
			}
			if len(f.found[rankSRV]) == maxSRV {
				left++
				continue
			}
			f.add(rankSRV, "%s", c.Detail)
			f.found[rankSRV] = append(f.found[rankSRV], c)
		}
	}
	if left > 0 {
		f.add(rankSRV, "SRV %s: %s more, which are left out", domain, plural(left, "record"))
	}
}

// maxSRV bounds how many servers of SRV records are tried: each that is silent
// costs its time.
const maxSRV = 8

// foreign reports whether a host that only the name service names is outside of
// the mail domain, and not on this machine.
func foreign(host, domain string) bool {
	ip, err := netip.ParseAddr(host)
	return !within(host, domain) && (err != nil || !ip.IsLoopback())
}

// byMX asks who takes the domain's mail: a provider of the table, or a domain
// that the database knows.
func (f *finder) byMX(ctx context.Context) {
	own := f.address.Domain
	var database sync.WaitGroup
	var direct, viaMX []Candidate
	var directNote, mxNote string
	database.Go(func() { direct, directNote = f.database(ctx, own) })
	hosts, err := f.mx(ctx)
	switch {
	case err != nil:
		f.add(rankMX, "MX %s: %s", own, plain(err))
	case len(hosts) == 0:
		f.add(rankMX, "MX %s: no record", own)
	default:
		f.add(rankMX, "MX %s: %s", own, strings.Join(hosts, ", "))
	}
	for _, host := range hosts {
		if p := providerOfMX(host); p != nil {
			f.hosted = p
			f.add(rankMX, "provider table: %s takes the mail of %s", p.name, own)
			f.found[rankMX] = p.candidates(f.address, "MX "+own+": "+host)
			for i := range f.found[rankMX] {
				f.found[rankMX][i].Foreign = foreign(f.found[rankMX][i].Host, own)
			}
			break
		}
	}
	if len(hosts) > 0 && f.hosted == nil {
		if base, err := publicsuffix.EffectiveTLDPlusOne(hosts[0]); err == nil && base != own {
			viaMX, mxNote = f.database(ctx, base)
			for i := range viaMX {
				viaMX[i].Foreign = foreign(viaMX[i].Host, own)
			}
		}
	}
	database.Wait()
	f.add(rankDatabase, "%s", directNote)
	if mxNote != "" {
		f.add(rankDatabase, "%s", mxNote)
	}
	f.found[rankDatabase] = slices.Concat(direct, viaMX)
}

// maxMX bounds how many mail exchangers are looked at.
const maxMX = 10

// mx lists the domain's mail exchangers, best first.
func (f *finder) mx(ctx context.Context) ([]string, error) {
	records, err := f.o.Resolver.LookupMX(ctx, f.address.Domain+".")
	if len(records) == 0 {
		f.counted(err)
		if err != nil && notFound(err) {
			err = nil
		}
		return nil, err
	}
	f.counted(nil)
	f.exist()
	var hosts []string
	for _, r := range records[:min(len(records), maxMX)] {
		if host, ok := hostName(r.Host); ok { // not ".", RFC 7505
			hosts = append(hosts, host)
		}
	}
	return hosts, nil
}

// domain asks whether there is such a domain.
func (f *finder) domain(ctx context.Context) {
	var wg sync.WaitGroup
	name := f.address.Domain + "."
	wg.Go(func() {
		ns, err := f.o.Resolver.LookupNS(ctx, name)
		f.counted(err)
		if len(ns) > 0 {
			f.exist()
		}
	})
	wg.Go(func() {
		ips, err := f.o.Resolver.LookupNetIP(ctx, "ip", name)
		f.counted(err)
		if len(ips) > 0 {
			f.exist()
		}
	})
	wg.Wait()
}

// guess tries the names that servers usually have.
func (f *finder) guess(ctx context.Context) {
	domain := f.address.Domain
	type try struct {
		host string
		port int
		err  error
	}
	var tries []*try
	var wg sync.WaitGroup
	for _, host := range []string{"imap." + domain, "mail." + domain, domain} {
		implicit, starttls := &try{host: host, port: 993}, &try{host: host, port: 143}
		tries = append(tries, implicit, starttls)
		wg.Go(func() {
			if _, err := f.o.Resolver.LookupNetIP(ctx, "ip", host+"."); err != nil {
				implicit.err, starttls.err = err, err
				return
			}
			for _, t := range []*try{implicit, starttls} {
				wg.Go(func() {
					c, err := f.o.Dial(ctx, "tcp", net.JoinHostPort(t.host, strconv.Itoa(t.port)))
					if t.err = err; err == nil {
						c.Close()
					}
				})
			}
		})
	}
	wg.Wait()
	for _, t := range tries {
		name := net.JoinHostPort(t.host, strconv.Itoa(t.port))
		if t.err != nil {
			f.add(rankGuess, "guess %s: %s", name, plain(t.err))
			continue
		}
		f.add(rankGuess, "guess %s: accepts connections", name)
		c := Candidate{Host: t.host, Port: t.port, TLS: Implicit, Users: f.address.users(), Source: FromGuess, Detail: name + " accepts connections"}
		if t.port == 143 {
			c.TLS = StartTLS
		}
		f.found[rankGuess] = append(f.found[rankGuess], c)
	}
}

// add keeps a note of the source that runs.
func (f *finder) add(rank int, format string, args ...any) {
	f.notes[rank] = append(f.notes[rank], fmt.Sprintf(format, args...))
}

// counted keeps whether DNS answered a question.
func (f *finder) counted(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil || notFound(err) {
		f.answers++
	} else {
		f.silence++
	}
}

func (f *finder) exist() {
	f.mu.Lock()
	f.exists = true
	f.mu.Unlock()
}

func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}
