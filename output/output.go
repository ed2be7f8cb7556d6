// Package output renders rows: as an aligned table for a person, as TSV for a
// pipe, as one JSON document, as JSON Lines, through a jq program or a Go
// template. It makes foreign text safe for a terminal and writes errors for
// standard error. It must not know IMAP, look at the environment, decide what
// is a terminal, or keep rows longer than it has to: only a JSON document (on
// disk) and jq over a whole document (in memory) grow with the rows.
package output

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/imapknife/imapknife/internal/fault"
)

// Format is how rows are written.
type Format int

// The formats. Auto is Table on a terminal and TSV in a pipe.
const (
	Auto Format = iota
	Table
	TSV
	JSON  // one document: an array, or an object for a Single spec
	JSONL // one object a line, as the rows come
)

// Options are what the person asked for, and what standard output is.
type Options struct {
	Format   Format
	Fields   []string // names or dotted paths, in order; none is the verb's own choice
	JQ       string   // a jq program over the JSON document, or over each row with JSONL
	Template string   // a Go template over each row
	Zero     bool     // records end with NUL
	TTY      bool     // standard output is a terminal
	Width    int      // columns of the terminal, 0 when not known
	Color    bool
}

// Column is one column of plain output, where --fields names no others.
type Column struct {
	Field string // name or dotted path of a JSON member: from, structure.type
	Title string // heading in a table; made from Field when empty
	// Format shows the field's value in a table. It gets the Go value, never a
	// pointer or nil. TSV does not ask it, so that a script gets one form of a
	// field from every verb.
	Format func(any) string
	Right  bool // aligned to the right
	Flex   bool // may be cut in a table
}

// Spec describes the rows of a verb.
type Spec struct {
	Row     any      // the row struct's zero value
	Columns []Column // plain output; none means every member
	Single  bool     // the answer is one row: an object, not an array
	Bare    bool     // plain output has no heading on a terminal either
}

// Printer writes rows to one writer in one format. It is not safe for
// concurrent use. Its first error is final: every later call returns it.
type Printer struct {
	out    *bufio.Writer
	r      renderer
	row    reflect.Type
	single bool
	rows   int
	err    error
	closed bool
}

// renderer is one output format. A row is valid only during the call.
type renderer interface {
	add(row reflect.Value) error
	flush() error // rows kept back go to the buffered writer
	finish(ok bool) error
}

const bufferSize = 64 << 10 // octets between a renderer and the writer

// New returns a printer to w. An unknown field, also one that a jq program or
// template names, a program or template that does not compile, and options that exclude each other are fault.Usage. ctx
// bounds a jq program that does not end.
func New(ctx context.Context, w io.Writer, o Options, s Spec) (*Printer, error) {
	if err := check(o); err != nil {
		return nil, err
	}
	row := reflect.TypeOf(s.Row)
	if row == nil || row.Kind() != reflect.Struct {
		return nil, fmt.Errorf("row is %T, not a struct", s.Row)
	}
	chosen, err := paths(row, o.Fields)
	if err != nil {
		return nil, err
	}
	if _, err := named(o, row, s.Single, chosen); err != nil {
		return nil, err
	}
	p := &Printer{out: bufio.NewWriterSize(stdout{w}, bufferSize), row: row, single: s.Single}
	enc := newRowEncoder(chosen)
	style := style{color: o.Color, safe: o.TTY, indent: o.TTY}
	switch {
	case o.Template != "":
		p.r, err = newTemplate(p.out, o, enc)
	case o.JQ != "":
		p.r, err = newJQ(ctx, p.out, o, s.Single, enc, style)
	case o.Format == JSON && s.Single:
		p.r = &object{out: p.out, enc: enc, style: style}
	case o.Format == JSON:
		p.r = &array{out: p.out, enc: enc, style: style}
	case o.Format == JSONL:
		style.indent = false
		p.r = &lines{out: p.out, enc: enc, style: style}
	default:
		p.r, err = newPlain(p.out, o, s, row, chosen)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// check finds options that exclude each other.
func check(o Options) error {
	names := map[Format]string{Table: "a table", TSV: "tab-separated values", JSON: "--json", JSONL: "--jsonl"}
	isJSON := o.Format == JSON || o.Format == JSONL
	switch {
	case o.Template != "" && o.JQ != "":
		return fault.New(fault.Usage, "--template and --jq exclude each other")
	case o.Template != "" && o.Format != Auto:
		return fault.New(fault.Usage, "--template and %s exclude each other", names[o.Format])
	case o.JQ != "" && o.Format != Auto && !isJSON:
		return fault.New(fault.Usage, "--jq and %s exclude each other", names[o.Format])
	case o.Zero && (o.Format == Table || isJSON && o.JQ == ""):
		return fault.New(fault.Usage, "-0 and %s exclude each other", names[o.Format]).
			Hint("-0 separates plain output, --jq values and --template rows")
	}
	return nil
}

// Row writes one row: a pointer to the row struct, or the struct. The struct
// may be reused once Row has returned. The row may be kept back until Flush
// or Close.
func (p *Printer) Row(v any) error {
	if p.err != nil {
		return p.err
	}
	row := reflect.Indirect(reflect.ValueOf(v))
	switch {
	case p.closed:
		return errors.New("row after the end of output")
	case !row.IsValid() || row.Type() != p.row:
		p.err = fmt.Errorf("row is %T, not %s", v, p.row)
	case p.single && p.rows > 0:
		p.err = errors.New("more than one row where one was announced")
	default:
		p.err = p.r.add(row)
		p.rows++
	}
	return p.err
}

// Rows is the number of rows so far.
func (p *Printer) Rows() int { return p.rows }

// Flush hands over what can be: every row, except in a JSON document or for a
// jq program over one. Callers flush whenever no further input is waiting.
func (p *Printer) Flush() error {
	if p.err == nil && !p.closed {
		p.err = p.r.flush()
	}
	if p.err == nil {
		p.err = p.out.Flush()
	}
	return p.err
}

// Close ends the output; it does not close the writer. Without ok an error
// follows, so a JSON document is not written at all. Only the first call does
// something.
func (p *Printer) Close(ok bool) error {
	if p.closed {
		return p.err
	}
	p.closed = true
	err := p.r.finish(ok && p.err == nil)
	if p.err == nil {
		p.err = err
	}
	if err := p.out.Flush(); p.err == nil {
		p.err = err
	}
	return p.err
}
