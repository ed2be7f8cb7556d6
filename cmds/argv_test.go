package cmds

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestManyArguments holds that the command line is read in linear time: what is
// allocated for four times the arguments is not sixteen times as much. (What
// reads in quadratic time has joined or copied all words for each.)
func TestManyArguments(t *testing.T) {
	for name, line := range map[string]func(n int) []string{
		"arguments":  func(n int) []string { return repeat([]string{"list"}, n, "p%d") },
		"sub":        func(n int) []string { return repeat([]string{"mailbox", "create"}, n, "p%d") },
		"flags":      func(n int) []string { return repeat([]string{"search"}, n, "--from=p%d") },
		"before":     func(n int) []string { return append(repeat(nil, n, "--from=p%d"), "search") },
		"mailboxes":  func(n int) []string { return repeat([]string{"search"}, n, "-mp%d") },
		"behind --":  func(n int) []string { return repeat([]string{"list", "--"}, n, "p%d") },
		"no command": func(n int) []string { return repeat([]string{"lisst"}, n, "p%d") },
		"unknown":    func(n int) []string { return append(repeat([]string{"list"}, n, "p%d"), "--nonsense") },
		"sandbox":    func(n int) []string { return repeat([]string{"sandbox", "--", "true"}, n, "p%d") },
	} {
		octets := func(n int) uint64 {
			p := &Process{Args: append([]string{"imapknife"}, line(n)...), Stdin: strings.NewReader(""), Stdout: new(strings.Builder),
				Stderr: new(strings.Builder), Environ: []string{"IMAPKNIFE_URL=imaps://a@h/"}, Now: time.Now}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			parse(p)
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		octets(1) // makes the table
		few, many := octets(4_000), octets(16_000)
		if many > 8*few {
			t.Errorf("%s: %d octets for 4,000, %d for 16,000", name, few, many)
		}
	}
}

func repeat(out []string, n int, format string) []string {
	for i := range n {
		out = append(out, fmt.Sprintf(format, i))
	}
	return out
}
