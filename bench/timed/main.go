//go:build linux

// Timed runs a command and writes what it cost into a file, as JSON: wall
// clock and processor time in nanoseconds, the peak of resident memory in
// octets. It is a program of its own because the kernel counts the memory of
// the process that starts a command into that command's peak: this one is
// small.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: timed FILE COMMAND [ARG…]")
		os.Exit(2)
	}
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	state := cmd.ProcessState
	if state == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	if err != nil {
		os.Exit(1) // the command has said why
	}
	peak := state.SysUsage().(*syscall.Rusage).Maxrss * 1024
	text := fmt.Sprintf(`{"wall":%d,"cpu":%d,"peak":%d}`, wall, state.UserTime()+state.SystemTime(), peak)
	if err := os.WriteFile(os.Args[1], []byte(text), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
