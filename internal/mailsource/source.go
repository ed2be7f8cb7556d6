// Package mailsource reads the messages that a person hands over: files of one
// message, mbox files, Maildirs, and standard input. It tells them one at a
// time and leaves them where they are: of each it knows the size and how to
// read the octets that IMAP wants, as often as need be. It must not hold a
// message in memory, change a source, or know where messages go.
package mailsource

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
)

// Set is what a command line names. Close it when its messages are done with.
type Set struct{ sources []*source }

// source is one name: a file of one message or of many, or a Maildir.
type source struct {
	name    string
	maildir bool
	mbox    bool
	spool   *os.File // an unlinked copy of what can be read only once
}

// Open looks at every name; "-" is stdin. What can be read only once, a pipe,
// is copied into an unlinked file here, to its end. Errors are of kind Usage.
func Open(names []string, stdin io.Reader) (*Set, error) {
	s := &Set{}
	for _, name := range names {
		src, err := look(name, stdin)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.sources = append(s.sources, src)
	}
	return s, nil
}

// Close lets go of what Open has copied.
func (s *Set) Close() {
	for _, src := range s.sources {
		if src.spool != nil {
			src.spool.Close()
		}
	}
}

// All tells the messages in their order: those of a Maildir by date. It may be
// run several times. An error, of kind Local, ends it: what follows could not
// be found. A message that cannot be read is told with its Problem.
func (s *Set) All() iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		for _, src := range s.sources {
			for m, err := range src.all() {
				if err != nil {
					err = fault.Wrap(fault.Local, plain(err), "cannot read %q", src.name)
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// look finds out what a name stands for.
func look(name string, stdin io.Reader) (*source, error) {
	if name == "-" {
		src := &source{name: name}
		return src, src.copy(stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch src := (&source{name: name}); {
	case err != nil:
		return nil, unreadable(name, err)
	case info.IsDir() && !IsMaildir(name):
		return nil, fault.New(fault.Usage, "the directory %q is no Maildir", name).
			Hint("a Maildir has cur and new in it; name the files of any other directory")
	case info.IsDir():
		src.maildir = true
		return src, nil
	case info.Mode().IsRegular():
		src.mbox, err = isMbox(f)
		if err != nil {
			return nil, unreadable(name, err)
		}
		return src, nil
	default:
		return src, src.copy(f)
	}
}

func unreadable(name string, err error) error {
	return fault.Wrap(fault.Usage, plain(err), "cannot read %q", name)
}

// plain is the error without the path, which stands in the message already.
func plain(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// copy keeps what r gives in a file that has no name.
func (s *source) copy(r io.Reader) error {
	what := fmt.Sprintf("%q", s.name)
	if s.name == "-" {
		what = "standard input"
	}
	f, err := os.CreateTemp("", "imapknife-*")
	if err != nil {
		return fault.Wrap(fault.Local, err, "cannot keep %s", what)
	}
	os.Remove(f.Name())
	s.spool = f
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		if pe, ok := errors.AsType[*fs.PathError](err); ok && pe.Op == "write" {
			return fault.Wrap(fault.Local, pe.Err, "cannot keep %s", what)
		}
		return fault.Wrap(fault.Local, plain(err), "cannot read %s", what)
	}
	s.mbox, err = isMbox(f)
	return err
}

// isMbox reports whether a file begins as an mbox does.
func isMbox(f io.ReaderAt) (bool, error) {
	head := make([]byte, maxField)
	n, err := f.ReadAt(head, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return IsMbox(head[:n]), err
}

func (s *source) all() iter.Seq2[*Message, error] {
	switch {
	case s.maildir:
		return maildir(s.name)
	case s.mbox:
		return s.mboxMessages()
	}
	return func(yield func(*Message, error) bool) {
		yield(single(Message{Source: s.name}, file{s.name, s.spool}), nil)
	}
}

// single is the message that is all of a file.
func single(m Message, f file) *Message {
	r, info, done, err := f.open()
	if err != nil {
		m.Problem = err
		return &m
	}
	defer done()
	m.read(f, info, r, Entry{end: info.Size()}, false)
	return &m
}

func (s *source) mboxMessages() iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		f := file{s.name, s.spool}
		r, info, done, err := f.open()
		if err != nil {
			yield(nil, err)
			return
		}
		defer done()
		n := 0
		for e, err := range Mbox(io.NewSectionReader(r, 0, info.Size())) {
			if err != nil {
				yield(nil, err)
				return
			}
			n++
			m := &Message{Source: s.name, Number: n, Date: e.Date, Warning: e.Warning}
			m.read(f, info, r, e, true)
			m.Internal = m.Internal && n == 1
			if !yield(m, nil) {
				return
			}
		}
	}
}

// file is where octets are: at a path, or in an open file without one.
type file struct {
	path  string
	spool *os.File
}

func (f file) open() (r io.ReaderAt, info fs.FileInfo, done func(), err error) {
	in, done := f.spool, func() {}
	if in == nil {
		if in, err = os.Open(f.path); err != nil {
			return nil, nil, nil, plain(err)
		}
		done = func() { in.Close() }
	}
	if info, err = in.Stat(); err != nil {
		done()
		return nil, nil, nil, plain(err)
	}
	return in, info, done, nil
}

// Message is one message of a source.
type Message struct {
	Source    string    // the file, "-" for standard input
	Number    int       // which of the mbox, from 1; 0 elsewhere
	Flags     []string  // those that a Maildir's file name tells
	Date      time.Time // a Maildir's file's, or of an mbox's From_ line; zero for none
	Warning   string    // why Date is zero or may be wrong; empty for nothing
	Internal  bool      // it is a mail program's own data, and no mail
	Size      int64     // octets that Open's reader gives
	Converted bool      // there are bare LF: Open's reader gives CRLF for them
	NUL       bool      // there are NUL octets
	MessageID string    // the header field, empty for none
	Problem   error     // why the message cannot be read; nil if it can

	file   file
	info   fs.FileInfo
	entry  Entry
	quoted bool
}

// read goes through the message once, for its size and what else is to know.
func (m *Message) read(f file, info fs.FileInfo, r io.ReaderAt, e Entry, quoted bool) {
	m.file, m.info, m.entry, m.quoted = f, info, e, quoted
	var s survey
	if _, err := io.Copy(&s, e.reader(r, quoted, false)); err != nil {
		m.Problem = plain(err)
		return
	}
	m.Converted, m.NUL = s.bare > 0, s.nul
	m.Size = s.size + s.bare
	m.MessageID = message.MessageID(s.head)
	m.Internal = quoted && IsInternal(s.head)
}

// Open begins to read the message. That a file is no longer what it was is an
// error of kind Local.
func (m *Message) Open() (io.ReadCloser, error) {
	if m.Problem != nil {
		return nil, m.Problem
	}
	r, info, done, err := m.file.open()
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot read %q", m.Source)
	}
	if !os.SameFile(info, m.info) || info.Size() != m.info.Size() || !info.ModTime().Equal(m.info.ModTime()) {
		done()
		return nil, fault.New(fault.Local, "%q has changed meanwhile", m.Source)
	}
	return &closing{m.entry.reader(r, m.quoted, m.Converted), done}, nil
}

// closing is a reader that lets go of its file.
type closing struct {
	io.Reader
	done func()
}

func (c *closing) Close() error { c.done(); return nil }
