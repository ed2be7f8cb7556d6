//go:build unix

package cmds

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// runChild runs cmd to its end, and ends what it leaves running. Off a terminal
// the child gets a process group of its own; on a terminal it stays in the
// foreground group, where Ctrl-C reaches it. What has left the group is known by
// its parent. When this process is killed, a guard ends the child's group, on a
// terminal the child alone, and removes dir, if it is not empty.
func runChild(ctx context.Context, cmd *exec.Cmd, dir string, tty bool) error {
	guard := newGuard(dir)
	defer guard.over()
	signal := func(sig syscall.Signal) { cmd.Process.Signal(sig) }
	if !tty {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		signal = func(sig syscall.Signal) { syscall.Kill(-cmd.Process.Pid, sig) }
	}
	adopt()
	spare := bystanders()
	if err := cmd.Start(); err != nil {
		return childStatus(err)
	}
	if tty {
		guard.watch(cmd.Process.Pid)
	} else {
		guard.watch(-cmd.Process.Pid)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(grace):
			signal(syscall.SIGKILL)
			<-done
		}
		err = context.Cause(ctx)
	}
	if !tty {
		endGroup(cmd.Process.Pid)
	}
	endAdopted(spare)
	if ctx.Err() != nil {
		return err
	}
	return childStatus(err)
}

// endGroup ends what is left of a process group, and waits until it is gone.
func endGroup(pgid int) {
	for _, sig := range [...]syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if syscall.Kill(-pgid, sig) != nil {
			return
		}
		if inGrace(func() bool {
			for { // a child that nobody waits for would still be there
				if pid, err := syscall.Wait4(-pgid, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
					break
				}
			}
			return syscall.Kill(-pgid, 0) != nil
		}) {
			return
		}
	}
}

// inGrace tells whether something is done before the grace is over, however
// slowly that is found out.
func inGrace(done func() bool) bool {
	end := time.After(grace)
	for !done() {
		select {
		case <-end:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return true
}

func exitCode(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

// processEnded reports whether there is no process with this number.
func processEnded(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH }
