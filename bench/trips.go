//go:build linux

package main

import (
	"encoding/binary"
	"sync"
)

// trips counts the round trips that a client waits for, by the packets that
// leave it and reach it: one whenever something arrives behind something that
// was sent. Acknowledgements are nothing, nor is what comes when the client
// has closed, nor what belongs to an older connection.
type trips struct {
	mu     sync.Mutex
	n      int
	port   uint16 // the client's, of its latest connection
	waits  bool   // something was sent and nothing has come since
	closed bool
}

// reset starts to count for a new client.
func (t *trips) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n, t.port = 0, 0
}

func (t *trips) count() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return float64(t.n)
}

// sent takes a packet that leaves the client.
func (t *trips) sent(packet []byte) {
	s, ok := readSegment(packet)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.flags&synFlag != 0 {
		t.port, t.closed = s.from, false
	}
	if s.from != t.port {
		return
	}
	t.waits = t.waits || s.says()
	t.closed = t.closed || s.flags&(finFlag|rstFlag) != 0
}

// heard takes a packet that reaches the client.
func (t *trips) heard(packet []byte) {
	s, ok := readSegment(packet)
	t.mu.Lock()
	defer t.mu.Unlock()
	if ok && s.to == t.port && s.says() && t.waits && !t.closed {
		t.n++
		t.waits = false
	}
}

// TCP's flags (RFC 9293 section 3.1).
const (
	finFlag = 1 << iota
	synFlag
	rstFlag
)

// segment is what matters here of a TCP segment.
type segment struct {
	from, to uint16 // ports
	flags    byte
	octets   int // of payload
}

// says reports whether the segment is more than an acknowledgement or an end.
func (s segment) says() bool { return s.flags&synFlag != 0 || s.octets > 0 }

// readSegment reads an IPv4 packet; ok is false when it is no TCP.
func readSegment(p []byte) (s segment, ok bool) {
	if len(p) < 40 || p[0]>>4 != 4 || p[9] != 6 {
		return s, false
	}
	head := int(p[0]&15) * 4
	total := int(binary.BigEndian.Uint16(p[2:]))
	if head < 20 || total > len(p) || head+20 > total {
		return s, false
	}
	tcp := p[head:total]
	s = segment{binary.BigEndian.Uint16(tcp), binary.BigEndian.Uint16(tcp[2:]), tcp[13], len(tcp) - int(tcp[12]>>4)*4}
	return s, s.octets >= 0
}
