package sandbox

import (
	"io"
	"net"
	"sync"
)

// listener puts a front before every connection and knows which are open, so
// that shutdown can end them all; imapserver's own Close misses a connection
// that it has accepted but not yet begun to serve.
type listener struct {
	net.Listener
	caps   capabilities
	trace  *trace
	faults faults

	mu     sync.Mutex
	open   map[*front]struct{}
	last   int  // number of the last connection, for the trace
	closed bool // no more connections

	serving sync.WaitGroup // one for each front until imapserver closes it
}

func newListener(ln net.Listener, caps capabilities, debug io.Writer) *listener {
	l := &listener{Listener: ln, caps: caps, open: make(map[*front]struct{})}
	if debug != nil {
		l.trace = &trace{w: debug}
	}
	return l
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	l.last++
	f := newFront(c, l.caps, l.trace, l.last)
	f.faults = l.faults
	l.open[f] = struct{}{}
	l.serving.Add(1)
	f.onClose = sync.OnceFunc(func() {
		l.mu.Lock()
		delete(l.open, f)
		l.mu.Unlock()
		l.serving.Done()
	})
	return f, nil
}

// shutdown closes the listener, cuts the connections, and waits until
// imapserver has let go of each. It returns the listener's error the first
// time and nil after.
func (l *listener) shutdown() error {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	for f := range l.open {
		f.hangUp()
		_ = f.Conn.Close()
	}
	l.mu.Unlock()
	var err error
	if first {
		err = l.Listener.Close()
	}
	l.serving.Wait()
	return err
}
