package result

import (
	"encoding/json"
	"testing"
)

func TestUIDValidity(t *testing.T) {
	for _, test := range []struct{ text, want, json string }{
		{"1", "1", "1"},
		{"4294967295", "4294967295", "4294967295"},
		{"4294967296", "4294967296", "4294967296"},
		{"1528896777421", "1528896777421", "1528896777421"},
		{"9007199254740991", "9007199254740991", "9007199254740991"},
		{"9007199254740992", "9007199254740992", `"9007199254740992"`},
		{"10000000000000000", "10000000000000000", `"10000000000000000"`},
		{"340282366920938463463374607431768211456", "340282366920938463463374607431768211456", `"340282366920938463463374607431768211456"`},
		{"007", "7", "7"},
		{"0", "0", "0"},
		{"000", "0", "0"},
	} {
		v, ok := ParseUIDValidity(test.text)
		if !ok || v.String() != test.want || v.Usable() != (test.want != "0") {
			t.Errorf("%s: %q, %t", test.text, v, ok)
		}
		out, err := json.Marshal(v)
		if err != nil || string(out) != test.json {
			t.Errorf("%s: %s, %v", test.text, out, err)
		}
		for _, in := range []string{test.json, `"` + test.want + `"`} {
			var back UIDValidity
			if err := json.Unmarshal([]byte(in), &back); err != nil || back != v {
				t.Errorf("%s: %q, %v", in, back, err)
			}
		}
	}
	for _, text := range []string{"", "-1", "1.0", "1e3", "x", " 1", "0x1", "١"} {
		if v, ok := ParseUIDValidity(text); ok {
			t.Errorf("%q is %q", text, v)
		}
	}
	for _, text := range []string{`-1`, `1.5`, `1e3`, `""`, `"x"`, `[1]`, `{}`, `true`} {
		var v UIDValidity
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s is %q", text, v)
		}
	}
}
