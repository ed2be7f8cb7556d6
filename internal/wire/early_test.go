package wire

import (
	"context"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// A command is done when its octets were sent and its answer came after them.
func TestEarlyAnswer(t *testing.T) {
	append21 := func() *Command { return NewCommand("APPEND").String("a").Literal(strings.NewReader("abc"), 3) }
	search := func() *Command { return NewCommand("UID SEARCH").Atom("SUBJECT").String("ü") }
	two := func() *Command { return append21().Literal(strings.NewReader("de"), 2) }
	noop := func() *Command { return NewCommand("NOOP") }
	for _, tt := range [...]struct {
		name   string
		cmd    func() *Command
		server func(*peer)
		want   string // the status, or the kind of the error
	}{
		{"OK in the place of consent", search, func(p *peer) { p.want("A1 UID SEARCH SUBJECT {2}"); p.say("* SEARCH 1 2 3\nA1 OK done\n") }, "protocol"},
		{"OK in the place of consent to a message", append21, func(p *peer) { p.want(`A1 APPEND "a" {3}`); p.say("A1 OK done\n") }, "protocol"},
		{"OK in the place of the second consent", two, func(p *peer) {
			p.want(`A1 APPEND "a" {3}`)
			p.say("+\n")
			p.want("abc {2}")
			p.say("A1 OK done\n")
		}, "protocol"},
		{"OK beside the consent", append21, func(p *peer) { p.want(`A1 APPEND "a" {3}`); p.say("+\nA1 OK done\n") }, "protocol"},
		{"NO in its place", append21, func(p *peer) { p.want(`A1 APPEND "a" {3}`); p.say("A1 NO full\n") }, "NO"},
		{"BAD in its place", search, func(p *peer) { p.want("A1 UID SEARCH SUBJECT {2}"); p.say("A1 BAD no\n") }, "BAD"},
		{"NO beside the consent", append21, func(p *peer) { p.want(`A1 APPEND "a" {3}`); p.say("+\nA1 NO full\n") }, "protocol"},
		{"in turn", append21, func(p *peer) {
			p.want(`A1 APPEND "a" {3}`)
			p.say("+\n")
			p.want("abc")
			p.say("A1 OK done\n")
		}, "OK"},
		{"no literal", noop, func(p *peer) { p.want("A1 NOOP"); p.say("A1 OK done\n") }, "OK"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			talk(t, Options{}, func(p *peer) { tt.server(p); p.hang() }, func(ctx context.Context, c *Conn) {
				st, err := c.Do(ctx, tt.cmd())
				got := st.Status
				if err != nil {
					got = fault.KindOf(err).String()
				}
				if got != tt.want || c.Broken() != (err != nil) {
					t.Errorf("%s (%v), broken: %v; want %s", got, err, c.Broken(), tt.want)
				}
			})
		})
	}
}

// An answer that lies in the buffer before the command is sent is none, whatever
// it says.
func TestAnswerAhead(t *testing.T) {
	for _, status := range []string{"OK", "NO", "BAD"} {
		c, m := overMemory(t, nil, Options{})
		m.Reader = strings.NewReader("A1 OK\r\nA2 " + status + " soon\r\nA3 OK\r\n") // at once, not in turn
		if _, err := c.Do(t.Context(), NewCommand("NOOP")); err != nil {
			t.Fatal(err)
		}
		if st, err := c.Do(t.Context(), NewCommand("EXPUNGE")); fault.KindOf(err) != fault.Protocol || !strings.Contains(err.Error(), status+" to EXPUNGE") {
			t.Errorf("%v, %v", st, err)
		}
	}
}
