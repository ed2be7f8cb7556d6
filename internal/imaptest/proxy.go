package imaptest

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// Upstream is the server behind a Proxy.
type Upstream struct {
	Addr string
	TLS  *tls.Config // of implicit TLS, nil for plain TCP
	// StartTLS is used when the client sends STARTTLS. The proxy then speaks
	// TLS to both, with a certificate of its own to the client.
	StartTLS *tls.Config
}

// Chunk is a piece of what passes through a Proxy: towards the client a line
// or a part of a literal, towards the server whatever came together.
type Chunk struct {
	Conn     int    // from 1
	Client   bool   // sent by the client
	Offset   int64  // of Data in its direction
	Response int    // the number of the server's response, from 1
	First    []byte // the first line of that response, as far as it has come
	Literal  bool   // Data belongs to a literal
	End      bool   // Data ends the response
	Data     []byte
}

// Verdict is what becomes of a Chunk.
type Verdict struct {
	Fault Fault
	Keep  int    // octets of the Chunk that still pass before the fault
	Data  []byte // passes instead of the Chunk when not nil
}

// Fault is a way in which a Proxy ends or holds a connection.
type Fault int

// The faults.
const (
	Pass  Fault = iota
	Cut         // both connections are closed in good order
	Reset       // the client gets a TCP RST
	Stall       // nothing passes any more, and nobody is told
	Late        // the client is cut off, and what it sent reaches the server Lateness later
)

// Lateness is how long a Late fault holds back what the client sent.
const Lateness = 700 * time.Millisecond

// Proxy stands between clients and a server, records what passes and, with a
// hook, spoils it.
type Proxy struct {
	upstream Upstream
	options  Options
	listener net.Listener
	config   *tls.Config
	record   *Record
	wg       sync.WaitGroup

	mu     sync.Mutex
	delay  time.Duration
	hook   func(Chunk) Verdict
	conns  map[net.Conn]bool
	down   time.Time // until then nobody is let in
	closed bool
}

// StartProxy listens on loopback. The caller must Close the proxy.
func StartProxy(upstream Upstream, options Options) (*Proxy, error) {
	if err := options.defaults(); err != nil {
		return nil, err
	}
	config, err := options.tlsConfig()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		upstream: upstream, options: options, listener: l, config: config, record: newRecord(),
		delay: options.Delay, conns: make(map[net.Conn]bool),
	}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is host and port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// CA signed the certificate that clients see.
func (p *Proxy) CA() *CA { return p.options.CA }

// Record is what passed.
func (p *Proxy) Record() *Record { return p.record }

// SetDelay changes the time between a reply's arrival and its passing on.
func (p *Proxy) SetDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// SetHook has every later chunk judged by f, which is called by several
// goroutines, for one direction of one connection in order. nil passes all.
func (p *Proxy) SetHook(f func(Chunk) Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = f
}

// Restart ends every connection, and for a while each new one at once, as a
// server that is started again does.
func (p *Proxy) Restart(down time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = time.Now().Add(down)
	for c := range p.conns {
		c.Close()
	}
}

func (p *Proxy) settings() (time.Duration, func(Chunk) Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay, p.hook
}

// Close ends every connection and waits for it.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.listener.Close()
	p.wg.Wait()
	return nil
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.track(c) {
			p.wg.Go(func() { p.serve(c) })
		}
	}
}

// track makes Close end c too; false when the proxy is closed already.
func (p *Proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || time.Now().Before(p.down) {
		c.Close()
		return false
	}
	p.conns[c] = true
	c.SetDeadline(time.Now().Add(p.options.Deadline))
	return true
}

func (p *Proxy) untrack(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *Proxy) serve(c net.Conn) {
	rec := p.record.open()
	defer rec.close()
	defer p.untrack(c)
	up, err := net.DialTimeout("tcp", p.upstream.Addr, hangLimit)
	if err != nil || !p.track(up) {
		return
	}
	defer p.untrack(up)
	l := &link{
		proxy: p, rec: rec, switched: make(chan bool, 1), done: make(chan struct{}),
		client: side{raw: c, conn: c, tap: rec.client, ended: rec.clientGone, spawn: p.wg.Go},
		server: side{raw: up, conn: up, ended: func() {}, spawn: p.wg.Go},
	}
	if l.open() == nil {
		l.relay()
	}
}
