package mailsource

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/message"
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
	Warning    string    // about that date, empty for none
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
			e.Date, e.Warning = fromLineDate(string(bytes.TrimRight(s.line, "\r\n")))
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

// What a row says of a From_ line.
const (
	noFromDate  = "the date of its From_ line cannot be read"
	unknownZone = "the time zone of its From_ line is not known, UTC was taken for it"
)

// fromLineDate reads the date of "From sender Fri Nov 20 19:15:00 2026", in
// UTC, or with a zone or its name anywhere behind the time, and what there is
// to warn about; the time is zero where it cannot be read.
func fromLineDate(line string) (at time.Time, warning string) {
	words := strings.Fields(line)
	if !timeOfDay([]byte(line)) || len(words) < 3 {
		return time.Time{}, noFromDate
	}
	start := slices.IndexFunc(words[1:], isWeekday) + 1
	if start == 0 {
		start = 2 // behind the sender
	}
	at, sure, ok := message.ParseDateZone(strings.Join(words[start:], " "))
	switch {
	case !ok:
		return time.Time{}, noFromDate
	case !sure:
		return at, unknownZone
	}
	return at, ""
}

func isWeekday(word string) bool {
	return slices.Contains([]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}, strings.TrimRight(word, ","))
}

// IsInternal reports whether the first message of an mbox, by its header, is
// where c-client (Pine, UW imapd) keeps the state of the folder. It is no mail.
func IsInternal(header []byte) bool {
	subject, state := false, false
	for _, f := range message.ParseHeader(header) {
		switch strings.ToLower(f.Name) {
		case "subject":
			subject = bytes.HasSuffix(bytes.ToUpper(f.Raw), []byte("FOLDER INTERNAL DATA"))
		case "x-imap":
			state = true
		}
	}
	return subject && state
}
