//go:build linux

package creds

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// TestMain lets the test run itself as a process with a session bus of its
// own: the keyring looks into its process's environment.
func TestMain(m *testing.M) {
	switch os.Getenv("CREDS_TEST_MODE") {
	case "":
		os.Exit(m.Run())
	case imaptest.KeyringUnlocked:
		useKeyring()
	default:
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_, err := Keyring(os.LookupEnv).Get(ctx, "key")
		os.Stdout.WriteString(err.Error())
	}
}

// useKeyring runs what the keyring has to do. What is wrong is printed.
func useKeyring() {
	ctx := context.Background()
	k := Keyring(os.LookupEnv)
	check := func(what string, ok bool, err error) {
		if !ok {
			os.Stdout.WriteString(what + ": " + errors.Join(err, errors.New("wrong")).Error() + "\n")
		}
	}
	for _, value := range []string{"pw", "other", "ä\x00\xff\n", strings.Repeat("x", 100_000)} {
		err := k.Set(ctx, "alice@h:993", NewSecret(value))
		check("set", err == nil, err)
		s, err := k.Get(ctx, "alice@h:993")
		check("get", err == nil && s.Reveal() == value, err)
	}
	_, err := k.Get(ctx, "bob@h:993")
	check("get what is not there", errors.Is(err, ErrNotFound), err)
	err = k.Delete(ctx, "alice@h:993")
	check("delete", err == nil, err)
	_, err = k.Get(ctx, "alice@h:993")
	check("get what is deleted", errors.Is(err, ErrNotFound), err)
}

// TestSecretService is about a real gnome-keyring: unlocked, locked, absent,
// and one that never answers.
func TestSecretService(t *testing.T) {
	if err := imaptest.KeyringAvailable(); err != nil {
		imaptest.Without(t, err)
	}
	for mode, want := range map[string]string{
		imaptest.KeyringUnlocked: "",
		imaptest.KeyringLocked:   "the keyring is not available: it ",
		imaptest.KeyringAbsent:   "the keyring is not available: no Secret Service (such as gnome-keyring or KWallet) is running",
		imaptest.KeyringHanging:  "the keyring is not available: it did not answer within 3s; it may be locked",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			env, stop, err := imaptest.StartKeyring(t.Context(), t.TempDir(), mode)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), append(env, "CREDS_TEST_MODE="+mode)...)
			start := time.Now()
			out, err := cmd.Output()
			t.Logf("%s after %v", out, time.Since(start))
			if err != nil || !strings.HasPrefix(string(out), want) || want == "" && len(out) > 0 {
				t.Errorf("%q, %v, want %q", out, err, want)
			}
		})
	}
}
