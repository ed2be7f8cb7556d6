//go:build unix

package cmds

import "syscall"

// noCore keeps the system from writing the process's memory, with the password
// in it, to a file when it crashes. The programs that imapknife runs inherit
// that, and may lift it: the hard limit stays.
func noCore() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
}
