package output

import (
	"strings"

	"github.com/itchyny/gojq"
)

// call follows a function of the program, a variable, or one of jq's own.
func (s *shapes) call(f *gojq.Func, in forms, at *scope) forms {
	found := at.find(f.Name, len(f.Args))
	switch {
	case strings.HasPrefix(f.Name, "$"):
		if found != nil {
			return found.value
		}
		return nil
	case found != nil && found.body != nil:
		return s.deeper(func() forms { return s.query(found.body, in, found.at) })
	case found != nil:
		inner := found.at
		for i, arg := range found.def.Args {
			if strings.HasPrefix(arg, "$") {
				v := s.query(f.Args[i], in, at)
				inner = &scope{up: inner, name: arg, value: v}
				arg = strings.TrimPrefix(arg, "$")
			}
			inner = &scope{up: inner, name: arg, body: f.Args[i], at: at}
		}
		return s.deeper(func() forms { return s.query(found.def.Body, in, inner) })
	}
	return s.builtin(f, in, at)
}

// deeper follows a call, unless calls are too deep: of a recursion nothing more
// is learnt.
func (s *shapes) deeper(f func() forms) forms {
	if s.depth >= maxCalls {
		return nil
	}
	s.depth++
	defer func() { s.depth-- }()
	return f()
}

// builtin follows jq's own functions as far as rows go through them. What others
// are given counts as used where it is a member.
func (s *shapes) builtin(f *gojq.Func, in forms, at *scope) forms {
	arg := func(i int, in forms) forms { return s.query(f.Args[i], in, at) }
	list := func(elements forms) forms { return forms{{list: true, elements: elements}} }
	switch n := len(f.Args); f.Name {
	case "empty", "error", "not", "length":
		if n == 0 {
			return nil
		}
	case "select":
		if n == 1 {
			arg(0, in)
			return in
		}
	case "map":
		if n == 1 {
			return list(arg(0, s.each(in)))
		}
	case "sort_by", "unique_by":
		if n == 1 {
			arg(0, s.each(in))
			return in
		}
	case "group_by":
		if n == 1 {
			arg(0, s.each(in))
			return list(list(s.each(in)))
		}
	case "min_by", "max_by":
		if n == 1 {
			arg(0, s.each(in))
			return s.each(in)
		}
	case "any", "all":
		if n == 1 {
			arg(0, s.each(in))
			return nil
		}
		if n == 2 {
			arg(1, arg(0, in))
			return nil
		}
	case "sort", "unique", "reverse":
		return in
	case "first", "last", "min", "max":
		if n == 0 {
			return s.each(in)
		}
		return arg(0, in)
	case "limit", "until", "skip":
		if n == 2 {
			arg(0, in)
			return arg(1, in)
		}
	case "isempty", "add":
		if n == 1 {
			arg(0, in)
			return nil
		}
	}
	return s.leniently(func() forms {
		for i := range f.Args {
			arg(i, in)
		}
		return nil
	})
}
