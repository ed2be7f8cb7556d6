package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode"
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

// Blank reports a text in which nothing is seen.
func Blank(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.IsControl(r) && visible(r) >= 0
	})
}

// maxBlank is how much text in which nothing is seen a BlankWriter holds back,
// in octets.
const maxBlank = 64 << 10

// BlankWriter holds text back as long as nothing is seen in it: Held, which the
// caller sets, says that it still does. What it holds at the end is lost.
type BlankWriter struct {
	W    io.Writer
	Held bool
	b    []byte
}

// Write is io.Writer's. A character may come in pieces.
func (w *BlankWriter) Write(p []byte) (int, error) {
	if !w.Held {
		return w.W.Write(p)
	}
	w.b = append(w.b, p...)
	if whole := len(w.b) - partialRune(string(w.b[max(0, len(w.b)-utf8.UTFMax):])); Blank(string(w.b[:whole])) && len(w.b) <= maxBlank {
		return len(p), nil
	}
	w.Held = false
	_, err := w.W.Write(w.b)
	w.b = nil
	return len(p), err
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
	t := l.decodeCharset(d)
	err = do(t)
	return append(d.Warnings(), t.Warnings()...), err
}

// decodeCharset reads the leaf's text out of its charset: the one of a byte
// order mark, that declared for it, or that which HTML declares in itself.
func (l *Leaf) decodeCharset(r io.Reader) *TextReader {
	b := bufio.NewReader(r)
	head, _ := b.Peek(len(bom)) // an error comes again
	charset := l.Charset
	switch {
	case string(head) == bom:
		charset = "utf-8"
	case l.HTML && charset == "":
		head, _ = b.Peek(sniffed)
		charset = sniffCharset(head)
	}
	t, _ := DecodeCharset(b, charset)
	t.text.sibling = l.sibling
	return t
}

// bom is UTF-8's byte order mark.
const bom = "\xef\xbb\xbf"

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
