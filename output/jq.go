package output

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/itchyny/gojq"

	"github.com/imapknife/imapknife/internal/fault"
)

// jq runs a jq program. It sees no environment, no files and no other input.
// The values over a whole document are kept in memory: that is what the
// program asks for.
type jq struct {
	ctx    context.Context
	out    *bufio.Writer
	code   *gojq.Code
	enc    *rowEncoder
	style  style
	each   bool // every row is a document, read when it comes
	single bool
	zero   bool
	tty    bool
	doc    []any
	halted bool
	buf    []byte
}

func newJQ(ctx context.Context, out *bufio.Writer, o Options, single bool, enc *rowEncoder, s style) (*jq, error) {
	query, err := gojq.Parse(o.JQ)
	if err != nil {
		return nil, fault.New(fault.Usage, "cannot read the --jq program: %v", err)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, fault.New(fault.Usage, "cannot compile the --jq program: %v", err)
	}
	return &jq{ctx: ctx, out: out, code: code, enc: enc, style: s, doc: []any{},
		each: o.Format == JSONL, single: single, zero: o.Zero, tty: o.TTY}, nil
}

func (j *jq) add(row reflect.Value) error {
	v, err := j.enc.decode(row)
	if err != nil {
		return err
	}
	if j.each {
		return j.run(v)
	}
	j.doc = append(j.doc, v)
	return nil
}

func (j *jq) flush() error { return nil }

func (j *jq) finish(ok bool) error {
	switch {
	case !ok || j.each || j.single && len(j.doc) == 0:
		return nil
	case j.single:
		return j.run(j.doc[0])
	}
	return j.run(j.doc)
}

func (j *jq) run(doc any) error {
	if j.halted {
		return nil
	}
	values := j.code.RunWithContext(j.ctx, doc)
	for {
		v, more := values.Next()
		if !more {
			return nil
		}
		if err, failed := v.(error); failed {
			return j.failure(err)
		}
		if err := j.put(v); err != nil {
			return err
		}
	}
}

// failure is what a program's error means: halt is none, and ends it for the
// rows to come as well.
func (j *jq) failure(err error) error {
	if j.ctx.Err() != nil {
		return context.Cause(j.ctx)
	}
	halt, ok := errors.AsType[*gojq.HaltError](err)
	if !ok {
		return fault.New(fault.Local, "the --jq program failed: %v", err)
	}
	if j.halted = true; halt.Value() == nil {
		return nil
	}
	if text, ok := halt.Value().(string); ok {
		return fault.New(fault.Local, "the --jq program halted: %s", text)
	}
	return fault.New(fault.Local, "the --jq program halted: %s", gojq.Preview(halt.Value()))
}

// put writes one value: a string as it is, anything else as JSON.
func (j *jq) put(v any) error {
	if text, ok := v.(string); ok {
		j.buf = append(j.buf[:0], text...)
		if j.zero {
			blank(j.buf, "\x00")
		}
		return putRecord(j.out, j.buf, j.tty, j.zero)
	}
	text, err := gojq.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot write a --jq value: %w", err)
	}
	j.buf = j.style.append(j.buf[:0], appendC1(nil, text), "\n")
	j.out.Write(j.buf) // bufio keeps the error for the next line
	return j.out.WriteByte(recordEnd(j.zero))
}

// putRecord writes free text and what ends it; lines in it stay lines.
func putRecord(out *bufio.Writer, text []byte, tty, zero bool) error {
	if tty {
		prev := ' '
		text, _ = appendVisible(nil, text, &prev, true, true)
	}
	out.Write(text)
	return out.WriteByte(recordEnd(zero))
}

func recordEnd(zero bool) byte {
	if zero {
		return 0
	}
	return '\n'
}
