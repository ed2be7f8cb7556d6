package mailsource

import (
	"bufio"
	"bytes"
)

// Sizes in octets.
const (
	bufferSize = 64 << 10
	headSize   = 64 << 10 // how much of a message is looked at for its header
)

// octets gives a message line by line as it is sent.
type octets struct {
	in     *bufio.Reader
	quoted bool   // ">From " is quoted (mboxrd)
	crlf   bool   // a bare LF becomes CRLF
	start  bool   // a line begins
	cr     bool   // the octet before was CR
	rest   []byte // to be given
	own    []byte // holds a line with another end
}

// Read gives what lines it has at hand, without waiting for more.
func (o *octets) Read(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || len(o.rest) > 0 || o.in.Buffered() > 0) {
		if len(o.rest) == 0 {
			if err := o.fill(); n > 0 && err != nil {
				return n, nil // the next Read meets it again
			} else if err != nil {
				return 0, err
			}
		}
		took := copy(p[n:], o.rest)
		o.rest = o.rest[took:]
		n += took
	}
	return n, nil
}

// fill reads one line, or as much of it as the buffer holds.
func (o *octets) fill() error {
	line, err := o.in.ReadSlice('\n')
	if len(line) == 0 {
		return err
	}
	if o.quoted && o.start && line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte(fromWord)) {
		line = line[1:]
	}
	n := len(line)
	o.start = line[n-1] == '\n'
	if o.crlf && o.start && !(n > 1 && line[n-2] == '\r' || n == 1 && o.cr) {
		o.own = append(append(o.own[:0], line[:n-1]...), "\r\n"...)
		line = o.own
	}
	o.cr = line[len(line)-1] == '\r'
	o.rest = line
	return nil
}

// survey is written a message and counts.
type survey struct {
	size, bare int64 // octets, and LF without CR
	nul        bool
	cr         bool
	head       []byte // the beginning
}

func (s *survey) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	s.nul = s.nul || bytes.IndexByte(p, 0) >= 0
	s.head = append(s.head, p[:min(len(p), headSize-len(s.head))]...)
	for rest := p; ; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		if i > 0 && rest[i-1] != '\r' || i == 0 && !s.cr {
			s.bare++
		}
		s.cr = false // the next line begins behind LF
		rest = rest[i+1:]
	}
	if len(p) > 0 {
		s.cr = p[len(p)-1] == '\r'
	}
	return len(p), nil
}
