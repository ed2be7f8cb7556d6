package imaptest

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// hangLimit ends what would hang for ever. It is wide, since a machine under
// load makes everything late.
const hangLimit = 2 * time.Minute

// Options say how a Scripted or a Proxy serves.
type Options struct {
	TLS      bool          // TLS from the first octet
	Leaf     Leaf          // what is wrong with the certificate
	CA       *CA           // a fresh one when nil
	MaxTLS   uint16        // highest version that is spoken, 0 for any
	Delay    time.Duration // between a command's arrival and its reply
	Deadline time.Duration // of a whole connection, hangLimit when 0
}

func (o *Options) defaults() error {
	if o.Deadline == 0 {
		o.Deadline = hangLimit
	}
	if o.CA != nil {
		return nil
	}
	var err error
	o.CA, err = NewCA()
	return err
}

func (o *Options) tlsConfig() (*tls.Config, error) {
	config, err := o.CA.Config(o.Leaf)
	if err != nil {
		return nil, err
	}
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, o.MaxTLS
	return config, nil
}

// Scripted is a server on loopback that plays a script to every connection.
// No connection outlives its deadline.
type Scripted struct {
	script   *script
	options  Options
	listener net.Listener
	config   *tls.Config
	record   *Record
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	hits   map[*rule]int
	errs   []error
	closed bool
}

// Start parses a script and serves it. The caller must Close the server.
func Start(text string, options Options) (*Scripted, error) {
	parsed, err := parseScript(text)
	if err != nil {
		return nil, err
	}
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
	s := &Scripted{
		script: parsed, options: options, listener: l, config: config, record: newRecord(),
		conns: make(map[net.Conn]bool), hits: make(map[*rule]int),
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is host and port.
func (s *Scripted) Addr() string { return s.listener.Addr().String() }

// CA signed the server's certificate.
func (s *Scripted) CA() *CA { return s.options.CA }

// Record is what passed.
func (s *Scripted) Record() *Record { return s.record }

// Close ends every connection and waits for it. It returns where clients
// departed from a strict sequence.
func (s *Scripted) Close() error {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.listener.Close()
	s.wg.Wait()
	return errors.Join(s.errs...)
}

func (s *Scripted) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		closed := s.closed
		s.conns[c] = true
		s.mu.Unlock()
		if closed {
			c.Close()
			return
		}
		s.wg.Go(func() { s.serve(c) })
	}
}

func (s *Scripted) serve(c net.Conn) {
	rec := s.record.open()
	defer func() {
		c.Close()
		rec.close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	c.SetDeadline(time.Now().Add(s.options.Deadline))
	p := &player{
		server: s, script: s.script, rec: rec, vars: map[string]string{}, due: time.Now().Add(s.options.Delay),
		side: side{raw: c, conn: c, tap: rec.client, ended: rec.clientGone, spawn: s.wg.Go},
	}
	err := p.play()
	if d, ok := errors.AsType[*departure](err); ok {
		s.mu.Lock()
		s.errs = append(s.errs, d)
		s.mu.Unlock()
	}
}

// pick finds the rule that answers text, which is a command behind its tag.
func (s *Scripted) pick(text string, conn int, literal bool) (*rule, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.script.rules {
		if r.literal != literal || r.conn != 0 && r.conn != conn {
			continue
		}
		m := r.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		s.hits[r]++
		if r.once && s.hits[r] > 1 || r.nth != 0 && r.nth != s.hits[r] {
			continue
		}
		return r, m
	}
	return nil, nil
}
