package campaign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// kind is a way to spoil a connection.
type kind string

const (
	cut    kind = "cut"    // closed in good order
	reset  kind = "reset"  // TCP RST
	stall  kind = "stall"  // nothing passes any more
	late   kind = "late"   // closed, and the server gets what was sent, and answers, only later
	bye    kind = "bye"    // the server says BYE, then it is cut
	refuse kind = "refuse" // the command is answered NO, and the server never sees it
	kill   kind = "kill"   // imapknife is killed, and the connection ends
	no     kind = "no"     // the response is a tagged NO instead
	bad    kind = "bad"    // or BAD
	// expunge and a UID: another client removes that message before the command.
	expunge = "expunge"
)

var kinds = []kind{cut, reset, stall, late, bye, refuse, kill, no, bad}

// whole as the octet of a point is behind the last octet of the command, before
// the server has said anything to it.
const whole = -1

// point is a place in one direction of a connection: so many octets of the
// command or response of that number, from 1, have passed.
type point struct {
	client bool
	index  int
	octet  int
}

func (p point) String() string {
	side, octet := "s", strconv.Itoa(p.octet)
	if p.client {
		side = "c"
	}
	if p.octet == whole {
		octet = "end"
	}
	return fmt.Sprintf("%s%d+%s", side, p.index, octet)
}

// trouble is one fault at one point.
type trouble struct {
	kind kind
	at   point
}

func (t trouble) String() string { return string(t.kind) + "@" + t.at.String() }

// label is what the trouble is counted as: a connection that is cut inside a
// command or a response is truncated.
func (t trouble) label() string {
	switch {
	case t.kind == cut && t.at.octet > 0:
		return "truncate"
	case strings.HasPrefix(string(t.kind), expunge):
		return expunge
	}
	return string(t.kind)
}

// parseTroubles reads what name joins.
func parseTroubles(text string) ([]trouble, error) {
	var out []trouble
	for part := range strings.SplitSeq(text, "/") {
		name, at, _ := strings.Cut(part, "@")
		index, octet, ok := strings.Cut(at, "+")
		if !ok || len(index) < 2 || !slices.Contains(kinds, kind(name)) && !strings.HasPrefix(name, expunge) {
			return nil, fmt.Errorf("%q is no fault", part)
		}
		t := trouble{kind: kind(name), at: point{client: index[0] == 'c', octet: whole}}
		var err error
		if t.at.index, err = strconv.Atoi(index[1:]); err != nil {
			return nil, err
		}
		if octet != "end" {
			if t.at.octet, err = strconv.Atoi(octet); err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// troubles is what is done to a connection like the one on the tape: cut, reset
// and stalled at each boundary, cut inside each literal, and at each boundary or
// inside each command and response some of the rest.
func troubles(t *tape, random *rand.Rand) []trouble {
	var out []trouble
	add := func(at point, kinds ...kind) {
		for _, k := range kinds {
			out = append(out, trouble{k, at})
		}
	}
	either := func(a, b kind) kind { return []kind{a, b}[random.IntN(2)] }
	for i, text := range t.responses {
		at := point{index: i + 1}
		add(at, cut, reset, stall, either(bye, kill))
		at.octet = anywhere(text, random)
		add(at, either(reset, stall))
		for _, at.octet = range append(literals(text), anywhere(text, random)) {
			add(at, cut)
		}
	}
	for i, text := range t.commands {
		at := point{client: true, index: i + 1}
		add(at, cut, reset, stall, refuse, kill)
		for _, at.octet = range append(literals(text), anywhere(text, random), len(text)-1) {
			add(at, cut)
		}
		at.octet = whole
		add(at, cut, reset, stall, late, kill)
	}
	return out
}

// anywhere chooses an octet within a command or response.
func anywhere(text string, random *rand.Rand) int { return 1 + random.IntN(len(text)-1) }

// literals is the beginning, the middle and the end of each literal.
func literals(text string) []int {
	var out []int
	for from := 0; ; {
		at := literal.FindStringSubmatchIndex(text[from:])
		if at == nil {
			return out
		}
		size, _ := strconv.Atoi(text[from+at[2] : from+at[3]]) // digits by the pattern
		start := from + at[1]
		out = append(out, start, start+size/2, start+size)
		from = min(start+size, len(text))
	}
}
