package session

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
)

// tell runs FETCH and writes down what it told: a line a body, a line a row,
// and last the UIDs or the error's kind.
func tell(t testing.TB, text, set, items string) string {
	t.Helper()
	s, _ := answered(text, "IMAP4rev1")
	var out strings.Builder
	q := FetchRequest{Set: setOf(t, set), Items: strings.Fields(items)}
	if strings.Contains(items, "BODY.PEEK[") || strings.Contains(items, "BINARY") {
		q.Body = func(m *Fetched, section string, r io.Reader, size int64) error {
			b, err := io.ReadAll(r)
			fmt.Fprintf(&out, "%d [%s] %d %q\n", m.UID, section, size, b)
			return err
		}
	}
	q.Row = func(m *Fetched) error {
		fmt.Fprintf(&out, "%d #%d %v", m.UID, m.Seq, m.Flags)
		for _, f := range []struct {
			name  string
			value any
			told  bool
		}{
			{"size", m.Size, m.Size != 0}, {"modseq", m.Modseq, m.Modseq != 0}, {"date", m.InternalDate.Format(time.DateOnly), !m.InternalDate.IsZero()},
			{"header", fmt.Sprintf("%q", m.Header), len(m.Header) > 0}, {"structure", outline(m.Structure), m.Structure != nil},
			{"email", m.EmailID, m.EmailID != ""}, {"thread", m.ThreadID, m.ThreadID != ""},
			{"gmail", m.GmailID, m.GmailID != 0}, {"labels", m.GmailLabels, m.GmailLabels != nil},
			{"lacks", m.Lacks, m.Lacks != nil}, {"warnings", len(m.Warnings), m.Warnings != nil},
		} {
			if f.told {
				fmt.Fprintf(&out, " %s=%v", f.name, f.value)
			}
		}
		if m.Preview != nil {
			fmt.Fprintf(&out, " preview=%q", *m.Preview)
		}
		if m.SaveDate != nil {
			fmt.Fprintf(&out, " saved=%s", m.SaveDate.Format(time.DateOnly))
		}
		out.WriteString("\n")
		return nil
	}
	var lost query.Builder
	q.Lost = &lost
	told, err := s.Fetch(t.Context(), q)
	if set := lost.Set(); !set.Empty() {
		fmt.Fprintf(&out, "lost %v\n", set)
	}
	if err != nil {
		fmt.Fprintf(&out, "%v: ", fault.KindOf(err))
	}
	return out.String() + told.String()
}

var fetchTests = []struct {
	name, set, items string
	in               string // before the tagged OK
	want             string
}{
	{"in order", "1:3", "FLAGS RFC822.SIZE", `
* 1 FETCH (UID 1 FLAGS (\Seen $x) RFC822.SIZE 10)
* 2 FETCH (FLAGS () RFC822.SIZE 5000000000 UID 2)
* 3 FETCH (UID 3 FLAGS (\Recent) RFC822.SIZE 0)
`, "1 #1 [\\Seen $x] size=10\n2 #2 [] size=5000000000\n3 #3 [\\Recent]\n1:3"},
	{"out of order", "1:9", "RFC822.SIZE", `
* 5 FETCH (UID 5 RFC822.SIZE 5)
* 3 FETCH (UID 3 RFC822.SIZE 3)
* 4 FETCH (UID 4 RFC822.SIZE 4)
* 3 FETCH (UID 3 RFC822.SIZE 4)
* 9 FETCH (UID 9 RFC822.SIZE 9)
`, "5 #5 [] size=5\n3 #3 [] size=3\n4 #4 [] size=4\n9 #9 [] size=9\n3:5,9"},
	{"the highest UID of all, first", "1:", "RFC822.SIZE", `
* 2 FETCH (UID 4294967295 RFC822.SIZE 5)
* 1 FETCH (UID 7 RFC822.SIZE 3)
* 1 FETCH (UID 7 RFC822.SIZE 3)
* 2 FETCH (UID 4294967295 RFC822.SIZE 5)
`, "4294967295 #2 [] size=5\n7 #1 [] size=3\n7,4294967295"},
	{"none", "1:3", "FLAGS", "\n", ""},
	{"unasked and twice", "2", "FLAGS", `
* 1 FETCH (UID 1 FLAGS ())
* 2 FETCH (UID 2 FLAGS (a))
* 2 FETCH (UID 2 FLAGS (b))
* 3 FETCH (FLAGS ())
* 4 FETCH (UID 4294967296 FLAGS ())
* 5 FETCH (UID 0 FLAGS ())
* FETCH (UID 3 FLAGS ())
* 7 FETCH
* 8 FETCH ()
`, "2 #2 [a]\n2"},
	{"an update of the flags before the answer", "2", "FLAGS BODY.PEEK[]", `
* 2 FETCH (UID 2 FLAGS (\Seen))
* 2 FETCH (FLAGS (\Deleted))
* 2 FETCH (UID 2 FLAGS (\Seen \Flagged) BODY[] {3}
abc)
* 2 FETCH (UID 2 FLAGS ())
`, "2 [] 3 \"abc\"\n2 #2 [\\Seen \\Flagged]\n2"},
	{"an update of the flags before a preview", "2", "FLAGS PREVIEW", `
* 2 FETCH (UID 2 FLAGS (\Seen))
* 2 FETCH (UID 2 FLAGS (\Seen) PREVIEW "hello")
`, "2 #2 [\\Seen] preview=\"hello\"\n2"},
	{"in pieces", "1:3", "FLAGS INTERNALDATE RFC822.SIZE MODSEQ BODYSTRUCTURE EMAILID THREADID BODY.PEEK[HEADER]", `
* 2 FETCH (UID 2 FLAGS (a) INTERNALDATE "17-Jul-1996 02:44:25 -0700")
* 1 FETCH (UID 1 EMAILID (M1))
* 2 FETCH (UID 2 RFC822.SIZE 10 MODSEQ (7))
* 1 FETCH (UID 1 THREADID (T1))
* 2 FETCH (UID 2 BODYSTRUCTURE ("text" "plain") EMAILID (M2))
* 2 FETCH (UID 2 THREADID NIL BODY[HEADER] {4}
A: b)
* 2 FETCH (UID 2 FLAGS (z))
`, "1 #1 [] email=M1 thread=T1 lacks=[FLAGS INTERNALDATE RFC822.SIZE MODSEQ BODYSTRUCTURE BODY[HEADER]] warnings=1\n2 #2 [z] size=10 modseq=7 date=1996-07-17 header=\"A: b\" structure=text/plain email=M2\n1:2"},
	{"only a part of what was asked", "1:3", "FLAGS RFC822.SIZE", "\n* 2 FETCH (UID 2 FLAGS (a))\n", "2 #2 [a] lacks=[RFC822.SIZE] warnings=1\n2"},
	{"the UID behind the body", "1", "BODY.PEEK[1] FLAGS", `
* 1 FETCH (BODY[1] {3}
abc FLAGS (x) UID 1)
`, "1 [1] 3 \"abc\"\n1 #1 [x]\n1"},
	{"the UID behind the body of another message", "1", "BODY.PEEK[1]", `
* 2 FETCH (BODY[1] {3}
xyz UID 2)
* 1 FETCH (BODY[1] "abc" UID 1)
`, "1 [1] 3 \"abc\"\n1 #1 []\n1"},
	{"two sections, the UID between", "1", "BODY.PEEK[1] BODY.PEEK[2.MIME]", `
* 1 FETCH (BODY[1] "a" UID 1 BODY[2.MIME] "b")
`, "1 [2.MIME] 1 \"b\"\n1 [1] 1 \"a\"\n1 #1 []\n1"},
	{"another section", "1", "BODY.PEEK[1]", `
* 1 FETCH (UID 1 BODY[2] "no" BODY[TEXT] "no" BINARY[1] "no")
* 1 FETCH (UID 1 BODY[1]<0> "no" RFC822.TEXT "no" BODY[1]<5> "no")
* 1 FETCH (UID 1 BODY[1] "yes")
`, "1 [1] 3 \"yes\"\n1 #1 []\n1"},
	{"a part of a section that was asked for whole", "1", "BODY.PEEK[]", "\n* 1 FETCH (UID 1 BODY[]<0> {3}\nabc)\n", "1 #1 [] lacks=[BODY[]] warnings=1\n1"},
	{"a part of a section", "1:4", "BODY.PEEK[]<2.3>", `
* 1 FETCH (UID 1 BODY[] "abcdef")
* 1 FETCH (UID 1 BODY[]<0> "abc")
* 1 FETCH (UID 1 BODY[]<2> "cdefg")
* 2 FETCH (UID 2 BODY[]<2> "c")
* 3 FETCH (UID 3 BODY[]<2> "")
`, "1 [] 3 \"cde\"\n1 #1 []\n2 [] 1 \"c\"\n2 #2 []\n3 [] 0 \"\"\n3 #3 []\n1:3"},
	{"the beginning, without its origin", "1", "BODY.PEEK[]<0.3>", "\n* 1 FETCH (UID 1 BODY[] \"abcdef\")\n", "1 [] 3 \"abc\"\n1 #1 []\n1"},
	{"RFC822 for BODY[]", "1:2", "BODY.PEEK[]", "\n* 1 FETCH (UID 1 RFC822 {3}\nabc)\n* 2 FETCH (rfc822 {3}\nabd UID 2)\n", "1 [] 3 \"abc\"\n1 #1 []\n2 [] 3 \"abd\"\n2 #2 []\n1:2"},
	{"a size that is not the message's", "1:3", "RFC822.SIZE BODY.PEEK[]", `
* 1 FETCH (UID 1 RFC822.SIZE 100000 BODY[] "abc")
* 2 FETCH (UID 2 RFC822.SIZE 3 BODY[] "abc")
* 3 FETCH (UID 3 BODY[] "abc")
* 3 FETCH (UID 3 RFC822.SIZE 4)
`, "1 [] 3 \"abc\"\n1 #1 [] size=100000 warnings=1\n2 [] 3 \"abc\"\n2 #2 [] size=3\n3 [] 3 \"abc\"\n3 #3 [] size=4 warnings=1\n1:3"},
	{"numbers that are none", "1:4", "MODSEQ RFC822.SIZE FLAGS X-GM-MSGID", `
* 1 FETCH (MODSEQ (7) RFC822.SIZE 1 FLAGS (a) UID 1 X-GM-MSGID 5)
* 2 FETCH (MODSEQ (-1) RFC822.SIZE -2 FLAGS (b) X-GM-MSGID 99999999999999999999 UID 2)
* 99999999999999999999 FETCH (MODSEQ () RFC822.SIZE NIL X-GM-MSGID NIL FLAGS (c) UID 3)
* 4 FETCH (MODSEQ 9 RFC822.SIZE 4 FLAGS NIL UID 4 X-GM-MSGID 6)
`, `1 #1 [a] size=1 modseq=7 gmail=5
2 #2 [b] lacks=[MODSEQ RFC822.SIZE X-GM-MSGID] warnings=3
3 #0 [c] lacks=[MODSEQ RFC822.SIZE X-GM-MSGID] warnings=3
4 #4 [] size=4 modseq=9 gmail=6 lacks=[FLAGS] warnings=1
1:4`},
	{"UID 0", "1:3", "FLAGS", "\n* 1 FETCH (UID 1 FLAGS (a))\n* 2 FETCH (UID 0 FLAGS (b))\n", "1 #1 [a]\nprotocol: 1"},
	{"a header that is NIL, and one that is empty", "1:2", "BODY.PEEK[HEADER]", "\n* 1 FETCH (UID 1 BODY[HEADER] NIL)\n* 2 FETCH (UID 2 BODY[HEADER] {2}\n\n)\n",
		"2 #2 [] header=\"\\r\\n\"\n1 #1 [] lacks=[BODY[HEADER]] warnings=1\n1:2"},
	{"BINARY", "1", "BINARY.PEEK[1.2]", "\n* 1 FETCH (UID 1 BINARY.SIZE[1.2] 3 BINARY[1.2] ~{3}\na\x00b)\n", "1 [1.2] 3 \"a\\x00b\"\n1 #1 []\n1"},
	{"NIL for a body", "1:2", "BODY.PEEK[9]", "\n* 1 FETCH (UID 1 BODY[9] NIL)\n* 2 FETCH (UID 2 BODY[9] \"\")\n",
		"1 #1 [] lacks=[BODY[9]]\n2 [9] 0 \"\"\n2 #2 []\n1:2"},
	{"a section in small letters", "1", "BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[1.mime]", `
* 1 fetch (uid 1 body[header.fields ("subject")] "S: x" body[1.mime] "m")
`, "1 [1.MIME] 1 \"m\"\n1 #1 [] header=\"S: x\"\n1"},
	{"a malformed one", "1:3", "RFC822.SIZE INTERNALDATE BODYSTRUCTURE", `
* 1 FETCH (UID 1 RFC822.SIZE 99999999999999999999999 INTERNALDATE NIL BODYSTRUCTURE NIL)
* 2 FETCH (UID 2 RFC822.SIZE 7 INTERNALDATE "yesterday" BODYSTRUCTURE ())
* 3 FETCH (UID 3 RFC822.SIZE 8 INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODYSTRUCTURE ("text" "plain"))
`, "1 #1 [] lacks=[RFC822.SIZE INTERNALDATE BODYSTRUCTURE] warnings=3\n2 #2 [] size=7 lacks=[INTERNALDATE BODYSTRUCTURE] warnings=2\n3 #3 [] size=8 date=1996-07-17 structure=text/plain\n1:3"},
	{"never closed", "1:2", "FLAGS", "\n* 1 FETCH (UID 1 FLAGS (a\n* 2 FETCH (UID 2 FLAGS (b))\n", "1 #1 [a] warnings=1\n2 #2 [b]\n1:2"},
	{"the UID cannot be read", "1:2", "RFC822.SIZE", "\n* 1 FETCH (UID x RFC822.SIZE 1)\n* 2 FETCH (UID 2 RFC822.SIZE 2)\n", "2 #2 [] size=2\nprotocol: 2"},
	{"odd words", "1", "FLAGS", `
* 1 FETCH (UID 1 X-NEW (a (b)) ENVELOPE NIL  FLAGS ("quoted" a]b NIL ` + "\xff" + `) X-OTHER {2}
)( )
`, "1 #1 [quoted a]b  \uFFFD]\n1"},
	{"the last", "last", "FLAGS", "\n* 1 FETCH (UID 1 FLAGS ())\n* 3 FETCH (UID 70 FLAGS (a))\n* 3 FETCH (UID 71 FLAGS (b))\n", "70 #3 [a]\n70"},
	{"Gmail", "1", "X-GM-MSGID X-GM-THRID X-GM-LABELS", `
* 1 FETCH (X-GM-THRID 2 X-GM-MSGID 18446744073709551615 X-GM-LABELS (\Inbox "a b" &APw- r&d) UID 1)
`, "1 #1 [] gmail=18446744073709551615 labels=[\\Inbox a b ü r&d]\n1"},
	{"extensions", "1:2", "PREVIEW SAVEDATE EMAILID THREADID", `
* 1 FETCH (UID 1 PREVIEW NIL SAVEDATE NIL EMAILID NIL THREADID (T))
* 2 FETCH (UID 2 PREVIEW {3}
a` + "\xff" + `b SAVEDATE "17-Jul-1996 02:44:25 -0700" EMAILID (M) THREADID NIL)
`, "1 #1 [] thread=T\n2 #2 [] email=M preview=\"a\uFFFDb\" saved=1996-07-17\n1:2"},
}

// fetchStill says, by the test's name, which messages are still there when those
// that have not come whole are looked for.
var fetchStill = map[string]string{
	"in pieces": "1", "only a part of what was asked": "2", "a part of a section that was asked for whole": "1", "numbers that are none": "2:4",
	"NIL for a body": "1", "a malformed one": "1:2", "a header that is NIL, and one that is empty": "1",
}

// still is the answer to such a look.
func still(t testing.TB, there string) string {
	text := "A2 OK\n"
	for uid := range setOf(t, there).All() {
		text += fmt.Sprintf("* 1 FETCH (UID %d)\n", uid)
	}
	return text + "A3 OK\n"
}

func TestFetch(t *testing.T) {
	for _, tt := range fetchTests {
		t.Run(tt.name, func(t *testing.T) {
			in := tt.in[1:] + "A1 OK done\n"
			if there, looks := fetchStill[tt.name]; looks {
				in += still(t, there)
			}
			if got := tell(t, in, tt.set, tt.items); got != tt.want {
				t.Errorf("told\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// What has not come, or may be made up, of a message that is gone is no row; one
// that is there is told with what it lacks.
func TestFetchRemoved(t *testing.T) {
	const made = "BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0) RFC822.SIZE 0 INTERNALDATE \"01-Jan-1970 00:00:00 +0000\" BODY[HEADER] NIL"
	for _, tt := range []struct{ name, items, in, want string }{
		{"NIL for a message that is removed", "BODY.PEEK[]", `* 1 FETCH (UID 1 BODY[] "abc")
* 2 FETCH (UID 2 BODY[] NIL)
* 2 EXPUNGE
A1 OK [EXPUNGEISSUED] gone
` + still(t, ""), "1 [] 3 \"abc\"\n1 #1 []\nlost 2\n1"},
		{"nothing for one that is removed, in silence", "BODY.PEEK[]", "* 2 FETCH (UID 2 FLAGS ())\nA1 OK\n" + still(t, ""), "lost 2\n"},
		{"made up", "BODYSTRUCTURE RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER]", "* 2 FETCH (UID 2 " + made + ")\n* 2 EXPUNGE\nA1 OK\n" + still(t, ""), "lost 2\n"},
		{"made up, VANISHED", "BODYSTRUCTURE", "* VANISHED 2\n* 2 FETCH (UID 2 " + made + ")\nA1 OK\n" + still(t, ""), "lost 2\n"},
		{"an empty body of one that is removed", "BODY.PEEK[1]", "* 2 FETCH (UID 2 BODY[1] {0}\n)\nA1 OK [EXPUNGEISSUED] x\n" + still(t, ""), "lost 2\n"},
		{"an empty one that is there, while another is removed", "BODY.PEEK[1]", "* 1 FETCH (UID 2 BODY[1] \"\")\n* 3 EXPUNGE\nA1 OK\n" + still(t, "2"), "2 [1] 0 \"\"\n2 #1 []\n2"},
		{"an empty one", "BODY.PEEK[1]", "* 1 FETCH (UID 2 BODY[1] \"\")\nA1 OK\n", "2 [1] 0 \"\"\n2 #1 []\n2"},
		{"told whole, and then removed", "RFC822.SIZE", "* 1 FETCH (UID 2 RFC822.SIZE 5)\n* 1 EXPUNGE\nA1 OK\n", "2 #1 [] size=5\n2"},
		{"NO, since one is removed", "RFC822.SIZE", "* 1 FETCH (UID 1 RFC822.SIZE 5)\nA1 NO [EXPUNGEISSUED] x\n" + still(t, "3") +
			"* 2 FETCH (UID 3 RFC822.SIZE 6)\nA4 OK\n", "1 #1 [] size=5\n3 #2 [] size=6\n1,3"},
		{"NO, and all are removed", "RFC822.SIZE", "A1 NO x\n" + still(t, ""), ""},
		{"NO for another reason", "RFC822.SIZE", "A1 NO x\n" + still(t, "1:3"), "refused: "},
		{"NO again", "RFC822.SIZE", "A1 NO [EXPUNGEISSUED] x\n" + still(t, "1,3") + "A4 NO x\nA5 OK\n* 1 FETCH (UID 1)\nA6 OK\n", "refused: "},
		{"the look is refused", "RFC822.SIZE", "* 2 FETCH (UID 2)\nA1 OK\nA2 OK\nA3 NO x\n", "2 #2 [] lacks=[RFC822.SIZE] warnings=1\n2"},
	} {
		if got := tell(t, tt.in, "1,2,3", tt.items); got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}
