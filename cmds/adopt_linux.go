package cmds

import "syscall"

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

// adopt makes this process the parent of what its children leave behind: in a
// container process 1 may never wait for them. Where that cannot be, they go
// to process 1 as before.
func adopt() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0) }
