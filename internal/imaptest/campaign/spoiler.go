package campaign

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// spoiler is the hook of a proxy: it hides capabilities, does to each
// connection what its trouble says, and keeps a tape of it.
type spoiler struct {
	hide     []string               // names
	troubles []trouble              // of the first connection, of the second, …
	kill     func()                 // ends imapknife and returns when it is dead
	expunge  func(uid string) error // has another client remove a message
	before   int                    // connections of the proxy that are not its business

	mu     sync.Mutex
	wires  []*spoilt
	killed bool
	failed error // of expunge
}

// spoilt is one connection.
type spoilt struct {
	client, server cursor
	struck         bool
	refused        string // tag of the command that is refused
	swallow        bool   // what comes of that command is for nobody
}

// wire is the connection of a number, from 1.
func (s *spoiler) wire(n int) *spoilt {
	for len(s.wires) < n {
		s.wires = append(s.wires, &spoilt{})
	}
	return s.wires[n-1]
}

// tape is what passed over the connection of a number.
func (s *spoiler) tape(n int) *tape {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wire(n)
	return &tape{commands: w.client.texts(), responses: w.server.texts()}
}

// struck counts the troubles that came to pass.
func (s *spoiler) struck() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.wires {
		if w.struck {
			n++
		}
	}
	return n
}

// onKill says how imapknife is killed.
func (s *spoiler) onKill(kill func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill = kill
}

// hook judges one chunk for the proxy.
func (s *spoiler) hook(c imaptest.Chunk) imaptest.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Conn -= s.before; c.Conn < 1 {
		return imaptest.Verdict{}
	}
	w := s.wire(c.Conn)
	data, cur := c.Data, &w.client
	if !c.Client {
		data, cur = w.answer(s.hidden(data)), &w.server
	}
	var due *trouble
	if c.Conn <= len(s.troubles) && !w.struck && s.troubles[c.Conn-1].at.client == c.Client {
		due = &s.troubles[c.Conn-1]
	}
	out := make([]byte, 0, len(data))
	skip := false // the rest of a response that says something else
	for i, b := range data {
		if due != nil && due.at.index == cur.index() && due.at.octet == len(cur.now) {
			w.struck = true
			switch uid, removes := strings.CutPrefix(string(due.kind), expunge); {
			case removes:
				s.failed = s.expunge(uid)
			case due.kind == no || due.kind == bad:
				tag, _, _ := bytes.Cut(data[i:], []byte(" "))
				out, skip = fmt.Appendf(out, "%s %s said by the campaign\r\n", tag, strings.ToUpper(string(due.kind))), true
			case due.kind == refuse:
				w.refuse(data[i:])
				out = append(out, w.refused+" NOOP\r\n"...)
			default:
				return s.strike(due.kind, out)
			}
			due = nil
		}
		if !w.swallow && !skip {
			out = append(out, b)
		}
		ended := cur.step(b)
		if w.swallow && c.Client && cur.left > 0 && cur.asked {
			cur.end() // it will not be sent
			ended = true
		}
		if ended {
			skip = false
			w.swallow = w.swallow && !c.Client
		}
		if due != nil && ended && due.at.octet == whole && due.at.index == len(cur.done) {
			w.struck = true
			return s.strike(due.kind, out)
		}
	}
	return imaptest.Verdict{Data: out}
}

// strike is the verdict that ends a connection behind what still passes.
func (s *spoiler) strike(k kind, passes []byte) imaptest.Verdict {
	v := imaptest.Verdict{Fault: imaptest.Cut}
	switch k {
	case reset:
		v.Fault = imaptest.Reset
	case stall:
		v.Fault = imaptest.Stall
	case late:
		v.Fault = imaptest.Late
	case bye:
		passes = append(passes, "* BYE the campaign says so\r\n"...)
	case kill:
		s.kill()
		s.killed = true
	}
	v.Data, v.Keep = passes, len(passes)
	return v
}

// refuse notes the tag of the command that begins here.
func (w *spoilt) refuse(command []byte) {
	tag, _, _ := bytes.Cut(command, []byte(" "))
	w.refused, w.swallow = string(tag), true
}

// answer makes the OK to a refused command NO.
func (w *spoilt) answer(line []byte) []byte {
	if w.refused == "" || !bytes.HasPrefix(line, []byte(w.refused+" ")) {
		return line
	}
	return []byte(w.refused + " NO refused by the campaign\r\n")
}

// hidden takes capabilities out of a line that lists them.
func (s *spoiler) hidden(line []byte) []byte {
	if !bytes.Contains(line, []byte("CAPABILITY ")) {
		return line
	}
	for _, name := range s.hide {
		for _, end := range []string{" ", "]", "\r"} {
			line = bytes.ReplaceAll(line, []byte(" "+name+end), []byte(end))
		}
	}
	return line
}
