package output

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/suggest"
)

// Uses returns the members of a row that the jq program or the template of o
// names, in no order: they have to be there for it to be right. Of a single row
// those of the rows in its lists count, too. A row that is
// used as a whole, and a member whose name a program computes, name nothing. A
// program that cannot be read names nothing either; New has the error.
func Uses(o Options, row any, single bool) []string {
	names, _ := named(o, reflect.TypeOf(row), single, nil)
	return names
}

// named reads the program or template of o. A member that no row has is an
// error: it would be null, or print as nothing, for every row.
func named(o Options, row reflect.Type, single bool, chosen []path) ([]string, error) {
	s := &shapes{rows: []reflect.Type{row}}
	if single { // its lists hold the rows
		for _, f := range result.Fields(row) {
			if f.Type.Kind() == reflect.Slice {
				s.rows = append(s.rows, f.Type.Elem())
			}
		}
	}
	r := forms{{t: row}}
	if len(chosen) > 0 { // rows hold what --fields names, under these names
		r = forms{{members: map[string]forms{}}}
		for _, p := range chosen {
			r[0].members[p.name] = forms{{t: p.leaf}}
			if p.list {
				r[0].members[p.name] = nil
			}
		}
	}
	switch {
	case o.Template != "":
		s.template(o.Template, r)
	case o.JQ != "":
		if o.Format != JSONL && !single {
			r = forms{{elements: r, list: true}}
		}
		s.program(o.JQ, r)
	}
	return s.used, s.err
}

// form is what is known of a value in a program: that it is of a type of the
// row, or an array or object that the program makes.
type form struct {
	t        reflect.Type
	list     bool
	elements forms            // of a list
	members  map[string]forms // of an object with these members and no others
	open     bool             // or with others
}

// forms are what a value may be; none means that nothing is known.
type forms []form

// shapes follows rows through a program or template.
type shapes struct {
	rows    []reflect.Type // whose members count as used
	used    []string
	err     error
	lenient int // above 0, a member that is not there is no mistake
	depth   int // of calls
}

// plain is t without pointers, and nil for what is no object or list in JSON.
func plain(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t == timeType || t.Implements(reflect.TypeFor[json.Marshaler]()) {
		return nil
	}
	return t
}

// member is the value of a member of what may be in.
func (s *shapes) member(in forms, name string) forms {
	var out forms
	for _, k := range in {
		t := plain(k.t)
		switch {
		case k.members != nil:
			v, ok := k.members[name]
			if !ok && !k.open {
				var known []string
				for n := range k.members {
					known = append(known, n)
				}
				s.missing(name, known)
			}
			out = append(out, v...)
		case t == nil:
		case t.Kind() == reflect.Map:
			out = append(out, form{t: t.Elem()})
		case t.Kind() == reflect.Struct:
			fields := result.Fields(t)
			i := slices.IndexFunc(fields, func(f result.Field) bool { return f.Name == name })
			if i < 0 {
				var known []string
				for _, f := range fields {
					known = append(known, f.Name)
				}
				s.missing(name, known)
				continue
			}
			if slices.Contains(s.rows, t) && !slices.Contains(s.used, name) {
				s.used = append(s.used, name)
			}
			out = append(out, form{t: fields[i].Type})
		}
	}
	return out
}

// each is the values in the lists that may be in.
func (s *shapes) each(in forms) forms {
	var out forms
	for _, k := range in {
		switch t := plain(k.t); {
		case k.list:
			out = append(out, k.elements...)
		case t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map):
			out = append(out, form{t: t.Elem()})
		}
	}
	return out
}

// missing notes the first member that cannot be there.
func (s *shapes) missing(name string, known []string) {
	if s.err != nil || s.lenient > 0 {
		return
	}
	slices.Sort(known)
	s.err = noField(name, known)
}

// noField is the error for a name that no row has.
func noField(name string, known []string) *fault.Error {
	err := fault.New(fault.Usage, "there is no field %q", name)
	if near := suggest.Nearest(name, known); near != "" {
		err = err.Hint("did you mean %q?", near)
	}
	return err
}
