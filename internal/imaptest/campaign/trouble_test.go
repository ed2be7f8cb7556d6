package campaign

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// feed has a hook judge what a client and a server say, a chunk each, and
// returns what passes until a fault.
func feed(s *spoiler, conn int, talk ...string) (passed []string, fault imaptest.Fault) {
	for i, text := range talk {
		v := s.hook(imaptest.Chunk{Conn: conn, Client: i%2 == 1, Data: []byte(text)})
		if v.Fault != imaptest.Pass {
			return append(passed, string(v.Data[:v.Keep])), v.Fault
		}
		passed = append(passed, string(v.Data))
	}
	return passed, imaptest.Pass
}

var talk = []string{
	"* OK [CAPABILITY IMAP4rev1 MOVE] hi\r\n", "A1 NOOP\r\nA2 APPEND x {4+}\r\nabcd\r\n",
	"A1 OK\r\n", "A3 X\r\n", "* 1 FETCH (BODY[] {3}\r\nabc)\r\nA2 OK\r\n",
}

// TestSpoiler puts each kind of fault where a name says.
func TestSpoiler(t *testing.T) {
	for name, want := range map[string][]string{
		"cut@s1+0":     {""},
		"cut@s1+4":     {"* OK"},
		"reset@c1+0":   {talk[0], ""},
		"reset@c1+end": {talk[0], "A1 NOOP\r\n"},
		"late@c1+end":  {talk[0], "A1 NOOP\r\n"},
		"stall@c2+20":  {talk[0], "A1 NOOP\r\nA2 APPEND x {4+}\r\nab"},
		"bye@s2+0":     {talk[0], talk[1], "* BYE the campaign says so\r\n"},
		"kill@s3+24":   {talk[0], talk[1], talk[2], talk[3], "* 1 FETCH (BODY[] {3}\r\na"},
		"refuse@c2+0":  {talk[0], "A1 NOOP\r\nA2 NOOP\r\n", talk[2], talk[3], talk[4]},
		"cut@c9+0":     talk,
	} {
		list, err := parseTroubles(name)
		if err != nil || list[0].String() != name {
			t.Errorf("%s becomes %v, %v", name, list, err)
			continue
		}
		killed := false
		s := &spoiler{troubles: list, kill: func() { killed = true }}
		got, fault := feed(s, 1, talk...)
		if !slices.Equal(got, want) {
			t.Errorf("%s lets pass %q", name, got)
		}
		if passes := name == "cut@c9+0" || name == "refuse@c2+0"; passes != (fault == imaptest.Pass) || (name == "cut@c9+0") != (s.struck() == 0) {
			t.Errorf("%s: fault %v, %d struck", name, fault, s.struck())
		}
		if killed != (list[0].kind == kill) {
			t.Errorf("%s: killed %v", name, killed)
		}
	}
}

// TestRefuse answers a command with NO, a synchronising literal included.
func TestRefuse(t *testing.T) {
	list, _ := parseTroubles("refuse@c1+0")
	s := &spoiler{hide: []string{"MOVE"}, troubles: list}
	got, _ := feed(s, 1, talk[0], "A1 APPEND x {4}\r\n", "A1 OK done\r\n", "A2 NOOP\r\n")
	if want := []string{"* OK [CAPABILITY IMAP4rev1] hi\r\n", "A1 NOOP\r\n", "A1 NO refused by the campaign\r\n", "A2 NOOP\r\n"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if tape := s.tape(1); len(tape.commands) != 2 || len(tape.responses) != 2 {
		t.Errorf("%+v", tape)
	}
}

// TestTroubles has every boundary among the faults, and places in literals.
func TestTroubles(t *testing.T) {
	s := &spoiler{}
	feed(s, 1, talk...)
	all := troubles(s.tape(1), rand.New(rand.NewPCG(1, 1)))
	var names []string
	for _, x := range all {
		names = append(names, x.String())
	}
	for _, want := range []string{"cut@s1+0", "reset@s4+0", "stall@s3+0", "refuse@c3+0", "kill@c2+end", "late@c1+end", "cut@s3+23", "cut@s3+24", "cut@s3+26"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
	for _, bad := range []string{"", "cut", "cut@s1", "blow@s1+0", "cut@+0", "cut@sx+0", "cut@s1+x"} {
		if list, err := parseTroubles(bad); err == nil {
			t.Errorf("%q is %v", bad, list)
		}
	}
}
