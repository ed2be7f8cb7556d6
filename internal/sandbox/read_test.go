package sandbox

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

func TestList(t *testing.T) {
	s := start(t, Options{})
	r := login(t, s, "SUBSCRIBE Junk", `CREATE a/b/c`, `SUBSCRIBE a/b/c`, `DELETE a/b/c`)
	const (
		inbox    = `* LIST (\HasNoChildren) "/" INBOX`
		archive  = `* LIST (\HasChildren \Archive) "/" "Archive"`
		meetings = `* LIST (\HasNoChildren) "/" "Archive/Meetings"`
		projects = `* LIST (\NonExistent \Noselect \HasChildren) "/" "Projekte"`
		sizes    = `* LIST (\HasNoChildren) "/" "Projekte/Gr&APYA3w-e XL"`
	)
	r.want(`LIST "" ""`, `* LIST (\Noselect) "/" ""`, "OK")
	r.want(`LIST "" *`, inbox, archive, meetings, `* LIST (\HasNoChildren \Drafts) "/" "Drafts"`,
		`* LIST (\HasNoChildren \Junk) "/" "Junk"`, projects, sizes,
		`* LIST (\HasNoChildren \Sent) "/" "Sent"`, `* LIST (\HasNoChildren \Trash) "/" "Trash"`, "OK")
	r.want(`LIST "" inbox`, inbox, "OK")
	r.want(`LIST "" "inb%"`, inbox, "OK")
	r.want(`LIST "" Arch%`, archive, "OK")
	r.want(`LIST "" Arch*`, archive, meetings, "OK")
	r.want(`LIST "" "%/%"`, meetings, sizes, "OK")
	r.want(`LIST Archive/ %`, meetings, "OK")
	r.want(`LIST "" "Projekte/Gr&APYA3w-*"`, sizes, "OK")
	r.want(`LIST "" "archive"`, "OK")
	r.want(`LIST "" (INBOX Archive/* Archive*)`, inbox, archive, meetings, "OK")
	r.want(`LIST (SPECIAL-USE) "" *`, archive, `* LIST (\HasNoChildren \Drafts) "/" "Drafts"`,
		`* LIST (\HasNoChildren \Junk) "/" "Junk"`, `* LIST (\HasNoChildren \Sent) "/" "Sent"`,
		`* LIST (\HasNoChildren \Trash) "/" "Trash"`, "OK")
	r.want(`LIST "" (Trash Projekte%) RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES))`, projects,
		`* LIST (\HasNoChildren \Trash) "/" "Trash"`, `* STATUS "Trash" (MESSAGES 1)`, "OK")
	// A subscription outlives its mailbox.
	r.want(`LIST (SUBSCRIBED) "" (a* J* P* T*)`, `* LIST (\HasNoChildren \Subscribed \Junk) "/" "Junk"`,
		`* LIST (\HasNoChildren \Subscribed) "/" "Projekte/Gr&APYA3w-e XL"`,
		`* LIST (\NonExistent \Noselect \HasNoChildren \Subscribed) "/" "a/b/c"`, "OK")
	// CHILDINFO where something subscribed below is not listed itself.
	r.want(`LIST (SUBSCRIBED RECURSIVEMATCH) "" (A% P% a)`,
		`* LIST (\HasChildren \Subscribed \Archive) "/" "Archive" (CHILDINFO ("SUBSCRIBED"))`,
		`* LIST (\NonExistent \Noselect \HasChildren) "/" "Projekte" (CHILDINFO ("SUBSCRIBED"))`,
		`* LIST (\NonExistent \Noselect \HasNoChildren) "/" "a" (CHILDINFO ("SUBSCRIBED"))`, "OK")
	r.want(`LIST (SUBSCRIBED RECURSIVEMATCH) "" Archive*`,
		`* LIST (\HasChildren \Subscribed \Archive) "/" "Archive"`,
		`* LIST (\HasNoChildren \Subscribed) "/" "Archive/Meetings"`, "OK")
	r.want(`LSUB "" J*`, `* LSUB (\HasNoChildren \Subscribed \Junk) "/" "Junk"`, "OK")
	r.want(`LIST (RECURSIVEMATCH) "" *`, "BAD")
	r.want("NAMESPACE", `* NAMESPACE (("" "/")) NIL NIL`, "OK")
	// After ENABLE names are UTF-8.
	r.want("ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT", "OK")
	r.want(`LIST "" "Projekte/Größe%"`, `* LIST (\HasNoChildren) "/" "Projekte/Größe XL"`, "OK")
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a/b", true}, {"%", "a/b", false}, {"%", "ab", true}, {"%/%", "a/b", true}, {"a*b", "a/x/b", true},
		{"a%b", "a/b", false}, {"", "", true}, {"*", "", true}, {"a", "ab", false}, {"%b", "ab", true}, {"a**%*", "a", true},
		{"*a*a*a*a*a*a*a*a*a*a*b", strings.Repeat("a", 900), false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestStatusAndSelect(t *testing.T) {
	s := start(t, Options{})
	put(t, s, "Archive", mail1("new", "x"), `\Deleted`)
	box := s.acct.boxes["Archive"]
	r := login(t, s)
	size := 0
	for _, m := range box.messages {
		size += len(m.raw)
	}
	last := len(mail1("new", "x"))
	r.want("STATUS archive (MESSAGES)", "NO [NONEXISTENT] No such mailbox")
	r.want("STATUS Projekte (MESSAGES)", "NO [NONEXISTENT] No such mailbox")
	r.want("STATUS Inbox (MESSAGES)", "* STATUS INBOX (MESSAGES 15)", "OK")
	r.want("STATUS Archive (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE APPENDLIMIT DELETED-STORAGE)",
		fmt.Sprintf(`* STATUS "Archive" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY %d UNSEEN 1 DELETED 1 SIZE %d APPENDLIMIT 67108864 DELETED-STORAGE %d RECENT 1)`,
			box.uidValidity, size, last), "OK")
	selected := []string{"* 3 EXISTS", "* 1 RECENT", "* OK [UNSEEN 3] First unseen message",
		fmt.Sprintf("* OK [UIDVALIDITY %d] UIDs valid", box.uidValidity), "* OK [UIDNEXT 4] Predicted next UID",
		`* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)`, `* OK [PERMANENTFLAGS ()] Permanent flags`,
		"OK [READ-ONLY] EXAMINE completed"}
	r.want("EXAMINE Archive", selected...)
	// EXAMINE leaves \Recent to the next session.
	selected = append([]string{"* OK [CLOSED] Previous mailbox is now closed"}, selected...)
	selected[7] = `* OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Permanent flags`
	selected[8] = "OK [READ-WRITE] SELECT completed"
	r.want("SELECT Archive", selected...)
	r.want("UID SEARCH NEW", "* SEARCH 3", "OK")
	r.want("UID SEARCH OLD", "* SEARCH 1 2", "OK")
	selected = selected[1:]
	selected[1] = "* 0 RECENT"
	login(t, s).want("SELECT Archive", selected...)
	r.want("SELECT Nowhere", "* OK [CLOSED] Previous mailbox is now closed", "NO [NONEXISTENT] No such mailbox")
	r.want("FETCH 1 UID", "BAD [CLIENTBUG] This command is only valid in the selected state")
	// With IMAP4rev2: no RECENT, a LIST, ESEARCH.
	r.ok("ENABLE IMAP4rev2")
	put(t, s, "Archive", mail1("newer", "x"))
	r.want("SELECT Archive", "* 4 EXISTS", fmt.Sprintf("* OK [UIDVALIDITY %d] UIDs valid", box.uidValidity),
		"* OK [UIDNEXT 5] Predicted next UID", `* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)`, selected[6],
		`* LIST () "/" "Archive"`, "OK [READ-WRITE] SELECT completed")
	r.want("UID SEARCH 4", `* ESEARCH (TAG "t14") UID ALL 4`, "OK")
	r.want("FETCH 4 FLAGS", `* 4 FETCH (FLAGS ())`, "OK")
}

// TestFetchIsExact: what comes back is what was stored, octet by octet, by the
// witness.
func TestFetchIsExact(t *testing.T) {
	s := start(t, Options{})
	c := witness(t, s, nil)
	byMailbox := make(map[string][]Sample)
	for _, m := range Samples(testNow()) {
		byMailbox[m.Mailbox] = append(byMailbox[m.Mailbox], m)
	}
	whole, header, text := &imap.FetchItemBodySection{Peek: true}, &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, Peek: true},
		&imap.FetchItemBodySection{Specifier: imap.PartSpecifierText, Peek: true}
	for mailbox, samples := range byMailbox {
		if _, err := c.Select(mailbox, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
			t.Fatal(err)
		}
		var all imap.SeqSet
		all.AddRange(1, 0)
		got, err := c.Fetch(all, &imap.FetchOptions{
			UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true,
			BodyStructure: &imap.FetchItemBodyStructure{Extended: true}, BodySection: []*imap.FetchItemBodySection{whole, header, text},
		}).Collect()
		if err != nil || len(got) != len(samples) {
			t.Fatalf("%s: %d messages, want %d: %v", mailbox, len(got), len(samples), err)
		}
		for i, m := range got {
			want := samples[i]
			if raw := m.FindBodySection(whole); !bytes.Equal(raw, want.Raw) {
				t.Errorf("%s %d: %d octets, want %d", mailbox, i, len(raw), len(want.Raw))
			}
			if cut := append(m.FindBodySection(header), m.FindBodySection(text)...); !bytes.Equal(cut, want.Raw) {
				t.Errorf("%s %d: header and text are not the whole", mailbox, i)
			}
			if m.RFC822Size != int64(len(want.Raw)) || !m.InternalDate.Equal(want.Date) || !m.Envelope.Date.Equal(want.Date) {
				t.Errorf("%s %d: size %d, date %v, sent %v, want %v", mailbox, i, m.RFC822Size, m.InternalDate, m.Envelope.Date, want.Date)
			}
			if len(m.Flags) != len(want.Flags) {
				t.Errorf("%s %d: flags %v, want %v", mailbox, i, m.Flags, want.Flags)
			}
			// Every part, found by the witness's structure, is a piece of the whole.
			m.BodyStructure.Walk(func(path []int, part imap.BodyStructure) bool {
				single, ok := part.(*imap.BodyStructureSinglePart)
				if !ok {
					return true
				}
				section := &imap.FetchItemBodySection{Part: path, Peek: true}
				body, err := c.Fetch(imap.UIDSetNum(m.UID), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{section}}).Collect()
				if err != nil || len(body) != 1 {
					t.Fatal(err)
				}
				octets := body[0].FindBodySection(section)
				if !bytes.Contains(want.Raw, octets) || uint32(len(octets)) != single.Size || len(octets) == 0 {
					t.Errorf("%s %d part %v: %d octets, structure says %d", mailbox, i, path, len(octets), single.Size)
				}
				return true
			})
		}
	}
}

const mixed = "From: a@example.org\r\nX-One: 1\r\nSubject: folded\r\n subject\r\nx-one: 2\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"preamble\r\n--b\r\n\r\nfirst\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n" +
	"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n" +
	"--b\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n--b--\r\nepilogue\r\n"

func TestFetchSections(t *testing.T) {
	s := start(t, Options{Empty: true})
	put(t, s, "INBOX", []byte(mixed), `\Seen`)
	put(t, s, "INBOX", []byte("Subject: plain\r\n\r\nbody\r\n"), `\Seen`)
	r := login(t, s, "SELECT INBOX")
	for _, c := range []struct{ seq, section, want string }{
		{"1", "HEADER.FIELDS (X-ONE Subject)", "X-One: 1\r\nSubject: folded\r\n subject\r\nx-one: 2\r\n\r\n"},
		{"1", "HEADER.FIELDS.NOT (X-ONE Subject Content-Type)", "From: a@example.org\r\n\r\n"},
		{"1", "HEADER.FIELDS (Nothing)", "\r\n"},
		{"1", "1", "first"},
		{"1", "1.MIME", "\r\n"},
		{"1", "2", "Subject: inner\r\n\r\ninner text"},
		{"1", "2.MIME", "Content-Type: message/rfc822\r\n\r\n"},
		{"1", "2.HEADER", "Subject: inner\r\n\r\n"},
		{"1", "2.TEXT", "inner text"},
		{"1", "2.1", "inner text"},
		{"1", "2.1.MIME", "Subject: inner\r\n\r\n"},
		{"1", "2.HEADER.FIELDS (subject)", "Subject: inner\r\n\r\n"},
		{"1", "2.2", ""},
		{"1", "3", "AAEC/w=="},
		{"1", "1.1", ""},
		{"1", "1.HEADER", ""},
		{"1", "9", ""},
		{"2", "1", "body\r\n"},
		{"2", "1.1", ""},
		{"2", "2", ""},
		{"2", "TEXT", "body\r\n"},
	} {
		want := fmt.Sprintf("* %s FETCH (BODY[%s] {%d}\r\n%s)", c.seq, requote(c.section), len(c.want), c.want)
		r.want(fmt.Sprintf("FETCH %s BODY.PEEK[%s]", c.seq, c.section), want, "OK")
	}
	for _, c := range []struct{ item, want string }{
		{"BODY.PEEK[TEXT]<2.2>", "BODY[TEXT]<2> {2}\r\ndy"},
		{"BODY.PEEK[TEXT]<2.200>", "BODY[TEXT]<2> {4}\r\ndy\r\n"},
		{"BODY.PEEK[TEXT]<99.1>", "BODY[TEXT]<99> {0}\r\n"},
		{"BODY.PEEK[]<0.9223372036854775807>", "BODY[]<0> {24}\r\nSubject: plain\r\n\r\nbody\r\n"},
		{"RFC822.HEADER", "RFC822.HEADER {18}\r\nSubject: plain\r\n\r\n"},
		{"RFC822.TEXT", "RFC822.TEXT {6}\r\nbody\r\n"},
		{"RFC822", "RFC822 {24}\r\nSubject: plain\r\n\r\nbody\r\n"},
	} {
		r.want("FETCH 2 "+c.item, "* 2 FETCH ("+c.want+")", "OK")
	}
	r.want("FETCH 1 (BINARY.SIZE[3] BINARY.PEEK[3] BINARY.PEEK[3]<1.2> BINARY.PEEK[1])",
		"* 1 FETCH (BINARY.SIZE[3] 4 BINARY[3] ~{4}\r\n\x00\x01\x02\xff BINARY[3] ~{2}\r\n\x01\x02 BINARY[1] ~{5}\r\nfirst)", "OK")
	r.want("FETCH 1 BINARY.PEEK[4]", "NO [UNKNOWN-CTE] Cannot decode that part")
	r.want("FETCH 1 BODYSTRUCTURE", `* 1 FETCH (BODYSTRUCTURE (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)`+
		`("message" "rfc822" NIL NIL NIL "7bit" 28 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) `+
		`("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)`+
		`("application" "octet-stream" NIL NIL NIL "base64" 8 NIL NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "x-odd" 3 0 NIL NIL NIL NIL) `+
		`"mixed" ("boundary" "b") NIL NIL NIL))`, "OK")
}

// requote writes field names as imapserver does, quoted.
func requote(section string) string {
	head, names, ok := strings.Cut(section, "(")
	if !ok {
		return section
	}
	words := strings.Fields(strings.TrimSuffix(names, ")"))
	for i, w := range words {
		words[i] = `"` + w + `"`
	}
	return head + "(" + strings.Join(words, " ") + ")"
}

func TestFetchSets(t *testing.T) {
	s := start(t, Options{Empty: true})
	r := login(t, s, "SELECT INBOX")
	r.want("UID FETCH 1:* UID", "OK")
	r.want("FETCH 1:* UID", "OK")
	r.want("FETCH 1 UID", "BAD No message has that sequence number")
	for i := range 5 {
		put(t, s, "INBOX", mail1(fmt.Sprint(i), "x"))
	}
	r.ok("NOOP")
	r.ok(`STORE 2,3 +FLAGS.SILENT (\Deleted)`)
	r.ok("EXPUNGE") // UIDs 1 4 5
	uids := func(nums ...string) (out []string) {
		for _, n := range nums {
			seq := map[string]string{"1": "1", "4": "2", "5": "3"}[n]
			out = append(out, "* "+seq+" FETCH (UID "+n+")")
		}
		return append(out, "OK")
	}
	for set, want := range map[string][]string{
		"*": uids("5"), "*:*": uids("5"), "1:*": uids("1", "4", "5"), "*:4": uids("4", "5"), "100:*": uids("5"), "*:100": uids("5"),
		"2:3": uids(), "6": uids(), "1:4294967295": uids("1", "4", "5"), "5,1": uids("1", "5"), "4:2,1:1": uids("1", "4"), "4,4,4": uids("4"),
	} {
		r.want("UID FETCH "+set+" (UID)", want...)
	}
	for set, want := range map[string][]string{
		"*": uids("5"), "1:*": uids("1", "4", "5"), "*:2": uids("4", "5"), "3:2": uids("4", "5"),
	} {
		r.want("FETCH "+set+" (UID)", want...)
	}
	r.want("FETCH 4 UID", "BAD No message has that sequence number")
	r.want("FETCH 2:4 UID", "BAD No message has that sequence number")
}

func TestSeen(t *testing.T) {
	s := start(t, Options{Empty: true})
	for range 4 {
		put(t, s, "INBOX", mail1("x", "body"))
	}
	login(t, s, "SELECT INBOX") // takes \Recent
	r := login(t, s, "EXAMINE INBOX")
	r.want("FETCH 1 BODY[TEXT]", "* 1 FETCH (BODY[TEXT] {6}\r\nbody\r\n)", "OK")
	r.want("FETCH 1 FLAGS", "* 1 FETCH (FLAGS ())", "OK")
	r = login(t, s, "SELECT INBOX")
	other := login(t, s, "SELECT INBOX")
	r.want("FETCH 1 (BODY.PEEK[TEXT] BINARY.PEEK[1] ENVELOPE BODY)", r.ok("FETCH 1 (BODY.PEEK[TEXT] BINARY.PEEK[1] ENVELOPE BODY)")[0], "OK")
	r.want("FETCH 1 FLAGS", "* 1 FETCH (FLAGS ())", "OK")
	r.want("FETCH 1 BODY[TEXT]", "* 1 FETCH (FLAGS (\\Seen) BODY[TEXT] {6}\r\nbody\r\n)", "OK")
	r.want("FETCH 1 BODY[TEXT]", "* 1 FETCH (BODY[TEXT] {6}\r\nbody\r\n)", "OK")
	r.want("FETCH 2 BINARY[1]", "* 2 FETCH (FLAGS (\\Seen) BINARY[1] ~{6}\r\nbody\r\n)", "OK")
	r.want("UID FETCH 3 RFC822.TEXT", "* 3 FETCH (UID 3 FLAGS (\\Seen) RFC822.TEXT {6}\r\nbody\r\n)", "OK")
	other.want("NOOP", `* 1 FETCH (UID 1 FLAGS (\Seen))`, `* 2 FETCH (UID 2 FLAGS (\Seen))`, `* 3 FETCH (UID 3 FLAGS (\Seen))`, "OK")
}

// TestWitnessReadsNames: modified UTF-7 comes out right on the other side.
func TestWitnessReadsNames(t *testing.T) {
	s := start(t, Options{})
	c := witness(t, s, &imapclient.Options{})
	data, err := c.List("", "*", &imap.ListOptions{ReturnStatus: &imap.StatusOptions{NumMessages: true}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, d := range data {
		found = found || d.Mailbox == sampleMailbox && d.Status != nil && *d.Status.NumMessages == 1
	}
	if !found {
		t.Errorf("no %q in %d rows", sampleMailbox, len(data))
	}
}
