package imaptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func startDNS(t *testing.T, zone string) (*DNS, *net.Resolver) {
	t.Helper()
	d, err := StartDNS(zone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, d.Addr())
	}}
}

// TestDNS asks with the resolver of the standard library.
func TestDNS(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 200 {
		fmt.Fprintf(&many, "many.test A 127.0.1.%d\n", i)
	}
	d, r := startDNS(t, `
		# what is asked below
		a.test                A 127.0.0.7
		a.test                AAAA ::7
		Alias.test            CNAME a.test
		a.test                MX 20 second.test
		a.test                MX 10 first.test
		a.test                NS ns.test.
		_imaps._tcp.a.test    SRV 1 0 993 .
		deep.below.empty.test A 127.0.0.8
		fails.test            SERVFAIL
		cut.test              TRUNCATE
		cut.test              A 127.0.0.9
	`+many.String())
	ctx := t.Context()

	if ips, err := r.LookupHost(ctx, "alias.TEST."); err != nil || !slices.Equal(ips, []string{"127.0.0.7", "::7"}) && !slices.Equal(ips, []string{"::7", "127.0.0.7"}) {
		t.Errorf("alias: %v %v", ips, err)
	}
	if mx, err := r.LookupMX(ctx, "a.test."); err != nil || len(mx) != 2 || mx[0].Host != "first.test." {
		t.Errorf("MX: %v %v", mx, err)
	}
	if ns, err := r.LookupNS(ctx, "a.test."); err != nil || len(ns) != 1 || ns[0].Host != "ns.test." {
		t.Errorf("NS: %v %v", ns, err)
	}
	if _, srv, err := r.LookupSRV(ctx, "imaps", "tcp", "a.test."); err != nil || len(srv) != 1 || srv[0].Target != "." {
		t.Errorf("SRV: %v %v", srv, err)
	}
	for _, name := range []string{"none.test.", "below.empty.test."} {
		if e := lookupError(r, ctx, name); e == nil || !e.IsNotFound {
			t.Errorf("%s: %v", name, e)
		}
	}
	if e := lookupError(r, ctx, "fails.test."); e == nil || e.IsNotFound || !e.IsTemporary {
		t.Errorf("SERVFAIL: %v", e)
	}
	if ips, err := r.LookupHost(ctx, "cut.test."); err != nil || !slices.Equal(ips, []string{"127.0.0.9"}) {
		t.Errorf("truncated: %v %v", ips, err)
	}
	if !slices.Contains(d.Asked(), "udp A cut.test") || !slices.Contains(d.Asked(), "tcp A cut.test") {
		t.Errorf("asked: %v", d.Asked())
	}
	if ips, err := r.LookupHost(ctx, "many.test."); err != nil || len(ips) != 200 {
		t.Errorf("large: %d %v", len(ips), err)
	}
}

func lookupError(r *net.Resolver, ctx context.Context, name string) *net.DNSError {
	_, err := r.LookupHost(ctx, name)
	e, _ := errors.AsType[*net.DNSError](err)
	return e
}

func TestDNSSilent(t *testing.T) {
	t.Parallel()
	_, r := startDNS(t, "* SILENT")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if e := lookupError(r, ctx, "any.test."); e == nil || !e.IsTimeout {
		t.Errorf("silent: %v", e)
	}
}

func TestDNSZoneErrors(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"a.test", "a.test TXT x", "a.test A", "a.test A ::1", "a.test AAAA 127.0.0.1", "a.test MX x y",
		"a.test SRV 0 0 70000 b.test", "a.test CNAME b\\q", "a.test CNAME b..c", "a..test A 127.0.0.1", "a.test CNAME " + strings.Repeat("a", 300),
	} {
		if d, err := StartDNS(line); err == nil {
			d.Close()
			t.Errorf("%q is taken", line)
		}
	}
}
