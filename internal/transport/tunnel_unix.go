//go:build unix

package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"golang.org/x/sys/unix"
)

// How long a tunnel's command may take to end by itself, once its standard
// input is closed, and once it has been asked to.
const (
	endGrace  = time.Second
	termGrace = 300 * time.Millisecond
)

// tunnel starts the command. It gets a process group of its own, so that all of
// it can be ended; but not where a terminal is ours, on which ssh may ask for a
// passphrase: there only the foreground group may read, and Ctrl-C reaches it.
func (c *Config) tunnel() (net.Conn, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot start the tunnel")
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		in.Close()
		theirIn.Close()
		return nil, fault.Wrap(fault.Local, err, "cannot start the tunnel")
	}
	t := &tunnel{cmd: exec.Command("sh", "-c", c.Tunnel), in: in, out: out, grouped: !foreground(), exited: make(chan struct{})}
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr, t.cmd.Env = theirIn, theirOut, c.Stderr, c.Environ
	t.cmd.WaitDelay = termGrace // for what it left running with its standard error
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: t.grouped}
	err = t.cmd.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, fault.Wrap(fault.Local, err, "cannot start the tunnel")
	}
	go func() {
		t.cmd.Wait() // its ProcessState says the rest
		close(t.exited)
	}()
	return t, nil
}

// foreground reports whether this process is in the foreground of a terminal.
func foreground() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer tty.Close()
	pgrp, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && pgrp == unix.Getpgrp()
}

// tunnel is a command whose standard input and output are the connection.
type tunnel struct {
	cmd     *exec.Cmd
	in, out *os.File // our ends of its standard input and output
	grouped bool     // it leads a process group
	exited  chan struct{}
	once    sync.Once
}

// exit is how a tunnel's command ended, where that was not with status 0.
type exit struct{ state *os.ProcessState }

func (e *exit) Error() string {
	if ws, ok := e.state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return fmt.Sprintf("the command was ended by a signal (%s)", ws.Signal())
	}
	return fmt.Sprintf("the command ended with status %d", e.state.ExitCode())
}

func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.out.Read(p)
	if err == io.EOF {
		err = t.ended(err)
	}
	return n, asNet(err)
}

func (t *tunnel) Write(p []byte) (int, error) {
	n, err := t.in.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = t.ended(err)
	}
	return n, asNet(err)
}

// asNet takes the file out of an error. What is left of a deadline that has
// passed is a net.Error, after which TLS can go on; around it, it is none.
func asNet(err error) error {
	if file, ok := errors.AsType[*os.PathError](err); ok {
		return file.Err
	}
	return err
}

// ended says how the command ended, which closed a pipe. It waits a moment for
// that, for the pipes close a little before.
func (t *tunnel) ended(err error) error {
	if t.end(endGrace) && !t.cmd.ProcessState.Success() {
		return &exit{t.cmd.ProcessState}
	}
	return err
}

// Close closes the command's standard input and, where it does not end by
// itself soon, ends it. It waits for that.
func (t *tunnel) Close() error {
	t.once.Do(func() {
		t.in.Close()
		t.out.SetReadDeadline(time.Time{})
		go io.Copy(io.Discard, t.out) // a last word must not hold it up
		byItself := t.end(endGrace)
		t.signal(syscall.SIGTERM) // also for what a command leaves behind
		if !byItself {
			t.end(termGrace)
			t.signal(syscall.SIGKILL)
			<-t.exited
		}
		t.out.Close()
	})
	return nil
}

// end waits at most d for the command's end and reports whether it came.
func (t *tunnel) end(d time.Duration) bool {
	select {
	case <-t.exited:
		return true
	case <-time.After(d):
		return false
	}
}

// signal reaches what is left of the command.
func (t *tunnel) signal(sig syscall.Signal) {
	if t.grouped {
		syscall.Kill(-t.cmd.Process.Pid, sig)
		return
	}
	t.cmd.Process.Signal(sig)
}

func (t *tunnel) LocalAddr() net.Addr  { return command("") }
func (t *tunnel) RemoteAddr() net.Addr { return command(t.cmd.Args[len(t.cmd.Args)-1]) }

func (t *tunnel) SetDeadline(at time.Time) error {
	return errors.Join(t.in.SetDeadline(at), t.out.SetDeadline(at))
}
func (t *tunnel) SetReadDeadline(at time.Time) error  { return t.out.SetReadDeadline(at) }
func (t *tunnel) SetWriteDeadline(at time.Time) error { return t.in.SetWriteDeadline(at) }

// command is a tunnel's address.
type command string

func (command) Network() string  { return "tunnel" }
func (c command) String() string { return string(c) }
