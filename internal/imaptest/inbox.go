package imaptest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// inbox holds what a client has sent and the script has not read yet. A
// goroutine fills it as octets arrive, so that the record knows when they
// came and not when the script got round to them.
type inbox struct {
	mu    sync.Mutex
	cond  *sync.Cond
	data  []byte
	at    time.Time // arrival of the latest octet
	err   error
	tap   func([]byte) // sees what arrives, nil while TLS begins
	ended func()
}

func newInbox(tap func([]byte), ended func()) *inbox {
	b := &inbox{tap: tap, ended: ended}
	b.cond = sync.NewCond(&b.mu)
	return b
}

// fill copies r until it ends.
func (b *inbox) fill(r io.Reader, now func() time.Time) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		b.mu.Lock()
		if n > 0 {
			if b.tap != nil {
				b.tap(buf[:n])
			}
			b.data = append(b.data, buf[:n]...)
			b.at = now()
		}
		b.err = err
		b.cond.Broadcast()
		b.mu.Unlock()
		if err != nil {
			b.ended()
			return
		}
	}
}

// untap stops the record: what comes now is no IMAP.
func (b *inbox) untap() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tap = nil
}

// Read blocks until there is something.
func (b *inbox) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.data) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.cond.Wait()
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, nil
}

// line reads up to LF. It returns the time of the latest arrival.
func (b *inbox) line() ([]byte, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if i := bytes.IndexByte(b.data, '\n'); i >= 0 {
			line := b.data[:i+1]
			b.data = b.data[i+1:]
			return line, b.at, nil
		}
		if b.err != nil {
			return nil, b.at, b.err
		}
		b.cond.Wait()
	}
}

// discard throws away what has come.
func (b *inbox) discard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = nil
}

// waiting is the number of octets that nobody has read.
func (b *inbox) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.data)
}

// wait blocks until the client has gone.
func (b *inbox) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.err == nil {
		b.data = nil
		b.cond.Wait()
	}
}

// swapped is a connection whose octets come out of an inbox.
type swapped struct {
	net.Conn
	in *inbox
}

func (c swapped) Read(p []byte) (int, error) { return c.in.Read(p) }

// retap goes on recording after untap.
func (b *inbox) retap(tap func([]byte)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tap = tap
}

// arrived is the time of the latest arrival.
func (b *inbox) arrived() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}
