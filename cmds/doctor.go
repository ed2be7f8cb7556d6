package cmds

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/discover"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/pin"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// doctorStages are the stages that --until can name, in their order.
var doctorStages = []string{"dns", "tcp", "tls", "greeting", "capability", "login"}

// roundTrips is how many NOOPs are timed.
const roundTrips = 3

func newDoctor() *verb {
	return &verb{
		name: "doctor", args: "[ACCOUNT|HOST|URL]", group: groupAccounts,
		summary: "check a connection stage by stage, and show where it hurts",
		about: `Looks at the name service, the connection, TLS and the certificate, the
greeting, the capabilities, the ways to log in, the password's source, the login
and the round-trip time, each with its own time and verdict. The exit status is
that of the first stage that fails. --until stops early: nothing before login
needs credentials, so a HOST alone can be checked.`,
		examples: []example{
			{"what is wrong with the default account?", "imapknife doctor"},
			{"a server, without an account", "imapknife doctor imap.example.org --until capability"},
			{"for a monitor: exit 1 two weeks before the certificate ends", "imapknife doctor imap.example.org --until tls --warn-expiry 14d"},
			{"the pin of a self-signed server", "imapknife doctor 127.0.0.1 --port 1143 --tls starttls --until tls --jq '.[].pin // empty'"},
		},
		flags: append(lookup("until", "warn-expiry"), sessionFlags()...), ownAccount: true, userOptional: true,
		row:   result.Check{},
		setup: setupDoctor,
	}
}

// doctor looks at one connection.
type doctor struct {
	c      *connection
	out    *output.Printer
	until  int           // index into doctorStages of the last stage to look at
	warn   time.Duration // --warn-expiry, 0 for none
	failed error         // of the first stage that failed
	expiry error         // that the certificate ends too soon
}

func setupDoctor(in *input) (runner, error) {
	if len(in.args) > 1 {
		return nil, fault.New(fault.Usage, "doctor takes one account, host or URL, not %q", in.args)
	}
	d := &doctor{until: len(doctorStages) - 1}
	if in.flagged("until") {
		d.until = slices.Index(doctorStages, in.last("until"))
	}
	if in.flagged("warn-expiry") {
		text, unit := strings.CutSuffix(in.last("warn-expiry"), "d")
		days, err := strconv.ParseUint(text, 10, 16)
		if err != nil || !unit {
			return nil, in.blame(fault.New(fault.Usage, "--warn-expiry: %q is not a number of days such as 14d", in.last("warn-expiry")), "warn-expiry")
		}
		d.warn = time.Duration(days) * 24 * time.Hour
	}
	if err := in.patient(); err != nil {
		return nil, err
	}
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	c.cfg.Memory = nil // it asks, it does not remember
	d.c = c
	return d.run, nil
}

// patient finds out what to look at: an account of the file, a URL, or a host.
func (in *input) patient() error {
	if len(in.args) == 0 {
		return in.layer()
	}
	word := in.args[0]
	for _, name := range append([]string{"account"}, describes...) {
		if in.given(name) {
			return fault.New(fault.Usage, "both %q and --%s say what to look at", word, name)
		}
	}
	file, err := in.p.accounts()
	if err != nil {
		return err
	}
	name := flagFor(word, file)
	switch name {
	case "":
		return fault.New(fault.Usage, "no account is called %q", word).
			Hint("imapknife login --discover %s finds the server of an address", word)
	case "host":
		in.dropEnvironment()
	}
	in.set(name, word)
	return in.layer()
}

// wants reports whether the stage is to be looked at.
func (d *doctor) wants(stage string) bool { return slices.Index(doctorStages, stage) <= d.until }

// row prints one stage. The first error counts.
func (d *doctor) row(row *result.Check, took time.Duration, err error) error {
	row.TookMS = milliseconds(took)
	if row.Verdict == "" {
		row.Verdict = result.OK
	}
	if err != nil {
		row.Verdict, row.Hints = result.Failed, append(row.Hints, fault.Hints(err)...)
		row.Detail = err.Error()
		if d.failed == nil {
			d.failed = err
		}
	}
	row.Detail = d.c.in.p.hidden.Hide(row.Detail)
	for i, hint := range row.Hints {
		row.Hints[i] = d.c.in.p.hidden.Hide(hint)
	}
	return d.out.Row(row)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond).Microseconds()) / 1000
}

// timed runs fn and returns how long it took.
func (d *doctor) timed(fn func() error) (time.Duration, error) {
	now := d.c.in.p.Now
	start := now()
	err := fn()
	return now().Sub(start), err
}

func (d *doctor) run(ctx context.Context) error {
	var err error
	d.out, err = d.c.in.printer(ctx, output.Spec{Row: result.Check{}, Columns: []output.Column{
		{Field: "stage"}, {Field: "verdict"}, {Field: "took_ms", Title: "MS"}, {Field: "detail", Flex: true}}})
	if err != nil {
		return err
	}
	err = d.stages(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if cerr := d.out.Close(err == nil); err == nil {
		err = cerr
	}
	switch {
	case err != nil:
		return err
	case d.failed != nil:
		return d.failed
	}
	return d.expiry
}

func (d *doctor) stages(ctx context.Context) error {
	if err := d.account(); err != nil {
		return err
	}
	if err := d.srv(ctx); err != nil {
		return err
	}
	s, end, err := d.connect(ctx)
	if s == nil || err != nil {
		return err
	}
	defer end()
	for _, stage := range []func(context.Context, *session.Session) error{d.capability, d.mechanisms, d.login, d.roundTrip} {
		if err := stage(ctx, s); err != nil || d.failed != nil {
			return err
		}
	}
	return nil
}

// account tells what is looked at, and who said so.
func (d *doctor) account() error {
	in := d.c.in
	row := &result.Check{Stage: "account", Detail: fmt.Sprintf("%s, %s", d.c.cfg.Addr(), d.c.account.TLS)}
	if d.c.account.User != "" {
		row.Detail += ", user " + d.c.account.User
	}
	p := in.profile
	if p != nil {
		row.Detail += fmt.Sprintf(" (account %s in %s)", p.Name, in.file.Path)
	}
	if err := d.row(row, 0, nil); err != nil || p == nil || p.Storage != "file" {
		return err
	}
	return d.row(&result.Check{
		Stage: "storage", Verdict: result.Warning, Detail: "the secret is kept in clear in " + in.secretsFile().Name(),
		Hints: []string{"imapknife accounts remove " + p.Name + ", and login without --insecure-storage, moves it to the keyring"},
	}, 0, nil)
}

// srv tells what the domain's SRV records say (RFC 6186). It is no failure if
// there are none.
func (d *doctor) srv(ctx context.Context) error {
	_, domain, ok := strings.Cut(d.c.account.User, "@")
	if !ok || d.c.cfg.Tunnel != "" || d.c.cfg.UnixSocket != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.c.cfg.ConnectTimeout)
	defer cancel()
	var records []discover.SRV
	took, err := d.timed(func() (err error) {
		records, err = discover.LookupSRV(ctx, d.c.in.resolver(), domain)
		return err
	})
	row := &result.Check{Stage: "srv"}
	var said []string
	match := false
	for _, r := range records {
		if r.Target == "." {
			said = append(said, r.Service+" is not offered")
			continue
		}
		said = append(said, fmt.Sprintf("%s %s:%d", r.Service, r.Target, r.Port))
		match = match || strings.EqualFold(strings.TrimSuffix(r.Target, "."), d.c.account.Host)
	}
	switch {
	case err != nil:
		row.Verdict, row.Detail = result.Skipped, fmt.Sprintf("%s: %v", domain, err)
	case len(records) == 0:
		row.Detail = domain + " has no SRV records for IMAP"
	case !match:
		row.Verdict, row.Detail = result.Warning, "another server: "+strings.Join(said, ", ")
		row.Hints = []string{"that is what mail programs would use"}
	default:
		row.Detail = strings.Join(said, ", ")
	}
	return d.row(row, took, nil)
}

// connect opens a session without a login and tells of each step. It returns
// nil where the stages behind are not to be looked at.
func (d *doctor) connect(ctx context.Context) (*session.Session, func(), error) {
	progress := &session.Progress{}
	d.c.cfg.Progress = progress
	d.c.anonymous = true
	s, end, opened := d.c.open(ctx, nil)
	for i, step := range progress.Steps {
		err := opened
		if i < len(progress.Steps)-1 {
			err = nil
		}
		if !d.wants(stageOf(step.Name)) {
			continue
		}
		row := &result.Check{Stage: step.Name}
		switch step.Name {
		case "tls":
			d.describeTLS(row, progress.TLS)
		case "tcp", "proxy", "unix":
			if progress.Remote != nil {
				row.Address = progress.Remote.String()
				row.Detail = "connected to " + row.Address
			}
		case "tunnel":
			row.Detail = d.c.cfg.Tunnel
		case "greeting":
			if row.Detail = "ready"; s != nil && s.Welcome() {
				row.Detail = "logged in already (PREAUTH)"
			}
		}
		if err := d.row(row, step.Took, err); err != nil {
			return nil, nil, err
		}
		if step.Name == "tls" && progress.TLS != nil && len(progress.TLS.PeerCertificates) > 0 {
			if err := d.certificate(progress.TLS); err != nil {
				return nil, nil, err
			}
		}
	}
	switch {
	case opened != nil && len(progress.Steps) == 0:
		return nil, nil, opened
	case opened != nil:
		return nil, nil, nil
	case !d.wants("capability"):
		end()
		return nil, nil, nil
	}
	return s, end, nil
}

// stageOf is the stage of doctorStages that a step belongs to.
func stageOf(step string) string {
	switch step {
	case "proxy", "tunnel", "unix":
		return "tcp"
	case "starttls":
		return "tls"
	}
	return step
}

func (d *doctor) describeTLS(row *result.Check, st *tls.ConnectionState) {
	if st == nil {
		return
	}
	row.TLSVersion, row.Cipher = tls.VersionName(st.Version), tls.CipherSuiteName(st.CipherSuite)
	row.Detail = row.TLSVersion + ", " + row.Cipher
	if d.c.cfg.Insecure {
		row.Verdict = result.Warning
		row.Detail += "; the certificate is not verified (--insecure)"
	}
}

// certificate describes the server's certificate, whether TLS accepted it or not,
// and warns where a certificate of the verified chain ends soon: that one ends
// the trust, whichever it is.
func (d *doctor) certificate(st *tls.ConnectionState) error {
	cert := st.PeerCertificates[0]
	end, own := d.ends(cert)
	row := &result.Check{
		Stage: "certificate", Subject: cert.Subject.String(), Issuer: cert.Issuer.String(), Names: cert.DNSNames,
		NotAfter: &end, DaysLeft: &own, Pin: pin.Of(cert),
	}
	for _, ip := range cert.IPAddresses {
		row.Names = append(row.Names, ip.String())
	}
	row.Detail = fmt.Sprintf("for %s, by %s, ends %s (%d days), pin %s", strings.Join(row.Names, " "), issuer(cert), end.Format("2006-01-02"), own, row.Pin)
	what := "the certificate of " + d.c.cfg.Addr()
	first := firstToEnd(st)
	chainEnd, days := d.ends(first)
	if first != cert {
		what = fmt.Sprintf("the certificate of the authority %s, in the chain of %s,", commonName(first.Subject), d.c.cfg.Addr())
		row.Detail += fmt.Sprintf("; the authority %s ends earlier, %s (%d days)", commonName(first.Subject), chainEnd.Format("2006-01-02"), days)
	}
	if len(st.VerifiedChains) > 0 {
		row.ChainEnds, row.ChainEnd = &chainEnd, first.Subject.String()
	}
	switch left := first.NotAfter.Sub(d.c.in.p.Now()); {
	case left < 0:
		row.Verdict = result.Failed
	case left < d.warn:
		row.Verdict = result.Warning
		d.expiry = fault.New(fault.Negative, "%s ends in %d days, on %s", what, days, chainEnd.Format("2006-01-02"))
	}
	return d.row(row, 0, nil)
}

// ends is when a certificate ends, and in how many whole days.
func (d *doctor) ends(cert *x509.Certificate) (end time.Time, days int) {
	left := cert.NotAfter.Sub(d.c.in.p.Now())
	days = int(left / (24 * time.Hour))
	if left < 0 {
		days--
	}
	return cert.NotAfter.UTC(), days
}

// firstToEnd returns the certificate that ends first in the chain that was
// verified; of several chains, in the one that lasts longest. Where none was
// verified, because a pin or nothing decides, it is the server's own.
func firstToEnd(st *tls.ConnectionState) *x509.Certificate {
	var first *x509.Certificate
	for _, chain := range st.VerifiedChains {
		end := slices.MinFunc(chain, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		if first == nil || end.NotAfter.After(first.NotAfter) {
			first = end
		}
	}
	if first == nil {
		return st.PeerCertificates[0]
	}
	return first
}

// issuer is a short name for who issued a certificate.
func issuer(cert *x509.Certificate) string { return commonName(cert.Issuer) }

// commonName is a short name for whom a certificate names.
func commonName(of pkix.Name) string {
	for _, name := range append([]string{of.CommonName}, of.Organization...) {
		if name != "" {
			return name
		}
	}
	return "nobody named"
}

func (d *doctor) capability(ctx context.Context, s *session.Session) error {
	var before []string
	took, err := d.timed(func() (err error) {
		before, _, err = s.Capabilities(ctx)
		return err
	})
	return d.row(&result.Check{Stage: "capability", Capabilities: before, Detail: strings.Join(before, " ")}, took, err)
}

func (d *doctor) mechanisms(ctx context.Context, s *session.Session) error {
	if !d.wants("login") {
		return nil
	}
	var ways []string
	took, err := d.timed(func() (err error) {
		ways, err = s.Ways(ctx)
		return err
	})
	row := &result.Check{Stage: "mechanisms", Mechanisms: ways, Detail: strings.Join(ways, " ")}
	if err == nil && len(ways) == 0 {
		row.Detail = "none is needed: the server has logged us in (PREAUTH)"
	}
	return d.row(row, took, err)
}

// login finds the secret and logs in.
func (d *doctor) login(ctx context.Context, s *session.Session) error {
	if !d.wants("login") {
		return nil
	}
	if d.c.in.userMissing(d.c.account) && !s.Welcome() {
		return d.row(&result.Check{Stage: "login", Verdict: result.Skipped, Detail: "no user name"}, 0, nil)
	}
	secret := func(ctx context.Context) (string, error) {
		var text, from string
		took, err := d.timed(func() (err error) {
			text, from, err = d.c.revealed(ctx)
			return err
		})
		if rerr := d.row(&result.Check{Stage: "secret", Detail: "from " + from}, took, err); rerr != nil {
			return "", rerr
		}
		return text, err
	}
	took, err := d.timed(func() error { return s.LogIn(ctx, secret) })
	if d.failed != nil { // the secret is what failed
		return nil
	}
	row := &result.Check{Stage: "login", Detail: "by " + s.Mechanism()}
	switch {
	case s.Mechanism() == "":
		row.Detail = "by the server (PREAUTH)"
	case d.c.account.User != "":
		row.Detail = "as " + d.c.account.User + " " + row.Detail
	}
	return d.row(row, took, err)
}

// roundTrip times NOOPs.
func (d *doctor) roundTrip(ctx context.Context, s *session.Session) error {
	if !d.wants("login") || d.c.in.userMissing(d.c.account) && !s.Welcome() {
		return nil
	}
	row := &result.Check{Stage: "round_trip"}
	var sum time.Duration
	for range roundTrips {
		took, err := d.timed(func() error { return s.Noop(ctx) })
		if err != nil {
			return d.row(row, took, err)
		}
		sum += took
		row.RoundTripsMS = append(row.RoundTripsMS, milliseconds(took))
	}
	row.Detail = fmt.Sprintf("%d × NOOP, fastest %.2f ms", roundTrips, slices.Min(row.RoundTripsMS))
	return d.row(row, sum, nil)
}
