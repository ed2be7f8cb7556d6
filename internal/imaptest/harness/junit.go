package harness

import (
	"strings"

	"github.com/joshdk/go-junit"
	"github.com/rogpeppe/go-internal/testscript"
)

// junitFile reads a JUnit document as CI systems do: one test, with this status,
// and a message that contains these words.
func junitFile(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: junit file passed|failed|error [words]")
	}
	suites, err := junit.IngestFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(suites) != 1 || len(suites[0].Tests) != 1 {
		ts.Fatalf("%s: want one suite of one test, got %+v", args[0], suites)
	}
	test := suites[0].Tests[0]
	if string(test.Status) != args[1] || test.Name == "" || test.Classname == "" {
		ts.Fatalf("%s: got %+v, want status %s", args[0], test, args[1])
	}
	if len(args) == 3 && !strings.Contains(test.Message, args[2]) {
		ts.Fatalf("%s: message %q, want %q in it", args[0], test.Message, args[2])
	}
}
