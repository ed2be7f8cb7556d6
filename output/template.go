package output

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

const maxPad = 10_000 // cells that the template function pad fills up to

// rowTemplate runs a Go template over each row. The row is a map with the
// names of the JSON members; what a row lacks prints as nothing.
type rowTemplate struct {
	out  *bufio.Writer
	t    *template.Template
	enc  *rowEncoder
	zero bool
	tty  bool
	buf  bytes.Buffer
}

func newTemplate(out *bufio.Writer, o Options, enc *rowEncoder) (*rowTemplate, error) {
	t, err := template.New("--template").Funcs(functions()).Parse(o.Template)
	if err != nil {
		return nil, fault.New(fault.Usage, "cannot read the template: %s", templateError(err))
	}
	if t.Tree == nil || parse.IsEmptyTree(t.Root) {
		return nil, fault.New(fault.Usage, "the template prints nothing")
	}
	for _, t := range t.Templates() {
		showValues(t.Root)
	}
	return &rowTemplate{out: out, t: t, enc: enc, zero: o.Zero, tty: o.TTY}, nil
}

func templateError(err error) string { return strings.TrimPrefix(err.Error(), "template: ") }

// showValues appends the function show to every action that prints, so that
// values look like plain output and an absent one does not print "<no value>".
func showValues(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos,
					Args: []parse.Node{parse.NewIdentifier("show").SetPos(n.Pos)}})
			}
		case *parse.IfNode:
			showBranches(&n.BranchNode)
		case *parse.RangeNode:
			showBranches(&n.BranchNode)
		case *parse.WithNode:
			showBranches(&n.BranchNode)
		}
	}
}

func showBranches(b *parse.BranchNode) {
	showValues(b.List)
	showValues(b.ElseList)
}

func (r *rowTemplate) add(row reflect.Value) error {
	v, err := r.enc.decode(row)
	if err != nil {
		return err
	}
	if r.buf.Cap() > spoolMemory {
		r.buf = bytes.Buffer{} // one large row must not cost memory for ever
	}
	r.buf.Reset()
	if err := r.t.Execute(&r.buf, native(v)); err != nil {
		return fault.New(fault.Local, "the template failed: %s", templateError(err))
	}
	return putRecord(r.out, bytes.TrimSuffix(r.buf.Bytes(), []byte{'\n'}), r.tty, r.zero)
}

func (r *rowTemplate) flush() error      { return nil }
func (r *rowTemplate) finish(bool) error { return nil }

// native makes Go numbers of JSON numbers, so that templates can compare
// them, and drops null members, so that {{.a.b}} is nothing where a is null.
func native(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if i, ok := new(big.Int).SetString(v.String(), 10); ok && i.IsUint64() {
			return i.Uint64()
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
			} else {
				v[name] = native(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = native(v[i])
		}
	}
	return v
}

// functions are what templates can call besides Go's own.
func functions() template.FuncMap {
	return template.FuncMap{
		"show": show,
		"json": func(v any) (string, error) {
			var b strings.Builder
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			err := enc.Encode(v)
			return string(appendC1(nil, []byte(strings.TrimSuffix(b.String(), "\n")))), err
		},
		"join": func(sep string, list any) string {
			v := reflect.ValueOf(list)
			if v.Kind() != reflect.Slice {
				return show(list)
			}
			words := make([]string, v.Len())
			for i := range words {
				words[i] = show(v.Index(i).Interface())
			}
			return strings.Join(words, sep)
		},
		"date": func(layout string, v any) (string, error) {
			if v == nil {
				return "", nil
			}
			t, err := time.Parse(time.RFC3339, show(v))
			if err != nil {
				return "", fmt.Errorf("%q is no time", show(v))
			}
			return t.Format(layout), nil
		},
		"truncate": func(width int, v any) string {
			if width <= 0 {
				return ""
			}
			return cells.Truncate(show(v), width, "…")
		},
		"pad": func(width int, v any) string {
			if width < 0 {
				return cells.FillLeft(show(v), min(-width, maxPad))
			}
			return cells.FillRight(show(v), min(width, maxPad))
		},
		"tsv": func(list ...any) string {
			words := make([][]byte, len(list))
			for i, v := range list {
				words[i] = []byte(show(v))
				blank(words[i], breaksLine)
			}
			return string(bytes.Join(words, []byte{'\t'}))
		},
	}
}

// show is v in plain output.
func show(v any) string {
	return string(appendPlain(nil, reflect.ValueOf(v), ",", false))
}
