package campaign

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// trial is an operation and the faults of its connections, in order.
type trial struct {
	op       *operation
	troubles []trouble
}

// String is the trial's name, from which parseTrial makes it again.
func (t trial) String() string {
	parts := []string{t.op.name}
	for _, x := range t.troubles {
		parts = append(parts, x.String())
	}
	return strings.Join(parts, "/")
}

func parseTrial(name string) (trial, error) {
	first, rest, _ := strings.Cut(name, "/")
	ops := operations()
	i := slices.IndexFunc(ops, func(o operation) bool { return o.name == first })
	if i < 0 {
		return trial{}, fmt.Errorf("no operation is called %q", first)
	}
	list, err := parseTroubles(rest)
	return trial{&ops[i], list}, err
}

// How many trials each operation gets whose second connection, the one that
// looks again, is spoilt too, how many whose third is, and behind how many
// different beginnings.
const (
	secondTrials, secondBases = 48, 6
	thirdTrials, thirdBases   = 12, 3
)

// planner makes the trials of one operation.
type planner struct {
	field  *field
	op     *operation
	random *rand.Rand
}

// all is every fault of the first connection, and some of later ones behind
// those that leave something to look for.
func (p *planner) all() ([]trial, error) {
	clean, err := p.rehearse(nil)
	if err != nil {
		return nil, err
	}
	asks := func(command string) bool { return strings.Contains(command, " CAPABILITY\r\n") }
	if slices.ContainsFunc(clean.commands, asks) == p.op.known {
		return nil, fmt.Errorf("%s: what the server offers is to be known only from an earlier run: %q", p.op.name, clean.commands)
	}
	begin := changes(clean)
	var early, late []trial
	for _, t := range p.behind(nil, clean) {
		if t.troubles[0].leaves(clean, begin) {
			late = append(late, t)
		} else {
			early = append(early, t)
		}
	}
	first := append(p.thin(early), late...)
	second, err := p.further(late, secondBases, secondTrials)
	if err != nil {
		return nil, err
	}
	third, err := p.further(second, thirdBases, thirdTrials)
	return slices.Concat(first, second, third), err
}

// thin keeps two kinds of fault for each point: where nothing has been sent yet
// that changes anything, they are much alike.
func (p *planner) thin(trials []trial) (out []trial) {
	p.random.Shuffle(len(trials), func(i, k int) { trials[i], trials[k] = trials[k], trials[i] })
	kept := map[point]int{}
	for _, t := range trials {
		if at := t.troubles[0].at; kept[at] < 2 {
			kept[at]++
			out = append(out, t)
		}
	}
	return out
}

// rehearse runs the operation with the troubles and returns what passed over
// the connection behind them, nil when there was none.
func (p *planner) rehearse(list []trouble) (*tape, error) {
	user, err := prepare(p.field.server, p.op)
	if err != nil {
		return nil, err
	}
	o, s, err := p.field.run(p.op, user, about(p.op), list)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 && o.exit != 0 && o.exit != 9 {
		return nil, fmt.Errorf("%s fails without a fault: exit status %d, %s\n%s", p.op.name, o.exit, o.stderr, o.record)
	}
	if o.wires <= len(list) {
		return nil, nil
	}
	return s.tape(len(list) + 1), nil
}

// behind is the trials that spoil a connection like the one on the tape, after
// other troubles.
func (p *planner) behind(list []trouble, t *tape) []trial {
	var out []trial
	for _, x := range troubles(t, p.random) {
		out = append(out, trial{p.op, append(slices.Clone(list), x)})
	}
	return out
}

// further spoils the next connection of some trials.
func (p *planner) further(trials []trial, bases, n int) ([]trial, error) {
	trials = slices.Clone(trials)
	p.random.Shuffle(len(trials), func(i, k int) { trials[i], trials[k] = trials[k], trials[i] })
	var out []trial
	for _, t := range trials {
		if bases == 0 {
			break
		}
		if t.troubles[len(t.troubles)-1].kind == kill {
			continue
		}
		next, err := p.rehearse(t.troubles)
		if err != nil {
			return nil, err
		}
		if next == nil {
			continue
		}
		bases--
		more := p.behind(t.troubles, next)
		p.random.Shuffle(len(more), func(i, k int) { more[i], more[k] = more[k], more[i] })
		out = append(out, more[:min(len(more), n/secondBases)]...)
	}
	return out, nil
}

// change is a command that changes something.
var change = regexp.MustCompile(`^\S+ (?:UID )?(?:COPY|MOVE|STORE|EXPUNGE|APPEND) `)

// changes is the number of the first command that changes something.
func changes(t *tape) int {
	return 1 + slices.IndexFunc(t.commands, change.MatchString)
}

// leaves reports whether the trouble comes late enough to leave open what has
// become of a change.
func (x trouble) leaves(t *tape, begin int) bool {
	if x.at.client {
		return x.at.index >= begin
	}
	tag, _, _ := strings.Cut(t.commands[begin-2], " ") // the one before was answered
	answered := slices.IndexFunc(t.responses, func(r string) bool { return strings.HasPrefix(r, tag+" ") })
	return x.at.index > answered+1
}
