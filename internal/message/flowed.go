package message

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Flowed joins the lines of format=flowed text (RFC 3676) to paragraphs, one
// a line, with quotes marked by "> ". delsp is the parameter of that name.
func Flowed(text string, delsp bool) string {
	var b strings.Builder
	// Neither end of this can fail.
	_ = unflow(&b, strings.NewReader(text), delsp)
	return b.String()
}

// maxQuote is the number of quote levels that are shown.
const maxQuote = 32

// unflow is Flowed as a stream, in constant memory however long the lines.
func unflow(w io.Writer, r io.Reader, delsp bool) error {
	in := bufio.NewReaderSize(r, streamBuffer)
	out := bufio.NewWriter(w)
	f := flow{w: out, delsp: delsp}
	for {
		chunk, err := in.ReadSlice('\n')
		if len(chunk) > 0 {
			f.chunk(chunk)
		}
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF:
			f.endLine()
			if f.open {
				f.write("\n")
			}
			return out.Flush()
		default:
			out.Flush()
			return err
		}
	}
}

type flow struct {
	w      *bufio.Writer
	delsp  bool
	inLine bool // a chunk of the line at hand was seen
	open   bool // a paragraph waits for its next line
	quote  int  // its quote level
	space  bool // a blank at the end of the line so far, not yet written
	signed bool // the line at hand is the signature's mark
}

// write needs no error: bufio.Writer keeps it for Flush.
func (f *flow) write(s string) { _, _ = f.w.WriteString(s) }

func (f *flow) chunk(b []byte) {
	s, whole := strings.CutSuffix(string(b), "\n")
	if whole {
		s = strings.TrimSuffix(s, "\r")
	}
	if !f.inLine {
		s = f.startLine(s)
	}
	if s != "" {
		if f.space {
			f.write(" ")
		}
		s, f.space = strings.CutSuffix(s, " ")
		f.write(s)
	}
	if whole {
		f.endLine()
	}
}

// startLine takes the quote marks and the stuffed space, and ends the
// paragraph before where this line is none of it.
func (f *flow) startLine(s string) string {
	f.inLine = true
	rest := strings.TrimLeft(s, ">")
	quote := len(s) - len(rest)
	rest = strings.TrimPrefix(rest, " ")
	f.signed = rest == "-- "
	if f.open && (quote != f.quote || f.signed) {
		f.write("\n")
		f.open = false
	}
	if !f.open && quote > 0 {
		f.write(strings.Repeat(">", min(quote, maxQuote)))
		if rest != "" {
			f.write(" ")
		}
	}
	f.quote = quote
	return rest
}

// endLine ends a line: a blank at its end means that the next one goes on
// with the paragraph.
func (f *flow) endLine() {
	if !f.inLine {
		return
	}
	f.open = f.space && !f.signed
	if f.space && (!f.open || !f.delsp) {
		f.write(" ")
	}
	if !f.open {
		f.write("\n")
	}
	f.inLine, f.space = false, false
}
