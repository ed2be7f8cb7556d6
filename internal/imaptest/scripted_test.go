package imaptest

import (
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	s := start(t, "", Options{})
	c := dial(t, s.Addr())
	c.line("* OK [CAPABILITY IMAP4rev1 ")
	c.write("a LOGIN \"x\" {1+}\r\ny\r\nb EXAMINE INBOX\r\nc UID SEARCH RETURN (ALL COUNT) ALL\r\nd UID SEARCH UID 2:*\r\n")
	c.line("a OK [CAPABILITY")
	if got := c.until("b OK"); !strings.Contains(got, "* 3 EXISTS\r\n") || !strings.Contains(got, "[UIDVALIDITY 1]") {
		t.Errorf("EXAMINE: %q", got)
	}
	c.line("* ESEARCH (TAG \"c\") UID COUNT 3 ALL 1,2,3\r\n")
	c.line("c OK")
	c.line("* SEARCH 2 3\r\n")
	c.line("d OK")
	c.write("e UID FETCH 2:* (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[]<0.4>)\r\n")
	c.line("* 2 FETCH (UID 2 FLAGS () BODY[HEADER.FIELDS (SUBJECT)] {19}\r\n")
	if got := c.until("e OK"); !strings.HasPrefix(got, "Subject: Second\r\n\r\n BODY[]<0> {4}\r\nDate)\r\n* 3 FETCH (UID 3 ") {
		t.Errorf("FETCH: %q", got)
	}
	c.write("f STATUS INBOX (UIDNEXT MESSAGES)\r\ng AUTHENTICATE PLAIN\r\n")
	c.line("* STATUS INBOX (UIDNEXT 4 MESSAGES 3)\r\n")
	c.line("f OK")
	c.line("+ ")
	c.write("AGEAYg==\r\nh IDLE\r\n")
	c.line("g OK")
	c.line("+ ")
	c.write("DONE\r\ni NONSENSE\r\nj LOGOUT\r\n")
	c.line("h OK")
	c.line("i BAD")
	c.line("* BYE")
	c.line("j OK")
	c.end()
}

func TestStrict(t *testing.T) {
	const script = `
# a comment
S: * OK hello $Forwarded
C: {tag} LOGIN "alice" "secret"
S: $tag OK in
C~ (?P<which>\w+) EXAMINE (\S+)
S: * 1 FETCH (UID 5 BODY[] {{a\r\n\x00b}} BINARY[1] {{~x}})
S= * \xff\r\n
S< 2a 20 68 0d0a
S: $which OK [READ-ONLY] $2
`
	s := start(t, script, Options{})
	c := dial(t, s.Addr())
	c.line("* OK hello $Forwarded\r\n")
	c.write("a1 LOGIN \"alice\" \"secret\"\r\n")
	c.line("a1 OK in\r\n")
	c.write("a2 EXAMINE {5}\r\n")
	c.line("+ ")
	c.write("INBOX\r\n")
	want := "* 1 FETCH (UID 5 BODY[] {5}\r\na\r\n\x00b BINARY[1] ~{1}\r\nx)\r\n* \xff\r\n* h\r\na2 OK [READ-ONLY] {5}INBOX\r\n"
	if got := c.until("a2 "); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	c.write("a3 LOGOUT\r\n")
	c.until("a3 OK")
	c.end()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	commands := s.Record().Commands(0)
	if len(commands) != 3 || commands[1].Text != "a2 EXAMINE {5}INBOX" || string(commands[1].Literals[0]) != "INBOX" {
		t.Errorf("recorded %+v", commands)
	}
}

func TestDeparture(t *testing.T) {
	for _, test := range []struct{ script, send, want string }{
		{"S: * OK\nC: {t} NOOP\nS: $t OK", "a CHECK\r\n", "line 2"},
		{"S: * OK\nC~ ^\\w+ NOOP$\nS: $tag OK", "a CHECK\r\n", "line 2"},
		{"S: * OK\nC: {t} NOOP\nS: $t OK", "", "end of the connection"},
		{"S: * OK\nC: {t} NOOP\nS: $t OK", "a NOOP\r\nb CHECK\r\n", "nothing more"},
		{"S: * OK\nC: {t} NOOP\nDELAY 50ms\nF:\nS: $t OK", "a NOOP\r\nb CHECK\r\n", "a client that waits"},
	} {
		s := start(t, test.script, Options{})
		c := dial(t, s.Addr())
		c.line("* OK")
		c.write(test.send)
		if test.send != "" {
			io.ReadAll(c.r)
		}
		c.Close()
		s.Record().Settle(hangLimit, hangLimit)
		if err := s.Close(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q after %q: %v", test.script, test.send, err)
		}
	}
}

func TestRules(t *testing.T) {
	const script = `
CAPABILITY +X-ODD -MOVE
MESSAGES 4
ITEM 2 ENVELOPE NIL
ITEM * INTERNALDATE NONE
EXTRA 1 X-GM-MSGID 5
UIDLAST
ON -nth=2 NOOP
S: * 9 EXISTS
DEFAULT
ON -once CHECK
S: $tag NO once
ON -conn=2 EXPUNGE
S: $tag NO second
ON -literal APPEND
S: $tag NO too large
ON AUTHENTICATE
S: +
C~ ^(\w+)$
S: + $1
C~ ^\*$
S: $tag BAD cancelled
ON UID COPY (\d+)
S: $tag OK [COPYUID 1 $1 9]
`
	s := start(t, script, Options{})
	c := dial(t, s.Addr())
	if got := c.line("* OK [CAPABILITY"); !strings.Contains(got, " X-ODD]") || strings.Contains(got, "MOVE") {
		t.Errorf("greeting %q", got)
	}
	c.write("a NOOP\r\nb noop\r\nc CHECK\r\nd CHECK\r\ne EXPUNGE\r\n")
	c.line("a OK")
	c.line("* 9 EXISTS")
	c.line("b OK")
	c.line("c NO")
	c.line("d OK")
	c.line("e OK")
	c.write("f APPEND INBOX {10}\r\n")
	c.line("f NO too large")
	c.write("g UID COPY 7 x\r\n")
	c.line("g OK [COPYUID 1 7 9]")
	c.write("auth AUTHENTICATE PLAIN\r\nabc\r\n*\r\n")
	c.line("+")
	c.line("+ abc")
	c.line("auth BAD cancelled")
	c.write("h UID FETCH 1:2,* (UID FLAGS ENVELOPE INTERNALDATE)\r\n")
	c.line(`* 1 FETCH (FLAGS (\Seen) ENVELOPE ("Fri`)
	c.line("* 2 FETCH (FLAGS () ENVELOPE NIL UID 2)\r\n")
	c.line("* 4 FETCH ")
	c.line("h OK")
	d := dial(t, s.Addr())
	d.until("* OK")
	d.write("a EXPUNGE\r\n")
	d.line("a NO second")
	if got := s.Record().Match(1, regexp.MustCompile(`^f APPEND INBOX \{10\}$`)); len(got) != 1 {
		t.Errorf("the refused APPEND is not in the record:\n%s", s.Record())
	}
}

func TestEndings(t *testing.T) {
	s := start(t, "ON NOOP\nS= cut {9}\\r\\nabc\nCLOSE\nON CHECK\nRESET\nON CLOSE\nDRIP 1ms * x\\r\\n\nON SEARCH\nR: 200000 ()\nS:\nN: 7 2 -2\nS:\nS: $tag OK", Options{})
	c := dial(t, s.Addr())
	c.line("* OK")
	c.write("a SEARCH\r\nb CLOSE\r\nc NOOP\r\n")
	if got := c.until("a OK"); !strings.HasSuffix(got, "()\r\n7 5 3\r\na OK\r\n") || len(got) != 400000+2+7+6 {
		t.Errorf("repeated %d octets", len(got))
	}
	c.line("* x\r\n")
	c.line("cut {9}\r\n")
	if rest, err := io.ReadAll(c.r); err != nil || string(rest) != "abc" {
		t.Errorf("CLOSE: %q, %v", rest, err)
	}
	c = dial(t, s.Addr())
	c.line("* OK")
	c.write("a CHECK\r\n")
	if _, err := io.ReadAll(c.r); err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("RESET: %v", err)
	}
	const deadline = time.Second
	c = dial(t, start(t, "ON EXPUNGE\nHANG", Options{Deadline: deadline}).Addr())
	c.line("* OK")
	c.write("a EXPUNGE\r\n")
	begin := time.Now()
	io.ReadAll(c.r)
	if d := time.Since(begin); d < deadline/2 {
		t.Errorf("HANG ended after %v, want the deadline", d)
	}
}

func TestStartTLS(t *testing.T) {
	const script = "CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK begin\nSTARTTLS\nON COMPRESS\nS: $tag OK\nCOMPRESS"
	s := start(t, script, Options{})
	p, err := StartProxy(Upstream{Addr: s.Addr(), StartTLS: clientConfig(s.CA())}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, test := range []struct {
		addr string
		ca   *CA
		rec  *Record
	}{{s.Addr(), s.CA(), s.Record()}, {p.Addr(), p.CA(), p.Record()}} {
		c := dial(t, test.addr)
		c.line("* OK")
		c.write("a STARTTLS\r\n")
		c.line("a OK")
		c.secure(test.ca)
		c.write("b LOGIN x y\r\n")
		c.line("b OK")
		c.write("c COMPRESS DEFLATE\r\n")
		c.line("c OK")
		c.compress()
		c.write("d NOOP\r\n")
		c.line("d OK")
		c.write("e LOGOUT\r\n")
		c.line("* BYE")
		c.line("e OK")
		c.Close()
		test.rec.Settle(hangLimit, hangLimit)
		var texts []string
		for _, cmd := range test.rec.Commands(0) {
			texts = append(texts, cmd.Text)
		}
		if got := strings.Join(texts, "|"); got != "a STARTTLS|b LOGIN x y|c COMPRESS DEFLATE|d NOOP|e LOGOUT" {
			t.Errorf("recorded %s\n%s", got, test.rec)
		}
		test.rec.Reset()
	}
}

func TestImplicitTLS(t *testing.T) {
	s := start(t, "", Options{TLS: true})
	p, err := StartProxy(Upstream{Addr: s.Addr(), TLS: clientConfig(s.CA())}, Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := dial(t, p.Addr())
	c.secure(p.CA())
	c.line("* OK")
	c.write("a LOGOUT\r\n")
	c.until("a OK")
	c.end()
	if len(p.Record().Commands(0)) != 1 || len(s.Record().Commands(0)) != 1 {
		t.Errorf("proxy:\n%sserver:\n%s", p.Record(), s.Record())
	}
}

func TestScriptErrors(t *testing.T) {
	for _, script := range []string{"X: y", "S= \\q", "S: {{a", "C~ (", "ON -odd X", "ON (", "DELAY x", "R: x y", "N: 1 5 0", "N: 5 1 1", "N: 1", "ITEM 1 FLAGS", "S< 0"} {
		if _, err := parseScript(script); err == nil {
			t.Errorf("%q is a script", script)
		}
	}
}
