package message

import (
	"slices"
	"strings"
	"testing"
)

func TestAuthResults(t *testing.T) {
	for _, tt := range []struct{ in, id, want string }{
		{`mx.google.com; dkim=pass header.i=@example.org header.b="AbC;d"; spf=pass (google.com: domain of b@example.org designates 192.0.2.1; yes) smtp.mailfrom=b@example.org; dmarc=pass (p=REJECT) header.from=example.org`,
			"mx.google.com", "dkim=pass spf=pass dmarc=pass"},
		{`Example.org 1; DKIM=Pass (2048-bit key) reason="good; dkim=fail" header.d=example.org`, "example.org", "dkim=pass"},
		{`example.org; none`, "example.org", ""},
		{`example.org`, "example.org", ""},
		{`(a (nested \) one)) example.org; dkim/1 = fail; arc=none`, "example.org", "dkim=fail arc=none"},
		{`"mail.example.org"; spf=softfail`, "mail.example.org", "spf=softfail"},
		{`example.org; a "dkim=pass"; =pass; dkim=; x`, "example.org", ""},
		{`evil.example (x; example.org; dkim=pass`, "evil.example", ""},
		{``, "", ""},
	} {
		id, results := AuthResults(tt.in)
		var got []string
		for _, r := range results {
			got = append(got, r.Method+"="+r.Result)
		}
		if id != tt.id || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, %v, want %q, %s", tt.in, id, got, tt.id, tt.want)
		}
	}
}

func FuzzAuthResults(f *testing.F) {
	for _, s := range []string{`a; dkim=pass (x) b="c;d"`, `(((`, `a;b=c;"`, `\`, `;=;`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, results := AuthResults(s)
		again, same := AuthResults(s)
		if id != again || !slices.Equal(results, same) {
			t.Fatal("two answers")
		}
		for _, r := range results {
			if r.Method == "" || r.Result == "" || strings.ContainsAny(r.Method+r.Result, " \t;") && !strings.Contains(s, `"`) && !strings.Contains(s, `\`) {
				t.Fatalf("got %q", r)
			}
		}
	})
}
