package cmds

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
)

func newSchema() *verb {
	return &verb{
		name: "schema", group: groupMeta, args: "[VERB]",
		summary: "print the JSON Schema of what a verb prints",
		about: `Prints the JSON Schema (2020-12) of the document that the verb prints with
--json; a line of --jsonl is its $defs/row. Fields that carry text from mail are
marked "x-untrusted". --count asks for that of the verb's --count. Without a
verb: one object with the schemas of all.`,
		examples: []example{
			{"fields of a search row", `imapknife schema search | jq -r '."$defs".row.properties | keys[]'`},
		},
		flags: lookup("count"),
		setup: func(in *input) (runner, error) {
			name := strings.Join(in.args, " ")
			if name != "" {
				v := findVerb(in.args)
				switch {
				case v == nil:
					_, _, err := resolveVerb(in.args)
					if err == nil {
						err = fault.New(fault.Usage, "unknown command %q", name)
					}
					return nil, err
				case in.flagged("count") && v.count == nil:
					return nil, fault.New(fault.Usage, "%s has no --count", name)
				case v.row == nil:
					return nil, fault.New(fault.Usage, "%s prints no rows, so it has no schema", name)
				}
			}
			return func(context.Context) error { return runSchema(in.p, name, in.flagged("count")) }, nil
		},
	}
}

func runSchema(p *Process, name string, count bool) error {
	all := map[string]json.RawMessage{}
	for _, v := range leaves() {
		if v.row == nil || count && v.count == nil || name != "" && v.path != name {
			continue
		}
		title := "imapknife " + v.path
		var doc []byte
		var err error
		if count {
			doc, err = result.SchemaEither(v.count, title+" --count")
		} else {
			doc, err = result.Schema(v.row, v.single, title)
		}
		if err != nil {
			return err
		}
		all[v.path] = doc
	}
	doc := all[name]
	if name == "" {
		var err error
		if doc, err = json.Marshal(all); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, doc, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	return write(p.Stdout, out.String())
}
