//go:build !linux

package cmds_test

import (
	"errors"
	"testing"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// startKeyring ends the test: the keyring here would be the person's own.
func startKeyring(t *testing.T) (env []string, stop func()) {
	imaptest.Without(t, errors.New("keyrings are started on Linux only"))
	return nil, nil
}
