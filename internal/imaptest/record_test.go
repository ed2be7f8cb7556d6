package imaptest

import (
	"io"
	"strings"
	"testing"
	"time"
)

// Flights are exact with a delay, however the client cuts its writes.
func TestFlights(t *testing.T) {
	const delay = 300 * time.Millisecond
	s := start(t, "", Options{Delay: delay})
	p, err := StartProxy(Upstream{Addr: start(t, "", Options{}).Addr()}, Options{Delay: delay})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, server := range []interface {
		Addr() string
		Record() *Record
	}{s, p} {
		begin := time.Now()
		c := dial(t, server.Addr())
		c.line("* OK")
		if d := time.Since(begin); d < delay {
			t.Errorf("the greeting took %v", d)
		}
		c.write("a LOGIN x y\r\n")
		c.write("b EXAM")
		c.write("INE INBOX\r\n")
		c.until("b OK")
		c.write("c UID SEARCH ALL\r\n")
		c.until("c OK")
		c.write("d LOGOUT\r\n")
		c.Close()
		server.Record().Settle(hangLimit, hangLimit)
		if got := server.Record().Flights(1); got != 2 {
			t.Errorf("%d flights, want 2\n%s", got, server.Record())
		}
		// A client that waits for the answer to LOGOUT flies once more.
		c = dial(t, server.Addr())
		c.line("* OK")
		c.write("a LOGIN x y\r\n")
		c.until("a OK")
		c.write("b LOGOUT\r\n")
		c.until("b OK")
		c.end()
		c.Close()
		server.Record().Settle(hangLimit, hangLimit)
		if got := server.Record().Flights(2); got != 2 {
			t.Errorf("%d flights, want 2\n%s", got, server.Record())
		}
	}
}

func TestFaults(t *testing.T) {
	s := start(t, "", Options{})
	c := dial(t, s.Addr())
	c.line("* OK")
	c.write("a NOOP\nb LOGIN {3+}\r\n\x00\n\r {1+}\r\nx\r\nc NO\x00P\r\nd NO\rP\r\ne " + strings.Repeat("x", 9000) + "\r\nf LOGOUT\r\n")
	c.until("f OK")
	got := strings.Join(s.Record().Faults(), "\n")
	for _, want := range []string{"LF alone: \"a NOOP", "NUL inside a line: \"c NO", "CR inside a line: \"d NO", "8192 octets: \"e xxx"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := len(s.Record().Faults()); n != 4 {
		t.Errorf("%d faults, want 4:\n%s", n, got)
	}
}

// The DROP action throws away what is pipelined behind a command.
func TestDrop(t *testing.T) {
	s := start(t, "ON LOGIN\nDROP 30ms\nDEFAULT", Options{})
	c := dial(t, s.Addr())
	c.line("* OK")
	c.write("a LOGIN x y\r\nb EXAMINE INBOX\r\n")
	c.line("a OK")
	c.write("c NOOP\r\n")
	c.line("c OK")
}

func TestHook(t *testing.T) {
	s := start(t, "", Options{})
	for _, test := range []struct {
		name    string
		verdict func(Chunk) Verdict
		want    string
		err     string
	}{
		{"cut before a tagged reply", func(c Chunk) Verdict {
			if strings.HasPrefix(string(c.First), "a OK") {
				return Verdict{Fault: Cut}
			}
			return Verdict{}
		}, "* 1 FETCH (RFC822.SIZE 194 BODY[TEXT] {13}\r\nfirst message)\r\n", ""},
		{"cut in a literal", func(c Chunk) Verdict {
			if c.Literal {
				return Verdict{Fault: Cut, Keep: 5}
			}
			return Verdict{}
		}, "first", ""},
		{"reset", func(c Chunk) Verdict {
			if c.Response == 2 {
				return Verdict{Fault: Reset, Keep: 3}
			}
			return Verdict{}
		}, "", "reset"},
		{"stall", func(c Chunk) Verdict {
			if c.Response == 3 {
				return Verdict{Fault: Stall}
			}
			return Verdict{}
		}, "message)\r\n", "timeout"},
		{"replace", func(c Chunk) Verdict {
			if c.Response == 3 {
				return Verdict{Data: []byte("a NO\r\n"), Fault: Cut, Keep: 100}
			}
			return Verdict{}
		}, ")\r\na NO\r\n", ""},
		{"cut the command", func(c Chunk) Verdict {
			if c.Client {
				return Verdict{Fault: Cut, Keep: 2}
			}
			return Verdict{}
		}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := StartProxy(Upstream{Addr: s.Addr()}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			p.SetHook(test.verdict)
			c := dial(t, p.Addr())
			c.line("* OK")
			c.write("a FETCH 1 (RFC822.SIZE BODY[TEXT])\r\n")
			if test.err == "timeout" {
				c.SetDeadline(time.Now().Add(2 * time.Second))
			}
			got, err := io.ReadAll(c.r)
			if !strings.HasSuffix(string(got), test.want) || test.want == "" && len(got) > 3 {
				t.Errorf("got %q, want …%q", got, test.want)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
		})
	}
}

func TestReset(t *testing.T) {
	s := start(t, "", Options{})
	for i := range 2 {
		c := dial(t, s.Addr())
		c.line("* OK")
		c.write("a LOGOUT\r\n")
		c.until("a OK")
		c.Close()
		s.Record().Settle(hangLimit, hangLimit)
		if n := s.Record().Conns(); n != 1 {
			t.Errorf("round %d: %d connections", i, n)
		}
		s.Record().Reset()
	}
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("a LOGIN {3}\r\nabc {0+}\r\n\r\n* x {99}\r\nshort"))
	f.Add([]byte("a\nb\r\n{18446744073709551616}\r\n~{1}\r\n\xff\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole, split []string
		one := scanner{}
		one.emit = func(u unit) { whole = append(whole, u.text) }
		one.feed(data)
		two := scanner{}
		two.emit = func(u unit) { split = append(split, u.text) }
		var cut cutter
		units := 0
		for rest := data; len(rest) > 0; {
			n, _, end := cut.next(rest[:1+len(rest)/3])
			two.feed(rest[:n])
			rest = rest[n:]
			if end {
				units++
			}
		}
		if strings.Join(whole, "\x00") != strings.Join(split, "\x00") || units != len(whole) {
			t.Errorf("%q: %q, in pieces %q, %d ends", data, whole, split, units)
		}
	})
}
