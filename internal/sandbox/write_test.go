package sandbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
)

func TestStore(t *testing.T) {
	s := start(t, Options{Empty: true})
	for range 3 {
		put(t, s, "INBOX", mail1("x", "y"), `\Seen`, "Work")
	}
	login(t, s, "SELECT INBOX")
	r, other := login(t, s, "SELECT INBOX"), login(t, s, "SELECT INBOX")
	r.want(`STORE 1 +FLAGS (\flagged WORK New)`, `* 1 FETCH (UID 1 FLAGS (\Flagged \Seen Work New))`,
		`* FLAGS (\Answered \Flagged \Deleted \Seen \Draft Work New)`, "OK")
	r.want(`STORE 1 -FLAGS (work nothing)`, `* 1 FETCH (UID 1 FLAGS (\Flagged \Seen New))`, "OK")
	r.want(`UID STORE 2:9 FLAGS (\Answered)`, `* 2 FETCH (UID 2 FLAGS (\Answered))`, `* 3 FETCH (UID 3 FLAGS (\Answered))`, "OK")
	r.want(`STORE 2 FLAGS ()`, `* 2 FETCH (UID 2 FLAGS ())`, "OK")
	r.want(`STORE 3 FLAGS \Draft`, `* 3 FETCH (UID 3 FLAGS (\Draft))`, "OK")
	r.want(`STORE 3 +FLAGS.SILENT (\Seen)`, "OK")
	r.want(`UID STORE 77 +FLAGS (\Seen)`, "OK")
	r.want(`STORE 1 +FLAGS (\Recent)`, "BAD Not a flag that can be stored")
	r.want(`STORE 1 +FLAGS (\*)`, "BAD Not a flag that can be stored")
	r.want(`STORE 1 +FLAGS (\Odd)`, "BAD Not a flag that can be stored")
	other.want("NOOP", `* FLAGS (\Answered \Flagged \Deleted \Seen \Draft Work New)`, `* 1 FETCH (UID 1 FLAGS (\Flagged \Seen New))`,
		`* 2 FETCH (UID 2 FLAGS ())`, `* 3 FETCH (UID 3 FLAGS (\Seen \Draft))`, "OK")
	// A silent change that meets an unknown one is told.
	r.ok(`STORE 2 +FLAGS.SILENT (\Seen)`)
	other.want(`STORE 2 +FLAGS.SILENT (\Flagged)`, `* 2 FETCH (UID 2 FLAGS (\Flagged \Seen))`, "OK")
	other.want("NOOP", "OK")
	// Nothing new is no change.
	other.want(`STORE 2 +FLAGS (\Flagged)`, `* 2 FETCH (UID 2 FLAGS (\Flagged \Seen))`, "OK")
	r.want("NOOP", `* 2 FETCH (UID 2 FLAGS (\Flagged \Seen))`, "OK")
	r.want("NOOP", "OK")
}

func TestKeywordLimit(t *testing.T) {
	s := start(t, Options{Empty: true})
	put(t, s, "INBOX", mail1("x", "y"))
	r := login(t, s, "SELECT INBOX")
	for i := range maxKeywords / 100 {
		var words []string
		for j := range 100 {
			words = append(words, fmt.Sprintf("k%d", 100*i+j))
		}
		r.ok("STORE 1 FLAGS.SILENT (" + strings.Join(words, " ") + ")")
	}
	r.want("STORE 1 +FLAGS (onemore)", "NO [LIMIT] Too many keywords in the mailbox")
	r.want("STORE 1 FLAGS (K7)", "* 1 FETCH (UID 1 FLAGS (k7 \\Recent))", "OK")
}

func TestExpunge(t *testing.T) {
	s := start(t, Options{Empty: true})
	for range 6 {
		put(t, s, "INBOX", mail1("x", "y"))
	}
	login(t, s, "SELECT INBOX")
	r, other := login(t, s, "SELECT INBOX"), login(t, s, "SELECT INBOX")
	r.ok(`STORE 1,2,4,6 +FLAGS.SILENT (\Deleted)`)
	other.ok("NOOP")
	r.want("UID EXPUNGE 4:5", "* 4 EXPUNGE", "OK")
	r.want("EXPUNGE", "* 1 EXPUNGE", "* 1 EXPUNGE", "* 3 EXPUNGE", "OK")
	r.want("EXPUNGE", "OK")
	r.want("FETCH 1:* UID", "* 1 FETCH (UID 3)", "* 2 FETCH (UID 5)", "OK")
	// The other still counts six until an EXPUNGE may be sent.
	other.want("FETCH 1:* UID", "* 3 FETCH (UID 3)", "* 5 FETCH (UID 5)", "OK")
	other.want("SEARCH ALL", "* SEARCH 3 5", "OK")
	other.want("STORE 1 +FLAGS (\\Seen)", "OK")
	put(t, s, "INBOX", mail1("new", "y"))
	other.want("FETCH 3 UID", "* 3 FETCH (UID 3)", "* 7 EXISTS", "* 1 RECENT", "OK")
	other.want("FETCH * UID", "* 7 FETCH (UID 7)", "OK")
	other.want("UID FETCH * UID", "* 7 FETCH (UID 7)", "* 1 EXPUNGE", "* 1 EXPUNGE", "* 2 EXPUNGE", "* 3 EXPUNGE", "OK")
	other.want("FETCH 1:* UID", "* 1 FETCH (UID 3)", "* 2 FETCH (UID 5)", "* 3 FETCH (UID 7)", "OK")
	// CLOSE expunges silently, UNSELECT does not.
	r.ok(`UID STORE 3 +FLAGS.SILENT (\Deleted)`)
	r.want("UNSELECT", "OK")
	r.ok("SELECT INBOX")
	r.want("CLOSE", "OK")
	r.want("FETCH 1 UID", "BAD [CLIENTBUG] This command is only valid in the selected state")
	r.want("STATUS INBOX (MESSAGES UIDNEXT)", "* STATUS INBOX (MESSAGES 2 UIDNEXT 8)", "OK")
	// What came after the client last heard is not expunged behind its back.
	r.ok("SELECT INBOX")
	put(t, s, "INBOX", mail1("new", "y"), `\Deleted`)
	r.want("EXPUNGE", "* 3 EXISTS", "* 1 RECENT", "OK")
	r.want("EXPUNGE", "* 3 EXPUNGE", "OK")
}

func TestExamineRefusesWrites(t *testing.T) {
	s := start(t, Options{Empty: true})
	put(t, s, "INBOX", mail1("x", "y"), `\Deleted`)
	r := login(t, s, "EXAMINE INBOX")
	const refused = "NO [READ-ONLY] Mailbox is selected read-only"
	for _, c := range []string{`STORE 1 +FLAGS (\Seen)`, "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Trash", "UID MOVE 1 Trash"} {
		r.want(c, refused)
	}
	r.want("COPY 1 Trash", r2(r, "COPYUID", "Trash", "1 1")) // reading from it is fine
	r.want("CLOSE", "OK CLOSE completed")
	r.want("STATUS INBOX (MESSAGES RECENT)", "* STATUS INBOX (MESSAGES 1 RECENT 1)", "OK")
}

// r2 is the tagged OK with a code that names a mailbox's UIDVALIDITY.
func r2(r *rawConn, code, mailbox, uids string) string {
	r.t.Helper()
	status := r.ok("STATUS " + mailbox + " (UIDVALIDITY)")[0]
	validity := strings.TrimSuffix(status[strings.LastIndex(status, " ")+1:], ")")
	verb := map[string]string{"COPYUID": "COPY", "APPENDUID": "APPEND"}[code]
	return fmt.Sprintf("OK [%s %s %s] %s completed", code, validity, uids, verb)
}

func TestCopyAndMove(t *testing.T) {
	s := start(t, Options{Empty: true})
	for i := range 5 {
		put(t, s, "INBOX", mail1(fmt.Sprint(i), "y"), `\Seen`, "Work")
	}
	put(t, s, "Archive", mail1("there", "y"))
	login(t, s, "SELECT INBOX")
	r, other := login(t, s, "SELECT INBOX"), login(t, s, "SELECT INBOX")
	r.want("UID COPY 4,2,99 Archive", r2(r, "COPYUID", "Archive", "2,4 2:3"))
	r.want("COPY 5 archive", "NO [TRYCREATE] No such mailbox")
	r.want("UID COPY 99 Archive", "OK COPY completed")
	r.want("COPY 99 Archive", "BAD No message has that sequence number")
	moved := "* " + r2(r, "COPYUID", "Archive", "1,3:4 4:6")
	r.want("UID MOVE 1,3:4 Archive", moved, "* 1 EXPUNGE", "* 2 EXPUNGE", "* 2 EXPUNGE", "OK")
	r.want("UID MOVE 1 Nowhere", "NO [TRYCREATE] No such mailbox")
	r.want("UID MOVE 1 Archive", "OK UID MOVE completed")
	other.want("NOOP", "* 1 EXPUNGE", "* 2 EXPUNGE", "* 2 EXPUNGE", "OK")
	// Into the mailbox itself: new UIDs.
	again := r2(r, "COPYUID", "INBOX", "2 6")
	r.want("UID COPY 2 INBOX", "* 3 EXISTS", "* 1 RECENT", again)
	moved = "* " + r2(r, "COPYUID", "INBOX", "5 7")
	r.want("UID MOVE 5 INBOX", moved, "* 2 EXPUNGE", "* 3 EXISTS", "* 2 RECENT", "OK")
	r.want("FETCH 1:* (UID FLAGS)", `* 1 FETCH (UID 2 FLAGS (\Seen Work))`, `* 2 FETCH (UID 6 FLAGS (\Seen Work \Recent))`,
		`* 3 FETCH (UID 7 FLAGS (\Seen Work \Recent))`, "OK")
	// Flags, keyword, date and octets go along.
	r = login(t, s, "SELECT Archive")
	body := string(mail1("1", "y"))
	r.want("FETCH 2 (FLAGS INTERNALDATE BODY.PEEK[])", fmt.Sprintf("* 2 FETCH (FLAGS (\\Seen Work \\Recent) INTERNALDATE \"20-Nov-2026 19:15:00 +0000\" BODY[] {%d}\r\n%s)", len(body), body), "OK")
}

func TestAppend(t *testing.T) {
	s := start(t, Options{Empty: true})
	r := login(t, s, "SELECT INBOX")
	message := string(mail1("x", "y"))
	appendTo := func(args, want string, untagged ...string) {
		t.Helper()
		r.send("a APPEND %s {%d}\r\n", args, len(message))
		if got := r.line(); !strings.HasPrefix(got, "+ ") {
			t.Fatalf("got %q", got)
		}
		r.send("%s\r\n", message)
		got, tagged := r.until("a ")
		if strings.Join(got, "|") != strings.Join(untagged, "|") || tagged != want {
			t.Errorf("APPEND %s: %q %q, want %q %q", args, got, tagged, untagged, want)
		}
	}
	appendTo("INBOX", r2(r, "APPENDUID", "INBOX", "1"), "* 1 EXISTS", "* 1 RECENT")
	appendTo(`inbox (\Seen Work) "01-Feb-2026 03:04:05 +0530"`, r2(r, "APPENDUID", "INBOX", "2"), "* 2 EXISTS", "* 2 RECENT",
		`* FLAGS (\Answered \Flagged \Deleted \Seen \Draft Work)`)
	appendTo("Trash", r2(r, "APPENDUID", "Trash", "1"))
	appendTo("Nowhere", "NO [TRYCREATE] No such mailbox")
	appendTo(`INBOX (\Recent)`, "BAD Not a flag that can be stored")
	r.want("FETCH 1:* (FLAGS INTERNALDATE)", `* 1 FETCH (FLAGS (\Recent) INTERNALDATE "20-Nov-2026 19:15:00 +0000")`,
		`* 2 FETCH (FLAGS (\Seen Work \Recent) INTERNALDATE " 1-Feb-2026 03:04:05 +0530")`, "OK")
	message = "Subject: x\r\n\r\n\x00\r\n"
	appendTo("INBOX", "NO [UNKNOWN-CTE] Message contains NUL octets")
	r.want("APPEND INBOX {67108865}", "NO [TOOBIG] Literals are limited to 67108864 bytes for this command")
	r.ok("NOOP")
	message = "\r\nbare\nline feeds, no header, \xff\xfe and no end"
	appendTo("INBOX", r2(r, "APPENDUID", "INBOX", "3"), "* 3 EXISTS", "* 3 RECENT")
	r.want("FETCH 3 BODY.PEEK[]", fmt.Sprintf("* 3 FETCH (BODY[] {%d}\r\n%s)", len(message), message), "OK")
	// LITERAL+, in one go with what comes next.
	r.send("a APPEND INBOX {14+}\r\nSubject: y\r\n\r\n\r\nb NOOP\r\n")
	if untagged, tagged := r.until("b "); len(untagged) != 3 || tagged != "OK NOOP completed" {
		t.Errorf("got %q %q", untagged, tagged)
	}
	// UTF8=ACCEPT.
	r.ok("ENABLE UTF8=ACCEPT")
	r.send("a APPEND INBOX UTF8 (~{17+}\r\nSubject: \xc3\xbc\r\n\r\n\r\n)\r\n")
	if _, tagged := r.until("a "); tagged != r2(r, "APPENDUID", "INBOX", "5") {
		t.Errorf("got %q", tagged)
	}
}

// TestViewsAgree: whatever happens, in whatever order, a client that follows
// the responses has the mailbox right.
func TestViewsAgree(t *testing.T) {
	s := start(t, Options{Empty: true})
	for range 4 {
		put(t, s, "INBOX", mail1("x", "y"))
	}
	sessions := []*rawConn{login(t, s, "SELECT INBOX"), login(t, s, "SELECT INBOX"), login(t, s, "EXAMINE INBOX")}
	count := []int{4, 4, 4} // messages as each client counts them
	follow := func(i int, command string) {
		for _, line := range sessions[i].ok(command) {
			var n int
			var word string
			if _, err := fmt.Sscanf(line, "* %d %s", &n, &word); err != nil {
				continue
			}
			switch word {
			case "EXISTS":
				count[i] = n
			case "EXPUNGE":
				if n < 1 || n > count[i] {
					t.Fatalf("session %d counts %d: %s", i, count[i], line)
				}
				count[i]--
			case "FETCH":
				if n < 1 || n > count[i] {
					t.Fatalf("session %d counts %d: %s", i, count[i], line)
				}
			}
		}
	}
	random := uint32(1)
	for step := range 600 {
		random = random*1664525 + 1013904223
		i := int(random>>8) % 3
		n := int(random>>12)%(count[i]+1) + 1
		switch c := int(random>>20) % 8; {
		case c == 0:
			put(t, s, "INBOX", mail1(fmt.Sprint(step), "y"))
		case c == 1 && i < 2:
			follow(i, fmt.Sprintf(`UID STORE %d:%d +FLAGS (\Deleted)`, n, n+1))
		case c == 2 && i < 2:
			follow(i, "EXPUNGE")
		case c == 3 && i < 2:
			follow(i, fmt.Sprintf("UID MOVE %d:%d INBOX", n, n))
		case c == 4:
			follow(i, "SEARCH ALL")
		case c == 5 && n <= count[i]:
			follow(i, fmt.Sprintf("FETCH %d:* (UID FLAGS)", n))
		case c == 6:
			follow(i, "UID SEARCH RETURN (COUNT) ALL")
		default:
			follow(i, "NOOP")
		}
	}
	want := len(s.acct.boxes["INBOX"].messages)
	var rows [3]string
	for i := range sessions {
		follow(i, "NOOP")
		if count[i] != want {
			t.Errorf("session %d counts %d of %d", i, count[i], want)
		}
		rows[i] = strings.Join(sessions[i].ok("UID SEARCH ALL"), "")
	}
	if rows[0] != rows[1] || rows[1] != rows[2] {
		t.Errorf("sessions differ:\n%s", strings.Join(rows[:], "\n"))
	}
}

func TestMailboxes(t *testing.T) {
	s := start(t, Options{Empty: true})
	put(t, s, "INBOX", mail1("x", "y"), "Work")
	r := login(t, s)
	const cannot = "NO [CANNOT] Not a mailbox name"
	for _, c := range []struct{ command, want string }{
		{"CREATE One/Two/", "OK CREATE completed"},
		{"CREATE one/two", "OK CREATE completed"},
		{"CREATE One/Two", "NO [ALREADYEXISTS] Mailbox exists"},
		{"CREATE inbox", "NO [ALREADYEXISTS] Mailbox exists"},
		{"CREATE inbox/below", "OK CREATE completed"},
		{"CREATE INBOX/below", "NO [ALREADYEXISTS] Mailbox exists"},
		{`CREATE ""`, cannot},
		{`CREATE "/a"`, cannot},
		{`CREATE "a//b"`, cannot},
		{`CREATE "a*"`, cannot},
		{`CREATE "a%"`, cannot},
		{"CREATE &AAc-", cannot},
		{"CREATE " + strings.Repeat("x", 1001), cannot},
		{`CREATE "Gr&APYA3w-e &- Co"`, "OK CREATE completed"},
		{`CREATE Old (USE (\Archive))`, "NO [USEATTR] Cannot give that special use"},
		{`CREATE Everything (USE (\All))`, "NO [USEATTR] Cannot give that special use"},
		{"DELETE Archive", "OK DELETE completed"},
		{`CREATE Old (USE (\Archive))`, "OK CREATE completed"},
		{"DELETE Archive", "NO [NONEXISTENT] No such mailbox"},
		{"DELETE inbox", "NO [CANNOT] INBOX cannot be deleted"},
		{"DELETE One", "NO [NONEXISTENT] No such mailbox"},
		{"RENAME None Some", "NO [NONEXISTENT] No such mailbox"},
		{"RENAME One Trash", "NO [ALREADYEXISTS] Mailbox exists"},
		{"RENAME One One/Two/Three", "NO [CANNOT] Cannot move a mailbox below itself"},
		{"RENAME One Uno", "OK RENAME completed"},
		{"RENAME Old Older/Old", "OK RENAME completed"},
		{"SUBSCRIBE None", "NO [NONEXISTENT] No such mailbox"},
		{"UNSUBSCRIBE None", "OK UNSUBSCRIBE completed"},
	} {
		r.want(c.command, c.want)
	}
	r.want(`LIST "" (U* O* o* G* I*)`, `* LIST (\HasChildren) "/" INBOX`,
		`* LIST (\HasNoChildren) "/" "Gr&APYA3w-e &- Co"`, `* LIST (\HasNoChildren) "/" "INBOX/below"`,
		`* LIST (\NonExistent \Noselect \HasChildren) "/" "Older"`, `* LIST (\HasNoChildren \Archive) "/" "Older/Old"`,
		`* LIST (\NonExistent \Noselect \HasChildren) "/" "Uno"`, `* LIST (\HasNoChildren) "/" "Uno/Two"`,
		`* LIST (\NonExistent \Noselect \HasChildren) "/" "one"`, `* LIST (\HasNoChildren) "/" "one/two"`, "OK")
	// Renaming INBOX moves what is in it.
	reader := login(t, s, "SELECT INBOX")
	r.want("RENAME INBOX Kept", "OK RENAME completed")
	reader.want("NOOP", "* 1 EXPUNGE", "OK")
	r.want("STATUS INBOX (MESSAGES UIDNEXT)", "* STATUS INBOX (MESSAGES 0 UIDNEXT 2)", "OK")
	r.want("STATUS Kept (MESSAGES UIDNEXT)", `* STATUS "Kept" (MESSAGES 1 UIDNEXT 2)`, "OK")
	// A mailbox made again has another UIDVALIDITY; who had it open sees it empty.
	before := r.ok("STATUS Kept (UIDVALIDITY)")[0]
	reader = login(t, s, "SELECT Kept")
	r.ok("DELETE Kept")
	r.ok("CREATE Kept")
	if after := r.ok("STATUS Kept (UIDVALIDITY)")[0]; after == before {
		t.Errorf("still %s", after)
	}
	reader.want("NOOP", "* 1 EXPUNGE", "OK")
	reader.want("UID FETCH 1:* FLAGS", "OK")
}

// TestWitnessMove: the witness reads COPYUID and EXPUNGE as we mean them.
func TestWitnessMove(t *testing.T) {
	s := start(t, Options{})
	c := witness(t, s, nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	data, err := c.Move(imap.UIDSetNum(3, 4, 9), sampleMailbox).Wait()
	if err != nil || data.SourceUIDs.String() != "3:4,9" || data.DestUIDs.String() != "2:4" ||
		data.UIDValidity != s.acct.boxes[sampleMailbox].uidValidity {
		t.Errorf("got %+v, %v", data, err)
	}
	if n := c.Mailbox().NumMessages; n != 12 {
		t.Errorf("%d messages left", n)
	}
}
