// Package limited runs a program of the tests that cannot hang, and tells how
// much memory it took. It imports little, since scripts start thousands of such
// programs.
package limited

import (
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"time"
)

const (
	// TimeEnv is how long the program may run, such as 20s; Status is how one
	// ends that has run longer, with a dump of its goroutines.
	TimeEnv = "TEST_LIMIT"
	Status  = 99
	// UsageEnv is the file that gets the peak of memory in octets.
	UsageEnv = "TEST_USAGE"
	// NowEnv is the time, in RFC 3339, at which the clock of a sandbox starts, so
	// that its mails have the same dates every time. Other commands keep the true
	// clock, by which their connections end.
	NowEnv = "TEST_NOW"
)

// Now is the program's clock.
func Now() func() time.Time {
	from, err := time.Parse(time.RFC3339, os.Getenv(NowEnv))
	if err != nil || len(os.Args) < 2 || os.Args[1] != "sandbox" {
		return time.Now
	}
	start := time.Now()
	return func() time.Time { return from.Add(time.Since(start)).In(time.Local) }
}

// Main runs the program and ends the process with the status that it returns.
func Main(run func() int) {
	if d, err := time.ParseDuration(os.Getenv(TimeEnv)); err == nil {
		time.AfterFunc(d, func() {
			fmt.Fprintf(os.Stderr, "imapknife still runs after %s\n", d)
			pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
			os.Exit(Status)
		})
	}
	status := run()
	if name := os.Getenv(UsageEnv); name != "" {
		os.WriteFile(name, []byte(strconv.FormatInt(peak(), 10)), 0o600)
	}
	os.Exit(status)
}
