package cmds

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/imapknife/imapknife/internal/fault"
)

// saver writes files into one directory and never outside it.
type saver struct {
	dir       string
	root      *os.Root
	overwrite bool
	n         int
}

func newSaver(dir string, overwrite bool) (*saver, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot make the directory %q", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot open the directory %q", dir)
	}
	s := &saver{dir: dir, root: root, overwrite: overwrite}
	s.sweep()
	return s, nil
}

// unfinished is the name of a file while it is written: the process and a number.
const unfinished = ".imapknife-%d-%d"

// sweep removes what processes that were killed have left unfinished. One with
// this process's number is of another process, too: nothing is written yet.
func (s *saver) sweep() {
	dir, err := s.root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(1000)
		for _, name := range names {
			var pid, n int
			if _, err := fmt.Sscanf(name, unfinished, &pid, &n); err == nil && name == fmt.Sprintf(unfinished, pid, n) && (pid == os.Getpid() || processEnded(pid)) {
				s.root.Remove(name)
			}
		}
		if err != nil {
			return
		}
	}
}

func (s *saver) close() { s.root.Close() }

// write makes a file of r under a new name and gives it its own when it is
// whole; until then nobody else can read it. Where the name is taken by a file
// with the same octets, that is the file; else the error is fs.ErrExist, unless
// files may be overwritten. It returns the file's path and size.
func (s *saver) write(name string, r io.Reader) (string, int64, error) {
	if !s.overwrite {
		if info, err := s.root.Lstat(name); err == nil {
			n, err := s.same(name, info, r)
			return filepath.Join(s.dir, path.Clean(name)), n, err
		}
	}
	f, tmp, err := s.create()
	if err != nil {
		return "", 0, err
	}
	defer s.root.Remove(tmp)
	info, err := f.Stat() // the mode that the user's mask leaves
	if err == nil {
		f.Chmod(0o600) // where the file system has modes
	}
	n, err := io.Copy(localWriter{f}, r)
	if info != nil {
		f.Chmod(info.Mode())
	}
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fault.Wrap(fault.Local, cerr, "cannot write into %q", s.dir)
	}
	if err != nil {
		return "", n, err
	}
	return filepath.Join(s.dir, path.Clean(name)), n, s.name(tmp, name)
}

// create makes a new file for what is written.
func (s *saver) create() (*os.File, string, error) {
	for {
		s.n++
		tmp := fmt.Sprintf(unfinished, os.Getpid(), s.n)
		f, err := s.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err == nil {
			return f, tmp, nil
		}
		if !errors.Is(err, fs.ErrExist) { // another run in this process may have it
			return nil, "", fault.Wrap(fault.Local, err, "cannot write into %q", s.dir)
		}
	}
}

// same compares r with the file that has its name. The error is fs.ErrExist where
// they differ.
func (s *saver) same(name string, info fs.FileInfo, r io.Reader) (int64, error) {
	if !info.Mode().IsRegular() {
		return 0, fs.ErrExist
	}
	f, err := s.root.Open(name)
	if err != nil {
		return 0, fs.ErrExist
	}
	defer f.Close()
	n, err := io.Copy(&comparison{f: f}, r)
	if err == nil && n != info.Size() {
		err = fs.ErrExist
	}
	return n, err
}

// comparison takes octets as long as they are those of a file.
type comparison struct {
	f   io.Reader
	buf []byte
}

func (c *comparison) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	n, _ := io.ReadFull(c.f, c.buf[:len(p)])
	if !bytes.Equal(c.buf[:n], p) {
		return 0, fs.ErrExist
	}
	return len(p), nil
}

// name gives a finished file its name. A link fails where the name has been
// taken meanwhile; file systems without links get a rename.
func (s *saver) name(tmp, name string) error {
	if !s.overwrite {
		err := s.root.Link(tmp, name)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := s.root.Rename(tmp, name); err != nil {
		return fault.Wrap(fault.Local, err, "cannot write %q into %q", name, s.dir)
	}
	return nil
}

// localWriter tells errors of the disk from errors of the server.
type localWriter struct{ f *os.File }

func (w localWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = fault.Wrap(fault.Local, err, "cannot write the file")
	}
	return n, err
}
