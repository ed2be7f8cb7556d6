package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/wire"
)

// outline is a structure in short: type/subtype size/lines, what else is told,
// children in brackets, a message in angle brackets.
func outline(s *message.Structure) string {
	if s == nil {
		return "nil"
	}
	out := s.Type + "/" + s.Subtype
	if s.Size != 0 || s.Lines != 0 {
		out += fmt.Sprintf(" %d/%d", s.Size, s.Lines)
	}
	for _, p := range s.Params {
		out += " " + p[0] + "=" + p[1]
	}
	for _, f := range []string{s.ID, s.Description, s.Encoding, s.MD5} {
		if f != "" {
			out += " " + f
		}
	}
	if s.Disposition != "" {
		out += fmt.Sprint(" +", s.Disposition, s.DispositionParams)
	}
	if s.Language != nil {
		out += fmt.Sprint(" lang", s.Language)
	}
	if s.Location != "" {
		out += " at " + s.Location
	}
	for _, c := range s.Children {
		out += " [" + outline(c) + "]"
	}
	if s.Message != nil {
		out += " <" + outline(s.Message) + ">"
	}
	return out
}

const envelope = `("Fri, 20 Nov 2026 10:00:00 +0000" "x (y" ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL NIL "<1@b>")`

var structureTests = []struct{ in, want string }{
	// As the RFC has them.
	{`("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 13 1 NIL NIL NIL NIL)`, "TEXT/PLAIN 13/1 CHARSET=UTF-8 7BIT"},
	{`("text" "plain" NIL "<id>" "about" "base64" 13 1 "md5" ("inline" ("a" "b" "c" "d")) ("de" "en") "http://x")`,
		"text/plain 13/1 <id> about base64 md5 +inline[[a b] [c d]] lang[de en] at http://x"},
	{`("application" "pdf" ("name" {5}` + "\r\n" + `a "b(` + `) NIL NIL "base64" 4294967296 NIL ("attachment" NIL) NIL NIL)`,
		`application/pdf 4294967296/0 name=a "b( base64 +attachment[]`},
	{`(("text" "plain" NIL NIL NIL "7bit" 1 1)("text" "html" NIL NIL NIL "7bit" 2 1) "alternative" ("boundary" "b") ("inline" NIL) "de" "loc")`,
		"multipart/alternative boundary=b +inline[] lang[de] at loc [text/plain 1/1 7bit] [text/html 2/1 7bit]"},
	{`("message" "rfc822" NIL NIL NIL "7bit" 90 ` + envelope + ` ("text" "plain" NIL NIL NIL "7bit" 5 1) 7 NIL ("attachment" NIL))`,
		"message/rfc822 90/7 7bit +attachment[] <text/plain 5/1 7bit>"},
	{`("MESSAGE" "GLOBAL" NIL NIL NIL "8bit" 90 ` + envelope + ` (("text" "plain" NIL NIL NIL "7bit" 5 1) "mixed") 7)`,
		"MESSAGE/GLOBAL 90/7 8bit <multipart/mixed [text/plain 5/1 7bit]>"},
	// As some servers have them.
	{`NIL`, "nil"},
	{`()`, "nil"},
	{`"text"`, "nil"},
	{`(NIL NIL NIL NIL NIL NIL NIL)`, "/"},
	{`("text")`, "text/"},
	{`(text plain nil nil nil 7bit 3 1)`, "text/plain 3/1 7bit"},
	{`("text" "plain" () NIL NIL "7bit" NIL NIL)`, "text/plain 7bit"},
	{`("text" "plain" ("charset" NIL "odd") NIL NIL "7bit" -1 "1")`, "text/plain charset= odd= 7bit"},
	{`("text" "plain" "charset" NIL NIL "7bit" 3 -1)`, "text/plain 3/0 7bit"},
	{`("text" "plain" NIL ("a" ("b")) NIL "7bit" 3 1 NIL "attachment" NIL NIL)`, "text/plain 3/1 7bit +attachment[]"},
	{`("message" "rfc822" NIL NIL NIL "7bit" 90 NIL NIL 7)`, "message/rfc822 90/0 7bit lang[7]"},
	{`("message" "rfc822" NIL NIL NIL "7bit" 90 ` + envelope + ` NIL 7)`, "message/rfc822 90/7 7bit"},
	{`("message" "delivery-status" NIL NIL NIL "7bit" 90)`, "message/delivery-status 90/0 7bit"},
	{`(()("text" "plain" NIL NIL NIL "7bit" 1 1) "mixed")`, "multipart/mixed [application/octet-stream] [text/plain 1/1 7bit]"},
	{`((("text" "plain")))`, "multipart/ [multipart/ [text/plain]]"},
	{`(("text" "plain"))`, "multipart/ [text/plain]"},
	{`("text" "plain" NIL NIL NIL "7bit" 1 1 NIL ("a" ("b" "c") x (y)) NIL "loc" more ("of" (it)) 5)`,
		"text/plain 1/1 7bit +a[[b c]] at loc"},
	{`( "text"  "plain"  NIL NIL NIL "7bit" 1 1 )`, "text/plain 1/1 7bit"},
	// What cannot be read is an error.
	{`("text" "plain" NIL NIL NIL "7bit" 1 1`, "error"}, // never closed
	{`("text" "plain" NIL NIL NIL "7bit" 99999999999999999999999 1)`, "text/plain 0/1 7bit"},
	{`("text" "plain" ("a" "b`, "error"},
	{strings.Repeat("(", wire.MaxDepth+1), "error"},
	{strings.Repeat("(", 1<<20), "error"},
	{"(" + strings.Repeat("()", maxParts) + ")", "error"},
}

func TestStructure(t *testing.T) {
	for _, tt := range structureTests {
		r := wire.NewReader([]byte(tt.in + " RFC822.SIZE"))
		got := outline(readStructure(r))
		if r.Err() != nil {
			got = "error"
		} else if rest := string(r.Item()); rest != "RFC822.SIZE" && strings.HasSuffix(tt.in, ")") {
			t.Errorf("%.200s: %q follows", tt.in, rest)
		}
		if got != tt.want {
			t.Errorf("%.200s\n got %.200s\nwant %s", tt.in, got, tt.want)
		}
	}
}

// Lists are kept only as far as their limits.
func TestStructureLimits(t *testing.T) {
	many := strings.Repeat(`"a" "b" `, 2*maxParams)
	s := readStructure(wire.NewReader([]byte(`("text" "plain" (` + many + `) NIL NIL NIL 1 1 NIL ("inline" (` + many + `)) (` + many + `) "loc")`)))
	if len(s.Params) != maxParams || len(s.DispositionParams) != maxParams || len(s.Language) != maxLanguages || s.Location != "loc" {
		t.Errorf("%d and %d parameters, %d languages, location %q", len(s.Params), len(s.DispositionParams), len(s.Language), s.Location)
	}
	long := strings.Repeat("x", 2*wire.MaxToken)
	s = readStructure(wire.NewReader([]byte(`("` + long + `" "plain" NIL NIL NIL "7bit" 1 2)`)))
	if len(s.Type) != wire.MaxToken || s.Subtype != "plain" {
		t.Errorf("a type of %d octets, subtype %q", len(s.Type), s.Subtype)
	}
}

// measure counts what a structure holds, and how deep.
func measure(s *message.Structure, depth int) (parts, octets, deepest int) {
	if s == nil {
		return 0, 0, depth
	}
	parts, deepest = 1, depth
	for _, f := range append([]string{s.Type, s.Subtype, s.ID, s.Description, s.Encoding, s.MD5, s.Disposition, s.Location}, s.Language...) {
		octets += len(f)
	}
	for _, p := range append(s.Params, s.DispositionParams...) {
		octets += len(p[0]) + len(p[1])
	}
	for _, c := range append(s.Children, s.Message) {
		p, o, d := measure(c, depth+1)
		parts, octets, deepest = parts+p, octets+o, max(deepest, d)
	}
	return parts, octets, deepest
}

// Any octets: reading ends without a panic, and what is kept is no more than
// was said, nor more than the limits.
func FuzzStructure(f *testing.F) {
	for _, tt := range structureTests {
		if len(tt.in) < 1<<10 {
			f.Add([]byte(tt.in))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := readStructure(wire.NewReader(in))
		parts, octets, deepest := measure(s, 0)
		// "multipart" is a word of ours.
		if parts > min(maxParts, len(in)) || octets > len(in)+len("multipart")*parts || deepest > wire.MaxDepth+1 {
			t.Errorf("%q: %d parts, %d octets, %d deep", in, parts, octets, deepest)
		}
	})
}
