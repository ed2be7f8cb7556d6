//go:build !linux

package realserver

import "errors"

var errNotLinux = errors.New("the servers' namespaces need Linux")

// A process never runs here.
type process struct{ done chan struct{} }

func canIsolate() error { return errNotLinux }

func execute(string, string, ...string) (*process, error) { return nil, errNotLinux }

func (*process) kill() {}

func (*process) pid() int { return 0 }

func (*process) command(string, ...string) []string { return []string{"false"} }
