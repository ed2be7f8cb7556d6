//go:build !linux

package harness

import "github.com/rogpeppe/go-internal/testscript"

func keyring(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("keyrings are started on Linux only")
}
