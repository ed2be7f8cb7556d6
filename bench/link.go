//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The two ends of the slow link.
const (
	serverEnd = "192.0.2.1" // documentation addresses (RFC 5737); the namespaces are our own
	clientEnd = "192.0.2.2"
)

// maxPacket is the longest packet a TUN device gives, in octets.
const maxPacket = 64 << 10

// link joins the process's network namespace to one for clients by two TUN
// devices, and delays every packet between them. The delay is the network's,
// not a proxy's, so it holds for TCP's handshake as well.
type link struct {
	jobs  chan func()
	delay atomic.Int64 // nanoseconds, each way
	trips trips
}

// newLink makes the namespace and the devices; both end with the process.
func newLink() (*link, error) {
	near, err := device("bench-server", serverEnd, clientEnd)
	if err != nil {
		return nil, err
	}
	l := &link{jobs: make(chan func())}
	made := make(chan error)
	var far *os.File
	go func() {
		runtime.LockOSThread() // for good: the thread dies with its namespace
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			far, err = device("bench-client", clientEnd, serverEnd)
		}
		made <- err
		for job := range l.jobs {
			job()
		}
	}()
	if err := <-made; err != nil {
		return nil, err
	}
	go l.carry(far, near, l.trips.sent, func([]byte) {})
	go l.carry(near, far, func([]byte) {}, l.trips.heard)
	return l, nil
}

// do calls f in the clients' namespace.
func (l *link) do(f func() error) error {
	done := make(chan error)
	l.jobs <- func() { done <- f() }
	return <-done
}

// run is cmd.Run in the clients' namespace.
func (l *link) run(cmd *exec.Cmd) error { return l.do(cmd.Run) }

// connectTime is how long a TCP handshake over the link takes: one round trip.
func (l *link) connectTime(port int) (took time.Duration, err error) {
	err = l.do(func() error {
		start := time.Now()
		conn, err := net.Dial("tcp", net.JoinHostPort(serverEnd, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		took = time.Since(start)
		return conn.Close()
	})
	return took, err
}

// roundTrip sets the delay of both ways together.
func (l *link) roundTrip(d time.Duration) { l.delay.Store(int64(d / 2)) }

// carry takes packets from one device to the other, each after the delay, and
// shows them to left when they come and to arrives when they go.
func (l *link) carry(from, to *os.File, left, arrives func([]byte)) {
	type packet struct {
		due  time.Time
		data []byte
	}
	queue := make(chan packet, 4096)
	go func() {
		for p := range queue {
			sleepUntil(p.due)
			arrives(p.data)
			to.Write(p.data) // a packet that is lost is sent again
		}
	}()
	buf := make([]byte, maxPacket)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		due := time.Now().Add(time.Duration(l.delay.Load()))
		left(buf[:n])
		queue <- packet{due, append([]byte(nil), buf[:n]...)}
	}
}

// sleepUntil is more exact than time.Sleep, which may be a millisecond late.
func sleepUntil(due time.Time) {
	for {
		d := time.Until(due)
		if d <= 0 {
			return
		}
		ts := unix.NsecToTimespec(int64(d))
		unix.Nanosleep(&ts, nil)
	}
}

// device makes a TUN device in the calling thread's namespace.
func device(name, own, peer string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("no TUN device: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return nil, fmt.Errorf("no TUN device: %w", err)
	}
	for _, args := range []string{
		"link set lo up",
		"addr add " + own + " peer " + peer + " dev " + name,
		"link set " + name + " up",
	} {
		if err := ip(args); err != nil {
			return nil, err
		}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// ip runs iproute2 in the calling thread's namespace.
func ip(args string) error {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, out)
	}
	return nil
}
