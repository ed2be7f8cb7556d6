package creds

import (
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/zalando/go-keyring"
)

func TestBind(t *testing.T) {
	one := Purpose{Server: "a@h:993", TLS: Digest("implicit"), Proxy: Digest()}
	for _, value := range []string{"", "pw", "two\nlines", "\x00\xff\n", "imapknife:for:", "imapknife:for:[]\nx"} {
		secret, purposes := Unbind(Bind(NewSecret(value), Purposes{one}))
		if secret.Reveal() != value || len(purposes) != 1 || purposes[0] != one {
			t.Errorf("%q: %q, %v", value, secret.Reveal(), purposes)
		}
	}
	for _, value := range []string{"pw", "", "imapknife:for:", "imapknife:for:{\nx", "two\nlines"} { // stored before
		if secret, purposes := Unbind(NewSecret(value)); secret.Reveal() != value || purposes != nil {
			t.Errorf("%q: %q, %v", value, secret.Reveal(), purposes)
		}
	}
}

func TestPurposes(t *testing.T) {
	one := Purpose{Server: "a@h:993", TokenURL: "https://p/", Client: "me", TLS: "1", Proxy: "2"}
	var p Purposes
	if got := p.Differs(one); got != nil {
		t.Error("nothing is known, and it differs:", got)
	}
	p = p.With(one)
	for want, change := range map[string]func(*Purpose){
		"":                         func(*Purpose) {},
		"the server":               func(p *Purpose) { p.Server = "a@other:993" },
		"the token URL":            func(p *Purpose) { p.TokenURL = "https://q/" },
		"the client id":            func(p *Purpose) { p.Client = "you" },
		"TLS, the proxy":           func(p *Purpose) { p.TLS, p.Proxy = "3", "" },
		"the token URL, the proxy": func(p *Purpose) { p.TokenURL, p.Proxy = "", "" },
	} {
		other := one
		change(&other)
		if got := strings.Join(p.Differs(other), ", "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := p.With(other).Differs(other); got != nil {
			t.Error(got)
		}
		if got := p.With(other).Differs(one); got != nil {
			t.Errorf("with %q the first is forgotten: %v", want, got)
		}
	}
	for range 100 {
		one.TLS += "x"
		p = p.With(one).With(one)
	}
	if len(p) != maxPurposes || p.Differs(one) != nil {
		t.Error(len(p), p.Differs(one))
	}
}

// A stored secret is used for what it was stored for. Otherwise the terminal is
// asked, and without one it is refused.
func TestSourcesPurpose(t *testing.T) {
	keyring.MockInit()
	store := &keyringStore{getenv: bus, wait: keyringWait}
	was := Purpose{Server: "a@h:993", TLS: "1"}
	if err := store.Set(t.Context(), "key", Bind(NewSecret("kept"), Purposes{was})); err != nil {
		t.Fatal(err)
	}
	if s, err := (Sources{Store: store, Key: "key", Purpose: &was}).Secret(t.Context()); err != nil || s.Reveal() != "kept" {
		t.Error(s.Reveal(), err)
	}
	if s, err := (Sources{Store: store, Key: "key"}).Secret(t.Context()); err != nil || s.Reveal() != "kept" {
		t.Error(s.Reveal(), err)
	}
	is := Purpose{Server: "a@h:993", TLS: "2"}
	if s, err := (Sources{Store: store, Key: "key", Purpose: &is}).Secret(t.Context()); fault.KindOf(err) != fault.Safety || !strings.Contains(err.Error(), "TLS") {
		t.Error(s.Reveal(), err)
	}
	warned := ""
	s, err := Sources{Store: store, Key: "key", Purpose: &is, Prompt: ask("typed"), Warn: func(text string) { warned = text }}.Secret(t.Context())
	if err != nil || s.Reveal() != "typed" || !strings.Contains(warned, "TLS") {
		t.Error(s.Reveal(), err, warned)
	}
}
