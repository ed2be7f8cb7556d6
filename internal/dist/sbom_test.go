package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// testBill compares the bill of materials with what Go says of the program.
func testBill(t *testing.T, m made) {
	document := read(t, m.file(".cdx.json"))
	checkSchema(t, document)
	var bom cdx.BOM
	if err := json.Unmarshal(document, &bom); err != nil {
		t.Fatal(err)
	}
	want, toolchain := goVersion(t, m.program)
	var got []string
	for _, c := range *bom.Components {
		if c.Name == "std" {
			if "go"+c.Version != toolchain {
				t.Errorf("the standard library is %s, Go %s", c.Version, toolchain)
			}
			continue
		}
		sum, err := hex.DecodeString((*c.Hashes)[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s h1:%s", c.Name, c.Version, base64.StdEncoding.EncodeToString(sum)))
	}
	if !slices.Equal(got, want) || len(got) < 10 {
		t.Errorf("the bill lists\n%s\ngo version -m\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	about := bom.Metadata.Component
	if digest := fmt.Sprintf("%x", sha256.Sum256(read(t, m.program))); (*about.Hashes)[0].Value != digest {
		t.Errorf("the bill is for %s, not for the program, %s", (*about.Hashes)[0].Value, digest)
	}
	if about.Version != "v0.1.0" || bom.Metadata.Timestamp != m.time.UTC().Format(time.RFC3339) || bom.SerialNumber != "" {
		t.Errorf("version %s, time %s, serial number %q", about.Version, bom.Metadata.Timestamp, bom.SerialNumber)
	}
}

// goVersion is what `go version -m` prints of a program's modules, and the
// version of Go.
func goVersion(t *testing.T, program string) (modules []string, toolchain string) {
	first, rest, _ := strings.Cut(runIn(t, ".", "go", "version", "-m", program), "\n")
	for line := range strings.Lines(rest) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == "dep" {
			modules = append(modules, strings.Join(f[1:], " "))
		}
	}
	return modules, first[strings.LastIndex(first, " ")+1:]
}

// checkSchema validates against CycloneDX's own schema, which comes with its
// library's source.
func checkSchema(t *testing.T, document []byte) {
	library := strings.TrimSpace(runIn(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"))
	compiler := jsonschema.NewCompiler()
	for name, file := range map[string]string{
		"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json",
		"jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, filepath.Join(library, "schema", file))))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+name, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}
