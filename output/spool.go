package output

import (
	"io"
	"os"

	"github.com/imapknife/imapknife/internal/fault"
)

const spoolMemory = 1 << 20 // octets a spool keeps in memory

// spool keeps octets until it is known whether they may be written: in memory,
// then in a temporary file that has no name, where the system lets a file in
// use lose it. Its zero value is empty.
type spool struct {
	buf  []byte
	file *os.File
	name string // of a file that could not be unlinked yet
}

func (s *spool) add(p []byte) error {
	s.buf = append(s.buf, p...)
	if len(s.buf) <= spoolMemory {
		return nil
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "imapknife-*.json")
		if err != nil {
			return fault.Wrap(fault.Local, err, "cannot keep the answer in a temporary file").
				Hint("TMPDIR names another directory; --jsonl needs none")
		}
		s.file = f
		if err := os.Remove(f.Name()); err != nil {
			s.name = f.Name()
		}
	}
	if _, err := s.file.Write(s.buf); err != nil {
		return fault.Wrap(fault.Local, err, "cannot keep the answer in a temporary file").
			Hint("TMPDIR names another directory; --jsonl needs none")
	}
	s.buf = s.buf[:0]
	if cap(s.buf) > 4*spoolMemory {
		s.buf = nil
	}
	return nil
}

// writeTo copies everything to w.
func (s *spool) writeTo(w io.Writer) error {
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return fault.Wrap(fault.Local, err, "cannot read the temporary file back")
		}
		if _, err := io.Copy(w, s.file); err != nil {
			return err
		}
	}
	_, err := w.Write(s.buf)
	return err
}

// discard frees what s holds.
func (s *spool) discard() {
	if s.file != nil {
		s.file.Close() // the data is not wanted any more
	}
	if s.name != "" {
		os.Remove(s.name)
	}
	*s = spool{}
}
