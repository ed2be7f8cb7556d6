package harness

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/rogpeppe/go-internal/testscript"
)

// keyring starts a session bus with a gnome-keyring and points the script's
// environment there.
func keyring(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: keyring unlocked|locked|absent|hanging")
	}
	env, stop, err := imaptest.StartKeyring(context.Background(), filepath.Join(ts.MkAbs("."), "keyring-"+args[0]), args[0])
	ts.Check(err)
	ts.Defer(stop)
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		ts.Setenv(name, value)
	}
}
