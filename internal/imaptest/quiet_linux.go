package imaptest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// quietLimit ends the wait for a client that is never quiet.
const quietLimit = 20 * time.Second

// quiet waits until the process at the other end of c can send nothing more
// without hearing something: all its threads sleep, and what it sent has been
// read. A machine under load delays a client for longer than any delay of
// replies; this does not depend on the clock. Where the process is not another
// one of this machine, quiet returns at once.
func (p *peer) quiet(c net.Conn) {
	if p.pid == 0 {
		p.pid = owner(c)
	}
	if p.pid < 1 {
		return
	}
	rested := 0
	for end := time.Now().Add(quietLimit); rested < 2 && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if asleep(p.pid) && !unread(c) {
			rested++
		} else {
			rested = 0
		}
	}
}

// owner returns the process that holds the other end of c: -1 where it is
// unknown or this one.
func owner(c net.Conn) int {
	row := socketRow(c.RemoteAddr(), c.LocalAddr())
	if len(row) < 10 {
		return -1
	}
	want := "socket:[" + row[9] + "]"
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == want {
			var pid int
			if _, err := fmt.Sscanf(link, "/proc/%d/", &pid); err == nil && pid != os.Getpid() {
				return pid
			}
		}
	}
	return -1
}

// asleep reports whether every thread of a process sleeps. One that has ended
// is asleep.
func asleep(pid int) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range stats {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// The state follows the name of the program, which is in parentheses.
		state := data[bytes.LastIndexByte(data, ')')+1:]
		if !bytes.HasPrefix(state, []byte(" S")) && !bytes.HasPrefix(state, []byte(" Z")) {
			return false
		}
	}
	return true
}

// unread reports whether the client has sent what has not been read yet.
func unread(c net.Conn) bool {
	row := socketRow(c.LocalAddr(), c.RemoteAddr())
	return len(row) > 4 && !strings.HasSuffix(row[4], ":00000000")
}

// socketRow returns the fields of the row of /proc/net/tcp for a connection.
func socketRow(local, remote net.Addr) []string {
	from, to := kernelAddr(local), kernelAddr(remote)
	data, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 9 && f[1] == from && f[2] == to {
			return f
		}
	}
	return nil
}

// kernelAddr writes an IPv4 address as /proc/net/tcp does.
func kernelAddr(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.To4() == nil {
		return ""
	}
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(tcp.IP.To4()), tcp.Port)
}
