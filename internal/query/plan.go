package query

import (
	"math"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// StepOp is what a Step does.
type StepOp uint8

// The operations of a plan.
const (
	// OpSearch: Program on the server gives the result.
	OpSearch StepOp = iota
	// OpFilter: Program on the server gives candidates; those for whose facts
	// Match holds are the result.
	OpFilter
	// OpAnd: what every one of Kids gives. Later kids are looked at among the
	// messages that earlier ones gave.
	OpAnd
	// OpOr: what at least one of Kids gives. Later kids are looked at among the
	// messages that earlier ones did not give.
	OpOr
)

// Fact is a set of things to know about a message.
type Fact uint8

// The facts that Match can need. None means the UID is enough.
const (
	NeedInternalDate Fact = 1 << iota // INTERNALDATE
	NeedSentDate                      // the Date header field
	NeedSize                          // RFC822.SIZE
	NeedAttachments                   // BODYSTRUCTURE
	NeedHeader                        // every header field, in Texts
	NeedBody                          // every text part too, in Texts
)

// Facts is what is known about one message. Only what was needed is filled in.
type Facts struct {
	UID          uint32
	InternalDate time.Time
	SentDate     time.Time // the zero time when the field is missing or cannot be read
	Size         uint64    // octets
	Attachments  []Attachment
	Texts        *Texts
}

// Attachment is a part that counts as attachment.
type Attachment struct {
	Name string // file name, decoded; may be empty
	Type string // media type, such as application/pdf
	// Alternative is set for another form of the text, such as an invitation.
	// It is found by its type only.
	Alternative bool
}

// Step is one step of a plan.
type Step struct {
	Op      StepOp
	Program []Token             // OpSearch, OpFilter
	UTF8    bool                // Program needs CHARSET UTF-8
	Need    Fact                // OpFilter
	Match   func(f *Facts) bool // OpFilter; may be called from one goroutine at a time
	Kids    []*Step             // OpAnd, OpOr
}

// Plan turns a program into steps for a server. has tells whether the server
// offers a capability, asked for as its RFC spells it. now is the moment that YOUNGER and OLDER count from
// when the server lacks them: plan again for each look at a mailbox.
//
// What the server can decide alone becomes one Search, in the usual case the
// whole program. What it cannot is decided by facts about messages that the
// server has narrowed down as far as it can. A key that needs a capability
// which is missing and cannot be replaced is a fault.Refused error.
//
// A program that HasLast is an error: Resolve it first.
func Plan(n *Node, has func(capability string) bool, now time.Time) (*Step, error) {
	if n.HasLast() {
		return nil, usage("the highest UID of the mailbox is not known").Hint("give a UID instead of last")
	}
	p := planner{has: has, now: now, class: map[*Node]class{}}
	if err := p.classify(n, false); err != nil {
		return nil, err
	}
	return p.step(n, false, nil), nil
}

// WrongUIDs is asked of has like a capability: the server takes the UIDs behind
// the search key UID for sequence numbers (GNU imap4d 3.15), so that sets have
// to be compared here.
const WrongUIDs = "WRONG-UIDS"

// class is who can decide a node.
type class uint8

const (
	server class = iota // the server alone
	local               // facts alone
	mixed               // both
)

type planner struct {
	has   func(string) bool
	now   time.Time
	class map[*Node]class
}

// classify fills in the classes of n and what is below it, and finds keys that
// the server lacks.
func (p *planner) classify(n *Node, inFuzzy bool) error {
	if n.op == opLeaf {
		p.class[n] = server
		if p.isLocal(n) || !inFuzzy && n.isText() && (p.has(LocalTexts) || p.has(CheckedTexts)) {
			p.class[n] = local
			if inFuzzy {
				return usage("FUZZY cannot apply to %s, which this server leaves to us", n)
			}
			return nil
		}
		return p.offered(n.spec)
	}
	if n.op == opFuzzy {
		if err := p.offered(findKey(keyFuzzy)); err != nil {
			return err
		}
		inFuzzy = true
	}
	for i, kid := range n.kids {
		if err := p.classify(kid, inFuzzy); err != nil {
			return err
		}
		switch c := p.class[kid]; {
		case i == 0:
			p.class[n] = c
		case c != p.class[n]:
			p.class[n] = mixed
		}
	}
	return nil
}

// maxNumber is the largest number that is safe to send: Cyrus ends the
// connection at a larger one, though IMAP has 32 bits (RFC 3501) or 63.
const maxNumber = math.MaxInt32

// bigRanges is the number of ranges below which a set fits MaxSetOctets,
// whatever the UIDs are.
const bigRanges = MaxSetOctets / len("4294967295:4294967295,")

// isLocal tells which leaves are not for this server.
func (p *planner) isLocal(n *Node) bool {
	switch n.spec.arg {
	case argText:
		return n.spec.name == keyRecipient
	case argDate, argSent:
		return !n.date.IsDay()
	case argAge:
		return n.num > maxNumber || !p.has(capWithin)
	case argSize:
		return n.num > maxNumber && !p.has(capRev2)
	case argAttachment:
		return !p.has(capGmail)
	case argGlob:
		return true
	case argUID:
		return p.has(WrongUIDs) || len(n.uids) > bigRanges && len(n.uids.format(false)) > MaxSetOctets
	}
	return false
}

func (p *planner) offered(k *keySpec) error {
	if k.needs == "" || p.has(k.needs) || k.needs == capCondstore && p.has(capQresync) {
		return nil
	}
	err := fault.New(fault.Refused, "the search key %s needs the capability %s, which the server does not offer", k.name, k.needs)
	for _, r := range refusals {
		if r.needs == k.needs {
			err.Hint("%s", r.hint)
		}
	}
	return err
}

// maxCopied bounds what copying the server's conditions into every branch of
// an OR may cost, in octets.
const maxCopied = 1 << 20

// step plans n, or its negation, among the messages that fulfil within.
// Negation is pushed down to where the server or a fact decides, so that no
// step has to know all messages.
func (p *planner) step(n *Node, negate bool, within []*Node) *Step {
	switch p.class[n] {
	case server:
		return search(with(within, signed(n, negate)))
	case local:
		return p.filter(signed(n, negate), within)
	}
	if n.op == opNot {
		return p.step(n.kids[0], !negate, within)
	}
	var parts [3][]*Node // by class
	for _, kid := range n.kids {
		c := p.class[kid]
		parts[c] = append(parts[c], kid)
	}
	var steps []*Step
	if (n.op == opAnd) == negate { // one of them is enough
		if len(parts[server]) > 0 {
			steps = append(steps, search(with(within, Or(each(parts[server], negate)...))))
		}
		for _, kid := range parts[mixed] {
			steps = append(steps, p.step(kid, negate, within))
		}
		if len(parts[local]) > 0 {
			steps = append(steps, p.filter(Or(each(parts[local], negate)...), within))
		}
		return join(OpOr, steps)
	}
	if conditions := each(parts[server], negate); len(conditions) > 0 {
		within = with(within, conditions...)
		if octets := len(Format(And(within...).tokens(nil, false))); octets*len(n.kids) > maxCopied {
			steps, within = append(steps, search(within)), nil
		}
	}
	for _, kid := range parts[mixed] {
		steps = append(steps, p.step(kid, negate, within))
	}
	if len(parts[local]) > 0 {
		steps = append(steps, p.filter(And(each(parts[local], negate)...), within))
	}
	return join(OpAnd, steps)
}

func signed(n *Node, negate bool) *Node {
	if negate {
		return Not(n)
	}
	return n
}

func each(nodes []*Node, negate bool) []*Node {
	out := make([]*Node, len(nodes))
	for i, n := range nodes {
		out[i] = signed(n, negate)
	}
	return out
}

// with is a copy of within with more conditions.
func with(within []*Node, more ...*Node) []*Node {
	return append(within[:len(within):len(within)], more...)
}

func join(op StepOp, steps []*Step) *Step {
	if len(steps) == 1 {
		return steps[0]
	}
	return &Step{Op: op, Kids: steps}
}

// maxProgram is how long a search program may be, in octets, so that the command
// line stays below 8,192 (RFC 7162 section 4).
const maxProgram = 7900

// length is how many octets of a command line the tokens take at most; a literal
// is no part of the line, but a quoted string is.
func length(program []Token) (octets int) {
	for _, t := range program {
		octets += len(t.Text) + 1
		if t.Kind == String {
			octets += 2 + strings.Count(t.Text, `"`) + strings.Count(t.Text, `\`)
		}
	}
	return octets
}

// search makes the step that sends conditions to the server, several searches
// whose results are joined where one would be too long.
func search(conditions []*Node) *Step {
	return split(And(conditions...), false)
}

func split(n *Node, negate bool) *Step {
	program := signed(n, negate).tokens(nil, false)
	if length(program) <= maxProgram || n.op == opLeaf || n.op == opFuzzy {
		return &Step{Op: OpSearch, Program: program, UTF8: hasUTF8(program)}
	}
	if n.op == opNot {
		return split(n.kids[0], !negate)
	}
	op, together := OpOr, Or
	if (n.op == opAnd) != negate {
		op, together = OpAnd, And
	}
	var steps []*Step
	var group []*Node
	octets := 0
	end := func() {
		if len(group) > 0 {
			steps = append(steps, split(together(group...), false))
		}
		group, octets = nil, 0
	}
	for _, kid := range each(n.kids, negate) {
		size := length(kid.tokens(nil, false)) + len("OR ( ) ")
		if size > maxProgram { // to be split itself
			end()
			steps = append(steps, split(kid, false))
			continue
		}
		if octets+size > maxProgram {
			end()
		}
		group, octets = append(group, kid), octets+size
	}
	end()
	return join(op, steps)
}

// filter makes the step for n, which facts alone decide.
func (p *planner) filter(n *Node, within []*Node) *Step {
	t := p.test(n, false)
	s := search(with(within, t.narrow))
	if s.Op == OpSearch {
		s.Op, s.Need, s.Match = OpFilter, t.need, t.match
		return s
	}
	f := search([]*Node{All()})
	f.Op, f.Need, f.Match = OpFilter, t.need, t.match
	return join(OpAnd, []*Step{s, f})
}
