package message

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLToText makes text of HTML as a person reads it. r gives UTF-8. Links
// become "text <url>", unless text and URL are the same; list items begin
// with "- " or their number, quotes with "> "; cells of a table row stand on
// one line where they hold one; images are their alternative texts. Scripts,
// styles and what is hidden are left out. Nothing is fetched. At most max
// octets are returned, with ErrCut when that was not all; no limit for 0. An
// error of r is returned with the text before it.
func HTMLToText(r io.Reader, max int) (string, error) {
	b := TextBuffer{Max: max}
	err := renderHTML(&b, r)
	return b.String(), err
}

const (
	maxToken   = 1 << 20 // octets of a tag, comment or piece of text held at once; longer tags are left out
	maxElement = 256     // open elements that are followed
	maxLink    = 2048    // octets of a URL that is shown, and of the text compared with it
	maxIndent  = 20      // levels of lists that are indented
)

// renderHTML is HTMLToText as a stream, in constant memory.
func renderHTML(w io.Writer, r io.Reader) error {
	return renderTo(&htmlWriter{w: bufio.NewWriter(w)}, r)
}

func renderTo(out *htmlWriter, r io.Reader) error {
	h := &htmlReader{out: out}
	err := h.read(r)
	for len(h.stack) > 0 {
		h.pop()
	}
	out.end()
	if e := out.w.Flush(); e != nil {
		return e
	}
	return err
}

// htmlReader follows the elements whose end means something: those that
// change how text is written, and everything inside a hidden one.
type htmlReader struct {
	out    *htmlWriter
	stack  []element
	hidden int    // elements on the stack from the outermost hidden one on; 0 for none
	sized  int    // elements on the stack from the outermost of font size 0 on; 0 for none
	tail   []byte // the start of a character that the tokenizer cut
	lists  []list
	row    row
}

// row is the table row at hand.
type row struct {
	cells int
	words int // words that were out when it began
	lines int // lines that were out when its last cell began
}

type element struct {
	tag    atom.Atom
	name   string // for tags without an atom
	hidden bool
	tiny   bool // its own text is of size 0
	row    row  // for a table row, the row around it
}

type list struct {
	ordered bool
	n       int
}

func (h *htmlReader) read(r io.Reader) error {
	for {
		z := html.NewTokenizer(r)
		z.SetMaxBuf(maxToken)
		last := html.ErrorToken
		for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
			h.token(z, tt)
			last = tt
			if h.out.err != nil {
				return h.out.err
			}
		}
		err := z.Err()
		if err == io.EOF {
			return nil
		}
		if !errors.Is(err, html.ErrBufferExceeded) {
			return err
		}
		// A tag or comment too long to hold is skipped, text goes on.
		rest := bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(z.Buffered())), r))
		if len(z.Raw()) > 0 || last == html.CommentToken {
			for err = bufio.ErrBufferFull; errors.Is(err, bufio.ErrBufferFull); {
				_, err = rest.ReadSlice('>')
			}
		}
		r = rest
	}
}

func (h *htmlReader) token(z *html.Tokenizer, tt html.TokenType) {
	switch tt {
	case html.TextToken:
		if h.hidden == 0 && !h.tiny() {
			h.text(z.Text())
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, more := z.TagName()
		e := element{tag: atom.Lookup(name)}
		if e.tag == 0 {
			e.name = string(name)
		}
		h.start(e, readAttributes(z, more))
	case html.EndTagToken:
		name, _ := z.TagName()
		e := element{tag: atom.Lookup(name)}
		if e.tag == 0 {
			e.name = string(name)
		}
		h.endTag(e)
	}
}

// text writes text that the tokenizer may have cut inside a character.
func (h *htmlReader) text(b []byte) {
	if len(h.tail) > 0 {
		b = append(h.tail, b...)
		h.tail = nil
	}
	s := string(b)
	if n := partialRune(s); n > 0 {
		h.tail, s = []byte(s[len(s)-n:]), s[:len(s)-n]
	}
	h.out.text(s)
}

// attributes are those that matter.
type attributes struct {
	href, alt, start, value string
	style                   style
}

func readAttributes(z *html.Tokenizer, more bool) (a attributes) {
	for more {
		var key, val []byte
		key, val, more = z.TagAttr()
		switch string(key) {
		case "href":
			a.href = string(val)
		case "alt":
			a.alt = string(val)
		case "start":
			a.start = string(val[:min(len(val), 9)])
		case "value":
			a.value = string(val[:min(len(val), 9)])
		case "hidden":
			a.style.hidden = true
		case "style":
			a.style.read(string(val))
		}
	}
	return a
}

// start is what a start tag does. What is hidden does nothing but to be
// followed to its end.
func (h *htmlReader) start(e element, a attributes) {
	h.implyEnds(e.tag)
	if isVoid(e.tag) {
		if h.hidden == 0 && !a.style.hidden {
			h.void(e.tag, a)
		}
		return
	}
	e.hidden = a.style.hidden || neverShown(e.tag)
	e.tiny = a.style.tiny || h.tiny() && !a.style.sized
	if h.hidden > 0 || e.hidden {
		h.push(e)
		return
	}
	out, open := h.out, len(h.stack)
	switch e.tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		out.block(2)
	case atom.Blockquote:
		out.block(2)
		out.quote++
		h.push(e)
	case atom.Pre, atom.Listing, atom.Xmp, atom.Plaintext, atom.Textarea:
		out.block(1)
		out.pre, out.preStart = out.pre+1, true
		h.push(e)
	case atom.Ul, atom.Ol, atom.Menu, atom.Dir:
		if len(h.lists) == 0 {
			out.block(2)
		}
		out.block(1)
		h.lists = append(h.lists, list{ordered: e.tag == atom.Ol, n: max(digits(a.start)-1, 0)})
		h.push(e)
	case atom.Li:
		h.item(digits(a.value))
	case atom.Dd:
		out.block(1)
		out.indent++
		h.push(e)
	case atom.Tr:
		out.block(1)
		e.row, h.row = h.row, row{words: out.words}
		h.push(e)
	case atom.Td, atom.Th:
		h.cell(e)
	case atom.A:
		if e.tiny {
			a.href = ""
		}
		out.openLink(a.href)
		h.push(e)
	case atom.Table, atom.Dl:
		out.block(1)
		h.push(e)
	default:
		if isBlock(e.tag) {
			out.block(1)
		}
	}
	if len(h.stack) == open && (e.tiny || h.sized > 0) { // followed to its end as well
		h.push(e)
	}
}

// tiny reports whether text at hand is of size 0.
func (h *htmlReader) tiny() bool { return h.sized > 0 && h.stack[len(h.stack)-1].tiny }

func (h *htmlReader) void(tag atom.Atom, a attributes) {
	switch tag {
	case atom.Br:
		h.out.lineBreak()
	case atom.Hr:
		h.out.block(1)
		h.out.word("----------")
		h.out.block(1)
	case atom.Img:
		h.out.text(a.alt)
	case atom.Area:
		h.out.text(a.alt)
		if h.out.see != nil && a.href != "" {
			h.out.see(HTMLLink{URL: a.href, Text: a.alt, From: h.out.written, To: h.out.written})
		}
	}
}

// item begins a list item; number is what it counts as, -1 for the next.
func (h *htmlReader) item(number int) {
	h.out.block(1)
	h.out.bullet, h.out.hang, h.out.fresh = "- ", true, true
	if n := len(h.lists); n > 0 {
		h.out.indent = min(n-1, maxIndent)
		if l := &h.lists[n-1]; l.ordered {
			if l.n++; number >= 0 {
				l.n = number
			}
			h.out.bullet = strconv.Itoa(l.n) + ". "
		}
	}
}

// cell begins a table cell: on the line of the cell before, unless that one
// had several lines.
func (h *htmlReader) cell(e element) {
	out := h.out
	if h.row.cells > 0 && out.words > h.row.words {
		out.nextCell(out.lines > h.row.lines)
	}
	out.fresh = true
	h.row.cells++
	h.row.lines = out.lines + out.breaks
	h.push(e)
}

// endTag closes the element that it names and what is open inside. It does
// not reach out of a table cell, unless it is the table's own.
func (h *htmlReader) endTag(e element) {
	for i := len(h.stack) - 1; i >= 0; i-- {
		if s := h.stack[i]; s.tag == e.tag && s.name == e.name {
			h.popTo(i)
			return
		} else if (s.tag == atom.Td || s.tag == atom.Th) && !isTable(e.tag) {
			break
		}
	}
	if h.hidden > 0 {
		// Everything in a hidden element is on the stack, so this one was
		// opened outside and ends it, unless it is a stray one.
		if isBlock(e.tag) && e.tag != atom.P {
			h.popTo(len(h.stack) - h.hidden)
		}
		return
	}
	switch e.tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		h.out.block(2)
	case atom.Br:
		h.out.lineBreak()
	default:
		if isBlock(e.tag) {
			h.out.block(1)
		}
	}
}

// implyEnds closes what a start tag ends without an end tag.
func (h *htmlReader) implyEnds(tag atom.Atom) {
	switch tag {
	case atom.Li:
		h.closeOpen([]atom.Atom{atom.Li}, atom.Ul, atom.Ol, atom.Menu, atom.Dir, atom.Td, atom.Th)
	case atom.Dt, atom.Dd:
		h.closeOpen([]atom.Atom{atom.Dt, atom.Dd}, atom.Dl, atom.Ul, atom.Ol, atom.Td, atom.Th)
	case atom.Tr, atom.Tbody, atom.Tfoot, atom.Thead:
		h.closeOpen([]atom.Atom{atom.Tr}, atom.Table)
	case atom.Td, atom.Th:
		h.closeOpen([]atom.Atom{atom.Td, atom.Th}, atom.Tr, atom.Table)
	case atom.A:
		h.closeOpen([]atom.Atom{atom.A}, atom.Td, atom.Th)
	}
	if (h.hidden > 0 || h.sized > 0) && isBlock(tag) {
		h.closeOpen([]atom.Atom{atom.P}, atom.Table, atom.Caption, atom.Td, atom.Th, atom.Button)
	}
}

// closeOpen closes the innermost of tags that is open inside the innermost of
// scope.
func (h *htmlReader) closeOpen(tags []atom.Atom, scope ...atom.Atom) {
	for i := len(h.stack) - 1; i >= 0; i-- {
		for _, t := range tags {
			if h.stack[i].tag == t {
				h.popTo(i)
				return
			}
		}
		for _, t := range scope {
			if h.stack[i].tag == t {
				return
			}
		}
	}
}

// push remembers an open element. Where there are too many it is forgotten,
// and its end tag may end its effect on what is around it: more is shown then
// rather than less.
func (h *htmlReader) push(e element) {
	switch {
	case len(h.stack) >= maxElement:
		h.undo(e)
		return
	case h.hidden > 0 || e.hidden:
		h.hidden++
	}
	if h.sized > 0 || e.tiny {
		h.sized++
	}
	h.stack = append(h.stack, e)
}

func (h *htmlReader) popTo(i int) {
	for len(h.stack) > i {
		h.pop()
	}
}

func (h *htmlReader) pop() {
	e := h.stack[len(h.stack)-1]
	h.stack = h.stack[:len(h.stack)-1]
	h.sized = max(h.sized-1, 0)
	if h.hidden > 0 {
		h.hidden--
		return
	}
	h.undo(e)
}

// undo takes back what start did for e.
func (h *htmlReader) undo(e element) {
	if e.hidden {
		return
	}
	out := h.out
	switch e.tag {
	case atom.Blockquote:
		out.block(2)
		out.quote--
	case atom.Pre, atom.Listing, atom.Xmp, atom.Plaintext, atom.Textarea:
		out.block(1)
		out.pre--
	case atom.Ul, atom.Ol, atom.Menu, atom.Dir:
		out.block(1)
		out.bullet, out.hang, out.fresh = "", len(h.lists) > 1, false
		h.lists = h.lists[:len(h.lists)-1]
		out.indent = min(max(len(h.lists)-1, 0), maxIndent)
		if len(h.lists) == 0 {
			out.block(2)
		}
	case atom.Dd:
		out.block(1)
		out.indent = max(out.indent-1, 0)
	case atom.Tr:
		h.row = e.row
		out.endCells()
	case atom.Td, atom.Th:
		out.endCells()
	case atom.A:
		out.closeLink()
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		out.block(2)
	default:
		if isBlock(e.tag) {
			out.block(1)
		}
	}
}
