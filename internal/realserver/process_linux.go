package realserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// maxLogLine bounds one message of a server to the system log.
const maxLogLine = 64 << 10

// A process is the first of a process namespace: when it ends, the kernel ends every other process of
// the namespace, and with the last of them the mounts go.
type process struct {
	cmd    *exec.Cmd
	done   chan struct{} // closed when every process has ended
	syslog *net.UnixConn
	log    *os.File
	drain  sync.WaitGroup
	once   sync.Once
}

// isolated is for a process in mount and process namespaces of its own, which ends with the thread that
// started it.
func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // mounts made inside stay inside
		Setsid:       true,
		Pdeathsig:    syscall.SIGKILL,
	}
}

// canIsolate tells why run cannot work here.
func canIsolate() error {
	try := exec.Command("/bin/sh", "-c", ":")
	try.SysProcAttr = isolated()
	if err := try.Run(); err != nil {
		return fmt.Errorf("a process with its own mounts needs root: %w", err)
	}
	return nil
}

// execute runs a shell script in new mount and process namespaces, with its standard output and error, and
// what it and its children send to dir/dev/log, in dir/log.
func execute(dir, script string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	syslog, err := listenSyslog(filepath.Join(dir, "dev"))
	if err != nil {
		log.Close()
		return nil, err
	}
	p := &process{done: make(chan struct{}), syslog: syslog, log: log}
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", script, "init.sh"}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = isolated()
	p.drain.Go(p.copySyslog)
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the starting thread ends, so this thread must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.cmd.Wait() // its status says only that it was killed
		}
		p.close()
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, fmt.Errorf("cannot start a process with its own mounts: %w", err)
	}
	return p, nil
}

func (p *process) close() {
	p.syslog.Close()
	p.drain.Wait()
	p.log.Close()
	close(p.done)
}

// kill ends all processes and returns when they have ended.
func (p *process) kill() {
	p.once.Do(func() { p.cmd.Process.Kill() })
	<-p.done
}

// pid is the first process's number outside the namespace.
func (p *process) pid() int { return p.cmd.Process.Pid }

// command gives the argv that runs a program inside the namespaces and the root folder of p.
func (p *process) command(name string, args ...string) []string {
	enter := []string{"nsenter", "--target", strconv.Itoa(p.pid()), "--mount", "--pid", "--root", "--wdns=/", name}
	return append(enter, args...)
}

// listenSyslog makes the socket dir/log that syslog(3) writes to. It is named through a descriptor,
// because a socket's path is limited to 107 octets and a test's folder may be longer.
func listenSyslog(dir string) (*net.UnixConn, error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	name := fmt.Sprintf("/proc/self/fd/%d/log", folder.Fd())
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	return conn, os.Chmod(filepath.Join(dir, "log"), 0o666)
}

func (p *process) copySyslog() {
	line := make([]byte, maxLogLine+1)
	for {
		n, err := p.syslog.Read(line[:maxLogLine])
		if err != nil {
			return
		}
		line[n] = '\n'
		p.log.Write(line[:n+1]) // a log that cannot be written shows in Log
	}
}
