package query

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// testEnv is a Friday evening two hours east of UTC.
var testEnv = Env{
	Now:      time.Date(2026, 11, 20, 21, 30, 15, 999, time.FixedZone("", 2*3600)),
	Location: time.FixedZone("", 2*3600),
}

func words(s string) []string { return strings.Split(s, "|") }

// The programs are words joined by |.
func TestParse(t *testing.T) {
	tests := []struct{ in, people, wire string }{
		{"UNSEEN", "UNSEEN", "UNSEEN"},
		{"unseen|From|alice", "UNSEEN FROM alice", "UNSEEN FROM alice"},
		{"UNSEEN|OR|FROM|alice|FROM|bob|SINCE|2026-11-01", "UNSEEN OR FROM alice FROM bob SINCE 2026-11-01",
			"UNSEEN OR FROM alice FROM bob SINCE 1-Nov-2026"},
		{"ALL", "ALL", "ALL"},
		{"ALL|SEEN", "SEEN", "SEEN"},

		// One word after a key is one value, whatever it looks like.
		{"SUBJECT|a b", `SUBJECT "a b"`, `SUBJECT "a b"`},
		{"SUBJECT|UNSEEN|SEEN", "SUBJECT UNSEEN SEEN", "SUBJECT UNSEEN SEEN"},
		{"SUBJECT|OR", "SUBJECT OR", "SUBJECT OR"},
		{"SUBJECT|", `SUBJECT ""`, `SUBJECT ""`},
		{"SUBJECT|\"quoted\"", `SUBJECT "\"quoted\""`, `SUBJECT "\"quoted\""`},
		{"SUBJECT|it's", "SUBJECT it's", "SUBJECT it's"},
		{"SUBJECT|'x'", `SUBJECT "'x'"`, `SUBJECT "'x'"`},
		{`SUBJECT|C:\temp`, `SUBJECT C:\temp`, `SUBJECT C:\temp`},
		{"TEXT|grün", "TEXT grün", "TEXT grün"},
		{"BODY|*|TO|last|CC|1:5|BCC|(x)", `BODY * TO last CC 1:5 BCC "(x)"`, `BODY * TO last CC 1:5 BCC "(x)"`},
		{"HEADER|List-Id|", `HEADER List-Id ""`, `HEADER List-Id ""`},
		{"HEADER|Subject|two words", `HEADER Subject "two words"`, `HEADER Subject "two words"`},

		// Sets are UIDs.
		{"1:5", "UID 1:5", "UID 1:5"},
		{"5:1,9", "UID 1:5,9", "UID 1:5,9"},
		{"100:|UNSEEN", "UID 100:* UNSEEN", "UID 100:4294967295 UNSEEN"},
		{"UID|100:*", "UID 100:*", "UID 100:4294967295"},
		{"last", "UID *", "UID *"},
		{"*", "UID *", "UID *"},
		{"UID|LAST,4", "UID *,4", "UID *,4"},
		{"NOT|1:5", "NOT UID 1:5", "NOT UID 1:5"},

		// Grouping.
		{"(|UNSEEN|)", "UNSEEN", "UNSEEN"},
		{"(UNSEEN)", "UNSEEN", "UNSEEN"},
		{"(FROM|alice)", "FROM alice", "FROM alice"},
		{"OR|(FROM|alice|UNSEEN)|(FROM|bob|SEEN)", "OR (FROM alice UNSEEN) (FROM bob SEEN)", "OR (FROM alice UNSEEN) (FROM bob SEEN)"},
		{"OR|(FROM|alice|SUBJECT|x)|SEEN", "OR (FROM alice SUBJECT x) SEEN", "OR (FROM alice SUBJECT x) SEEN"},
		{"OR|(|FROM|alice|SUBJECT|x|)|SEEN", "OR (FROM alice SUBJECT x) SEEN", "OR (FROM alice SUBJECT x) SEEN"},
		{"((FROM|alice))", "FROM alice", "FROM alice"},
		{"(NOT|(SEEN|FLAGGED))", "NOT (SEEN FLAGGED)", "NOT (SEEN FLAGGED)"},
		{"(UNSEEN)(SEEN)", "UNSEEN SEEN", "UNSEEN SEEN"},
		{"OR(SEEN)(UNSEEN)", "OR SEEN UNSEEN", "OR SEEN UNSEEN"},
		{"(SINCE|2026-11-01)", "SINCE 2026-11-01", "SINCE 1-Nov-2026"},
		{"(1:5)", "UID 1:5", "UID 1:5"},
		{"SUBJECT|:)", `SUBJECT ":)"`, `SUBJECT ":)"`},
		{"(|SUBJECT|:)|)", `SUBJECT ":)"`, `SUBJECT ":)"`},
		{"(SUBJECT|:))", `SUBJECT ":)"`, `SUBJECT ":)"`},
		{"(SUBJECT|f(x))", `SUBJECT "f(x)"`, `SUBJECT "f(x)"`},
		{"(SUBJECT|f(x)|SEEN)", `SUBJECT "f(x)" SEEN`, `SUBJECT "f(x)" SEEN`},
		{"(|SUBJECT|)|)", `SUBJECT ")"`, `SUBJECT ")"`},
		{"SUBJECT|(", `SUBJECT "("`, `SUBJECT "("`},

		// The canonical form.
		{"NOT|NOT|SEEN", "SEEN", "SEEN"},
		{"NOT|(ALL)", "NOT ALL", "NOT ALL"},
		{"OR|SEEN|OR|DRAFT|OR|RECENT|NEW", "OR OR SEEN DRAFT OR RECENT NEW", "OR OR SEEN DRAFT OR RECENT NEW"},
		{"NOT|OR|SEEN|DRAFT", "NOT OR SEEN DRAFT", "NOT OR SEEN DRAFT"},
		{"SEEN|(|DRAFT|(|OLD|)|)", "SEEN DRAFT OLD", "SEEN DRAFT OLD"},

		// Every kind of value.
		{"LARGER|1.5M|SMALLER|2GB", "LARGER 1572864 SMALLER 2000000000", "LARGER 1572864 SMALLER 2000000000"},
		{"KEYWORD|$Junk|UNKEYWORD|NonJunk", "KEYWORD $Junk UNKEYWORD NonJunk", "KEYWORD $Junk UNKEYWORD NonJunk"},
		{"YOUNGER|3600|OLDER|2w", "YOUNGER 3600 OLDER 1209600", "YOUNGER 3600 OLDER 1209600"},
		{"YOUNGER|1mo|OLDER|1y", "YOUNGER 2678400 OLDER 31536000", "YOUNGER 2678400 OLDER 31536000"},
		{"SENTSINCE|1-Feb-2026|SENTBEFORE|2026-03-01|SENTON|today", "SENTSINCE 2026-02-01 SENTBEFORE 2026-03-01 SENTON 2026-11-20",
			"SENTSINCE 1-Feb-2026 SENTBEFORE 1-Mar-2026 SENTON 20-Nov-2026"},
		{"ON|7d|BEFORE|yesterday", "ON 2026-11-13 BEFORE 2026-11-19", "ON 13-Nov-2026 BEFORE 19-Nov-2026"},
		{"MODSEQ|0", "MODSEQ 0", "MODSEQ 0"},
		{`MODSEQ|/flags/\Draft|ALL|62`, `MODSEQ /flags/\Draft all 62`, `MODSEQ /flags/\Draft all 62`},
		{"EMAILID|M6d99ac3275bb4e|THREADID|T-_1", "EMAILID M6d99ac3275bb4e THREADID T-_1", "EMAILID M6d99ac3275bb4e THREADID T-_1"},
		{"SAVEDSINCE|7d|SAVEDBEFORE|today|SAVEDON|2026-11-01|SAVEDATESUPPORTED",
			"SAVEDSINCE 2026-11-13 SAVEDBEFORE 2026-11-20 SAVEDON 2026-11-01 SAVEDATESUPPORTED",
			"SAVEDSINCE 13-Nov-2026 SAVEDBEFORE 20-Nov-2026 SAVEDON 1-Nov-2026 SAVEDATESUPPORTED"},
		{"X-GM-RAW|from:a b|X-GM-MSGID|18446744073709551615|X-GM-THRID|7", `X-GM-RAW "from:a b" X-GM-MSGID 18446744073709551615 X-GM-THRID 7`,
			`X-GM-RAW "from:a b" X-GM-MSGID 18446744073709551615 X-GM-THRID 7`},
		{`X-GM-LABELS|grün & blau|X-GM-LABELS|\Inbox`, `X-GM-LABELS "grün & blau" X-GM-LABELS \Inbox`, `X-GM-LABELS "gr&APw-n &- blau" X-GM-LABELS \Inbox`},
		{"FUZZY|SUBJECT|x|FUZZY|(FROM|a|TO|b)", "FUZZY SUBJECT x FUZZY (FROM a TO b)", "FUZZY SUBJECT x FUZZY (FROM a TO b)"},
		{"NOT|FUZZY|TEXT|x", "NOT FUZZY TEXT x", "NOT FUZZY TEXT x"},

		// Ours, and what is decided locally.
		{"HAS-ATTACHMENT", "HAS-ATTACHMENT", `X-GM-RAW has:attachment`},
		{"has-attachment|ATTACHMENT|*.pdf", "HAS-ATTACHMENT ATTACHMENT *.pdf", ""},
		{"SINCE|2026-11-20T15:04", "SINCE 2026-11-20T13:04Z", ""},
		{"BEFORE|12h", "BEFORE 2026-11-20T07:30:15Z", ""},

		// A program in one word.
		{`UNSEEN FROM bob`, "UNSEEN FROM bob", "UNSEEN FROM bob"},
		{`SUBJECT "two words" FROM 'a "b"'`, `SUBJECT "two words" FROM "a \"b\""`, `SUBJECT "two words" FROM "a \"b\""`},
	}
	for _, tt := range tests {
		n, err := Parse(words(tt.in), testEnv)
		if err != nil {
			t.Errorf("%s: %v %q", tt.in, err, fault.Hints(err))
			continue
		}
		if got := n.String(); got != tt.people {
			t.Errorf("%s: reads\n%s, want\n%s", tt.in, got, tt.people)
		}
		if got := Format(n.tokens(nil, false)); tt.wire != "" && got != tt.wire {
			t.Errorf("%s: goes out as\n%s, want\n%s", tt.in, got, tt.wire)
		}
		again, err := ParseString(n.String(), Env{})
		if err != nil || !reflect.DeepEqual(again, n) {
			t.Errorf("%s: %s is read back as %v, %v", tt.in, n, again, err)
		}
	}
}

func TestParseString(t *testing.T) {
	tests := []struct{ in, want string }{
		{`FROM ci@ SUBJECT "two words"`, `FROM ci@ SUBJECT "two words"`},
		{`FROM 'a b'`, `FROM "a b"`},
		{`FROM o'brien`, `FROM o'brien`},
		{`SUBJECT say"hi"`, `SUBJECT say"hi"`},
		{`SUBJECT "a \"b\" \\ \n"`, `SUBJECT "a \"b\" \\ \\n"`},
		{`SUBJECT '\"'`, `SUBJECT \"`},
		{`SUBJECT ""`, `SUBJECT ""`},
		{`SUBJECT "SEEN" SEEN`, `SUBJECT SEEN SEEN`},
		{`(FROM alice)`, `FROM alice`},
		{`(FROM "alice")`, `FROM alice`},
		{`(FROM "alice)")`, `FROM "alice)"`},
		{`OR(FROM a)(FROM b)`, `OR FROM a FROM b`},
		{"  UNSEEN\t\r\n FROM x ", `UNSEEN FROM x`},
		{`1:5 UNSEEN`, `UID 1:5 UNSEEN`},
		{`ON "20-Nov-2026"`, `ON 2026-11-20`},
		{`SINCE "2026-11-20 15:04"`, `SINCE 2026-11-20T13:04Z`},
	}
	for _, tt := range tests {
		n, err := ParseString(tt.in, testEnv)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := n.String(); got != tt.want {
			t.Errorf("%s: reads %s, want %s", tt.in, got, tt.want)
		}
	}
}

// Programs are words joined by |; a program without | is one word.
func TestParseErrors(t *testing.T) {
	tests := []struct{ in, want, hint string }{
		{"FORM|alice", `unknown search key "FORM"`, "did you mean FROM?"},
		{"UNSEAN", `unknown search key "UNSEAN"`, "did you mean UNSEEN?"},
		{"contains|x", `unknown search key "contains"`, "did you mean TEXT?"},
		{"--body-contains|x", `unknown search key "--body-contains"`, "did you mean BODY?"},
		{"attachmnt", `unknown search key "attachmnt"`, "did you mean ATTACHMENT?"},
		{"wombat", `unknown search key "wombat"`, "keys are IMAP's, such as UNSEEN, FROM alice or SINCE 7d; a word to look for stands behind TEXT, SUBJECT or BODY"},
		{"UNSEEN|-", `unknown search key "-"`, "messages from standard input stand in front of the program: - UNSEEN"},
		{"SUBJECT|two|words", `unknown search key "words"`, "a value of several words is quoted: SUBJECT 'two words'"},
		{`SUBJECT two "words"`, `"words" stands where a search key is expected`, "a value of several words is quoted: SUBJECT 'two words'"},
		{"UNSEEN|FROM bob", `unknown search key "FROM bob"`, "a key and its value are two words: SUBJECT 'two words'"},
		{"SEEN|AND|DRAFT", `unknown search key "AND"`, "keys side by side are joined by AND: leave it out"},
		{"SEEN||||DRAFT", `an empty word stands where a search key is expected`, ""},
		{"!|SEEN", `unknown search key "!"`, "NOT stands before its key: NOT SEEN"},
		{"$", `unknown search key "$"`, "saved search results are not offered; pipe UIDs into the next command and give - as its set"},
		{"CHARSET|UTF-8|SEEN", `unknown search key "CHARSET"`, "leave it out: the charset and the form of the answer are chosen for you"},
		{"FROM", "FROM needs a value", "FROM TEXT: TEXT in the From field"},
		{"UNSEEN|SINCE", "SINCE needs a value", "SINCE DATE: received on DATE or later"},
		{"HEADER", "HEADER needs a field name and a value", `HEADER NAME VALUE: VALUE in the header field NAME; with "" as VALUE, the field is there`},
		{"HEADER|Subject", "HEADER needs a value behind the field name", `HEADER NAME VALUE: VALUE in the header field NAME; with "" as VALUE, the field is there`},
		{"NOT", "NOT needs a search key behind it", ""},
		{"FUZZY|(|NOT|)", "NOT needs a search key behind it", ""},
		{"OR", "OR needs two search keys behind it and has none", "OR stands before its two keys: OR FROM alice FROM bob"},
		{"FROM|a|OR|FROM|b", "OR needs two search keys behind it and has one", "OR stands before its two keys: OR FROM alice FROM bob"},
		{"(OR|SEEN)", "OR needs two search keys behind it and has one", "OR stands before its two keys: OR FROM alice FROM bob"},
		{"(UNSEEN", `"(" without a ")" behind it`, "the closing parenthesis is missing; in quotes, a parenthesis is part of a value"},
		{"(FROM|alice", `"(" without a ")" behind it`, "the closing parenthesis is missing; in quotes, a parenthesis is part of a value"},
		{"UNSEEN)", `")" without a "(" before it`, parenHint},
		{"UNSEEN|)", `")" without a "(" before it`, parenHint},
		{"(|FROM|)", "FROM needs a value", "FROM TEXT: TEXT in the From field"},
		{"(FROM)", "FROM needs a value", "FROM TEXT: TEXT in the From field"},
		{"FROM(alice)", "FROM needs a value", "FROM TEXT: TEXT in the From field"},
		{"()", "empty parentheses", ""},
		{"SEEN|((|)|)", "empty parentheses", ""},
		{"", "an empty word stands where a search key is expected", ""},
		{" ", "empty search program", "ALL finds every message"},
		{`SUBJECT "x`, `no closing " behind "x"`, "a quoted string ends with the quote it began with"},
		{`SUBJECT 'x"`, `no closing ' behind "x\""`, "a quoted string ends with the quote it began with"},
		{`SUBJECT "x"y`, `"y" follows a closing quote`, `put a blank behind the quote, or write \" for a quote inside "..."`},
		{`"SEEN" SEEN`, `"SEEN" stands where a search key is expected`, ""},
		{"SUBJECT|a\nb", `SUBJECT "a\nb": a search value has no line breaks`,
			"servers compare header fields as one line, so a line break never matches; search for the text before or behind it"},
		{"SUBJECT|a\rb", `SUBJECT "a\rb": a search value has no line breaks`,
			"servers compare header fields as one line, so a line break never matches; search for the text before or behind it"},
		{"TEXT|a\x00b", `TEXT "a\x00b": a search value has no NUL`, ""},
		{"TEXT|a\xffb", `TEXT "a\xffb": not valid UTF-8`, "strings are sent as UTF-8; convert the value, for example with iconv -t UTF-8"},
		{"KEYWORD|a b", `KEYWORD "a b": not a keyword flag`, `a keyword is ASCII without blanks, control characters and ( ) { % * " \ ]`},
		{"KEYWORD|", `KEYWORD "": not a keyword flag`, `a keyword is ASCII without blanks, control characters and ( ) { % * " \ ]`},
		{"KEYWORD|ü", `KEYWORD "ü": not a keyword flag`, `a keyword is ASCII without blanks, control characters and ( ) { % * " \ ]`},
		{`UNKEYWORD|\Seen`, `UNKEYWORD "\\Seen": not a keyword flag`, `the system flag \Seen has the search key SEEN`},
		{"HEADER|a b|c", `HEADER "a b": not the name of a header field`, "a field name is printable ASCII without blanks and colons, such as Message-ID"},
		{"HEADER||c", `HEADER "": not the name of a header field`, "a field name is printable ASCII without blanks and colons, such as Message-ID"},
		{"HEADER|Subject:|c", `HEADER "Subject:": not the name of a header field`, "a field name is printable ASCII without blanks and colons, such as Message-ID"},
		{"0:5", `UID range "0:5": "0" is not a UID: UIDs start at 1`, setHint},
		{"1:5x", `UID range "1:5x": "5x" is not a UID`, setHint},
		{"UID|x", `UID: "x" is not a UID`, setHint},
		{"SINCE|soon", `SINCE: "soon" is not a date`, dateHint},
		{"SINCE|7", `SINCE: "7" is not a date`, dateHint},
		{"ON|12h", `ON "12h": this is a moment, not a day`, "name a day, such as today or 7d, or a minute, such as 2026-11-20T15:04"},
		{"SENTON|now", `SENTON "now": this is a moment, not a day`, "name a day, such as today or 7d, or a minute, such as 2026-11-20T15:04"},
		{"SAVEDON|12h", `SAVEDON "12h": save dates are compared by day`, "give a date without a time of day"},
		{"LARGER|big", `LARGER: "big" is not a size`, sizeHint},
		{"LARGER|-1", `LARGER: "-1" is not a size`, sizeHint},
		{"YOUNGER|0", `YOUNGER "0": a length of time is 1 to 4294967295 seconds`, ""},
		{"YOUNGER|200y", `YOUNGER "200y": a length of time is 1 to 4294967295 seconds`, ""},
		{"OLDER|yesterday", `OLDER "yesterday": not a length of time`, "a length of time is seconds (3600), or 90s, 30m, 12h, 7d, 2w, 3mo or 1y"},
		{"MODSEQ|x", `MODSEQ "x": not a mod-sequence number`, "it is a number from 0 on, as fetch and status show it"},
		{"MODSEQ|9223372036854775808", `MODSEQ "9223372036854775808": not a mod-sequence number`, "it is a number from 0 on, as fetch and status show it"},
		{"MODSEQ|/flags/x|all", "MODSEQ needs a value", "MODSEQ NUMBER: changed at mod-sequence NUMBER or later (CONDSTORE)"},
		{"MODSEQ|/flags/x|any|1", `MODSEQ "any": not an entry type`, "an entry type is priv, shared or all"},
		{"MODSEQ|/comment|all|1", `MODSEQ "/comment": not an entry name`, `an entry name is /flags/ and a flag, such as /flags/\Seen`},
		{"EMAILID|a.b", `EMAILID "a.b": not an object identifier`, "an identifier is 1 to 255 letters, digits, _ and -, as fetch shows it"},
		{"X-GM-MSGID|0xff", `X-GM-MSGID "0xff": Gmail's identifiers are decimal numbers`, ""},
		{"ATTACHMENT|[a", `ATTACHMENT "[a": not a pattern`, "a pattern is *.pdf, invoice-?.* or, for media types, image/*; [abc] is one of these characters"},
		{"ATTACHMENT|", `ATTACHMENT "": not a pattern`, "a pattern is *.pdf, invoice-?.* or, for media types, image/*; [abc] is one of these characters"},
	}
	for _, tt := range tests {
		n, err := Parse(words(tt.in), testEnv)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, error %v, want %s", tt.in, n, err, tt.want)
			continue
		}
		if got := strings.Join(fault.Hints(err), "\n"); got != tt.hint {
			t.Errorf("%q: hint\n%s, want\n%s", tt.in, got, tt.hint)
		}
		if fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: kind %v", tt.in, fault.KindOf(err))
		}
	}
	if _, err := Parse(nil, testEnv); err == nil {
		t.Error("no error for no words")
	}
}

func TestParseLimits(t *testing.T) {
	deep := append(slicesRepeat("(", MaxDepth), append([]string{"SEEN"}, slicesRepeat(")", MaxDepth)...)...)
	for what, argv := range map[string][]string{
		"keys":   slicesRepeat("SEEN", MaxKeys+1),
		"deeper": deep,
		"octets": {"SUBJECT", strings.Repeat("x", MaxProgramOctets)},
	} {
		_, err := Parse(argv, testEnv)
		if err == nil || !strings.Contains(err.Error(), what) || fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if _, err := Parse(slicesRepeat("SEEN", MaxKeys), testEnv); err != nil {
		t.Error(err)
	}
	if _, err := Parse(deep[1:len(deep)-1], testEnv); err != nil {
		t.Error(err)
	}
}

func slicesRepeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// A long list of alternatives nests by the logarithm of its length.
func TestOrIsBalanced(t *testing.T) {
	nodes := make([]*Node, 4096)
	for i := range nodes {
		nodes[i] = &Node{spec: findKey("FROM"), text: "x"}
	}
	depth, deepest, pending := 0, 0, []int{}
	for _, tok := range Or(nodes...).tokens(nil, false) {
		if tok == (Token{Atom, keyOr}) {
			depth++
			deepest = max(deepest, depth)
			pending = append(pending, 2)
			continue
		}
		if tok.Kind != String {
			continue
		}
		for len(pending) > 0 {
			if pending[len(pending)-1]--; pending[len(pending)-1] > 0 {
				break
			}
			pending = pending[:len(pending)-1]
			depth--
		}
	}
	if deepest != 12 {
		t.Errorf("4096 alternatives nest %d deep", deepest)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"UNSEEN|OR|FROM|alice|FROM|bob", "(FROM|alice)", "(|SUBJECT|:)|)", "NOT|(SEEN|1:5,*)", "SINCE|12h|LARGER|1.5M",
		"HEADER|X|", "MODSEQ|/flags/x|all|1", "FUZZY|TEXT|\"", "UNSEEN FROM 'b c'", "OR|(", "X-GM-LABELS|ü&", "last|HAS-ATTACHMENT",
	} {
		f.Add(strings.ReplaceAll(s, "|", "\x00"))
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, err := Parse(strings.Split(in, "\x00"), testEnv)
		checkProgram(t, n, err)
	})
}

func FuzzParseString(f *testing.F) {
	for _, s := range []string{
		`FROM ci@ SUBJECT "two words"`, `OR(FROM a)(NOT FROM 'b "c"')`, `SUBJECT "a\"b\\c\d"`, `1:5 ON 2026-11-20T15:04Z`, `((SEEN))`, `SUBJECT "`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, err := ParseString(in, testEnv)
		checkProgram(t, n, err)
	})
}

// checkProgram holds for whatever was parsed: it reads back as itself, and it
// can be planned.
func checkProgram(t *testing.T, n *Node, err error) {
	t.Helper()
	if err != nil {
		if fault.KindOf(err) != fault.Usage || n != nil {
			t.Fatalf("kind %v, node %v: %v", fault.KindOf(err), n, err)
		}
		return
	}
	text := n.String()
	again, err := ParseString(text, testEnv)
	if err != nil || !reflect.DeepEqual(again, n) {
		t.Fatalf("%s is read back as %v, %v", text, again, err)
	}
	n = n.Resolve(7)
	for _, offers := range []bool{true, false} {
		step, err := Plan(n, func(string) bool { return offers }, testEnv.Now)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Refused && k != fault.Usage {
				t.Fatalf("%s: plan: %v", text, err)
			}
			continue
		}
		checkStep(t, step)
	}
}

func checkStep(t *testing.T, s *Step) {
	t.Helper()
	for _, kid := range s.Kids {
		checkStep(t, kid)
	}
	for _, tok := range s.Program {
		if strings.ContainsAny(tok.Text, "\r\n\x00") || tok.Kind == Atom && (tok.Text == "" || strings.ContainsAny(tok.Text, ` "(){`)) {
			t.Fatalf("token %q in %v", tok, s)
		}
	}
	if isLeaf := s.Op == OpSearch || s.Op == OpFilter; isLeaf != (len(s.Program) > 0) || isLeaf != (len(s.Kids) == 0) {
		t.Fatalf("step %v with %d tokens and %d kids", s.Op, len(s.Program), len(s.Kids))
	}
}
