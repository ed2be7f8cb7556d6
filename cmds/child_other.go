//go:build !unix

package cmds

import (
	"context"
	"os"
	"os/exec"
)

// runChild runs cmd to its end; where there are no process groups only the
// child itself is ended.
func runChild(ctx context.Context, cmd *exec.Cmd, _ string, _ bool) error {
	if err := cmd.Start(); err != nil {
		return childStatus(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return childStatus(err)
	case <-ctx.Done():
		cmd.Process.Kill()
		<-done
		return context.Cause(ctx)
	}
}

func exitCode(state *os.ProcessState) int { return state.ExitCode() }

// ours reports whether a file is this user's; the folder for temporary files is.
func ours(os.FileInfo) bool { return true }

// processEnded reports whether there is no process with this number.
func processEnded(pid int) bool {
	p, err := os.FindProcess(pid)
	if err == nil {
		p.Release()
	}
	return err != nil
}
