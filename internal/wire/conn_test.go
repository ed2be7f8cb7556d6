package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestGreeting(t *testing.T) {
	for _, tt := range [...]struct {
		in   string
		want Status
		err  string // part of it
	}{
		{"* OK ready\r\n", Status{Status: "OK", Text: "ready"}, ""},
		{"* ok [capability IMAP4rev1 X] ready\r\n", Status{Status: "OK", Code: "CAPABILITY", Args: "IMAP4rev1 X", Text: "ready"}, ""},
		{"* PREAUTH hello\r\n", Status{Status: "PREAUTH", Text: "hello"}, ""},
		{"* BYE too many {5}\r\n", Status{Status: "BYE", Text: "too many {5}"}, ""},
		{"* OK\r\n", Status{Status: "OK"}, ""},
		{"* OK \n", Status{Status: "OK"}, ""},
		{"\r\n\r\n*  OK  ready\r\n", Status{Status: "OK", Text: "ready"}, ""},
		{"* NO closed\r\n", Status{}, `the greeting is not IMAP: "* NO closed"`},
		{"+OK POP3 ready\r\n", Status{}, `the greeting is not IMAP: "+OK POP3 ready"`},
		{"220 smtp ESMTP\r\n", Status{}, `"220 SMTP ESMTP"`},
		{"SSH-2.0-OpenSSH\x1b[0m\r\n", Status{}, `"SSH-2.0-OpenSSH\x1b[0m"`},
		{"HTTP/1.1 400 Bad Request" + strings.Repeat("!", 100_000) + "\r\n", Status{}, `Request!!!`},
		{strings.Repeat("\r\n", MaxNoise+1), Status{}, "more than 1000 lines"},
		{"* OK cut", Status{}, "the server closed the connection"},
		{"", Status{}, "the server closed the connection"},
	} {
		for i, src := range []func(string) *source{whole, octets} {
			c, _ := overMemory(t, src(tt.in), Options{})
			st, err := c.Greeting(t.Context())
			if tt.err == "" && (err != nil || st != tt.want) {
				t.Errorf("%.50q %d: %+v, %v", tt.in, i, st, err)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || len(err.Error()) > 300) {
				t.Errorf("%.50q %d: error %.300v, want %s", tt.in, i, err, tt.err)
			}
		}
	}
}

// Untagged data go to the command in flight that asked for their kind, the
// first one of several, and to Notice else.
func TestRouting(t *testing.T) {
	var notices []string
	o := Options{Notice: func(r *Response) {
		notices = append(notices, fmt.Sprintf("%s %d %v %s", r.Kind, r.Num, r.HasNum, r.Status.Text))
	}}
	talk(t, o, func(p *peer) {
		p.flight("A1 ONE\r\nA2 TWO\r\nA3 THREE\r\n")
		p.say("* 1 FETCH (UID 1)\n* SEARCH 1\n* 7 exists\n* OK [ALERT] full\n* BYE soon\nA1 OK\n" +
			"* 2 FETCH (UID 2)\n* SEARCH 2\nA3 NO [X y] three\n* 3 FETCH (UID 3)\n* SEARCH 3\nA2 BAD two\n")
	}, func(ctx context.Context, c *Conn) {
		var one, two []string
		note := func(to *[]string) func(*Response) error {
			return func(r *Response) error {
				*to = append(*to, fmt.Sprintf("%s %d %s", r.Kind, r.Num, r.Atom()))
				return nil
			}
		}
		first, _ := c.Send(ctx, NewCommand("ONE").On(note(&one), "SEARCH"))
		second, _ := c.Send(ctx, NewCommand("TWO").On(note(&two), "FETCH", "SEARCH"))
		third, _ := c.Send(ctx, NewCommand("THREE"))
		st, err := c.Wait(ctx, third)
		if err != nil || st != (Status{Status: "NO", Code: "X", Args: "y", Text: "three"}) || second.Done() || !first.Done() {
			t.Errorf("%+v, %v", st, err)
		}
		if st, err := c.Wait(ctx, second); err != nil || st.Status != "BAD" {
			t.Errorf("%+v, %v", st, err)
		}
		if st, err := c.Wait(ctx, first); err != nil || st.Status != "OK" {
			t.Errorf("a second Wait: %+v, %v", st, err)
		}
		same(t, "ONE", one, []string{"SEARCH 0 1"})
		same(t, "TWO", two, []string{"FETCH 1 ", "FETCH 2 ", "SEARCH 0 2", "FETCH 3 ", "SEARCH 0 3"})
	})
	same(t, "Notice", notices, []string{"EXISTS 7 true ", "OK 0 false full", "BYE 0 false soon"})
}

// An ALERT is for the person, whichever command reads untagged OK and NO.
func TestAlertIsNotice(t *testing.T) {
	alerts := ""
	c, _ := overMemory(t, strings.NewReader("* OK [ALERT] one\r\n* NO [alert] two\r\n* OK [UIDNEXT 4] three\r\nA1 OK\r\n"),
		Options{Notice: func(r *Response) { alerts += r.Status.Text + " " }})
	heard := ""
	if _, err := c.Do(t.Context(), NewCommand("EXAMINE").On(func(r *Response) error {
		heard += r.Status.Text + " "
		return nil
	}, "OK", "NO")); err != nil {
		t.Fatal(err)
	}
	if alerts != "one two " || heard != "three " {
		t.Errorf("alerts %q, heard %q", alerts, heard)
	}
}

// What a callback leaves unread is skipped; what it cannot read costs that
// response only; any other error of its own ends the wait. A number in front
// that is too long costs nothing where the UID names the message.
func TestCallback(t *testing.T) {
	const data = "* 1 FETCH (BODY[] {12}\r\nA1 OK fake\r\n UID 1)\r\n" +
		"* 2 FETCH )(\r\n" +
		"* 3 FETCH (UID x {4}\r\n* A \r\n\r\n" +
		"* 4294967296 FETCH (UID 4)\r\n" +
		"* 18446744073709551616 FETCH (UID 5)\r\n" +
		"* 6 FETCH (UID 6)\r\nA1 OK done\r\n"
	for i, src := range []func(string) *source{whole, octets} {
		c, _ := overMemory(t, src(data), Options{})
		var uids []uint64
		st, err := c.Do(t.Context(), NewCommand("UID FETCH").On(func(r *Response) error {
			r.Open()
			if string(r.Item()) == "UID" {
				uids = append(uids, r.Number())
			}
			return r.Err()
		}, "FETCH"))
		if err != nil || st.Text != "done" || fmt.Sprint(uids) != "[0 4 5 6]" {
			t.Errorf("%d: %v, %+v, %v", i, uids, st, err)
		}
	}
	mine := errors.New("disk full")
	c, _ := overMemory(t, strings.NewReader("* SEARCH 1 2\r\n* SEARCH 3\r\nA1 OK\r\n"), Options{})
	calls := 0
	_, err := c.Do(t.Context(), NewCommand("SEARCH").On(func(*Response) error {
		calls++
		return mine
	}, "SEARCH"))
	if err != mine || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// BYE and then the end is a refusal with the server's words, when reading and
// when writing; the end alone is a lost connection.
func TestBye(t *testing.T) {
	c, _ := overMemory(t, strings.NewReader("* BYE [UNAVAILABLE] going down\r\n"), Options{})
	_, err := c.Do(t.Context(), NewCommand("NOOP"))
	if s := fault.ServerOf(err); fault.KindOf(err) != fault.Refused || s == nil || *s != (fault.Server{Status: "BYE", Code: "UNAVAILABLE", Text: "going down"}) {
		t.Errorf("%v, %+v", err, s)
	}
	c, _ = overMemory(t, strings.NewReader("* BYE soon\r\nA1 OK\r\n"), Options{})
	if st, err := c.Do(t.Context(), NewCommand("LOGOUT")); err != nil || !st.OK() {
		t.Errorf("a BYE before the answer: %v, %v", st, err)
	}
	c, _ = overMemory(t, strings.NewReader("* OK hello\r\n"), Options{})
	if _, err = c.Do(t.Context(), NewCommand("NOOP")); fault.KindOf(err) != fault.Connect || fault.ServerOf(err) != nil {
		t.Error(err)
	}
	talk(t, Options{}, func(p *peer) {
		p.want("A1 NOOP")
		p.say("* BYE bored\nA1 OK\n")
		p.Close()
	}, func(ctx context.Context, c *Conn) {
		if _, err := c.Do(ctx, NewCommand("NOOP")); err != nil {
			t.Error(err)
		}
		if _, err := c.Do(ctx, NewCommand("NOOP")); fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "bored") {
			t.Errorf("writing: %v", err)
		}
	})
}

func TestUpgrade(t *testing.T) {
	for _, early := range []string{"* CAPABILITY X\r\n", "A2 OK\r\n", "\x16", "\r\n"} {
		c, m := overMemory(t, nil, Options{})
		m.Reader = strings.NewReader("A1 OK begin\r\n" + early) // at once, not in turn
		if _, err := c.Do(t.Context(), NewCommand("STARTTLS")); err != nil {
			t.Fatal(err)
		}
		err := c.Upgrade(func(net.Conn) (net.Conn, error) {
			t.Errorf("%q: upgraded", early)
			return nil, nil
		})
		if fault.KindOf(err) != fault.Connect || !strings.Contains(err.Error(), fmt.Sprintf("sent %d octets ahead", len(early))) {
			t.Errorf("%q: %v", early, err)
		}
	}
	no := errors.New("no")
	c, m := overMemory(t, strings.NewReader("* BYE clear\r\nA1 OK begin\r\n"), Options{})
	if _, err := c.Do(t.Context(), NewCommand("STARTTLS")); err != nil {
		t.Fatal(err)
	}
	if err := c.Upgrade(func(net.Conn) (net.Conn, error) { return nil, no }); err != no {
		t.Error(err)
	}
	next := &memory{TB: t, Reader: strings.NewReader("A2 OK over TLS\r\n")}
	if err := c.Upgrade(func(old net.Conn) (net.Conn, error) {
		if old != m {
			t.Error("another transport is wrapped")
		}
		return next, nil
	}); err != nil {
		t.Error(err)
	}
	if st, err := c.Do(t.Context(), NewCommand("NOOP")); err != nil || st.Text != "over TLS" {
		t.Error(st, err)
	}
	if _, err := c.Do(t.Context(), NewCommand("NOOP")); fault.KindOf(err) != fault.Connect {
		t.Errorf("a BYE in clear is remembered: %v", err)
	}
	if m.sent.String() != "A1 STARTTLS\r\n" || next.sent.String() != "A2 NOOP\r\nA3 NOOP\r\n" {
		t.Errorf("sent %q in clear, %q behind", m.sent.String(), next.sent.String())
	}
}

func TestResend(t *testing.T) {
	c, m := overMemory(t, strings.NewReader("A2 OK noop\r\n* SEARCH 1\r\nA1 OK late\r\n* SEARCH 2\r\nA3 OK again\r\n"), Options{})
	found := ""
	p, _ := c.Send(t.Context(), NewCommand("SEARCH").Atom("ALL").On(func(r *Response) error {
		found += string(r.Atom())
		return nil
	}, "SEARCH"))
	if _, err := c.Do(t.Context(), NewCommand("NOOP")); err != nil || p.Done() {
		t.Fatal(err)
	}
	if err := c.Resend(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if st, err := c.Wait(t.Context(), p); err != nil || st.Text != "again" || found != "12" {
		t.Error(st, err, found)
	}
	if m.sent.String() != "A1 SEARCH ALL\r\nA2 NOOP\r\nA3 SEARCH ALL\r\n" {
		t.Errorf("%q", m.sent.String())
	}
}

// LOGOUT is said only where the connection still understands it.
func TestLogout(t *testing.T) {
	said := func(in string, before func(*Conn)) string {
		c, m := overMemory(t, strings.NewReader(in), Options{})
		before(c)
		c.Logout()
		return m.sent.String()
	}
	noop := func(c *Conn) { c.Do(t.Context(), NewCommand("NOOP")) }
	for _, tt := range [...]struct {
		name, in string
		before   func(*Conn)
		want     string
	}{
		{"at once", "", func(*Conn) {}, "A1 LOGOUT\r\n"},
		{"after a command", "A1 OK\r\n", noop, "A1 NOOP\r\nA2 LOGOUT\r\n"},
		{"after the end", "", noop, "A1 NOOP\r\n"},
		{"after BYE", "* BYE\r\nA1 OK\r\n", noop, "A1 NOOP\r\n"},
		{"with a command in flight", "", func(c *Conn) { c.Send(t.Context(), NewCommand("NOOP")) }, ""},
	} {
		if got := said(tt.in, tt.before); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Idle is called before each wait for the server, and its error ends it.
func TestIdle(t *testing.T) {
	calls := 0
	full := errors.New("standard output closed")
	o := Options{Idle: func() error {
		if calls++; calls == 3 {
			return full
		}
		return nil
	}}
	c, _ := overMemory(t, iotest.DataErrReader(strings.NewReader("* OK\r\nA1 OK\r\n")), o)
	if _, err := c.Do(t.Context(), NewCommand("NOOP")); err != nil || calls != 1 {
		t.Error(err, calls)
	}
	talk(t, o, func(p *peer) {
		p.want("A1 NOOP")
		p.say("* OK wait\n")
		p.hang()
	}, func(ctx context.Context, c *Conn) {
		if _, err := c.Do(ctx, NewCommand("NOOP")); err != full || calls != 3 {
			t.Error(err, calls)
		}
	})
}
