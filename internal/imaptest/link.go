package imaptest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"regexp"
	"sync"
	"time"
)

// link is one client's way through the proxy.
type link struct {
	proxy          *Proxy
	rec            *connRecord
	client, server side
	switched       chan bool     // the server's answer to a command that changes the layer
	done           chan struct{} // the server's direction has ended
	mu             sync.Mutex
	pending        string // STARTTLS or COMPRESS, while its answer is awaited
	tag            string
	stalled        bool // a fault has ended all traffic
}

func (l *link) open() error {
	if config := l.proxy.upstream.TLS; config != nil {
		if err := l.server.secure(tls.Client(l.server.inner(), config)); err != nil {
			return err
		}
	} else {
		l.server.attach(l.server.raw)
	}
	if l.proxy.options.TLS {
		return l.client.secure(tls.Server(l.client.inner(), l.proxy.config))
	}
	l.client.attach(l.client.raw)
	return nil
}

var errFault = errors.New("fault")

// relay runs both directions until both have ended.
func (l *link) relay() {
	var wg sync.WaitGroup
	wg.Go(func() {
		err := l.fromClient()
		if errors.Is(err, errFault) {
			l.client.raw.Close()
			l.server.raw.Close()
			return
		}
		// A server that goes on talking to nobody is not waited for.
		l.server.finish()
		select {
		case <-l.done:
		case <-time.After(10 * time.Second):
		}
		l.server.raw.Close()
	})
	wg.Go(func() {
		defer close(l.done)
		if err := l.fromServer(); errors.Is(err, errFault) {
			l.client.raw.Close()
			l.server.raw.Close()
			return
		}
		l.client.finish()
		l.client.raw.SetReadDeadline(time.Now().Add(hangLimit))
	})
	wg.Wait()
}

var layerCommand = regexp.MustCompile(`(?i)(?:^|\n)(\S+) (STARTTLS|COMPRESS DEFLATE)\r\n$`)

// layerChange finds the tag and the name of a command that changes the layer at
// the end of p. Most of what a client sends are messages, which the expression
// is too slow for.
func layerChange(p []byte) [][]byte {
	end := bytes.ToUpper(p[max(0, len(p)-len("STARTTLS\r\n")):])
	if !bytes.HasSuffix(end, []byte("STARTTLS\r\n")) && !bytes.HasSuffix(end, []byte("DEFLATE\r\n")) {
		return nil
	}
	return layerCommand.FindSubmatch(p)
}

func (l *link) fromClient() error {
	buf := make([]byte, 32<<10)
	var offset int64
	for {
		n, err := l.client.in.Read(buf)
		if err != nil {
			return err
		}
		layer := layerChange(buf[:n])
		if layer != nil {
			l.client.in.untap()
			l.mu.Lock()
			l.tag, l.pending = string(layer[1]), string(bytes.ToUpper(layer[2]))
			l.mu.Unlock()
		}
		chunk := Chunk{Conn: l.rec.number, Client: true, Offset: offset, Data: buf[:n]}
		if err := l.pass(chunk, &l.server, nil); err != nil {
			return err
		}
		offset += int64(n)
		if layer != nil {
			select {
			case <-l.switched:
			case <-l.done:
				return nil
			}
		}
	}
}

func (l *link) fromServer() error {
	buf := make([]byte, 32<<10)
	var cut cutter
	chunk := Chunk{Conn: l.rec.number, Response: 1}
	for {
		n, err := l.server.in.Read(buf)
		if err != nil {
			return err
		}
		delay, _ := l.proxy.settings()
		if delay > 0 {
			time.Sleep(time.Until(l.server.in.arrived().Add(delay)))
			l.client.peer.quiet(l.client.raw)
		}
		for p := buf[:n]; len(p) > 0; {
			size, literal, end := cut.next(p)
			chunk.Data, chunk.Literal, chunk.End = p[:size], literal, end
			if !bytes.HasSuffix(chunk.First, []byte("\n")) {
				chunk.First = append(chunk.First, chunk.Data...)
			}
			if err := l.pass(chunk, &l.client, l.rec.server); err != nil {
				return err
			}
			chunk.Offset += int64(size)
			p = p[size:]
			if !end {
				continue
			}
			if err := l.layer(chunk.First); err != nil {
				return err
			}
			chunk.Response++
			chunk.First = nil
		}
	}
}

// pass lets the hook judge a chunk and sends on what it leaves.
func (l *link) pass(c Chunk, to *side, record func([]byte)) error {
	l.mu.Lock()
	stalled := l.stalled
	l.mu.Unlock()
	if stalled {
		l.client.in.wait()
		return errFault
	}
	var v Verdict
	if _, hook := l.proxy.settings(); hook != nil {
		v = hook(c)
	}
	data := c.Data
	if v.Data != nil {
		data = v.Data
	}
	if v.Fault != Pass {
		data = data[:min(v.Keep, len(data))]
	}
	if record != nil && len(data) > 0 {
		record(data)
	}
	if v.Fault == Late {
		l.client.finish()
		time.Sleep(Lateness)
	}
	if v.Fault != Pass {
		// From here on nothing passes in either direction: what waits for the
		// client throws away what it sends, and a server must not get the rest.
		l.mu.Lock()
		l.stalled = true
		l.mu.Unlock()
	}
	if _, err := to.out.Write(data); err != nil {
		return err
	}
	switch v.Fault {
	case Late: // the server is to be done before it hears that nobody listens
		select {
		case <-l.done:
		case <-time.After(Lateness):
		}
		return errFault
	case Reset:
		l.client.reset()
		return errFault
	case Cut:
		l.client.finish()
		l.client.raw.SetReadDeadline(time.Now().Add(hangLimit))
		l.client.in.wait()
		return errFault
	case Stall:
		l.client.in.wait()
		return errFault
	}
	return nil
}

// layer changes to TLS or DEFLATE when the response agrees to it.
func (l *link) layer(response []byte) error {
	l.mu.Lock()
	tag, pending := l.tag, l.pending
	l.mu.Unlock()
	if pending == "" || !bytes.HasPrefix(response, []byte(tag+" ")) {
		return nil
	}
	ok := bytes.HasPrefix(bytes.ToUpper(response[len(tag)+1:]), []byte("OK"))
	l.mu.Lock()
	l.pending = ""
	l.mu.Unlock()
	switch {
	case !ok:
		l.client.in.retap(l.rec.client)
	case pending == "STARTTLS":
		if err := l.server.secure(tls.Client(l.server.inner(), l.proxy.upstream.StartTLS)); err != nil {
			return err
		}
		if err := l.client.secure(tls.Server(l.client.inner(), l.proxy.config)); err != nil {
			return err
		}
	default:
		l.server.compress()
		l.client.compress()
	}
	l.switched <- true
	return nil
}

// cutter finds the ends of lines, literals and responses in a stream.
type cutter struct {
	line []byte // the end of the unfinished line
	left int64  // octets of the literal still to come
}

// next is the size of the first piece of p, whether it belongs to a literal
// and whether it ends a response.
func (c *cutter) next(p []byte) (n int, literal, end bool) {
	if c.left > 0 {
		n = int(min(int64(len(p)), c.left))
		c.left -= int64(n)
		return n, true, false
	}
	n = bytes.IndexByte(p, '\n') + 1
	if n == 0 {
		c.line = append(c.line, p...)
		c.line = c.line[max(0, len(c.line)-64):]
		return len(p), false, false
	}
	c.line = append(c.line, p[:n]...)
	size, _, ok := announced(trimEOL(c.line))
	c.line = nil
	if ok {
		c.left = size
	}
	return n, false, !ok
}
