package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// ErrCut says that a text is longer than its TextBuffer takes.
var ErrCut = errors.New("the text is longer than the limit and was cut")

// TextBuffer gathers text up to Max octets, 0 for all of it, and fails with
// ErrCut beyond them.
type TextBuffer struct {
	Max int
	b   strings.Builder
	cut bool
}

// Write is io.Writer's.
func (t *TextBuffer) Write(p []byte) (int, error) {
	room := max(t.Max-t.b.Len(), 0)
	if t.Max <= 0 || len(p) <= room && !t.cut {
		return t.b.Write(p)
	}
	t.cut = true
	n, _ := t.b.Write(p[:min(room, len(p))])
	return n, ErrCut
}

// String is the text so far, cut between two characters.
func (t *TextBuffer) String() string {
	s := t.b.String()
	if t.cut {
		s = s[:len(s)-partialRune(s)]
	}
	return s
}

// partialRune is the number of octets at the end of s that begin a character
// and do not end it.
func partialRune(s string) int {
	for n := 1; n <= min(len(s), utf8.UTFMax); n++ {
		if tail := s[len(s)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRuneInString(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// WriteText writes the leaf as a person reads it to w: r gives its octets as
// they were sent, the text comes out as UTF-8 with LF, HTML as HTMLToText has
// it, format=flowed as Flowed has it. Memory is constant. It blocks while r
// and w do; when w fails (a TextBuffer that is full), r is not read to its
// end. The warnings are for the row.
func (l *Leaf) WriteText(w io.Writer, r io.Reader) (warnings []string, err error) {
	return l.write(w, r, func(t io.Reader) error {
		switch {
		case l.HTML:
			return renderHTML(w, t)
		case l.Flowed:
			return unflow(w, t, l.DelSp)
		}
		_, err := io.Copy(w, t)
		return err
	})
}

// WriteSource is WriteText without the change of form: HTML stays HTML.
func (l *Leaf) WriteSource(w io.Writer, r io.Reader) (warnings []string, err error) {
	return l.write(w, r, func(t io.Reader) error {
		_, err := io.Copy(w, t)
		return err
	})
}

func (l *Leaf) write(w io.Writer, r io.Reader, do func(io.Reader) error) (warnings []string, err error) {
	d := Decode(r, l.Encoding)
	charset := l.Charset
	var octets io.Reader = d
	if l.HTML && charset == "" {
		b := bufio.NewReader(d)
		head, _ := b.Peek(sniffed) // an error comes again
		charset, octets = sniffCharset(head), b
	}
	t, _ := DecodeCharset(octets, charset)
	err = do(t)
	return append(d.Warnings(), t.Warnings()...), err
}

// sniffed is the number of octets in which HTML without a declared charset
// may declare one.
const sniffed = 1024

// sniffCharset finds the charset that HTML declares in a <meta> element, empty
// for none. UTF-16 cannot be meant where ASCII can be read.
func sniffCharset(head []byte) string {
	head = bytes.ToLower(head)
	for {
		_, rest, found := bytes.Cut(head, []byte("<meta"))
		if !found {
			return ""
		}
		tag, _, _ := bytes.Cut(rest, []byte(">"))
		if _, value, found := bytes.Cut(tag, []byte("charset")); found {
			name := strings.TrimLeft(string(value), " \t\r\n=\"'")
			if end := strings.IndexAny(name, " \t\r\n\"';/>"); end >= 0 {
				name = name[:end]
			}
			if !strings.HasPrefix(name, "utf-16") {
				return name
			}
		}
		head = rest
	}
}
