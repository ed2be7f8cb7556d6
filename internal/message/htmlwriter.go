package message

import (
	"bufio"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

// htmlWriter writes words, with blanks between them collapsed, and line
// breaks as wanted by the elements around them.
type htmlWriter struct {
	w   *bufio.Writer
	err error

	quote, indent, pre int
	bullet             string // of the list item that begins
	hang               bool   // inside an item: its further lines stand below its text
	any                bool   // something has been written
	breaks             int    // line ends due before the next word
	space              bool   // a blank is due before the next word
	column             bool   // ... two of them, between two cells
	fresh              bool   // the cell or item has no word yet, so it needs no further line end
	preStart           bool   // nothing of the <pre> has been written
	letter             bool   // the last character was not ASCII, so joiners mean something
	lines, words       int    // that have been written
	lastQuote          int    // quote level of the last word
	link               *link
	see                func(HTMLLink) // is given the links in place of the text
	written            int            // octets
}

type link struct {
	url, href string
	text      strings.Builder
	at        int
}

func (w *htmlWriter) write(s string) {
	if w.err == nil {
		_, w.err = w.w.WriteString(s)
		w.written += len(s)
	}
}

// block asks for n line ends before the next word: 1 starts a new line, 2
// leaves an empty one.
func (w *htmlWriter) block(n int) {
	if w.any && !w.fresh {
		w.breaks = max(w.breaks, n)
	}
}

// lineBreak is <br>.
func (w *htmlWriter) lineBreak() {
	if w.any && !w.fresh {
		w.breaks = min(w.breaks+1, 2)
	}
}

func (w *htmlWriter) nextCell(newLine bool) {
	if newLine {
		w.breaks = max(w.breaks, 1)
		return
	}
	w.breaks, w.column = 0, true
}

// endCells drops the paragraph space at the end of a cell or row.
func (w *htmlWriter) endCells() {
	w.breaks, w.fresh = min(w.breaks, 1), false
}

// text writes text with its blanks collapsed, or as it is inside <pre>.
func (w *htmlWriter) text(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	start := 0 // of the word at hand
	for i, r := range s {
		blank := r <= ' ' && (r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f') || r == '\u00a0'
		if !blank && (r < utf8.RuneSelf || !w.vanishes(r)) {
			w.letter = r >= utf8.RuneSelf
			continue
		}
		w.word(s[start:i])
		start = i + utf8.RuneLen(r)
		switch {
		case !blank:
		case w.pre > 0 && r == '\n':
			w.letter = false
			w.preLine()
		case w.pre > 0 && r != '\r':
			w.letter = false
			w.word(preBlank(r))
		default:
			w.letter = false
			w.space = w.any
		}
	}
	w.word(s[start:])
}

// vanishes tells whether a character is there to fill up a preview or to
// allow a line break. Joiners stay where they join something.
func (w *htmlWriter) vanishes(r rune) bool {
	switch r {
	case '\u200c', '\u200d':
		return !w.letter
	case '\u00ad', '\u034f', '\u200b', '\ufeff':
		return true
	}
	return false
}

// preLine is a line end inside <pre>, where empty lines count. The one right
// behind the tag does not.
func (w *htmlWriter) preLine() {
	if w.any && !w.fresh && !w.preStart {
		w.breaks++
	}
	w.preStart = false
}

func preBlank(r rune) string {
	if r == '\t' {
		return "\t"
	}
	return " "
}

// word writes s behind the line ends, quote marks or blanks that are due.
func (w *htmlWriter) word(s string) {
	if s == "" {
		return
	}
	if w.link != nil && w.link.text.Len() < maxLink {
		if w.space && w.link.text.Len() > 0 {
			w.link.text.WriteByte(' ')
		}
		w.link.text.WriteString(s)
	}
	switch {
	case w.breaks > 0 || !w.any:
		w.newLine()
	case w.column:
		w.write("  ")
	case w.space:
		w.write(" ")
	}
	w.space, w.column, w.fresh, w.preStart, w.any, w.breaks = false, false, false, false, true, 0
	w.words++
	w.lastQuote = w.quote
	w.write(s)
}

func (w *htmlWriter) newLine() {
	// An empty line between two quote levels belongs to the outer one.
	between := strings.TrimRight(strings.Repeat("> ", min(w.quote, w.lastQuote, maxQuote)), " ")
	for range w.breaks {
		w.write("\n")
		w.lines++
		if w.breaks--; w.breaks > 0 {
			w.write(between)
		}
	}
	w.write(strings.Repeat("> ", min(w.quote, maxQuote)))
	w.write(strings.Repeat("  ", w.indent))
	switch {
	case w.bullet != "":
		w.write(w.bullet)
		w.bullet = ""
	case w.hang:
		w.write("  ")
	}
}

// end ends the last line.
func (w *htmlWriter) end() {
	if w.any {
		w.write("\n")
	}
}

func (w *htmlWriter) openLink(href string) {
	w.link = &link{url: linkURL(href), href: href, at: w.written}
}

// closeLink writes the URL, unless the text says it already.
func (w *htmlWriter) closeLink() {
	l := w.link
	w.link = nil
	if l != nil && w.see != nil {
		w.see(HTMLLink{URL: l.href, Text: l.text.String(), From: l.at, To: w.written})
		return
	}
	if l == nil || l.url == "" || sameLink(l.text.String(), l.url) {
		return
	}
	breaks := w.breaks
	if l.text.Len() > 0 { // on its line, also where a block ended
		w.breaks, w.space = 0, true
	}
	w.word("<" + l.url + ">")
	w.breaks = breaks
}

// linkURL is what is shown of a URL: nothing for those that lead nowhere
// outside of the message.
func linkURL(href string) string {
	href = strings.ToValidUTF8(href[:min(len(href), maxLink+1)], "")
	href = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(href))
	for _, p := range [...][2]string{{" ", "%20"}, {"<", "%3C"}, {">", "%3E"}} {
		href = strings.ReplaceAll(href, p[0], p[1])
	}
	scheme, _, found := strings.Cut(href, ":")
	if !found || len(href) > maxLink {
		return ""
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto", "ftp", "ftps", "tel", "sms", "xmpp", "sip", "news", "webcal", "geo":
		return href
	}
	return ""
}

// sameLink tells whether the text of a link is its URL, as people write it.
func sameLink(text, url string) bool {
	bare := func(s string) string {
		s = strings.ToLower(s)
		for _, p := range [...]string{"https://", "http://", "mailto:", "tel:"} {
			s = strings.TrimPrefix(s, p)
		}
		return strings.TrimSuffix(s, "/")
	}
	return bare(text) == bare(url)
}

// isVoid lists the elements that have no end tag.
func isVoid(t atom.Atom) bool {
	switch t {
	case atom.Area, atom.Base, atom.Basefont, atom.Bgsound, atom.Br, atom.Col, atom.Embed, atom.Frame, atom.Hr, atom.Img, atom.Input,
		atom.Link, atom.Meta, atom.Param, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}

// neverShown lists the elements whose text a person does not see in a mail.
// Everything else in <head> has none.
func neverShown(t atom.Atom) bool {
	switch t {
	case atom.Script, atom.Style, atom.Title, atom.Template, atom.Svg, atom.Noscript, atom.Noembed, atom.Noframes, atom.Iframe,
		atom.Audio, atom.Video, atom.Canvas, atom.Object, atom.Applet, atom.Datalist, atom.Select:
		return true
	}
	return false
}

func isTable(t atom.Atom) bool {
	switch t {
	case atom.Table, atom.Tr, atom.Td, atom.Th, atom.Tbody, atom.Thead, atom.Tfoot, atom.Body, atom.Html:
		return true
	}
	return false
}

// isBlock lists the elements that begin and end a line.
func isBlock(t atom.Atom) bool {
	switch t {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Body, atom.Caption, atom.Center, atom.Dd, atom.Details, atom.Dialog,
		atom.Dir, atom.Div, atom.Dl, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.H1, atom.H2,
		atom.H3, atom.H4, atom.H5, atom.H6, atom.Header, atom.Hr, atom.Legend, atom.Li, atom.Main, atom.Menu, atom.Nav, atom.Ol,
		atom.Option, atom.P, atom.Pre, atom.Section, atom.Summary, atom.Table, atom.Tr, atom.Ul:
		return true
	}
	return false
}
