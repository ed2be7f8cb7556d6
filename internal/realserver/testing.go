package realserver

import (
	"context"
	"os"
	"testing"
)

// Here tells whether the named server can be started. Where it cannot, the test's log says so in one
// line; with IMAPKNIFE_REQUIRE_ALL=1 in the environment the test fails and ends instead.
func Here(t testing.TB, name string) bool {
	t.Helper()
	err := Available(name)
	if err == nil {
		return true
	}
	if os.Getenv("IMAPKNIFE_REQUIRE_ALL") == "1" {
		t.Fatal(err)
	}
	t.Logf("not run on %s: %v", name, err)
	return false
}

// ForTest starts the named server for one test, ends it with the test, and shows its log when the test
// has failed. Where the server is not [Here] it returns nil.
func ForTest(t testing.TB, name string, opts Options) *Server {
	t.Helper()
	if !Here(t, name) {
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
