package cmds

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync/atomic"

	"github.com/imapknife/imapknife/internal/fault"
)

// pager is the person's pager, which reads what is written to it. One that
// fails gets nothing more: what it has left goes to standard output instead.
type pager struct {
	command string
	cmd     *exec.Cmd
	w       *os.File
	written atomic.Int64
	rest    int64 // octets that went past the pager
	failure error // of the pager
	done    chan struct{}
}

// startPager starts a shell command as a pager. It is nil when there is no
// shell. The reading end of the pipe stays open here as well, so that what a
// failed pager has not read is not lost.
func startPager(p *Process, command string) (*pager, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot start the pager")
	}
	pg := &pager{command: command, w: w, done: make(chan struct{})}
	pg.cmd = exec.Command("sh", "-c", command)
	pg.cmd.Stdin, pg.cmd.Stdout, pg.cmd.Stderr, pg.cmd.Env = r, p.Stdout, p.Stderr, p.withoutSecrets()
	if err := pg.cmd.Start(); err != nil {
		r.Close()
		w.Close()
		return nil, nil
	}
	go func() {
		defer close(pg.done)
		defer r.Close() // a person who has left the pager wants no more
		if pg.failure = pg.cmd.Wait(); pg.failed() {
			pg.rest, _ = io.Copy(p.Stdout, r)
		}
	}()
	return pg, nil
}

// failed reports whether the pager ended with a status that says so.
func (pg *pager) failed() bool {
	exit, ok := errors.AsType[*exec.ExitError](pg.failure)
	return ok && exit.ExitCode() > 0
}

// Write is io.Writer's.
func (pg *pager) Write(b []byte) (int, error) {
	n, err := pg.w.Write(b)
	pg.written.Add(int64(n))
	return n, err
}

// wait waits until the person has read everything. skipped is the failure of a
// pager that has read nothing: everything has been written in its place. That
// of one that has read something is an error.
func (pg *pager) wait() (skipped, err error) {
	pg.w.Close()
	<-pg.done
	switch {
	case !pg.failed():
		return nil, nil
	case pg.rest == pg.written.Load():
		return pg.failure, nil
	}
	return nil, fault.Wrap(fault.Local, pg.failure, "the pager %q failed", pg.command)
}
