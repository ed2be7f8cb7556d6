//go:build unix

package cmds

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// guardScript waits until this process has said that all is over, or is gone.
// Then it kills the process or group that it was named, and removes the folder.
const guardScript = `read -r target && { read -r over && exit; kill -s KILL -- "$target" 2>/dev/null; }; [ -z "$1" ] || rm -rf -- "$1"`

// guard outlives this process when that is killed, and cleans up after it.
type guard struct {
	cmd *exec.Cmd
	to  *os.File // nil where there is no guard
}

// newGuard starts a guard for a folder, empty for none. Where it cannot be started there is
// none: it is for a rare case.
func newGuard(dir string) *guard {
	r, w, err := os.Pipe()
	if err != nil {
		return &guard{}
	}
	defer r.Close()
	cmd := &exec.Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", guardScript, "sh", dir}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/", Stdin: r}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // signals of the terminal are not for it
	if cmd.Start() != nil {
		w.Close()
		return &guard{}
	}
	return &guard{cmd, w}
}

// watch names what is to be killed: a process, or a group where it is negative.
func (g *guard) watch(target int) {
	if g.to != nil {
		fmt.Fprintln(g.to, target)
	}
}

// over ends the guard without its doing anything.
func (g *guard) over() {
	if g.to != nil {
		fmt.Fprintf(g.to, "\n%s\n", "over") // the first line is none where nothing was watched
		g.to.Close()
		g.cmd.Wait()
	}
}

// ours reports whether a file is this user's.
func ours(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
