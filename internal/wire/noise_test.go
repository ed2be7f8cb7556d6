package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// Lines that mean nothing are passed over, up to a limit.
func TestNoise(t *testing.T) {
	for _, line := range []string{"\r\n", " \r\n", "\n", "+ stray\r\n", "+\r\n", "Z9 OK unknown\r\n", "A1 MAYBE\r\n", "A1\r\n",
		"garbage\r\n", "(\r\n", ")\r\n", "\"\r\n", "{5}\r\n", "\x00\xff\r\n", strings.Repeat("x", MaxToken+1) + "\r\n"} {
		for before, want := range map[int]fault.Kind{0: fault.None, MaxNoise - 10: fault.None, MaxNoise - 9: fault.Protocol} {
			for i, src := range []func(string) *source{whole, octets} {
				if len(line) > 100 && i > 0 {
					continue
				}
				c, _ := overMemory(t, src(strings.Repeat(line, 10)+"A1 OK\r\n"), Options{})
				c.pace.noise = before
				if _, err := c.Do(t.Context(), NewCommand("NOOP")); fault.KindOf(err) != want {
					t.Errorf("%d: 10 times %.20q behind %d such lines: %v", i, line, before, err)
				}
			}
		}
	}
}

// Untagged data that nobody asked for are no noise, whatever they are.
func TestUnknownUntagged(t *testing.T) {
	c, _ := overMemory(t, strings.NewReader(strings.Repeat("* VANISHED (EARLIER) 1:7 {3}\r\nA1 \r\n*\r\n* X\r\n*x\r\n* 5\r\n", MaxNoise)+"A1 OK\r\n"), Options{})
	if st, err := c.Do(t.Context(), NewCommand("NOOP")); err != nil || !st.OK() {
		t.Error(st, err)
	}
}

// Status texts may end like a literal's size; tagged ones never announce one.
func TestTextLikeLiteral(t *testing.T) {
	const data = "* OK use {5}\r\n* NO [X (a]b)] see {100}\r\n* BAD {3+}\r\n+ {7}\r\nx {9}\r\n" +
		"A1 OK done {12}\r\nA2 NO {1}\r\nA3 OK end\r\n"
	for i, src := range []func(string) *source{whole, octets} {
		var texts []string
		c, _ := overMemory(t, src(data), Options{Notice: func(r *Response) { texts = append(texts, r.Status.Text) }})
		ctx := t.Context()
		for want := range 3 {
			st, err := c.Do(ctx, NewCommand("NOOP"))
			if err != nil {
				t.Fatal(err)
			}
			same(t, fmt.Sprint(i, " tagged ", want), []string{st.Text}, []string{[...]string{"done {12}", "{1}", "end"}[want]})
		}
		same(t, fmt.Sprint(i, " untagged"), texts, []string{"use {5}", "see {100}", "{3+}"})
	}
}
