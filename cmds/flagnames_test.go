package cmds

import (
	"slices"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParseFlags(t *testing.T) {
	for _, tt := range []struct {
		values, want []string
	}{
		{nil, nil},
		{[]string{"seen"}, []string{`\Seen`}},
		{[]string{`SEEN,\answered , \Flagged`, "Deleted", "dRaft"}, []string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}},
		{[]string{"$Forwarded,Junk,a-b_c.d'e"}, []string{"$Forwarded", "Junk", "a-b_c.d'e"}},
		{[]string{"seen", `\Seen,SEEN`, "x,x"}, []string{`\Seen`, "x"}},
		{[]string{"", "seen,", ","}, []string{`\Seen`}},
	} {
		if got, err := parseFlags(tt.values); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, %v, want %q", tt.values, got, err, tt.want)
		}
	}
	for _, bad := range []string{
		`\Recent`, "recent", `\*`, `\`, `\\Seen`, `\Junk`, "two words", "a(b", "a)b", "a{b", "a%b", "a*b", `a"b`, `a\b`, "a]b", "é", "a\x00b", "a\r\nb", "a\x7fb",
	} {
		if got, err := parseFlags([]string{bad}); fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %q, %v, want a usage error", bad, got, err)
		}
	}
}
