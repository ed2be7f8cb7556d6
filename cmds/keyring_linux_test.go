package cmds_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// startKeyring starts a keyring of its own, or skips the test.
func startKeyring(t *testing.T) (env []string, stop func()) {
	if err := imaptest.KeyringAvailable(); err != nil {
		imaptest.Without(t, err)
	}
	dir, err := os.MkdirTemp("", "keyring-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	env, end, err := imaptest.StartKeyring(ctx, dir, imaptest.KeyringUnlocked)
	if err != nil {
		t.Fatal(err)
	}
	return env, func() {
		end()
		os.RemoveAll(dir)
	}
}
