package output

import (
	"reflect"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
)

// path leads from a row to one field of it. A list on the way is walked
// element by element: from.address is the list of the addresses.
type path struct {
	name  string
	steps []step
	leaf  reflect.Type // type at the end, without pointers
	list  bool         // there is a list on the way
	sep   string       // what joins the field in plain output when it is a list
}

// step goes into a struct (index) or a map (key).
type step struct {
	index    []int
	key      string
	optional bool
}

// newPath finds the field name in struct type row. When there is none, known
// are the names that would have done in place of the wrong one.
func newPath(row reflect.Type, name string) (p path, known []string) {
	p = path{name: name, leaf: row, sep: ","}
	for rest, more := name, true; more; {
		for p.leaf.Kind() == reflect.Pointer || p.leaf.Kind() == reflect.Slice {
			p.list = p.list || p.leaf.Kind() == reflect.Slice
			p.leaf = p.leaf.Elem()
		}
		if p.leaf.Kind() == reflect.Map && p.leaf.Key().Kind() == reflect.String && rest != "" {
			p.steps = append(p.steps, step{key: rest})
			p.leaf = p.leaf.Elem()
			break
		}
		var fields []result.Field
		if p.leaf != timeType {
			fields = result.Fields(p.leaf)
		}
		prefix := strings.TrimSuffix(name, rest)
		var word string
		word, rest, more = strings.Cut(rest, ".")
		i := slices.IndexFunc(fields, func(f result.Field) bool { return f.Name == word })
		if i < 0 {
			known = []string{}
			for _, f := range fields {
				known = append(known, prefix+f.Name)
			}
			return p, known
		}
		p.steps = append(p.steps, step{index: fields[i].Index, optional: fields[i].Optional})
		p.leaf = fields[i].Type
		if fields[i].Sep != "" {
			p.sep = fields[i].Sep
		}
	}
	for p.leaf.Kind() == reflect.Pointer {
		p.leaf = p.leaf.Elem()
	}
	return p, nil
}

// paths resolves the names given to --fields.
func paths(row reflect.Type, names []string) ([]path, error) {
	var out []path
	for _, name := range names {
		name = strings.TrimSpace(name)
		if slices.ContainsFunc(out, func(p path) bool { return p.name == name }) {
			return nil, fault.New(fault.Usage, "--fields names %q twice", name)
		}
		p, known := newPath(row, name)
		if known != nil {
			err := noField(name, known)
			if len(known) > 0 {
				err = err.Hint("the fields are %s", strings.Join(known, ", "))
			} else {
				err = err.Hint("%s has no fields of its own", leafOf(row, name))
			}
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// leafOf is as much of name as is a field.
func leafOf(row reflect.Type, name string) string {
	for {
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
		if _, known := newPath(row, name); known == nil || name == "" {
			return name
		}
	}
}

// allPaths is one path for each member of row.
func allPaths(row reflect.Type) []path {
	var out []path
	for _, f := range result.Fields(row) {
		p, _ := newPath(row, f.Name)
		out = append(out, p)
	}
	return out
}

// get follows p from row. The value is not a pointer; it is not valid when
// the row does not have the field.
func (p path) get(row reflect.Value) reflect.Value { return follow(row, p.steps) }

func follow(v reflect.Value, steps []step) reflect.Value {
	for {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if len(steps) == 0 || !v.IsValid() {
			return v
		}
		s := steps[0]
		switch v.Kind() {
		case reflect.Slice:
			list := make([]any, v.Len())
			for i := range list {
				if e := follow(v.Index(i), steps); e.IsValid() {
					list[i] = e.Interface()
				}
			}
			return reflect.ValueOf(list)
		case reflect.Map:
			v = v.MapIndex(reflect.ValueOf(s.key).Convert(v.Type().Key()))
		default:
			f, err := v.FieldByIndexErr(s.index)
			if err != nil || s.optional && isEmpty(f) {
				return reflect.Value{}
			}
			v = f
		}
		steps = steps[1:]
	}
}

// isEmpty is encoding/json's notion of what omitempty leaves out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	case reflect.Struct, reflect.Array:
		return false
	}
	return v.IsZero()
}
