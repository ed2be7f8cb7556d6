package output

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
)

// sniffLen is how many octets Raw looks at before it writes to a terminal.
const sniffLen = 8000

// Raw copies r to w as it is and returns the octets read from r. On a terminal
// it refuses binary data with fault.Safety before anything is written, and
// makes control characters visible. An error of r is returned unchanged, after
// what came before it was written.
func Raw(w io.Writer, r io.Reader, tty bool) (int64, error) {
	if !tty {
		return io.Copy(stdout{w}, r)
	}
	var err error
	n, head := 0, make([]byte, sniffLen)
	for n < sniffLen && err == nil {
		var m int
		m, err = r.Read(head[n:])
		n += m
	}
	head = head[:n]
	if binary(head) {
		return int64(n), fault.New(fault.Safety, "cannot write binary data to a terminal").
			Hint("redirect standard output to a file, or use --dir")
	}
	text := Text(w, true)
	read := int64(n)
	if _, werr := text.Write(head); werr != nil {
		return read, werr
	}
	if err == nil {
		var more int64
		more, err = io.Copy(text, r)
		read += more
	} else if err == io.EOF {
		err = nil
	}
	if cerr := text.Close(); err == nil {
		err = cerr
	}
	return read, err
}

// binary guesses whether data is no text: it has a control character that no
// text has, or many octets that are not UTF-8. Few of them are Latin-1.
func binary(data []byte) bool {
	invalid := 0
	for rest := data; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r < ' ' && !bytes.ContainsRune([]byte("\t\n\v\f\r\b\x0e\x0f\x1b"), r) {
			return true // the last three switch character sets in ISO 2022
		}
		if r == utf8.RuneError && n == 1 && (utf8.FullRune(rest) || len(data) < sniffLen) {
			invalid++
		}
		rest = rest[n:]
	}
	return invalid*10 > len(data)
}

// Text returns a writer for a person's text, such as a message's body: bytes
// pass unchanged into a pipe; on a terminal CRLF becomes a newline and control
// characters are made visible. Close writes what is left of a cut character;
// it does not close w.
func Text(w io.Writer, tty bool) io.WriteCloser {
	if !tty {
		return stdout{w}
	}
	return &visibleWriter{w: stdout{w}}
}

type visibleWriter struct {
	w         io.Writer
	buf, rest []byte // rest: at most one character that the next Write completes
	prev      rune
}

func (v *visibleWriter) Write(p []byte) (int, error) {
	if err := v.write(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (v *visibleWriter) Close() error { return v.write(nil, true) }

func (v *visibleWriter) write(p []byte, final bool) error {
	src := p
	if len(v.rest) > 0 {
		src = append(v.rest, p...)
	}
	out, rest := appendVisible(v.buf[:0], src, &v.prev, true, final)
	v.buf = out
	v.rest = append([]byte(nil), rest...)
	if len(out) == 0 {
		return nil
	}
	_, err := v.w.Write(out)
	return err
}

// stdout gives the errors of standard output their kind.
type stdout struct{ w io.Writer }

func (s stdout) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err == nil {
		return n, nil
	}
	kind := fault.Local
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		kind = fault.Closed
	}
	return n, fault.Wrap(kind, err, "cannot write to standard output")
}

func (stdout) Close() error { return nil }
