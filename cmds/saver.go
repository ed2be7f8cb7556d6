package cmds

import (
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
	return &saver{dir: dir, root: root, overwrite: overwrite}, nil
}

func (s *saver) close() { s.root.Close() }

// write makes a file of r under a new name and gives it its own when it is
// whole. Where the name is taken the error is fs.ErrExist, unless files may be
// overwritten. It returns the file's path and size.
func (s *saver) write(name string, r io.Reader) (string, int64, error) {
	if !s.overwrite {
		if _, err := s.root.Lstat(name); err == nil {
			return "", 0, fs.ErrExist
		}
	}
	s.n++
	tmp := fmt.Sprintf(".imapknife-%d-%d", os.Getpid(), s.n)
	f, err := s.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return "", 0, fault.Wrap(fault.Local, err, "cannot write into %q", s.dir)
	}
	defer s.root.Remove(tmp)
	n, err := io.Copy(localWriter{f}, r)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fault.Wrap(fault.Local, cerr, "cannot write into %q", s.dir)
	}
	if err != nil {
		return "", n, err
	}
	return filepath.Join(s.dir, path.Clean(name)), n, s.name(tmp, name)
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
