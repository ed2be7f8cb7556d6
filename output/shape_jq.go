package output

import (
	"strings"

	"github.com/itchyny/gojq"
)

// maxCalls bounds how deep calls of a program's own functions are followed.
const maxCalls = 20

// scope is what names mean in a part of a jq program.
type scope struct {
	up    *scope
	name  string // $x for a variable
	value forms  // of a variable
	def   *gojq.FuncDef
	body  *gojq.Query // of an argument of a function
	at    *scope      // where def or body stands
}

func (s *scope) find(name string, args int) *scope {
	for ; s != nil; s = s.up {
		if s.name == name && (s.def == nil || len(s.def.Args) == args) {
			return s
		}
	}
	return nil
}

// program follows the rows through a jq program.
func (s *shapes) program(text string, in forms) {
	if q, err := gojq.Parse(text); err == nil {
		s.query(q, in, nil)
	}
}

// query returns what q makes of in.
func (s *shapes) query(q *gojq.Query, in forms, at *scope) forms {
	if q == nil {
		return nil
	}
	for _, def := range q.FuncDefs {
		at = &scope{up: at, name: def.Name, def: def}
		at.at = at // it may call itself
	}
	switch {
	case q.Term != nil:
		return s.term(q.Term, in, at)
	case q.Op == gojq.OpPipe:
		left := s.query(q.Left, in, at)
		if len(q.Patterns) > 0 { // LEFT as PATTERN | RIGHT
			return s.query(q.Right, in, s.bind(q.Patterns, left, at))
		}
		return s.query(q.Right, left, at)
	case q.Op == gojq.OpComma:
		return append(s.query(q.Left, in, at), s.query(q.Right, in, at)...)
	case q.Op == gojq.OpAlt:
		left := s.leniently(func() forms { return s.query(q.Left, in, at) })
		return append(left, s.query(q.Right, in, at)...)
	case q.Op >= gojq.OpAssign: // it may make members
		s.leniently(func() forms { return s.query(q.Left, in, at) })
		if q.Op == gojq.OpModify { // its right side is about what is changed
			in = nil
		}
		s.leniently(func() forms { return s.query(q.Right, in, at) })
		return nil
	}
	s.query(q.Left, in, at)
	s.query(q.Right, in, at)
	return nil
}

// leniently follows a part in which a member that is not there is no mistake.
func (s *shapes) leniently(f func() forms) forms {
	s.lenient++
	defer func() { s.lenient-- }()
	return f()
}

// bind gives the variables of patterns their values.
func (s *shapes) bind(patterns []*gojq.Pattern, value forms, at *scope) *scope {
	for _, p := range patterns {
		switch {
		case p.Name != "":
			at = &scope{up: at, name: p.Name, value: value}
		case len(p.Array) > 0:
			for _, e := range p.Array {
				at = s.bind([]*gojq.Pattern{e}, s.each(value), at)
			}
		}
		for _, o := range p.Object {
			name := o.Key
			if o.KeyString != nil {
				name = o.KeyString.Str
			}
			var v forms
			if o.KeyQuery == nil && name != "" && (o.KeyString == nil || o.KeyString.Queries == nil) {
				v = s.member(value, strings.TrimPrefix(name, "$"))
			}
			if strings.HasPrefix(o.Key, "$") {
				at = &scope{up: at, name: o.Key, value: v}
			}
			if o.Val != nil {
				at = s.bind([]*gojq.Pattern{o.Val}, v, at)
			}
		}
	}
	return at
}

func (s *shapes) term(t *gojq.Term, in forms, at *scope) forms {
	for _, suffix := range t.SuffixList {
		if suffix.Optional {
			s.lenient++
			defer func() { s.lenient-- }()
			break
		}
	}
	out := s.bare(t, in, at)
	for _, suffix := range t.SuffixList {
		switch {
		case suffix.Index != nil:
			out = s.index(suffix.Index, out, in, at)
		case suffix.Iter:
			out = s.each(out)
		}
	}
	return out
}

// bare follows a term without its suffixes.
func (s *shapes) bare(t *gojq.Term, in forms, at *scope) forms {
	switch t.Type {
	case gojq.TermTypeIdentity:
		return in
	case gojq.TermTypeIndex:
		return s.index(t.Index, in, in, at)
	case gojq.TermTypeFunc:
		return s.call(t.Func, in, at)
	case gojq.TermTypeObject:
		return s.object(t.Object, in, at)
	case gojq.TermTypeArray:
		return forms{{list: true, elements: s.query(t.Array.Query, in, at)}}
	case gojq.TermTypeUnary:
		s.term(t.Unary.Term, in, at)
	case gojq.TermTypeString, gojq.TermTypeFormat:
		s.text(t.Str, in, at)
	case gojq.TermTypeIf:
		return s.branches(t.If, in, at)
	case gojq.TermTypeTry:
		out := s.leniently(func() forms { return s.query(t.Try.Body, in, at) })
		s.query(t.Try.Catch, nil, at)
		return out
	case gojq.TermTypeReduce:
		inner := s.bind(t.Reduce.Patterns, s.query(t.Reduce.Query, in, at), at)
		s.query(t.Reduce.Start, in, at)
		s.query(t.Reduce.Update, nil, inner)
	case gojq.TermTypeForeach:
		inner := s.bind(t.Foreach.Patterns, s.query(t.Foreach.Query, in, at), at)
		s.query(t.Foreach.Start, in, at)
		s.query(t.Foreach.Update, nil, inner)
		return s.query(t.Foreach.Extract, nil, inner)
	case gojq.TermTypeLabel:
		return s.query(t.Label.Body, in, at)
	case gojq.TermTypeQuery:
		return s.query(t.Query, in, at)
	}
	return nil
}

func (s *shapes) branches(i *gojq.If, in forms, at *scope) forms {
	s.query(i.Cond, in, at)
	out := s.query(i.Then, in, at)
	for _, e := range i.Elif {
		s.query(e.Cond, in, at)
		out = append(out, s.query(e.Then, in, at)...)
	}
	if i.Else == nil {
		return append(out, in...)
	}
	return append(out, s.query(i.Else, in, at)...)
}

func (s *shapes) text(t *gojq.String, in forms, at *scope) {
	if t != nil {
		for _, q := range t.Queries {
			s.query(q, in, at)
		}
	}
}

// index follows .name, ."name", .[…] and slices of value.
func (s *shapes) index(i *gojq.Index, value, in forms, at *scope) forms {
	name := i.Name
	if i.Str != nil && i.Str.Queries == nil {
		name = i.Str.Str
	}
	if i.Start != nil && !i.IsSlice && i.Start.Term != nil && len(i.Start.Term.SuffixList) == 0 {
		if str := i.Start.Term.Str; str != nil && str.Queries == nil && i.Start.Term.Type == gojq.TermTypeString {
			name = str.Str
		}
	}
	if name != "" {
		return s.member(value, name)
	}
	s.text(i.Str, in, at)
	s.query(i.Start, in, at)
	s.query(i.End, in, at)
	if i.IsSlice {
		return value
	}
	if i.Start != nil {
		return s.each(value) // of an object it is a member, which nobody knows
	}
	return nil
}

// object follows the making of an object.
func (s *shapes) object(o *gojq.Object, in forms, at *scope) forms {
	made := form{members: map[string]forms{}}
	for _, kv := range o.KeyVals {
		name, known := kv.Key, kv.Key != ""
		if kv.KeyString != nil {
			name, known = kv.KeyString.Str, kv.KeyString.Queries == nil
			s.text(kv.KeyString, in, at)
		}
		s.query(kv.KeyQuery, in, at)
		var v forms
		switch {
		case kv.Val != nil:
			v = s.query(kv.Val, in, at)
		case strings.HasPrefix(name, "$"):
			name = strings.TrimPrefix(name, "$")
			if found := at.find("$"+name, 0); found != nil {
				v = found.value
			}
		case known:
			v = s.member(in, name)
		}
		if known {
			made.members[name] = v
		} else {
			made.open = true
		}
	}
	made.open = true // what it lacks is null, as its maker knows
	return forms{made}
}
