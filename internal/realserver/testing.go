package realserver

import (
	"context"
	"os"
	"testing"
)

// ForTest starts the named server for one test, ends it with the test, and shows its log when the test
// has failed. Where the server cannot be started it returns nil and says so in the test's log; with
// IMAPKNIFE_REQUIRE_ALL=1 in the environment the test fails instead.
func ForTest(t testing.TB, name string, opts Options) *Server {
	t.Helper()
	if err := Available(name); err != nil {
		if os.Getenv("IMAPKNIFE_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Logf("not run on %s: %v", name, err)
		return nil
	}
	s, err := Start(context.Background(), name, t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, s.Log())
		}
	})
	return s
}
