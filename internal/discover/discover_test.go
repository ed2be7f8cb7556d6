package discover

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/hostname"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// world is a DNS, a web and what accepts connections.
type world struct {
	dns  string            // a zone
	web  map[string]string // host and path: what is there; "> URL" redirects, "hang" never answers
	open []string          // host:port that accept
	hang []string          // host:port that say nothing
	wait time.Duration     // Options.Timeout, 20 s when 0: nothing here takes that long
}

type answers struct {
	asked []string // URLs
	dns   *imaptest.DNS
}

// find looks for the server of address in the world.
func (w world) find(t *testing.T, ctx context.Context, address string) (*Found, *answers, error) {
	t.Helper()
	d, err := imaptest.StartDNS(w.dns)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out := &answers{dns: d}
	var mu sync.Mutex
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		out.asked = append(out.asked, r.Host+r.URL.RequestURI())
		if ref := r.Header.Get("Referer"); ref != "" {
			t.Errorf("Referer: %s", ref)
		}
		mu.Unlock()
		body, ok := w.web[r.Host+r.URL.Path]
		to, redirect := strings.CutPrefix(body, "> ")
		switch {
		case !ok:
			http.NotFound(rw, r)
		case redirect:
			http.Redirect(rw, r, to, http.StatusFound)
		case body == "hang":
			<-r.Context().Done()
		default:
			io.WriteString(rw, body)
		}
	}))
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	o := Options{
		Resolver: ResolverAt(d.Addr()), Timeout: w.wait,
		HTTP: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if !strings.HasSuffix(addr, ":443") {
					t.Errorf("dials %s for HTTP", addr)
				}
				return new(net.Dialer).DialContext(ctx, network, web.Listener.Addr().String())
			},
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives: true,
		}},
		Dial: func(ctx context.Context, _, addr string) (net.Conn, error) {
			if slices.Contains(w.hang, addr) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			if !slices.Contains(w.open, addr) {
				return nil, errors.New("connection refused")
			}
			a, b := net.Pipe()
			b.Close()
			return a, nil
		},
	}
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	found, err := Find(ctx, address, o)
	return found, out, err
}

func show(cs []Candidate) string {
	var lines []string
	for _, c := range cs {
		line := fmt.Sprintf("%s:%d %s %s [%s]", c.Host, c.Port, c.TLS, strings.Join(c.Users, " "), c.Source)
		if c.Password != "" {
			line += " password=" + c.Password
		}
		if c.OAuth != "" {
			line += " oauth=" + c.OAuth
		}
		if c.Foreign {
			line += " foreign"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func file(servers ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><clientConfig version="1.1"><emailProvider id="x"><domain>x</domain>` +
		strings.Join(servers, "") + `</emailProvider></clientConfig>`
}

func imap(host string, port int, socket, rest string) string {
	return fmt.Sprintf(`<incomingServer type="imap"><hostname>%s</hostname><port>%d</port><socketType>%s</socketType>%s</incomingServer>`, host, port, socket, rest)
}

const db = "autoconfig.thunderbird.net/v1.1/"

func TestFind(t *testing.T) {
	t.Parallel()
	const users = "alice@example.org alice"
	const here = "example.org NS ns.example.org\n"
	tests := []struct {
		name, address string
		world         world
		want          string
		notes         []string
	}{
		{
			name: "table by domain", address: "Alice@GMAIL.com",
			want:  "imap.gmail.com:993 implicit Alice@gmail.com [provider table] password=app oauth=google",
			notes: []string{"provider table: gmail.com is Gmail; nothing else was asked"},
		},
		{
			name: "SRV: imaps first, priority, weight, foreign", address: "alice@example.org",
			world: world{dns: `
				_imap._tcp.example.org SRV 0 0 143 imap.example.org
				_imaps._tcp.example.org SRV 20 0 993 last.example.org
				_imaps._tcp.example.org SRV 10 0 994 light.example.org
				_imaps._tcp.example.org SRV 10 9 993 Heavy.example.NET
			`},
			want: "heavy.example.net:993 implicit " + users + " [SRV] foreign\n" +
				"light.example.org:994 implicit " + users + " [SRV]\n" +
				"last.example.org:993 implicit " + users + " [SRV]\n" +
				"imap.example.org:143 starttls " + users + " [SRV]",
			notes: []string{"SRV _imaps._tcp.example.org: 10 9 993 heavy.example.net", "MX example.org: no record", "guess imap.example.org:993: no such name"},
		},
		{
			name: "SRV says no, truncated and hostile answers", address: "alice@example.org",
			world: world{dns: `
				_imaps._tcp.example.org SRV 0 0 0 .
				_imap._tcp.example.org TRUNCATE
				_imap._tcp.example.org SRV 0 0 143 good.example.org
				_imap._tcp.example.org SRV 1 0 143 bad\x1b[1m.example.org
				_imap._tcp.example.org SRV 2 0 143 bad/name.example.org
				_imap._tcp.example.org SRV 3 0 0 portless.example.org
			`},
			want:  "good.example.org:143 starttls " + users + " [SRV]",
			notes: []string{"SRV _imaps._tcp.example.org: the domain says that it does not offer this"},
		},
		{
			name: "autoconfig of the domain", address: "alice@example.org",
			world: world{dns: here, web: map[string]string{
				"autoconfig.example.org/mail/config-v1.1.xml": file(
					`<incomingServer type="pop3"><hostname>pop.example.org</hostname><port>995</port><socketType>SSL</socketType></incomingServer>`,
					imap("plain.example.org", 143, "plain", ""),
					imap("mx.%EMAILDOMAIN%", 993, "SSL", "<username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication>"),
					imap("mx.example.org", 143, "STARTTLS", "<username>%EMAILADDRESS%</username><authentication>OAuth2</authentication>")),
				"example.org/.well-known/autoconfig/mail/config-v1.1.xml": file(imap("mx.example.org", 993, "SSL", "")),
			}},
			want: "mx.example.org:993 implicit alice [autoconfig]\n" +
				"mx.example.org:143 starttls alice@example.org [autoconfig] password=none",
			notes: []string{"autoconfig https://autoconfig.example.org/mail/config-v1.1.xml: 2 servers", "database https://autoconfig.thunderbird.net/v1.1/example.org: no such file"},
		},
		{
			name: "HTTPS confirms what SRV says", address: "alice@example.org",
			world: world{dns: "_imaps._tcp.example.org SRV 0 0 993 imap.hoster.test", web: map[string]string{
				"example.org/.well-known/autoconfig/mail/config-v1.1.xml": file(imap("imap.hoster.test", 993, "SSL", "<username>%EMAILLOCALPART%</username>")),
			}},
			want: "imap.hoster.test:993 implicit alice [SRV]",
		},
		{
			name: "table by MX, which SRV points to as well", address: "alice@example.org",
			world: world{dns: `
				example.org MX 10 example-org.mail.protection.outlook.com
				_imaps._tcp.example.org SRV 0 0 993 imap.hoster.test
			`},
			want: "imap.hoster.test:993 implicit " + users + " [SRV] foreign\n" +
				"outlook.office365.com:993 implicit alice@example.org [provider table] password=none oauth=microsoft foreign",
			notes: []string{"provider table: Microsoft 365 or Outlook.com takes the mail of example.org"},
		},
		{
			name: "the table knows more of a host than SRV does", address: "alice@example.org",
			world: world{dns: "_imaps._tcp.example.org SRV 0 1 993 imap.fastmail.com"},
			want:  "imap.fastmail.com:993 implicit " + users + " [SRV] password=app foreign",
		},
		{
			name: "database, by domain and by MX", address: "alice@example.org",
			world: world{dns: "example.org MX 10 mx1.in.hoster.co.uk", web: map[string]string{
				db + "example.org":  file(imap("imap.example.org", 993, "SSL", "")),
				db + "hoster.co.uk": file(imap("imap.hoster.co.uk", 993, "SSL", "")),
			}},
			want: "imap.example.org:993 implicit " + users + " [database]\n" +
				"imap.hoster.co.uk:993 implicit " + users + " [database] foreign",
		},
		{
			name: "guesses: what resolves and accepts", address: "alice@example.org",
			world: world{
				dns:  "imap.example.org A 127.0.0.1\nexample.org A 127.0.0.1",
				open: []string{"imap.example.org:143", "example.org:993", "mail.example.org:993"},
			},
			want: "imap.example.org:143 starttls " + users + " [guess]\n" +
				"example.org:993 implicit " + users + " [guess]",
			notes: []string{"guess imap.example.org:993: connection refused", "guess mail.example.org:993: no such name"},
		},
		{
			name: "one service that is declined says nothing of the other", address: "alice@example.org",
			world: world{
				dns:  "_imap._tcp.example.org SRV 0 0 0 .\nimap.example.org A 127.0.0.1",
				open: []string{"imap.example.org:993"},
			},
			want: "imap.example.org:993 implicit " + users + " [guess]",
		},
		{
			name: "SRV records are bounded", address: "alice@example.org",
			world: world{dns: manySRV(600)},
			want:  manyCandidates(8),
			notes: []string{"SRV example.org: 592 records more, which are left out"},
		},
		{
			name: "guesses are not waited for", address: "alice@example.org",
			world: world{
				dns:  "_imaps._tcp.example.org SRV 0 1 993 imap.example.org\nimap.example.org A 127.0.0.1",
				hang: []string{"imap.example.org:993", "imap.example.org:143"}, wait: time.Hour,
			},
			want:  "imap.example.org:993 implicit " + users + " [SRV]",
			notes: []string{"guess imap.example.org:143: not waited for"},
		},
		{
			name: "slow sources end with the time", address: "alice@example.org",
			world: world{
				dns:  "_imaps._tcp.example.org SRV 0 1 993 imap.example.org\n_imap._tcp.example.org SILENT\nexample.org SILENT",
				web:  map[string]string{"example.org/.well-known/autoconfig/mail/config-v1.1.xml": "hang"},
				wait: 1500 * time.Millisecond, // for the answers that do come, on a busy machine
			},
			want: "imap.example.org:993 implicit " + users + " [SRV]",
			notes: []string{
				"SRV _imap._tcp.example.org: no answer from DNS in time", "MX example.org: no answer from DNS in time",
				"autoconfig https://example.org/.well-known/autoconfig/mail/config-v1.1.xml: no answer in time",
			},
		},
		{
			name: "no way around TLS", address: "alice@example.org",
			world: world{dns: here + "imap.example.org A 127.0.0.1", open: []string{"imap.example.org:993"}, web: map[string]string{
				"autoconfig.example.org/mail/config-v1.1.xml":             "> http://autoconfig.example.org/file.xml",
				"example.org/.well-known/autoconfig/mail/config-v1.1.xml": "> https://example.org/.well-known/autoconfig/mail/config-v1.1.xml",
				db + "example.org": "<html><body>Welcome</body></html>",
			}},
			want: "imap.example.org:993 implicit " + users + " [guess]",
			notes: []string{
				"autoconfig https://autoconfig.example.org/mail/config-v1.1.xml: redirects to http without TLS, which is not followed",
				"autoconfig https://example.org/.well-known/autoconfig/mail/config-v1.1.xml: redirects more than 5 times",
				"database https://autoconfig.thunderbird.net/v1.1/example.org: is not an autoconfig file",
			},
		},
		{
			name: "a redirect with TLS, and a file too large", address: "alice@example.org",
			world: world{dns: here, web: map[string]string{
				"autoconfig.example.org/mail/config-v1.1.xml":             "> https://hoster.test/file.xml",
				"hoster.test/file.xml":                                    file(imap("imap.hoster.test", 993, "SSL", "")),
				"example.org/.well-known/autoconfig/mail/config-v1.1.xml": file(strings.Repeat(" ", maxFile)),
			}},
			want:  "imap.hoster.test:993 implicit " + users + " [autoconfig]",
			notes: []string{"autoconfig https://example.org/.well-known/autoconfig/mail/config-v1.1.xml: is larger than 1048576 octets"},
		},
		{
			name: "an internationalised domain", address: "alice@Bücher.example",
			world: world{dns: "_imaps._tcp.xn--bcher-kva.example SRV 0 1 993 imap.xn--bcher-kva.example"},
			want:  "imap.xn--bcher-kva.example:993 implicit alice@xn--bcher-kva.example alice [SRV]",
		},
		{
			name: "Proton needs its Bridge", address: "alice@example.org",
			world: world{dns: "example.org MX 10 mail.protonmail.ch"},
			want:  "127.0.0.1:1143 starttls alice@example.org [provider table] password=app",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found, _, err := test.world.find(t, t.Context(), test.address)
			if err != nil {
				t.Fatal(err, fault.Hints(err))
			}
			if got := show(found.Candidates); got != test.want {
				t.Errorf("candidates:\n%s\nwant:\n%s\nnotes:\n%s", got, test.want, strings.Join(found.Notes, "\n"))
			}
			for _, n := range test.notes {
				if !slices.Contains(found.Notes, n) {
					t.Errorf("no note %q in\n%s", n, strings.Join(found.Notes, "\n"))
				}
			}
		})
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, address, zone string
		kind                fault.Kind
		want                string
	}{
		{"no server", "alice@example.org", "example.org A 127.0.0.1", fault.Usage, "no IMAP server found for example.org"},
		{"no domain", "alice@example.org", "", fault.Usage, "the domain example.org does not exist: DNS knows no mail server, name server or address of it"},
		{"DNS is silent", "alice@example.org", "* SILENT", fault.Connect, "cannot look for the IMAP server of example.org: DNS gave no answer to any question"},
		{"DNS fails", "alice@example.org", "* SERVFAIL", fault.Connect, "cannot look for the IMAP server of example.org: DNS gave no answer to any question"},
		{"Tuta", "alice@tuta.com", "", fault.Usage, "Tuta has no IMAP server"},
		{"hosted by Tuta", "alice@example.org", "example.org MX 10 mail.tutanota.de", fault.Usage, "Tuta has no IMAP server"},
		{"no mail (RFC 7505)", "alice@example.org", "example.org MX 0 .", fault.Usage, "no IMAP server found for example.org"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := world{dns: test.zone}
			if strings.Contains(test.zone, "SILENT") {
				w.wait = 300 * time.Millisecond
			}
			found, _, err := w.find(t, t.Context(), test.address)
			if fault.KindOf(err) != test.kind || err == nil || err.Error() != test.want {
				t.Fatalf("%v: %v", fault.KindOf(err), err)
			}
			if len(fault.Hints(err)) == 0 || found == nil || len(found.Notes) == 0 {
				t.Errorf("hints %q, found %v", fault.Hints(err), found)
			}
		})
	}
}

// TestAddressStaysHere pins to whom the address is told: the mail domain, in
// one request.
func TestAddressStaysHere(t *testing.T) {
	t.Parallel()
	w := world{dns: "example.org MX 10 mx.hoster.test"}
	_, out, _ := w.find(t, t.Context(), "al+ice@example.org")
	slices.Sort(out.asked)
	want := []string{
		"autoconfig.example.org/mail/config-v1.1.xml?emailaddress=al%2Bice%40example.org",
		"autoconfig.thunderbird.net/v1.1/example.org",
		"autoconfig.thunderbird.net/v1.1/hoster.test",
		"example.org/.well-known/autoconfig/mail/config-v1.1.xml",
	}
	if !slices.Equal(out.asked, want) {
		t.Errorf("asked:\n%s", strings.Join(out.asked, "\n"))
	}
	_, out, _ = w.find(t, t.Context(), "alice@fastmail.com")
	if len(out.asked) > 0 || len(out.dns.Asked()) > 0 {
		t.Errorf("asked for what the table knows: %v %v", out.asked, out.dns.Asked())
	}
}

func TestFindInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fault.Interrupt)
	if _, _, err := (world{dns: "* SILENT"}).find(t, ctx, "alice@example.org"); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("%v", err)
	}
}

// TestOwnClient looks at the client that is used when none is given.
func TestOwnClient(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	f := &finder{http: secureClient(Options{})}
	_, err := f.fetch(t.Context(), web.URL)
	if err == nil || plain(err) != "its certificate is not valid" {
		t.Errorf("a certificate of nobody: %v", err)
	}
}

func TestLookupSRV(t *testing.T) {
	t.Parallel()
	d, err := imaptest.StartDNS("_imap._tcp.a.test SRV 1 2 143 .\n_imaps._tcp.b.test SERVFAIL\n_imap._tcp.b.test SRV 1 2 143 c.test")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := ResolverAt(d.Addr())
	got, err := LookupSRV(t.Context(), r, "a.test")
	if err != nil || !slices.Equal(got, []SRV{{"imap", ".", 143, 1, 2}}) {
		t.Errorf("%v %v", got, err)
	}
	got, err = LookupSRV(t.Context(), r, "b.test")
	if fault.KindOf(err) != fault.Connect || len(got) != 1 || got[0].Target != "c.test" || got[0].Name("b.test") != "_imap._tcp.b.test" {
		t.Errorf("%v %v", got, err)
	}
	if got, err = LookupSRV(t.Context(), r, "none.test"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	for _, name := range d.Asked() {
		if strings.Count(name, ".test") != 1 || !strings.HasSuffix(name, ".test") {
			t.Errorf("asked with a search list: %s", name)
		}
	}
}

// TestTable holds the table to its form, and finds a domain listed twice.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, p := range table {
		for _, d := range slices.Concat(p.domains, p.mx) {
			if got, err := hostname.ASCII(d); err != nil || got != d {
				t.Errorf("%s: domain %q: %v", p.name, d, err)
			}
		}
		for _, d := range p.domains {
			if other, ok := seen[d]; ok {
				t.Errorf("%s is in %s and %s", d, other, p.name)
			}
			seen[d] = p.name
		}
		if _, ok := hostName(p.host); !ok && p.host != "" {
			t.Errorf("%s: host %q", p.name, p.host)
		}
		if len(p.domains)+len(p.mx) == 0 || p.host == "" && len(p.hints) == 0 {
			t.Errorf("%s: no domain, or no reason", p.name)
		}
		if p.pass == NoPassword && p.oauth == "" {
			t.Errorf("%s: no way in", p.name)
		}
		for _, h := range p.hints {
			if strings.HasSuffix(h, ".") {
				t.Errorf("%s: hint %q", p.name, h)
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d domains", len(seen))
	}
}

func manySRV(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "_imaps._tcp.example.org SRV %d 1 993 i%d.example.org\n", i, i)
	}
	return b.String()
}

func manyCandidates(n int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("i%d.example.org:993 implicit alice@example.org alice [SRV]", i))
	}
	return strings.Join(lines, "\n")
}

// A domain that declines IMAP by SRV (RFC 6186 section 3.4) is not guessed at.
func TestDeclined(t *testing.T) {
	t.Parallel()
	w := world{
		dns:  "_imaps._tcp.example.org SRV 0 0 0 .\n_imap._tcp.example.org SRV 0 0 0 .\nimap.example.org A 127.0.0.1",
		open: []string{"imap.example.org:993"},
	}
	found, _, err := w.find(t, t.Context(), "alice@example.org")
	if fault.KindOf(err) != fault.Usage || err.Error() != "example.org has no IMAP server: its SRV records say so" || len(found.Candidates) > 0 {
		t.Error(err, found)
	}
}
