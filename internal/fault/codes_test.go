package fault

import (
	"slices"
	"testing"
)

// What the server's response code says takes the place of a guess, and gives way
// to what a site has made of the code itself.
func TestHintsByCode(t *testing.T) {
	refused := func(code string) *Error {
		return &Error{Kind: Refused, Op: "x", Server: &Server{Status: "NO", Code: code}}
	}
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{refused("").HintUnlessCode("guess"), []string{"guess"}},
		{refused("NONEXISTENT").HintUnlessCode("guess"), []string{"guess"}},
		{refused("INUSE").HintUnlessCode("guess"), []string{codes["INUSE"]}},
		{refused("inuse by 7").HintUnlessCode("guess").Hint("sure"), []string{"sure", codes["INUSE"]}},
		{refused("LIMIT").HintForCode("too many"), []string{"too many"}},
		{New(Partial, "part").Hint("outer"), []string{"outer"}},
		{&Error{Kind: Partial, Hints: []string{"outer"}, Err: refused("NOPERM").HintUnlessCode("guess")}, []string{"outer", codes["NOPERM"]}},
		{refused("TRYCREATE").HintUnlessCode("%s", codes["TRYCREATE"]), []string{codes["TRYCREATE"]}},
	} {
		if got := Hints(tt.err); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
