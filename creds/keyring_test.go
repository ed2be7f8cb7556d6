package creds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/zalando/go-keyring"
)

func bus(name string) (string, bool) { return "unix:path=/nowhere", name == "DBUS_SESSION_BUS_ADDRESS" }

// What is set is got, whatever it holds, in one piece or several, and nothing
// of it is left behind.
func TestKeyring(t *testing.T) {
	keyring.MockInit()
	for _, pieces := range []int{0, 7} {
		k := &keyringStore{getenv: bus, wait: keyringWait, pieces: pieces}
		for _, value := range []string{"pw", "", "pä ßword", "two\nlines", "\x00\xff", "imapknife:base64:", "imapknife:pieces:x:5", strings.Repeat("ä", 1000), strings.Repeat("\xff", 999), "pw"} {
			if err := k.Set(t.Context(), "key", NewSecret(value)); err != nil {
				t.Fatalf("%q: %v", value, err)
			}
			if s, err := k.Get(t.Context(), "key"); err != nil || s.Reveal() != value {
				t.Errorf("%q: %q, %v", value, s.Reveal(), err)
			}
		}
		if err := k.Set(t.Context(), "key", NewSecret("in several pieces")); err != nil {
			t.Fatal(err)
		}
		if err := k.Delete(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Get(t.Context(), "key"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if err := k.Delete(t.Context(), "key"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
}

var errGone = errors.New("gone")

// A Set that is cut short anywhere leaves the old secret or the new one.
func TestKeyringCutShort(t *testing.T) {
	old, fresh := strings.Repeat("o", 40), strings.Repeat("n", 50)
	for n := range 12 {
		keyring.MockInit()
		k := &keyringStore{getenv: bus, wait: keyringWait, pieces: 7}
		if err := k.Set(t.Context(), "key", NewSecret(old)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		calls := 0
		k.getenv = func(name string) (string, bool) { // called once for each call of the keyring
			if calls++; calls > n {
				cancel(errGone)
				return "", false
			}
			return bus(name)
		}
		k.Set(ctx, "key", NewSecret(fresh))
		k.getenv = bus
		if s, err := k.Get(t.Context(), "key"); err != nil || s.Reveal() != old && s.Reveal() != fresh {
			t.Errorf("cut short at call %d: %q, %v", n, s.Reveal(), err)
		}
	}
}

// However a keyring cannot be used: one error, which names the three ways
// around.
func TestKeyringUnavailable(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	check := func(what string, err error, why string) {
		t.Helper()
		text := fmt.Sprint(err, fault.Hints(err))
		if fault.KindOf(err) != fault.Auth || !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(text, "the keyring is not available: ") || !strings.Contains(text, why) ||
			!strings.Contains(text, "--password-command") || !strings.Contains(text, "IMAPKNIFE_PASSWORD") || !strings.Contains(text, "--insecure-storage") {
			t.Errorf("%s: %s", what, text)
		}
	}
	keyring.MockInitWithError(errors.New("must not be called"))
	k := &keyringStore{getenv: none, wait: keyringWait}
	_, err := k.Get(t.Context(), "key")
	check("no bus", err, "no session bus")
	check("no bus", k.Set(t.Context(), "key", NewSecret("x")), "no session bus")
	for text, why := range map[string]string{
		"The name org.freedesktop.secrets was not provided by any .service files": "no Secret Service",
		"failed to unlock correct collection '/x'":                                "it is locked",
		"Object does not exist at path":                                           "no collection",
		"dial unix /x: connect: connection refused":                               "nothing answers",
		"something else": "something else",
	} {
		keyring.MockInitWithError(errors.New(text))
		k := &keyringStore{getenv: bus, wait: keyringWait}
		check(text, k.Set(t.Context(), "key", NewSecret("x")), why)
		check(text, k.Delete(t.Context(), "key"), why)
	}
	slow := &keyringStore{getenv: bus, wait: time.Millisecond}
	release := make(chan struct{})
	defer close(release)
	_, err = slow.call(t.Context(), func() (string, error) { <-release; return "", nil })
	check("silence", err, "did not answer within 1ms")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fault.Interrupt)
	if _, err := (&keyringStore{getenv: bus, wait: time.Minute}).call(ctx, func() (string, error) { <-release; return "", nil }); err != error(fault.Interrupt) {
		t.Error(err)
	}
}

// The keyring is asked behind the account's command and before the prompt.
func TestSourcesStore(t *testing.T) {
	keyring.MockInit()
	store := &keyringStore{getenv: bus, wait: keyringWait}
	if err := store.Set(t.Context(), "key", NewSecret("kept")); err != nil {
		t.Fatal(err)
	}
	never := func(context.Context) (string, error) { t.Error("the prompt is shown"); return "", nil }
	if s, err := (Sources{Store: store, Key: "key", Prompt: never}).Secret(t.Context()); err != nil || s.Reveal() != "kept" || s.From != "the keyring" {
		t.Error(s.From, err)
	}
	if s, err := (Sources{Store: store, Key: "key", AccountCommand: Command{Argv: []string{"printf", "%s", "said"}}}).Secret(t.Context()); err != nil || s.Reveal() != "said" {
		t.Error(s.Reveal(), err)
	}
	if s, err := (Sources{Store: store, Key: "other", Prompt: ask("typed")}).Secret(t.Context()); err != nil || s.Reveal() != "typed" {
		t.Error(s.Reveal(), err)
	}
	if _, err := (Sources{Store: store, Key: "other"}).Secret(t.Context()); fault.KindOf(err) != fault.Auth || !strings.Contains(err.Error(), "no password") {
		t.Error(err)
	}
	keyring.MockInitWithError(errors.New("broken"))
	if _, err := (Sources{Store: store, Key: "key"}).Secret(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	warned := ""
	s, err := Sources{Store: store, Key: "key", Prompt: ask("typed"), Warn: func(text string) { warned = text }}.Secret(t.Context())
	if err != nil || s.Reveal() != "typed" || !strings.Contains(warned, "not available: broken") {
		t.Error(s.Reveal(), err, warned)
	}
	if _, err := (Sources{AccountCommand: Command{Argv: []string{"no-such-program"}}}).Secret(t.Context()); fault.KindOf(err) != fault.Auth || !strings.Contains(err.Error(), "no-such-program") {
		t.Error(err)
	}
}

func TestFileStore(t *testing.T) {
	path := t.TempDir() + "/sub/secrets.json"
	f := FileStore(path)
	if _, err := f.Get(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("looking makes the file")
	}
	for key, value := range map[string]string{"a": "pw", "b": "\x00\xff\n", "c": strings.Repeat("x", 100_000)} {
		if err := f.Set(t.Context(), key, NewSecret(value)); err != nil {
			t.Fatal(err)
		}
		if s, err := f.Get(t.Context(), key); err != nil || s.Reveal() != value {
			t.Errorf("%.20q: %.20q, %v", value, s.Reveal(), err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if err := f.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := f.Delete(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if s, err := f.Get(t.Context(), "b"); err != nil || s.Reveal() != "\x00\xff\n" {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), "b"); fault.KindOf(err) != fault.Auth || !strings.Contains(strings.Join(fault.Hints(err), ""), "chmod 600") {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(`{"a": "s3cret`), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Chmod(path, 0o600)
	if _, err := f.Get(t.Context(), "a"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
	if err := os.Rename(path, path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path+".real", path); err != nil {
		t.Fatal(err)
	}
	if err := f.Set(t.Context(), "a", NewSecret("x")); fault.KindOf(err) != fault.Auth || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}

func TestKey(t *testing.T) {
	if got := Key("Alice", "Mail.Example.ORG", 993); got != "Alice@mail.example.org:993" {
		t.Error(got)
	}
	key := Key("a", "::1", 1)
	if got := FormerOAuthKey(key); got != "oauth:a@[::1]:1" {
		t.Error(got)
	}
	one := OAuthKey(key, "https://p.example/token", "me")
	if !strings.HasPrefix(one, "oauth:a@[::1]:1/") || one == OAuthKey(key, "https://q.example/token", "me") || one == OAuthKey(key, "https://p.example/token", "you") {
		t.Error(one)
	}
}
