package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/result"
)

// standard is v as encoding/json writes it without HTML escapes.
func standard(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, r := range b.String() {
		if r >= 0x80 && r < 0xa0 { // that we escape, and the standard library does not
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// randomize sets v to anything, invalid UTF-8 and absent fields included.
func randomize(r *rand.Rand, v reflect.Value, depth int) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<33), r.Int64N(2)*500).In(time.FixedZone("", r.IntN(24)*1800))))
		return
	}
	if v.Type() == validityType {
		v.SetString([]string{"", "1", "1528896777421", "9007199254740991", "9007199254740992", "99999999999999999999"}[r.IntN(6)])
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if depth > 0 && r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			randomize(r, v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			randomize(r, v.Field(i), depth)
		}
	case reflect.Slice:
		if n := r.IntN(4) - 1; n >= 0 && depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				randomize(r, v.Index(i), depth-1)
			}
		}
	case reflect.Map:
		if r.IntN(2) == 0 {
			v.Set(reflect.ValueOf(map[string]string{"charset": randomText(r), randomText(r): "x"}))
		}
	case reflect.String:
		v.SetString(randomText(r))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64) & (1<<v.Type().Bits() - 1))
	}
}

func randomText(r *rand.Rand) string {
	parts := []string{"", "a", "<&>", "\"\\", "\x00\x1b", "\t\r\n", "\xff\xc3", "ü漢👩‍💻", "\u2028\u202e", "\u0085\ufeff", "\U000e0041"}
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

func randomMessages(seed uint64, n int) []*result.Message {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]*result.Message, n)
	for i := range out {
		out[i] = &result.Message{}
		randomize(r, reflect.ValueOf(out[i]).Elem(), 4)
	}
	return out
}

func TestJSONIsWhatTheStandardLibraryWrites(t *testing.T) {
	for seed := range uint64(20) {
		rows := randomMessages(seed, 50)
		all := make([]any, len(rows))
		lines := ""
		for i, m := range rows {
			all[i] = m
			lines += standard(t, m)
		}
		document, err := render(t, Options{Format: JSON}, messages, true, all...)
		if err != nil || document != standard(t, rows) {
			t.Fatalf("seed %d: document differs, error %v", seed, err)
		}
		stream, err := render(t, Options{Format: JSONL}, messages, true, all...)
		if err != nil || stream != lines {
			t.Fatalf("seed %d: lines differ, error %v", seed, err)
		}
		for _, o := range []Options{{Format: JSON, TTY: true}, {Format: JSONL, TTY: true}} {
			shown, err := render(t, o, messages, true, all...)
			if err != nil {
				t.Fatal(err)
			}
			want := document
			if o.Format == JSONL {
				want = lines
			}
			sameJSON(t, shown, want)
			checkSafe(t, shown)
		}
	}
}

// sameJSON compares streams of JSON values by their meaning.
func sameJSON(t *testing.T, a, b string) {
	t.Helper()
	da, db := json.NewDecoder(strings.NewReader(a)), json.NewDecoder(strings.NewReader(b))
	for db.More() {
		var va, vb any
		if err := da.Decode(&va); err != nil {
			t.Fatalf("%v in %s", err, a)
		}
		if err := db.Decode(&vb); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(va, vb) {
			t.Fatalf("got  %v\nwant %v", va, vb)
		}
	}
	if da.More() {
		t.Fatal("more values than expected")
	}
}

// checkSafe fails when s could act on a terminal.
func checkSafe(t *testing.T, s string) {
	t.Helper()
	prev := ' '
	for _, r := range s {
		if r != '\n' && r != '\t' && hidden(r, prev) {
			t.Fatalf("%U reaches the terminal in %q", r, s)
		}
		prev = r
	}
}

// --fields with every name must say the same as no --fields, without
// what is not there.
func TestFieldsSayWhatTheRowSays(t *testing.T) {
	var names []string
	for _, p := range allPaths(reflect.TypeFor[result.Message]()) {
		names = append(names, p.name)
	}
	for _, m := range randomMessages(99, 100) {
		got, err := render(t, Options{Format: JSONL, Fields: names}, messages, true, m)
		if err != nil {
			t.Fatal(err)
		}
		var fields, want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(got), &fields); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(standard(t, m)), &want); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			got, has := fields[name]
			if w, ok := want[name]; ok != has || !bytes.Equal(got, w) {
				t.Fatalf("%s: got %s, want %s", name, got, w)
			}
		}
	}
}

func TestDottedFields(t *testing.T) {
	m := sample(1)
	m.Structure = &result.Part{Type: "multipart/mixed", Params: map[string]string{"boundary.x": "b"}, Parts: []*result.Part{
		{Part: "1", Type: "text/plain", Size: 10},
		{Part: "2", Type: "multipart/mixed", Parts: []*result.Part{{Part: "2.1", Type: "a/b"}}},
	}}
	for _, c := range []struct{ field, json, tsv string }{
		{"structure.type", `"multipart/mixed"`, "multipart/mixed"},
		{"structure.params.boundary.x", `"b"`, "b"},
		{"structure.params.charset", ``, ""},
		{"structure.parts.type", `["text/plain","multipart/mixed"]`, "text/plain,multipart/mixed"},
		{"structure.parts.size", `[10,null]`, "10,"},
		{"structure.parts.parts.type", `[null,["a/b"]]`, ",a/b"},
		{"structure.parts.parts.parts.parts.type", `[null,[null]]`, ","},
		{"structure.lines", ``, ""},
		{"to.name", `["Doe, Bob",""]`, "Doe, Bob,"},
		{"gmail.labels", ``, ""},
	} {
		o := Options{Format: JSONL, Fields: []string{c.field}}
		want := `{"` + c.field + `":` + c.json + "}\n"
		if c.json == "" {
			want = "{}\n"
		}
		if got, err := render(t, o, messages, true, m); err != nil || got != want {
			t.Errorf("%s: got %s, error %v", c.field, got, err)
		}
		o.Format = TSV
		if got, err := render(t, o, messages, true, m); err != nil || got != c.tsv+"\n" {
			t.Errorf("%s: got %q, error %v", c.field, got, err)
		}
	}
}

func TestLargeDocumentLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	large := sample(1)
	large.Text = ptr(strings.Repeat("0123456789", spoolMemory/4))
	rows := []any{sample(1), large, sample(3)}
	for range 5000 {
		rows = append(rows, sample(4))
	}
	for _, ok := range []bool{true, false} {
		got, err := render(t, Options{Format: JSON}, messages, ok, rows...)
		if err != nil {
			t.Fatal(err)
		}
		if ok && got != standard(t, rows) {
			t.Error("the document went through the file and came back different")
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) > 0 {
			t.Errorf("left behind: %v, error %v", files, err)
		}
	}
}

func TestNoPlaceForTheDocument(t *testing.T) {
	missing := t.TempDir() + "/missing"
	t.Setenv("TMPDIR", missing)
	t.Setenv("TMP", missing)
	large := sample(1)
	large.Text = ptr(strings.Repeat("x", 2*spoolMemory))
	got, err := render(t, Options{Format: JSON}, messages, true, large)
	if err == nil || got != "" || !strings.HasPrefix(err.Error(), "cannot keep the answer") {
		t.Errorf("%q, error %v", got, err)
	}
}

// A spooled document costs memory by its largest row, not by its rows.
func TestSpoolIsBounded(t *testing.T) {
	var s spool
	defer s.discard()
	chunk := bytes.Repeat([]byte("x"), 100_000)
	for range 300 {
		if err := s.add(chunk); err != nil {
			t.Fatal(err)
		}
		if cap(s.buf) > 4*spoolMemory {
			t.Fatalf("%d octets in memory", cap(s.buf))
		}
	}
}

// C1 control characters are escaped in JSON, wherever they stand, and on a pipe
// too; direction marks are exact there.
func TestC1(t *testing.T) {
	subject := "a\u009b31m\u202eb"
	row := &result.Message{Subject: &subject, Structure: &result.Part{Params: map[string]string{"x\u0085": "\u009f\u00a0"}}}
	for _, o := range []Options{{Format: JSON}, {Format: JSONL}, {Format: JSONL, Fields: []string{"subject", "structure"}}, {Format: JSON, JQ: "[.[]]"},
		{Format: JSONL, JQ: "{subject, structure}"}, {Template: "{{json .}}"}} {
		got, err := render(t, o, messages, true, row)
		if err != nil || strings.ContainsAny(got, "\u009b\u0085\u009f") || !strings.Contains(got, `a\u009b31m`+"\u202eb") ||
			!strings.Contains(got, `x\u0085`) || !strings.Contains(got, `\u009f`+"\u00a0") {
			t.Errorf("%+v: %q, %v", o, got, err)
		}
	}
}
