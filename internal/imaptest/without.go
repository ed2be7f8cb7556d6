package imaptest

import (
	"os"
	"testing"
)

// Without ends a test that lacks something on this machine. With
// IMAPKNIFE_REQUIRE_ALL=1 in the environment, as in CI, that is a failure.
func Without(t testing.TB, why error) {
	t.Helper()
	if os.Getenv("IMAPKNIFE_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
