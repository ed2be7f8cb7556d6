package mailsource

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"time"
)

// fromWord is what the line between two messages of an mbox begins with.
const fromWord = "From "

// IsMbox reports whether octets begin as an mbox does, with a From_ line. A
// From field with blanks before its colon (RFC 5322 section 4.5) is none; the
// first maxField octets are enough to know.
func IsMbox(head []byte) bool {
	rest, found := bytes.CutPrefix(head, []byte(fromWord))
	return found && !bytes.HasPrefix(bytes.TrimLeft(rest, " \t"), []byte(":"))
}

// maxField is how many octets of a file are looked at by IsMbox.
const maxField = 1000

// Entry is one message of an mbox file.
type Entry struct {
	Date       time.Time // of the From_ line; zero where it cannot be read
	start, end int64     // the message's octets, as quoted
}

// Reader gives the message in r, the file it was found in, with the quoting of
// "From " undone.
func (e Entry) Reader(r io.ReaderAt) io.Reader { return e.reader(r, true, false) }

func (e Entry) reader(r io.ReaderAt, quoted, crlf bool) io.Reader {
	return &octets{in: bufio.NewReaderSize(io.NewSectionReader(r, e.start, e.end-e.start), bufferSize), quoted: quoted, crlf: crlf, start: true}
}

// Mbox finds the messages of an mbox file (RFC 4155, and mboxrd's quoting): it
// cuts at From_ lines that stand at the beginning or behind an empty line,
// which belongs to the From_ line. One behind an empty line must tell a time of
// day: mail has paragraphs that begin with the word. What stands in front of
// the first is no message.
func Mbox(r io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var e Entry
		open := false
		s := &lines{in: bufio.NewReaderSize(r, bufferSize), start: true, empty: true}
		for s.next() {
			if !s.separates() {
				continue
			}
			if e.end = s.last; open && !yield(e, nil) {
				return
			}
			open = true
			e = Entry{start: s.pos}
			e.Date, _ = fromLineDate(string(bytes.TrimRight(s.line, "\r\n")))
		}
		if e.end = s.tail(); open && s.err == nil {
			yield(e, nil)
		}
		if s.err != nil {
			yield(Entry{}, s.err)
		}
	}
}

// lines walks over the lines of a file. One that does not fit into the buffer
// comes in pieces.
type lines struct {
	in    *bufio.Reader
	line  []byte
	whole bool  // line begins a line
	start bool  // the next one will
	empty bool  // the line before was empty, or there was none
	last  int64 // where the message before ends: in front of the empty line
	pos   int64 // behind line
	blank bool  // line is an empty line
	err   error
}

func (s *lines) next() bool {
	s.empty = s.pos == 0 || s.blank
	if !s.blank {
		s.last = s.pos
	}
	line, err := s.in.ReadSlice('\n')
	if len(line) == 0 {
		if !errors.Is(err, io.EOF) {
			s.err = err
		}
		return false
	}
	s.line, s.whole = line, s.start
	s.start = line[len(line)-1] == '\n'
	s.blank = s.whole && s.start && len(bytes.TrimRight(line, "\r\n")) == 0
	if s.blank {
		s.last = s.pos
	}
	s.pos += int64(len(line))
	return true
}

// tail is where the last message ends.
func (s *lines) tail() int64 {
	if s.blank {
		return s.last
	}
	return s.pos
}

// separates reports whether line is a From_ line.
func (s *lines) separates() bool {
	return s.whole && s.start && s.empty && IsMbox(s.line) && (s.pos == int64(len(s.line)) || timeOfDay(s.line))
}

// timeOfDay reports whether a line holds something like 10:00.
func timeOfDay(line []byte) bool {
	digit := func(i int) bool { return i >= 0 && i < len(line) && line[i] >= '0' && line[i] <= '9' }
	for i, b := range line {
		if b == ':' && digit(i-1) && digit(i+1) && digit(i+2) {
			return true
		}
	}
	return false
}

// fromLineDate reads the date of "From sender Fri Nov 20 19:15:00 2026", in
// UTC, or with a zone before or behind the year.
func fromLineDate(line string) (time.Time, bool) {
	words := strings.Fields(line)
	for _, layout := range []string{"Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 2006 -0700", "Mon Jan 2 15:04:05 -0700 2006", "Mon Jan 2 15:04 2006"} {
		n := len(strings.Fields(layout))
		if len(words) < n+1 {
			continue
		}
		if t, err := time.Parse(layout, strings.Join(words[len(words)-n:], " ")); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
