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
--json; a line of --jsonl is its $defs/row. Fields that carry text from mail or
from the server are marked "x-untrusted". --count, --effective, --discover and
--extract otp ask for what the verb prints with that flag. Without a verb: one
object with the schemas of all.`,
		examples: []example{
			{"fields of a search row", `imapknife schema search | jq -r '."$defs".row.properties | keys[]'`},
		},
		flags: lookup(variantFlags...),
		setup: func(in *input) (runner, error) {
			name, flag := strings.Join(in.args, " "), ""
			for _, f := range variantFlags {
				if in.flagged(f) {
					flag = f
				}
			}
			if name != "" {
				v := findVerb(in.args)
				switch {
				case v == nil:
					_, _, err := resolveVerb(in.args)
					if err == nil {
						err = fault.New(fault.Usage, "unknown command %q", name)
					}
					return nil, err
				case flag != "" && v.variant(flag) == nil:
					return nil, fault.New(fault.Usage, "%s has no --%s", name, flag)
				case v.row == nil:
					return nil, fault.New(fault.Usage, "%s prints no rows, so it has no schema", name)
				}
			}
			return func(context.Context) error { return runSchema(in.p, name, flag) }, nil
		},
	}
}

// variantFlags are the flags that make a verb emit something else.
var variantFlags = []string{"count", "effective", "discover", "extract"}

// variant is what the verb emits with the flag, nil when that makes no
// difference.
func (v *verb) variant(flag string) *variant {
	for i := range v.variants {
		if v.variants[i].flag == flag {
			return &v.variants[i]
		}
	}
	return nil
}

func runSchema(p *Process, name, flag string) error {
	all := map[string]json.RawMessage{}
	for _, v := range leaves() {
		other := v.variant(flag)
		if v.row == nil || flag != "" && other == nil || name != "" && v.path != name {
			continue
		}
		title := "imapknife " + v.path
		var doc []byte
		var err error
		switch {
		case flag == "":
			doc, err = result.Schema(v.row, v.single, title)
		case other.either:
			doc, err = result.SchemaEither(other.row, title+" --"+flag)
		default:
			doc, err = result.Schema(other.row, other.single, title+" --"+flag)
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
