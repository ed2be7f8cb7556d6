package cmds

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

// adopt makes this process the parent of what its children leave behind: in a
// container process 1 may never wait for them. Where that cannot be, they go
// to process 1 as before.
func adopt() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0) }

// bystanders are the children of this process before another one is started: a
// tunnel to a server.
func bystanders() map[int]bool {
	all := map[int]bool{}
	for _, pid := range descendants(os.Getpid(), nil) {
		all[pid] = true
	}
	return all
}

// endAdopted ends what a child has left behind, and waits until it is gone.
func endAdopted(spare map[int]bool) {
	self := os.Getpid()
	for _, sig := range [...]syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		told := map[int]bool{}
		if inGrace(func() bool {
			pids := descendants(self, spare)
			for _, pid := range pids {
				if !told[pid] {
					told[pid] = true
					syscall.Kill(pid, sig)
				}
				syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
			return len(pids) == 0
		}) {
			return
		}
	}
}

// descendants lists the processes below pid (proc(5), stat), without those that
// are spared and what is below them.
func descendants(pid int, spare map[int]bool) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil { // it is gone
			continue
		}
		// pid (command) state parent …; a command may hold blanks and parentheses.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, _ := strconv.Atoi(string(fields[1]))
		if spare[child] {
			continue
		}
		children[parent] = append(children[parent], child)
	}
	var all []int
	for todo := children[pid]; len(todo) > 0; todo = todo[1:] {
		all = append(all, todo[0])
		todo = append(todo, children[todo[0]]...)
	}
	return all
}
