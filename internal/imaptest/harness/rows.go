package harness

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// rowSchema is what `imapknife schema` says that a verb prints.
type rowSchema struct {
	compiled *jsonschema.Schema
	array    bool // of rows; else one
}

// variantFlags make a verb print something else.
var variantFlags = []string{"--count", "--effective", "--discover", "--extract"}

// allSchemas are the schemas of all verbs, by verb, and with a flag that makes a
// difference behind it. They come from the imapknife on PATH, once.
var allSchemas = sync.OnceValues(func() (map[string]rowSchema, error) {
	all := map[string]rowSchema{}
	for _, flag := range append([]string{""}, variantFlags...) {
		args := []string{"schema"}
		switch flag {
		case "":
		case "--extract":
			args = append(args, flag, "otp")
		default:
			args = append(args, flag)
		}
		text, err := exec.Command("imapknife", args...).Output()
		if err != nil {
			return nil, fmt.Errorf("imapknife %s: %w", strings.Join(args, " "), err)
		}
		var verbs map[string]json.RawMessage
		if err := json.Unmarshal(text, &verbs); err != nil {
			return nil, err
		}
		for verb, schema := range verbs {
			s, err := compile(schema)
			if err != nil {
				return nil, fmt.Errorf("the schema of %s: %w", verb, err)
			}
			all[strings.TrimSpace(verb+" "+flag)] = s
		}
	}
	return all, nil
})

func compile(text []byte) (s rowSchema, err error) {
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return s, err
	}
	s.array = doc["type"] == "array"
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		return s, err
	}
	s.compiled, err = compiler.Compile("schema.json")
	return s, err
}

// checkRows holds what a command has printed as whole JSON against its schema,
// and notes that for the table.
func checkRows(ts *testscript.TestScript, argv []string) {
	if len(argv) < 2 || argv[0] != "imapknife" {
		return
	}
	schemas, err := allSchemas()
	ts.Check(err)
	words := argv[1:]
	verb := words[0]
	if len(words) > 1 {
		if _, two := schemas[words[0]+" "+words[1]]; two {
			verb += " " + words[1]
		}
	}
	if verb == "sandbox" && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		return // what is printed is the command's
	}
	json, lines := false, verb == "watch" || verb == "changes"
	for _, word := range words {
		name, _, _ := strings.Cut(word, "=")
		switch {
		case word == "--":
			return // what is printed is the command's
		case slices.Contains([]string{"--jq", "--fields", "--template", "--raw", "--help"}, name):
			return
		case name == "--json":
			json = true
		case name == "--jsonl":
			lines = true
		case slices.Contains(variantFlags, name):
			if _, other := schemas[verb+" "+name]; other {
				verb += " " + name
			}
		}
	}
	schema, known := schemas[verb]
	out := ts.ReadFile("stdout")
	if !known || !json && !lines || out == "" {
		return
	}
	docs := documents(ts, out)
	if json && len(docs) != 1 {
		ts.Fatalf("stdout holds %d JSON documents, want 1", len(docs))
	}
	if !json && schema.array {
		docs = []any{docs}
	}
	for _, doc := range docs {
		if err := schema.compiled.Validate(doc); err != nil {
			ts.Fatalf("not as imapknife schema %s has it: %v", verb, err)
		}
	}
	if s := stateOf(ts); s.server != nil {
		s.rows = append(s.rows, verb)
	}
}
