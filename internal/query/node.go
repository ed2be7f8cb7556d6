package query

import (
	"slices"
	"strconv"
)

type nodeOp uint8

const (
	opLeaf  nodeOp = iota
	opAnd          // every kid; at least two
	opOr           // at least one kid; at least two
	opNot          // not the only kid
	opFuzzy        // the only kid, fuzzily (RFC 6203)
)

// Node is a search program or a part of one. Nodes are not changed once made.
// They are kept in one form: an And has no And below it, an Or no Or, a Not no
// Not, and ALL beside other keys is dropped.
type Node struct {
	op   nodeOp
	kids []*Node

	spec  *keySpec // of a leaf
	text  string   // text, keyword, identifier, label, glob; MODSEQ's entry type
	field string   // HEADER's field name; MODSEQ's entry name
	num   uint64   // size, seconds, mod-sequence, Gmail identifier
	date  Date
	uids  Set
}

// All matches every message.
func All() *Node { return &Node{spec: findKey(keyAll)} }

// UIDs matches the messages whose UID is in set.
func UIDs(set Set) *Node {
	if set.Empty() {
		return Not(All())
	}
	return &Node{spec: findKey(keyUID), uids: set}
}

// HasLast tells whether n speaks of `*`, the mailbox's highest UID.
func (n *Node) HasLast() bool {
	return n.uids.HasLast() || slices.ContainsFunc(n.kids, (*Node).HasLast)
}

// Resolve is n with `*` replaced by last, the mailbox's highest UID, 0 for an
// empty mailbox. Plan wants it: of `UID *`, GNU imap4d says BAD, and Courier
// finds nothing.
func (n *Node) Resolve(last uint32) *Node {
	if !n.HasLast() {
		return n
	}
	kids := make([]*Node, len(n.kids))
	for i, kid := range n.kids {
		kids[i] = kid.Resolve(last)
	}
	switch n.op {
	case opAnd:
		return And(kids...)
	case opOr:
		return Or(kids...)
	case opNot:
		return Not(kids[0])
	case opFuzzy:
		return fuzzy(kids[0])
	}
	return UIDs(n.uids.Resolve(last))
}

// And matches what every one of nodes matches; without nodes, everything. Nil
// nodes are left out.
func And(nodes ...*Node) *Node {
	kids := flatten(opAnd, nodes)
	kids = slices.DeleteFunc(kids, func(n *Node) bool { return n.op == opLeaf && n.spec.name == keyAll })
	return group(opAnd, kids, All())
}

// Conditions are the parts of n that all have to hold; none for nil.
func Conditions(n *Node) []*Node {
	if n == nil {
		return nil
	}
	return flatten(opAnd, []*Node{n})
}

// Or matches what at least one of nodes matches; without nodes, nothing. Nil
// nodes are left out.
func Or(nodes ...*Node) *Node {
	kids := flatten(opOr, nodes)
	return group(opOr, kids, &Node{op: opNot, kids: []*Node{All()}})
}

// Not matches what n does not.
func Not(n *Node) *Node {
	if n.op == opNot {
		return n.kids[0]
	}
	return &Node{op: opNot, kids: []*Node{n}}
}

func fuzzy(n *Node) *Node { return &Node{op: opFuzzy, kids: []*Node{n}} }

func flatten(op nodeOp, nodes []*Node) []*Node {
	kids := make([]*Node, 0, len(nodes))
	for _, n := range nodes {
		switch {
		case n == nil:
		case n.op == op:
			kids = append(kids, n.kids...)
		default:
			kids = append(kids, n)
		}
	}
	return kids
}

func group(op nodeOp, kids []*Node, empty *Node) *Node {
	switch len(kids) {
	case 0:
		return empty
	case 1:
		return kids[0]
	}
	return &Node{op: op, kids: kids}
}

// String is the program as a person types it. ParseString reads it back to an
// equal program. The strings in it are as given: not safe for a terminal.
func (n *Node) String() string { return Format(n.tokens(nil, true)) }

// tokens appends n as one search key, or several when n is an And. With people
// set it is for reading (ISO dates, our own keys); else for a server, where
// every leaf must be one that the server knows.
func (n *Node) tokens(dst []Token, people bool) []Token {
	switch n.op {
	case opAnd:
		for _, kid := range n.kids {
			dst = kid.tokens(dst, people)
		}
	case opOr:
		dst = orTokens(dst, n.kids, people)
	case opNot:
		dst = n.kids[0].operand(append(dst, Token{Atom, keyNot}), people)
	case opFuzzy:
		dst = n.kids[0].operand(append(dst, Token{Atom, keyFuzzy}), people)
	default:
		if n.spec.arg == argAttachment && !people { // Plan leaves it to a server with X-GM-EXT-1 only
			return append(dst, Token{Atom, keyRaw}, Token{String, "has:attachment"})
		}
		dst = n.leafTokens(append(dst, Token{Atom, n.spec.name}), people)
	}
	return dst
}

// orTokens joins kids by OR as a balanced tree, so that a long list does not
// meet a server's limit on nesting.
func orTokens(dst []Token, kids []*Node, people bool) []Token {
	if len(kids) == 1 {
		return kids[0].operand(dst, people)
	}
	half := len(kids) / 2
	dst = orTokens(append(dst, Token{Atom, keyOr}), kids[:half], people)
	return orTokens(dst, kids[half:], people)
}

// operand appends n as exactly one search key.
func (n *Node) operand(dst []Token, people bool) []Token {
	if n.op != opAnd {
		return n.tokens(dst, people)
	}
	dst = n.tokens(append(dst, Token{Open, "("}), people)
	return append(dst, Token{Close, ")"})
}

// leafTokens appends the value of a leaf.
func (n *Node) leafTokens(dst []Token, people bool) []Token {
	atom := func(s string) []Token { return append(dst, Token{Atom, s}) }
	switch n.spec.arg {
	case argNone, argAttachment:
		return dst
	case argText, argGlob:
		return append(dst, Token{String, n.text})
	case argHeader:
		return append(dst, Token{String, n.field}, Token{String, n.text})
	case argDate, argSent, argDay:
		if people {
			return atom(n.date.String())
		}
		return atom(imapDate(n.date.Time))
	case argUID:
		return atom(n.uids.format(people))
	case argKeyword, argObjectID:
		return atom(n.text)
	case argLabel:
		if people {
			return append(dst, Token{String, n.text})
		}
		return append(dst, Token{String, modifiedUTF7(n.text)})
	case argModseq:
		if n.field != "" {
			dst = append(dst, Token{String, n.field}, Token{Atom, n.text})
		}
	}
	return append(dst, Token{Atom, strconv.FormatUint(n.num, 10)})
}
