package oauth

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// clock is a time of the test's own: sleeping moves it.
type clock struct {
	now   time.Time
	slept []time.Duration
}

func (c *clock) set(cfg *Config) {
	c.now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	cfg.Now = func() time.Time { return c.now }
	cfg.Sleep = func(ctx context.Context, d time.Duration) error {
		c.now, c.slept = c.now.Add(d), append(c.slept, d)
		return context.Cause(ctx)
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	const pending, slow = "authorization_pending", "slow_down"
	s := time.Second
	for name, test := range map[string]struct {
		polls    []string
		interval int
		slept    []time.Duration
		words    []string // of the error, nil for none
	}{
		"at once":    {nil, 0, []time.Duration{5 * s}, nil},
		"pending":    {[]string{pending, pending}, 2, []time.Duration{2 * s, 2 * s, 2 * s}, nil},
		"slow down":  {[]string{slow, pending, slow}, 1, []time.Duration{1 * s, 6 * s, 6 * s, 11 * s}, nil},
		"expired":    {[]string{pending, "expired_token"}, 5, []time.Duration{5 * s, 5 * s}, []string{"expired_token", "the code has expired"}},
		"denied":     {[]string{"access_denied"}, 5, []time.Duration{5 * s}, []string{"access_denied", "turned down"}},
		"another":    {[]string{"invalid_client"}, 5, []time.Duration{5 * s}, []string{"invalid_client"}},
		"nobody":     {slices.Repeat([]string{pending}, 99), 300, []time.Duration{300 * s, 300 * s}, []string{"before anybody signed in", "--device"}},
		"odd number": {nil, 1 << 30, []time.Duration{maxInterval}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := provider(t, func(b *imaptest.Behaviour) { b.Polls, b.Interval = test.polls, test.interval })
			c, k := config(p), &clock{}
			k.set(&c)
			var shown []DeviceCode
			got, err := Device(t.Context(), c, func(d DeviceCode) { shown = append(shown, d) })
			if test.words != nil {
				wants(t, err, fault.Auth, append(test.words, "cannot sign in by device code")...)
			} else if err != nil || got.Access == "" || got.Refresh == "" {
				t.Error(err)
			}
			if !slices.Equal(k.slept, test.slept) {
				t.Errorf("slept %v, want %v", k.slept, test.slept)
			}
			if len(shown) != 1 || shown[0].Code != "WDJB-MJHT" || shown[0].URL != p.URL("/activate") {
				t.Errorf("shown %v", shown)
			}
			if scope := p.Asked("device")[0].Get("scope"); scope != "imap offline" {
				t.Errorf("scope %q", scope)
			}
		})
	}
}

// TestDeviceTrouble is a network that fails in between: polling goes on, more
// slowly (RFC 8628 section 3.5).
func TestDeviceTrouble(t *testing.T) {
	t.Parallel()
	p := provider(t, nil)
	c, k := config(p), &clock{}
	k.set(&c)
	busy := imaptest.Failure{Status: 503, Body: "busy"}
	got, err := Device(t.Context(), c, func(DeviceCode) {
		p.Set(func(b *imaptest.Behaviour) { b.Fail = []imaptest.Failure{busy, busy} })
	})
	if err != nil || got.Access == "" || !slices.Equal(k.slept, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second}) {
		t.Errorf("%v, slept %v", err, k.slept)
	}
	_, err = Device(t.Context(), c, func(DeviceCode) {
		p.Set(func(b *imaptest.Behaviour) { b.Fail = slices.Repeat([]imaptest.Failure{busy}, 99) })
	})
	wants(t, err, fault.Connect, "503")
}

func TestDeviceRefused(t *testing.T) {
	t.Parallel()
	google, err := Preset("google", "")
	if err != nil {
		t.Fatal(err)
	}
	never := func(DeviceCode) { t.Error("shown") }
	_, err = Device(t.Context(), Config{Provider: google, Client: Client{ID: "x"}, Now: time.Now}, never)
	wants(t, err, fault.Auth, "google does not allow the device code for mail", "--paste")

	for _, test := range []struct {
		say   imaptest.Failure
		words []string
	}{
		{imaptest.Failure{Error: "invalid_grant", Description: "AADSTS53003: Access has been blocked"}, []string{"Conditional Access", "without --device"}},
		{imaptest.Failure{Status: 200, Type: "application/json", Body: `{"device_code":"x"}`}, []string{"no code to type"}},
		{imaptest.Failure{Status: 200, Type: "application/json", Body: `{"device_code":"x","user_code":"y","verification_uri":"http://evil.example/"}`}, []string{"not https"}},
		{imaptest.Failure{Status: 200, Type: "application/json", Body: `{"device_code":"x","user_code":"y","verification_uri":"javascript:alert(1)"}`}, []string{"not https"}},
	} {
		p := provider(t, func(b *imaptest.Behaviour) { b.Fail = []imaptest.Failure{test.say} })
		_, err := Device(t.Context(), config(p), never)
		wants(t, err, fault.Auth, test.words...)
	}
}

func TestDeviceIsCancelled(t *testing.T) {
	t.Parallel()
	c := config(provider(t, nil)) // real time, which is not waited for
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := Device(ctx, c, func(DeviceCode) { cancel(fault.Interrupt) })
	wants(t, err, fault.Interrupted)
}
