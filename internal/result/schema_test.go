package result

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// rows is every struct that a verb emits, with whether it stands alone.
var rows = []struct {
	name   string
	row    any
	single bool
}{
	{"message", Message{}, false},
	{"attachment", MessageAttachment{}, false},
	{"mailbox", Mailbox{}, false},
	{"status", Status{}, false},
	{"select", Selected{}, true},
	{"capability", Capability{}, false},
	{"count", Count{}, true},
	{"version", Version{}, true},
	{"sandbox", Sandbox{}, true},
	{"part", Part{}, true},
}

func compile(t *testing.T, row any, single bool) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(row, single, "test")
	if err != nil {
		t.Fatal(err)
	}
	return compileText(t, text)
}

func compileText(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// fill sets every field of v to something that is not empty, depth levels
// deep, so that every member of a schema is exercised.
func fill(v reflect.Value, depth int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC)))
		return
	}
	if v.Type() == reflect.TypeFor[UIDValidity]() {
		v.SetString([]string{"4294967296", "9007199254740992"}[depth%2])
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth)
		}
	case reflect.Slice:
		n := min(depth, 1)
		if v.Type().Elem().Kind() == reflect.Pointer && depth < 2 {
			n = 0 // a pointer inside would be nil
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"charset": "utf-8"}))
	case reflect.String:
		v.SetString("x\x00\u202e<&>")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(1<<v.Type().Bits() - 1)
	default:
		panic("no sample for " + v.Type().String())
	}
}

func TestSchemaAcceptsRows(t *testing.T) {
	for _, r := range rows {
		s := compile(t, r.row, r.single)
		for _, depth := range []int{0, 1, 2, 5} {
			v := reflect.New(reflect.TypeOf(r.row))
			fill(v.Elem(), depth)
			doc := v.Interface()
			if !r.single {
				doc = []any{doc, doc}
			}
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, s, text); err != nil {
				t.Errorf("%s, depth %d: %v", r.name, depth, err)
			}
		}
	}
}

func TestSchemaRefusesWrongRows(t *testing.T) {
	list, single := compile(t, Message{}, false), compile(t, Part{}, true)
	const place = `"account":"a","mailbox":"INBOX","uidvalidity":1`
	for _, c := range []struct {
		schema *jsonschema.Schema
		text   string
		ok     bool
	}{
		{list, `[]`, true},
		{list, `[{` + place + `,"uid":1}]`, true},
		{list, `[{` + place + `,"uid":1,"added_later":{}}]`, true},
		{list, `{` + place + `,"uid":1}`, false},
		{list, `[{"account":"a","mailbox":"INBOX","uidvalidity":"9007199254740993","uid":1}]`, true},
		{list, `[{"account":"a","mailbox":"INBOX","uidvalidity":"x","uid":1}]`, false},
		{list, `[{` + place + `}]`, false},
		{list, `[{` + place + `,"uid":-1}]`, false},
		{list, `[{` + place + `,"uid":"1"}]`, false},
		{list, `[{` + place + `,"uid":1,"flags":null}]`, false},
		{list, `[{` + place + `,"uid":1,"internal_date":"yesterday"}]`, false},
		{list, `[{` + place + `,"uid":1,"from":[{"name":"A"}]}]`, false},
		{single, `{"part":"","type":"multipart/mixed","parts":[{"part":"1","type":"text/plain"}]}`, true},
		{single, `{"part":"","type":"multipart/mixed","parts":[{"part":"1","type":"a/b","parts":[{"part":2}]}]}`, false},
		{single, `[]`, false},
	} {
		if err := validate(t, c.schema, []byte(c.text)); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestSchemaText(t *testing.T) {
	type leaf struct {
		List []string `json:"list" doc:"a list" untrusted:"true"`
		Next *leaf    `json:"next,omitempty"`
	}
	type row struct {
		Place
		At    *time.Time        `json:"at"`
		Leaf  leaf              `json:"leaf"`
		Map   map[string]uint64 `json:"map,omitempty"`
		Bytes []byte            `json:"bytes,omitempty"`
		Raw   json.RawMessage   `json:"raw,omitempty"`
		Any   any               `json:"any,omitzero"`
		F     float64           `json:"f,omitempty"`
		N     int               `json:"n,omitempty"`
		Anon  struct {
			X bool `json:"x"`
		} `json:"anon,omitzero"`
		Hidden string `json:"-"`
	}
	text, err := Schema(row{}, true, "row <of> tests")
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	got := compact.String()
	want := `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"row <of> tests","description":"` + description + `","$ref":"#/$defs/row","$defs":{` +
		`"row":{"type":"object","properties":{` +
		`"account":{"type":"string","description":"digest of user, host and port; the same for the same account everywhere"},` +
		`"mailbox":{"type":"string","description":"mailbox name, decoded from modified UTF-7","x-untrusted":true},` +
		`"uidvalidity":{"anyOf":[{"type":"integer","minimum":0},{"type":"string","pattern":"^[1-9][0-9]*$"}],"description":"UIDVALIDITY of the mailbox (RFC 9051 section 2.3.1.1), a string of digits above 2^53-1; 0 where the server reports none"},` +
		`"at":{"anyOf":[{"type":"string","format":"date-time"},{"type":"null"}]},` +
		`"leaf":{"$ref":"#/$defs/leaf"},` +
		`"map":{"type":"object","additionalProperties":{"type":"integer","minimum":0}},` +
		`"bytes":{"type":"string","contentEncoding":"base64"},"raw":{},"any":{},"f":{"type":"number"},"n":{"type":"integer"},` +
		`"anon":{"$ref":"#/$defs/object2"}` +
		`},"required":["account","mailbox","uidvalidity","at","leaf"]},` +
		`"leaf":{"type":"object","properties":{"list":{"type":"array","items":{"type":"string"},"description":"a list","x-untrusted":true},` +
		`"next":{"$ref":"#/$defs/leaf"}},"required":["list"]},` +
		`"object2":{"type":"object","properties":{"x":{"type":"boolean"}},"required":["x"]}}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !strings.HasSuffix(string(text), "}\n") {
		t.Error("schema does not end with a newline")
	}
}

func TestSchemaErrors(t *testing.T) {
	for _, row := range []any{nil, 1, struct{ C chan int }{}, struct{ C []chan int }{}} {
		if text, err := Schema(row, true, "x"); err == nil {
			t.Errorf("%T: %s", row, text)
		}
	}
}

// Every member must be what encoding/json writes, under the same name, and
// carry a description.
func TestFieldsAreWhatJSONWrites(t *testing.T) {
	for _, r := range rows {
		v := reflect.New(reflect.TypeOf(r.row))
		fill(v.Elem(), 3)
		text, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		fields := Fields(v.Elem().Type())
		if len(fields) != len(got) {
			t.Errorf("%s: %d fields, JSON has %d", r.name, len(fields), len(got))
		}
		for _, f := range fields {
			want, err := json.Marshal(v.Elem().FieldByIndex(f.Index).Interface())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got[f.Name], want) {
				t.Errorf("%s.%s: got %s, want %s", r.name, f.Name, got[f.Name], want)
			}
			if f.Doc == "" {
				t.Errorf("%s.%s has no doc tag", r.name, f.Name)
			}
		}
	}
}

func TestFieldsShallowerWins(t *testing.T) {
	type inner struct {
		A string `json:"a" doc:"inner"`
		B string `json:"b"`
	}
	type outer struct {
		inner
		Other string `json:"a" doc:"outer"`
	}
	fields := Fields(reflect.TypeFor[outer]())
	if len(fields) != 2 || fields[0].Doc != "outer" || fields[1].Name != "b" {
		t.Errorf("got %+v", fields)
	}
	if Fields(reflect.TypeFor[int]()) != nil || Fields(nil) != nil {
		t.Error("fields of something that is not a struct")
	}
}

func TestSchemaEither(t *testing.T) {
	text, err := SchemaEither(Count{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	s := compileText(t, text)
	const row = `{"account":"a","mailbox":"INBOX","count":1}`
	for doc, ok := range map[string]bool{row: true, "[]": true, "[" + row + "," + row + "]": true, "{}": false, "[{}]": false, "1": false} {
		if err := validate(t, s, []byte(doc)); (err == nil) != ok {
			t.Errorf("%s: %v", doc, err)
		}
	}
}
