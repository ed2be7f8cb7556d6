package session

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/pin"
	"github.com/imapknife/imapknife/internal/transport"
	"github.com/imapknife/imapknife/internal/wire"
)

// TLSMode is how a connection is protected.
type TLSMode int

const (
	Implicit TLSMode = iota // TLS from the first octet, port 993 (RFC 8314)
	StartTLS                // STARTTLS, port 143
	NoTLS                   // clear text
)

func (m TLSMode) String() string { return [...]string{"implicit", "starttls", "none"}[m] }

// protection is what a session knows of its TLS.
type protection struct {
	tlsState *tls.ConnectionState // after the handshake, also that of STARTTLS; for channel binding
	asked    bool                 // the server asked for a client certificate
	tap      *tap                 // below TLS
}

func (s *Session) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{ServerName: s.cfg.ServerName, MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.cfg.Insecure, Time: s.cfg.Now}
	if c.ServerName == "" {
		c.ServerName = s.cfg.Host
	}
	if s.cfg.TLSMin == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	var err error
	if s.cfg.CAFile != "" {
		if c.RootCAs, err = Authorities(s.cfg.CAFile); err != nil {
			return nil, err
		}
	}
	mine, err := Certificate(s.cfg.ClientCert, s.cfg.ClientKey)
	if err != nil {
		return nil, err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		s.asked = true
		return mine, nil
	}
	pins, err := parsePins(s.cfg.TLSPins)
	if err != nil {
		return nil, err
	}
	if len(pins) > 0 {
		// The pin says more than an authority could: this key, no other.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(st tls.ConnectionState) error { return s.checkPins(pins, st.PeerCertificates[0]) }
	}
	return c, nil
}

// Authorities reads the certificates of a CA file. Errors are of kind Usage.
func Authorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "cannot read the CA file")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Usage, "no certificate in the CA file %q", path).
			Hint("it must be in PEM form: -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// Certificate reads the certificate to show to a server, with its chain, and
// its key, which is in the same PEM file where key is empty. Without a file it
// is an empty certificate. Errors are of kind Usage.
func Certificate(file, key string) (*tls.Certificate, error) {
	if file == "" {
		if key != "" {
			return nil, fault.New(fault.Usage, "--client-key without --client-cert")
		}
		return new(tls.Certificate), nil
	}
	if key == "" {
		key = file
	}
	certPEM, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "cannot read the client certificate")
	}
	keyPEM, err := os.ReadFile(key)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "cannot read the key of the client certificate")
	}
	certs, _, _ := blocks(certPEM)
	_, keys, encrypted := blocks(keyPEM)
	switch {
	case certs == 0:
		return nil, fault.New(fault.Usage, "no certificate in %q", file).Hint("it must be in PEM form: -----BEGIN CERTIFICATE-----")
	case encrypted:
		return nil, fault.New(fault.Usage, "the key in %q is encrypted", key).Hint("openssl pkey -in FILE -out NEW writes one without a passphrase; keep it to yourself (chmod 600)")
	case keys == 0:
		return nil, fault.New(fault.Usage, "no private key in %q", key).Hint("--client-key FILE names the key where the certificate's file does not hold it")
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fault.New(fault.Usage, "the client certificate in %q and the key in %q cannot be used: %s", file, key, strings.TrimPrefix(err.Error(), "tls: "))
	}
	return &pair, nil
}

// blocks counts what is in a PEM file, and tells whether its first key is
// encrypted.
func blocks(data []byte) (certs, keys int, encrypted bool) {
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return certs, keys, encrypted
		}
		switch {
		case b.Type == "CERTIFICATE":
			certs++
		case b.Type == "PRIVATE KEY" || strings.HasSuffix(b.Type, " PRIVATE KEY"):
			if keys++; keys == 1 {
				encrypted = b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
			}
		}
	}
}

func parsePins(texts []string) ([]string, error) {
	var pins []string
	for _, text := range texts {
		p, err := pin.Parse(text)
		if err != nil {
			return nil, err
		}
		pins = append(pins, p)
	}
	return pins, nil
}

// checkPins is an error unless the key of leaf is one of pins.
func (s *Session) checkPins(pins []string, leaf *x509.Certificate) error {
	got := pin.Of(leaf)
	if slices.Contains(pins, got) {
		return nil
	}
	e := fault.New(fault.Connect, "no TLS with %s: the server's key is %s, and the pin is %s", s.cfg.Addr(), got, strings.Join(pins, " or "))
	if slices.Contains(pins, pin.Fingerprint(leaf)) {
		return e.Hint("that is the fingerprint of the server's certificate; the pin of its key is %s", got)
	}
	return e.Hint("the server has a new key, or another server answers in its place: find out which before you change --tls-pin")
}

// handshake does TLS on nc, which it closes when that fails.
func (s *Session) handshake(ctx context.Context, nc net.Conn, config *tls.Config) (net.Conn, error) {
	defer s.cfg.Progress.step("tls", s.cfg.Now)()
	s.tap.listen()
	tc := tls.Client(nc, config)
	err := tc.HandshakeContext(ctx)
	st := tc.ConnectionState()
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		st.PeerCertificates = bad.UnverifiedCertificates
	}
	if s.cfg.Progress != nil && (err == nil || len(st.PeerCertificates) > 0) {
		s.cfg.Progress.TLS = &st
	}
	if err != nil {
		nc.Close()
		return nil, s.tlsError(ctx, err)
	}
	s.tlsState = &st
	how := "verified for " + config.ServerName
	if config.VerifyConnection != nil {
		how = "verified by --tls-pin"
	} else if config.InsecureSkipVerify {
		how = "NOT verified"
	}
	s.cfg.Trace.Note("%s, %s, certificate %s", tls.VersionName(st.Version), tls.CipherSuiteName(st.CipherSuite), how)
	if s.asked {
		return &asking{tc, s.cfg.ClientCert}, nil
	}
	return tc, nil
}

// asking is TLS 1.3 with a server that has asked for a client certificate and
// may refuse the one it got, or none, with the first thing that it says.
type asking struct {
	*tls.Conn
	shown string
}

func (a *asking) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		if a.shown == "" {
			return n, errors.New("the server wants a client certificate (--client-cert FILE)")
		}
		return n, fmt.Errorf("the server may not accept the client certificate %q: %v", a.shown, op.Err)
	}
	return n, err
}

// tlsError says why a handshake has failed.
func (s *Session) tlsError(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok { // a pin's
		return e
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(bad.UnverifiedCertificates) > 0 {
		return s.certificateError(bad)
	}
	e := fault.New(fault.Connect, "no TLS with %s: %s", s.cfg.Addr(), strings.TrimPrefix(err.Error(), "tls: "))
	why := func(format string, args ...any) *fault.Error {
		e.Op = fault.New(fault.Connect, "no TLS with %s: "+format, append([]any{s.cfg.Addr()}, args...)...).Op
		return e
	}
	_, isErrno := errors.AsType[syscall.Errno](err)
	_, isClear := errors.AsType[tls.RecordHeaderError](err)
	version, alert := s.tap.hello()
	minimum, _ := map[string]uint16{"1.3": tls.VersionTLS13}[s.cfg.TLSMin]
	minimum = max(minimum, tls.VersionTLS12)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return why("no answer within %s", s.cfg.ConnectTimeout).Hint("%s, or --connect-timeout to wait longer", s.otherWay())
	case isClear && s.cfg.TLS == StartTLS:
		return why("the server goes on in clear text after its OK to STARTTLS").Hint("%s", tampering)
	case isClear:
		return e.Hint("%s", s.clearText())
	case alert == alertProtocolVersion:
		version = s.offers(ctx)
		fallthrough
	case version != 0 && version < minimum:
		what := "no " + tls.VersionName(minimum)
		if version != 0 {
			what = "only " + tls.VersionName(version)
		}
		why("the server speaks %s, and %s is required", what, tls.VersionName(minimum))
		if version == tls.VersionTLS12 {
			return e.Hint("--tls-min 1.2 accepts it")
		}
		return e.Hint("older versions are not safe, and no flag allows them: the server must be updated")
	case s.asked && s.cfg.ClientCert == "":
		return e.Hint("%s", wantsCertificate)
	case s.asked:
		return e.Hint("the server may not accept the certificate in --client-cert")
	case alert == alertHandshakeFailure:
		return e.Hint("the server may offer only ciphers and key exchanges that are not safe and not supported: it must be updated")
	case alert == alertUnrecognizedName:
		return why("the server knows no name %s", s.serverName()).Hint("--server-name NAME asks for another name")
	case isErrno, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return why("%s", wire.Lost("the server", err)).Hint("%s", s.otherWay())
	case s.cfg.Tunnel != "":
		return e.Hint("%s", s.otherWay())
	}
	return e
}

const (
	wantsCertificate = "the server asks for a client certificate: --client-cert FILE shows it one"
	tampering        = "someone on the way may be tampering with the connection"
)

// The alerts that are told apart (RFC 8446 section 6).
const (
	alertHandshakeFailure = 40
	alertProtocolVersion  = 70
	alertUnrecognizedName = 112
)

func (s *Session) serverName() string {
	if s.cfg.ServerName != "" {
		return s.cfg.ServerName
	}
	return s.cfg.Host
}

// offers finds out which TLS version a server speaks that refuses those that
// are safe, by another connection on which nothing but a handshake is said. It
// is 0 where that cannot be known.
func (s *Session) offers(ctx context.Context) uint16 {
	t := s.cfg.Transport()
	if s.cfg.TLS != Implicit || t.Local() {
		return 0
	}
	nc, err := transport.Dial(ctx, t)
	if err != nil {
		return 0
	}
	defer nc.Close()
	config := &tls.Config{ServerName: s.serverName(), MinVersion: tls.VersionTLS10, InsecureSkipVerify: true}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	tc := tls.Client(nc, config)
	if tc.HandshakeContext(ctx) != nil {
		return 0
	}
	return tc.ConnectionState().Version
}

// certificateError says what is wrong with the server's certificate, and how
// to trust this server all the same.
func (s *Session) certificateError(bad *tls.CertificateVerificationError) error {
	leaf := bad.UnverifiedCertificates[0]
	e := fault.New(fault.Connect, "no TLS with %s: %s", s.cfg.Addr(), strings.TrimPrefix(bad.Err.Error(), "x509: "))
	why := func(format string, args ...any) {
		e.Op = fault.New(fault.Connect, "no TLS with %s: "+format, append([]any{s.cfg.Addr()}, args...)...).Op
	}
	invalid, _ := errors.AsType[x509.CertificateInvalidError](bad.Err)
	host, wrongHost := errors.AsType[x509.HostnameError](bad.Err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](bad.Err)
	switch {
	case slices.ContainsFunc(bad.UnverifiedCertificates, signedWithSHA1) && !wrongHost && invalid.Cert == nil:
		why("a certificate of the server is signed with SHA-1, which can be forged")
		e.Hint("the server needs a new certificate")
	case invalid.Cert != nil && invalid.Reason == x509.Expired:
		of := "the certificate"
		if !invalid.Cert.Equal(leaf) {
			of = "the certificate of its authority"
		}
		if s.cfg.Now().Before(invalid.Cert.NotBefore) {
			why("%s is not valid before %s", of, day(invalid.Cert.NotBefore))
			e.Hint("check this machine's clock")
		} else {
			why("%s expired on %s", of, day(invalid.Cert.NotAfter))
			e.Hint("the server needs a new certificate")
		}
	case wrongHost:
		why("the certificate is for %s, not for %s", names(host.Certificate), host.Host)
		e.Hint("--server-name NAME verifies the certificate for another name")
	case unknown && bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		why("the certificate is self-signed, by no authority that is trusted")
		e.Hint("--ca-file FILE trusts the certificate in that file")
	case unknown:
		last := bad.UnverifiedCertificates[len(bad.UnverifiedCertificates)-1]
		why("the certificate is signed by %q, an unknown authority", last.Issuer.String())
		e.Hint("--ca-file FILE trusts the authority that signed the server's certificate")
	default:
		return e
	}
	return e.Hint("--tls-pin %s trusts this one server; only if you know that this is your server", pin.Of(leaf))
}

// signedWithSHA1 reports whether a certificate that another one vouches for is
// signed so.
func signedWithSHA1(cert *x509.Certificate) bool {
	algorithm := cert.SignatureAlgorithm
	return (algorithm == x509.SHA1WithRSA || algorithm == x509.ECDSAWithSHA1 || algorithm == x509.DSAWithSHA1) && !bytes.Equal(cert.RawIssuer, cert.RawSubject)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// maxNames is how many names of a certificate an error tells.
const maxNames = 5

// names lists whom a certificate is for.
func names(cert *x509.Certificate) string {
	all := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return "nobody (it has no subject alternative names)"
	case len(all) > maxNames:
		return strings.Join(all[:maxNames], ", ") + " and others"
	}
	return strings.Join(all, ", ")
}

// tap sits below TLS. It counts the reads, and keeps what the server says first
// in a handshake: package tls tells its alerts and versions only as text.
type tap struct {
	net.Conn
	reads int
	head  []byte
	keep  bool
}

// helloSize is as much of a server's first record as hello looks at.
const helloSize = 11

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.reads++
	if t.keep && len(t.head) < helloSize {
		t.head = append(t.head, p[:min(n, helloSize-len(t.head))]...)
	}
	return n, err
}

func (t *tap) listen() { t.keep, t.head = true, nil }

// hello reads the beginning of a server's part of the handshake: the version it
// chose, where it chose one older than TLS 1.3, or its alert. Either is 0 when
// it is not there.
func (t *tap) hello() (version uint16, alert byte) { return parseHello(t.head) }

func parseHello(b []byte) (version uint16, alert byte) {
	const (
		recordAlert, recordHandshake, serverHello = 21, 22, 2
		head                                      = 5 // type, version, length
	)
	switch {
	case len(b) < head || b[1] != 3:
	case b[0] == recordAlert && len(b) >= head+2:
		return 0, b[head+1]
	case b[0] == recordHandshake && len(b) >= head+6 && b[head] == serverHello:
		return uint16(b[head+4])<<8 | uint16(b[head+5]), 0
	}
	return 0, 0
}
