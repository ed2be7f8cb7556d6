package wire

import "testing"

func TestTake(t *testing.T) {
	const item = "BODY[HEADER.FIELDS (DATE TO)]"
	for text, want := range map[string]bool{
		item + " {3}":               true,
		"  " + item + " NIL":        true,
		item:                        false, // nothing tells that it ends here
		item + "<0> NIL":            false,
		item + "{3}":                false,
		"BODY[HEADER] NIL":          false,
		"body[HEADER.FIELDS (DATE)": false,
		"":                          false,
	} {
		r := NewReader([]byte(text))
		if got := r.Take(item); got != want {
			t.Errorf("Take in front of %q: %v", text, got)
		}
		if got := r.Item(); want != (len(got) == 0 || got[0] != 'B' && got[0] != 'b') && text != "" {
			t.Errorf("behind Take, in %q, stands %q", text, got)
		}
	}
	r := NewReader([]byte(" x"))
	if r.Take("") {
		t.Error("nothing was taken for an item")
	}
	r.Fail(&SyntaxError{"earlier"})
	if r.Take("x") {
		t.Error("an item was taken behind an error")
	}
}
