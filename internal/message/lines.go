package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// lineReader reads a message line by line and ends where a line is one of the
// boundaries that are pushed. The line end in front of a boundary belongs to
// it, so the end of each line is held back until the next one is known.
type lineReader struct {
	r   *bufio.Reader
	err error // what r failed with, but io.EOF

	bounds []string // outermost first
	ended  bool     // a boundary or the end was reached
	level  int      // index of that boundary, -1 for the end
	final  bool     // it was a closing one

	start  bool    // the next octet begins a line
	eol    string  // the line end that is held back
	eolBuf [2]byte // the one that is given out
	line   []byte  // a line that waits for the held line end to go first

	offset, newlines uint64 // octets and LFs taken so far
	end              marker // where the content ended
}

// marker is a place in the message.
type marker struct{ offset, newlines uint64 }

func newLineReader(r io.Reader) *lineReader {
	b := bufio.NewReaderSize(r, 2*streamBuffer)
	if head, _ := b.Peek(streamBuffer); bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		b = bufio.NewReaderSize(newStream(b, crToLF{}), 2*streamBuffer)
	}
	return &lineReader{r: b, start: true, level: -1}
}

// crToLF is for messages whose lines end in CR alone.
type crToLF struct{}

func (crToLF) decode(dst, src []byte, _ bool) ([]byte, int) {
	n := len(dst)
	dst = append(dst, src...)
	for i := n; i < len(dst); i++ {
		if dst[i] == '\r' {
			dst[i] = '\n'
		}
	}
	return dst, len(src)
}

// next takes a line, or what fits into the buffer of a longer one. It is
// valid until the next call; nil at the end.
func (l *lineReader) next() []byte {
	line, err := l.r.ReadSlice('\n')
	if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
		l.err = err
	}
	return line
}

// delimiter tests whether line, at the start of a line, is a boundary, and
// ends the content there.
func (l *lineReader) delimiter(line []byte) bool {
	if len(line) < 2 || line[0] != '-' || line[1] != '-' || len(l.bounds) == 0 {
		return false
	}
	text := bytes.TrimRight(line[2:], " \t\r\n")
	for i := len(l.bounds) - 1; i >= 0; i-- {
		b := l.bounds[i]
		if len(text) < len(b) || string(text[:len(b)]) != b {
			continue
		}
		if rest := text[len(b):]; len(rest) == 0 || string(rest) == "--" {
			l.finish(i, len(rest) > 0)
			return true
		}
	}
	return false
}

// finish ends the content in front of the line at hand, which is not yet
// counted, and of the line end held back.
func (l *lineReader) finish(level int, final bool) {
	l.ended, l.level, l.final = true, level, final
	l.end = marker{l.offset - uint64(len(l.eol)), l.newlines}
	if l.eol != "" {
		l.end.newlines--
	}
	l.eol = ""
}

func (l *lineReader) count(line []byte) {
	l.offset += uint64(len(line))
	if len(line) > 0 && line[len(line)-1] == '\n' {
		l.newlines++
	}
}

// piece returns the next octets of the content, not empty and valid until the
// next call; false at its end.
func (l *lineReader) piece() ([]byte, bool) {
	if l.line != nil {
		line := l.line
		l.line = nil
		return line, true
	}
	for !l.ended {
		line := l.next()
		if l.start && l.delimiter(line) {
			l.count(line)
			break
		}
		held := l.eol
		l.eol = ""
		if len(line) == 0 { // the end; a line end held back is content
			l.finish(-1, false)
			return l.lineEnd(held)
		}
		l.count(line)
		text := line
		if l.start = line[len(line)-1] == '\n'; l.start {
			text, l.eol = line[:len(line)-1], "\n"
			if n := len(text); n > 0 && text[n-1] == '\r' {
				text, l.eol = text[:n-1], "\r\n"
			}
		}
		switch {
		case held != "":
			if len(text) > 0 {
				l.line = text
			}
			return l.lineEnd(held)
		case len(text) > 0:
			return text, true
		}
	}
	return nil, false
}

func (l *lineReader) lineEnd(eol string) ([]byte, bool) {
	return l.eolBuf[:copy(l.eolBuf[:], eol)], eol != ""
}

// skip takes the content to its end.
func (l *lineReader) skip() {
	for ok := true; ok; {
		_, ok = l.piece()
	}
}

// resume goes on behind the boundary that was met.
func (l *lineReader) resume() {
	if l.level >= 0 {
		l.ended, l.final, l.level, l.start = false, false, -1, true
	}
}

func (l *lineReader) push(boundary string) (level int) {
	l.bounds = append(l.bounds, boundary)
	return len(l.bounds) - 1
}

func (l *lineReader) pop() { l.bounds = l.bounds[:len(l.bounds)-1] }

func (l *lineReader) mark() marker { return marker{l.offset, l.newlines} }

// since is the size of the content from a mark to its end.
func (l *lineReader) since(m marker) (octets, lines uint64) {
	if l.end.offset < m.offset {
		return 0, 0
	}
	return l.end.offset - m.offset, l.end.newlines - min(m.newlines, l.end.newlines)
}

// header takes the lines up to the empty one, at most limit octets of them.
func (l *lineReader) header(limit int) (raw []byte, cut bool) {
	for !l.ended {
		line := l.next()
		if len(line) == 0 {
			l.finish(-1, false)
			break
		}
		if l.start {
			if l.delimiter(line) {
				l.count(line)
				break
			}
			if len(bytes.TrimRight(line, "\r\n")) == 0 {
				l.count(line)
				break
			}
		}
		l.count(line)
		l.start = line[len(line)-1] == '\n'
		if len(raw)+len(line) > limit {
			cut = true
			continue
		}
		raw = append(raw, line...)
	}
	l.start = true
	return raw, cut
}

// findBoundary chooses the boundary of a multipart that begins: what it
// declares, decoded or raw, if it occurs soon, or else the first line that
// looks like one and is followed by a header, or else what it declares.
func (l *lineReader) findBoundary(declared ...string) string {
	if l.ended {
		return declared[0]
	}
	head, _ := l.r.Peek(2 * streamBuffer)
	for _, b := range declared {
		if b = strings.TrimRight(b, " \t"); b != "" && len(b) <= MaxBoundary && bytes.Contains(head, []byte("--"+b)) {
			return b
		}
	}
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		line, found := bytes.CutPrefix(line, []byte("--"))
		if !found || len(line) > MaxBoundary {
			continue
		}
		b := strings.TrimRight(string(line), " \t\r")
		if l.known(b) {
			break
		}
		if b != "" && !strings.Contains(b, " ") && len(head) >= 8 && strings.EqualFold(string(head[:8]), "content-") {
			return b
		}
	}
	for _, b := range declared {
		if b = strings.TrimRight(b, " \t"); b != "" && len(b) <= MaxBoundary {
			return b
		}
	}
	return ""
}

// known tells whether b is a boundary of a multipart around this one.
func (l *lineReader) known(b string) bool {
	for _, k := range l.bounds {
		if b == k || b == k+"--" {
			return true
		}
	}
	return false
}
