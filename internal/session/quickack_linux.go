package session

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// quickReads is for how many reads acknowledgements are hurried: the dialogue
// of a one-shot command, not a long transfer.
const quickReads = 64

// quick makes the kernel acknowledge at once what a server sends in pieces.
// Cyrus and GNU imap4d write an answer in several small pieces and wait for
// the acknowledgement of each (Nagle); a delayed one costs 40 ms every time.
func quick(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nc
	}
	return &quickConn{TCPConn: tcp, raw: raw, left: quickReads}
}

type quickConn struct {
	*net.TCPConn
	raw  syscall.RawConn
	left int
}

// Read sets the option anew each time: the kernel forgets it.
func (c *quickConn) Read(p []byte) (int, error) {
	if c.left > 0 {
		c.left--
		_ = c.raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
	return c.TCPConn.Read(p)
}
