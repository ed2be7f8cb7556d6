package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Field is one member of the JSON object that a row struct becomes.
type Field struct {
	Name      string       // JSON name
	Index     []int        // for reflect.Value.FieldByIndex, through embedded structs
	Type      reflect.Type // Go type
	Optional  bool         // left out of JSON when empty
	Doc       string       // description
	Untrusted bool         // holds text that a sender of mail or the server chose
	Sep       string       // what joins a list in plain output, from the sep tag; "" is the default
}

// Fields lists the JSON members of struct type t in struct order, embedded
// structs flattened as encoding/json does: of two with one name the shallower
// wins. It is nil when t is not a struct.
func Fields(t reflect.Type) []Field {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var out []Field
	seen := map[string]int{}
	for _, f := range reflect.VisibleFields(t) {
		tag, tagged := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		embedded := f.Anonymous && !tagged
		if embedded || tag == "-" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		field := Field{
			Name: name, Index: f.Index, Type: f.Type,
			Optional:  strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"),
			Doc:       f.Tag.Get("doc"),
			Untrusted: f.Tag.Get("untrusted") == "true",
			Sep:       f.Tag.Get("sep"),
		}
		if i, ok := seen[name]; ok {
			if len(f.Index) < len(out[i].Index) {
				out[i] = field
			}
			continue
		}
		seen[name] = len(out)
		out = append(out, field)
	}
	return out
}

// Schema is the JSON Schema (draft 2020-12) of what a verb prints with
// --json: an array of rows, or one row when single is set. A line of --jsonl
// is "$defs/row". Members stand in struct order, so the text is the same every
// time. It fails for a row with a type that has no JSON form.
func Schema(row any, single bool, title string) ([]byte, error) {
	if single {
		return schema(row, title, aRow)
	}
	return schema(row, title, manyRows...)
}

// SchemaEither is the schema of an answer that is one row or, asked of several
// mailboxes, an array of them.
func SchemaEither(row any, title string) ([]byte, error) {
	return schema(row, title, member{"anyOf", []object{{aRow}, manyRows}})
}

var (
	aRow     = member{"$ref", "#/$defs/row"}
	manyRows = object{{"type", "array"}, {"items", object{aRow}}}
)

// description says of every schema what the flags of output do to rows.
const description = "With --fields, a row has the members that are named, in that order, one named by a dotted path under that path; " +
	"what the row does not have stays absent, required or not. --jq and --template see the same rows."

func schema(row any, title string, top ...member) ([]byte, error) {
	t := reflect.TypeOf(row)
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("schema of %T: not a struct", row)
	}
	b := builder{names: map[reflect.Type]string{t: "row"}, queue: []reflect.Type{t}}
	defs, err := b.defs()
	if err != nil {
		return nil, fmt.Errorf("schema of %T: %w", row, err)
	}
	doc := object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}, {"description", description}}
	doc = append(append(doc, top...), member{"$defs", defs})

	text, err := marshal(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	return out.Bytes(), err
}

// builder turns struct types into definitions. A type is queued when it is
// first named, which is what ends the recursion of Part.
type builder struct {
	names map[reflect.Type]string
	queue []reflect.Type
}

func (b *builder) defs() (object, error) {
	var defs object
	for i := 0; i < len(b.queue); i++ {
		t := b.queue[i]
		var properties object
		required := []string{}
		for _, f := range Fields(t) {
			s, err := b.schema(f.Type, f.Optional)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", f.Name, err)
			}
			if f.Doc != "" {
				s = append(s, member{"description", f.Doc})
			}
			if f.Untrusted {
				s = append(s, member{"x-untrusted", true})
			}
			properties = append(properties, member{f.Name, s})
			if !f.Optional {
				required = append(required, f.Name)
			}
		}
		defs = append(defs, member{b.names[t], object{
			{"type", "object"}, {"properties", properties}, {"required", required},
		}})
	}
	return defs, nil
}

// schema describes t. A pointer that is not left out when nil may be null.
func (b *builder) schema(t reflect.Type, optional bool) (object, error) {
	if t == reflect.TypeFor[time.Time]() {
		return object{{"type", "string"}, {"format", "date-time"}}, nil
	}
	if t == reflect.TypeFor[UIDValidity]() {
		return object{{"anyOf", []object{{{"type", "integer"}, {"minimum", 0}}, {{"type", "string"}, {"pattern", "^[1-9][0-9]*$"}}}}}, nil
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		return object{}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		s, err := b.schema(t.Elem(), true)
		if !optional && err == nil {
			s = object{{"anyOf", []object{s, {{"type", "null"}}}}}
		}
		return s, err
	case reflect.Struct:
		return object{{"$ref", "#/$defs/" + b.name(t)}}, nil
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{{"type", "string"}, {"contentEncoding", "base64"}}, nil
		}
		s, err := b.schema(t.Elem(), true)
		return object{{"type", "array"}, {"items", s}}, err
	case reflect.Map:
		s, err := b.schema(t.Elem(), true)
		return object{{"type", "object"}, {"additionalProperties", s}}, err
	case reflect.String:
		return object{{"type", "string"}}, nil
	case reflect.Bool:
		return object{{"type", "boolean"}}, nil
	case reflect.Interface:
		return object{}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{{"type", "integer"}}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{{"type", "integer"}, {"minimum", 0}}, nil
	case reflect.Float32, reflect.Float64:
		return object{{"type", "number"}}, nil
	}
	return nil, fmt.Errorf("%s has no JSON form", t)
}

func (b *builder) name(t reflect.Type) string {
	if name, ok := b.names[t]; ok {
		return name
	}
	name := strings.ToLower(t.Name())
	if name == "" {
		name = fmt.Sprintf("object%d", len(b.queue))
	}
	b.names[t] = name
	b.queue = append(b.queue, t)
	return name
}

// object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		for _, v := range []any{m.name, m.value} {
			text, err := marshal(v)
			if err != nil {
				return nil, err
			}
			out = append(append(out, bytes.TrimSuffix(text, []byte{'\n'})...), ':')
		}
		out = out[:len(out)-1]
	}
	return append(out, '}'), nil
}

// marshal is json.Marshal with a newline behind it and <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return out.Bytes(), err
}
