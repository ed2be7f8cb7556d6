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
)

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
