package output

import (
	"text/template"
	"text/template/parse"
)

// template follows a row through a Go template.
func (s *shapes) template(text string, row forms) {
	t, err := template.New("--template").Funcs(functions()).Parse(text)
	if err != nil || t.Tree == nil {
		return
	}
	w := &templateWalk{s: s, all: t, vars: map[string]forms{"$": row}}
	w.list(t.Root, row)
}

// templateWalk is a template and what its variables may be. A name that is used
// again keeps what it may have been.
type templateWalk struct {
	s    *shapes
	all  *template.Template
	vars map[string]forms
}

func (w *templateWalk) list(l *parse.ListNode, dot forms) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			w.pipe(n.Pipe, dot)
		case *parse.IfNode:
			w.pipe(n.Pipe, dot)
			w.list(n.List, dot)
			w.list(n.ElseList, dot)
		case *parse.WithNode:
			w.list(n.List, w.pipe(n.Pipe, dot))
			w.list(n.ElseList, dot)
		case *parse.RangeNode:
			value := w.s.each(w.pipe(n.Pipe, dot))
			if d := n.Pipe.Decl; len(d) > 0 {
				w.vars[d[len(d)-1].Ident[0]] = value
			}
			w.list(n.List, value)
			w.list(n.ElseList, dot)
		case *parse.TemplateNode:
			if t := w.all.Lookup(n.Name); t != nil && w.s.depth < maxCalls {
				w.s.depth++
				inner := &templateWalk{s: w.s, all: w.all, vars: map[string]forms{}}
				value := w.pipe(n.Pipe, dot)
				inner.vars["$"] = value
				inner.list(t.Root, value)
				w.s.depth--
			}
		}
	}
}

// pipe returns what a pipeline may be where it is a value of the row.
func (w *templateWalk) pipe(p *parse.PipeNode, dot forms) forms {
	if p == nil {
		return nil
	}
	var out forms
	for i, c := range p.Cmds {
		out = w.command(c, dot)
		if i > 0 || len(p.Cmds) > 1 {
			out = nil
		}
	}
	for _, v := range p.Decl {
		w.vars[v.Ident[0]] = append(w.vars[v.Ident[0]], out...)
	}
	return out
}

func (w *templateWalk) command(c *parse.CommandNode, dot forms) forms {
	var args []forms
	for _, n := range c.Args {
		args = append(args, w.value(n, dot))
	}
	if len(args) == 1 {
		return args[0]
	}
	if name, ok := c.Args[0].(*parse.IdentifierNode); ok && name.Ident == "index" && len(args) > 1 {
		out := args[1]
		for _, n := range c.Args[2:] {
			if key, ok := n.(*parse.StringNode); ok {
				out = w.s.member(out, key.Text)
			} else {
				out = w.s.each(out)
			}
		}
		return out
	}
	return nil
}

func (w *templateWalk) value(n parse.Node, dot forms) forms {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return w.members(dot, n.Ident)
	case *parse.VariableNode:
		return w.members(w.vars[n.Ident[0]], n.Ident[1:])
	case *parse.ChainNode:
		return w.members(w.value(n.Node, dot), n.Field)
	case *parse.PipeNode:
		return w.pipe(n, dot)
	}
	return nil
}

func (w *templateWalk) members(in forms, names []string) forms {
	for _, name := range names {
		in = w.s.member(in, name)
	}
	return in
}
