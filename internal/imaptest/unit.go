package imaptest

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const (
	keepLiteral = 64 << 10 // octets of a literal that a record keeps
	keepText    = 1 << 20  // octets of a line that a record keeps
	maxLine     = 8192     // octets a client line may have (RFC 7162 section 4)
)

// unit is one command or one response: a line with its literals.
type unit struct {
	text     string   // without the last CRLF; literals inline as {n}octets
	literals [][]byte // at most keepLiteral octets of each
	octets   int64    // as sent
	faults   []string // what a client must not send
}

var literalEnd = regexp.MustCompile(`~?\{(\d+)(\+?)\}$`)

// announced reads the literal that a line announces at its end.
func announced(line []byte) (size int64, nonSync, ok bool) {
	tail := line[max(0, len(line)-32):]
	m := literalEnd.FindSubmatch(tail)
	if m == nil {
		return 0, false, false
	}
	size, err := strconv.ParseInt(string(m[1]), 10, 64)
	return size, len(m[2]) > 0, err == nil
}

func trimEOL(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// scanner cuts a stream into units. It never fails: what is no IMAP is a
// line all the same.
type scanner struct {
	line  []byte // of the unfinished line
	unit  unit
	text  strings.Builder
	left  int64 // octets of the current literal still to come
	asked bool  // the current literal is synchronising and has not begun
	plain int   // octets of the unit outside literals
	emit  func(unit)
}

func (s *scanner) feed(p []byte) {
	for len(p) > 0 {
		if s.left > 0 {
			n := int(min(int64(len(p)), s.left))
			s.body(p[:n])
			p = p[n:]
			continue
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.hold(p)
			return
		}
		s.hold(p[:i+1])
		p = p[i+1:]
		s.endLine()
	}
}

// hold keeps the beginning and the end of a line.
func (s *scanner) hold(p []byte) {
	s.unit.octets += int64(len(p))
	s.line = append(s.line, p...)
	if len(s.line) > 2*keepText {
		s.line = append(s.line[:keepText], s.line[len(s.line)-64:]...)
	}
}

func (s *scanner) body(p []byte) {
	s.asked = false
	s.left -= int64(len(p))
	s.unit.octets += int64(len(p))
	last := &s.unit.literals[len(s.unit.literals)-1]
	if room := keepLiteral - len(*last); room > 0 {
		p = p[:min(room, len(p))]
		*last = append(*last, p...)
		s.text.Write(p)
	}
}

func (s *scanner) endLine() {
	line := s.line
	s.line, s.asked = nil, false
	s.check(line)
	line = trimEOL(line)
	if room := keepText - s.text.Len(); room > 0 {
		s.text.Write(line[:min(room, len(line))])
	}
	if size, nonSync, ok := announced(line); ok {
		s.left, s.asked = size, !nonSync
		s.unit.literals = append(s.unit.literals, nil)
		return
	}
	s.flush()
}

// check notes what a client's line must not hold (RFC 9051 section 9).
func (s *scanner) check(line []byte) {
	s.plain += len(line)
	body, crlf := bytes.CutSuffix(line, []byte("\r\n"))
	if !crlf {
		s.unit.faults = append(s.unit.faults, "a line ends in LF alone")
	}
	if bytes.IndexByte(body, '\r') >= 0 {
		s.unit.faults = append(s.unit.faults, "CR inside a line")
	}
	if bytes.IndexByte(body, 0) >= 0 {
		s.unit.faults = append(s.unit.faults, "NUL inside a line")
	}
	if s.plain > maxLine && s.plain-len(line) <= maxLine {
		s.unit.faults = append(s.unit.faults, fmt.Sprintf("a command of more than %d octets", maxLine))
	}
}

// refused ends the unit that a reply with this tag has ended, when it waits
// for the go-ahead of a literal that now will not come.
func (s *scanner) refused(tag string) {
	if s.asked && strings.HasPrefix(s.text.String(), tag+" ") {
		s.left, s.asked = 0, false
		s.flush()
	}
}

func (s *scanner) flush() {
	s.unit.text = s.text.String()
	u := s.unit
	s.unit, s.plain = unit{}, 0
	s.text.Reset()
	s.emit(u)
}

// rest is what has come of an unfinished unit.
func (s *scanner) rest() string { return s.text.String() + string(s.line) }
