package wire

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// sends checks what the client writes for cmd to a server that consents to
// every literal, and what the trace shows of it.
func TestCommandOctets(t *testing.T) {
	long := strings.Repeat("x", maxQuoted+1)
	for _, tt := range [...]struct {
		name    string
		cmd     *Command
		nonSync int64
		flights []string // what leaves before each consent
	}{
		{"bare", NewCommand("NOOP"), -1, []string{"A1 NOOP\r\n"}},
		{"atoms", NewCommand("UID FETCH").Atom("1:*").List("UID", "FLAGS").List(), -1, []string{"A1 UID FETCH 1:* (UID FLAGS) ()\r\n"}},
		{"nested", NewCommand("X").Open().Atom("a").Open().Atom("b").Atom("c").Close().Atom("d").Close().Atom("e"), -1,
			[]string{"A1 X (a (b c) d) e\r\n"}},
		{"empty list", NewCommand("X").Open().Close().Atom("a"), -1, []string{"A1 X () a\r\n"}},
		{"quoted", NewCommand("X").String("").String(`a "b" \ c`), -1, []string{`A1 X "" "a \"b\" \\ c"` + "\r\n"}},
		{"quoted at its longest", NewCommand("X").String(long[1:]), -1, []string{`A1 X "` + long[1:] + `"` + "\r\n"}},
		{"long", NewCommand("X").String(long), -1, []string{"A1 X {1025}\r\n", long + "\r\n"}},
		{"8-bit", NewCommand("X").String("é").Atom("b"), -1, []string{"A1 X {2}\r\n", "é b\r\n"}},
		{"line feed", NewCommand("X").String("a\r\nA2 DELETE b"), -1, []string{"A1 X {14}\r\n", "a\r\nA2 DELETE b\r\n"}},
		{"carriage return", NewCommand("X").String("\r"), -1, []string{"A1 X {1}\r\n", "\r\r\n"}},
		{"NUL", NewCommand("X").String("\x00"), -1, []string{"A1 X {1}\r\n", "\x00\r\n"}},
		{"two literals", NewCommand("X").String("é").String("ü"), -1, []string{"A1 X {2}\r\n", "é {2}\r\n", "ü\r\n"}},
		{"LITERAL+", NewCommand("X").String("é").String("ü"), 1 << 62, []string{"A1 X {2+}\r\né {2+}\r\nü\r\n"}},
		{"LITERAL-", NewCommand("X").String(strings.Repeat("é", 2048)), 4096, []string{"A1 X {4096+}\r\n" + strings.Repeat("é", 2048) + "\r\n"}},
		{"over LITERAL-", NewCommand("X").String(strings.Repeat("é", 2049)), 4096, []string{"A1 X {4098}\r\n", strings.Repeat("é", 2049) + "\r\n"}},
		{"stream", NewCommand("APPEND").String("a").Literal(strings.NewReader("hello"), 5), -1, []string{"A1 APPEND \"a\" {5}\r\n", "hello\r\n"}},
		{"stream unasked", NewCommand("APPEND").Literal(strings.NewReader("hello"), 5), 5, []string{"A1 APPEND {5+}\r\nhello\r\n"}},
		{"stream longer than told", NewCommand("APPEND").Literal(strings.NewReader("hello world"), 5), -1, []string{"A1 APPEND {5}\r\n", "hello\r\n"}},
		{"empty stream", NewCommand("APPEND").Literal(strings.NewReader(""), 0), -1, []string{"A1 APPEND {0}\r\n", "\r\n"}},
		{"secret", NewCommand("LOGIN").String("a").Secret(`p"w`), -1, []string{`A1 LOGIN "a" "p\"w"` + "\r\n"}},
		{"secret literal", NewCommand("LOGIN").String("a").Secret("pä"), -1, []string{`A1 LOGIN "a" {3}` + "\r\n", "pä\r\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			talk(t, Options{}, func(p *peer) {
				for i, f := range tt.flights {
					if i > 0 {
						p.say("+ go\n")
					}
					p.flight(f)
				}
				p.say("A1 OK done\n")
			}, func(ctx context.Context, c *Conn) {
				c.AllowNonSync(tt.nonSync)
				if waits := c.Waits(tt.cmd); waits != (len(tt.flights) > 1) {
					t.Errorf("Waits says %v", waits)
				}
				if st, err := c.Do(ctx, tt.cmd); err != nil || !st.OK() {
					t.Error(st, err)
				}
			})
		})
	}
}

// A large literal is streamed, and what is announced is what is sent.
func TestStreamLarge(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	talk(t, Options{}, func(p *peer) {
		p.want(`A1 APPEND "x" {1000000}`)
		p.say("+ go\n")
		got := make([]byte, len(text))
		if _, err := io.ReadFull(p.r, got); err != nil || string(got) != text {
			p.Errorf("the literal differs: %v", err)
		}
		p.want("")
		p.say("A1 OK done\n")
	}, func(ctx context.Context, c *Conn) {
		st, err := c.Do(ctx, NewCommand("APPEND").String("x").Literal(strings.NewReader(text), int64(len(text))))
		if err != nil || !st.OK() {
			t.Error(st, err)
		}
	})
}

// A source that has less than was announced, or fails, is an error; the
// server is not left with octets that nobody meant.
func TestStreamShort(t *testing.T) {
	talk(t, Options{}, func(p *peer) {
		p.want("A1 APPEND {5}")
		p.say("+ go\n")
		p.hang()
	}, func(ctx context.Context, c *Conn) {
		_, err := c.Do(ctx, NewCommand("APPEND").Literal(strings.NewReader("abc"), 5))
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(err.Error(), "3 of 5 octets") {
			t.Error(err)
		}
	})
}

// A server may refuse a literal: nothing of it is sent, and the next command
// is understood.
func TestLiteralRefused(t *testing.T) {
	for _, status := range []string{"NO", "BAD"} {
		body := strings.NewReader("secret mail")
		talk(t, Options{}, func(p *peer) {
			p.want("A1 NOOP", `A2 APPEND "x" {11}`)
			p.say("A1 OK\n* OK hold on\nA2 %s [TRYCREATE] no such mailbox\n", status)
			p.flight("A3 NOOP\r\n")
			p.say("A3 OK\n")
		}, func(ctx context.Context, c *Conn) {
			first, err := c.Send(ctx, NewCommand("NOOP"))
			if err != nil {
				t.Fatal(err)
			}
			st, err := c.Do(ctx, NewCommand("APPEND").String("x").Literal(body, 11))
			if err != nil || st.Status != status || st.Code != "TRYCREATE" || st.Text != "no such mailbox" {
				t.Errorf("%+v, %v", st, err)
			}
			if !first.Done() || !first.Result.OK() {
				t.Errorf("the first command: %+v", first)
			}
			if st, err := c.Do(ctx, NewCommand("NOOP")); err != nil || !st.OK() {
				t.Error(st, err)
			}
		})
		if body.Len() != 11 {
			t.Errorf("%s: %d octets were read from the source", status, 11-body.Len())
		}
	}
}

// The connection may end instead of a consent.
func TestLiteralUnanswered(t *testing.T) {
	talk(t, Options{}, func(p *peer) {
		p.want("A1 APPEND {3}")
		p.say("* BYE going down\n")
		p.Close()
	}, func(ctx context.Context, c *Conn) {
		_, err := c.Do(ctx, NewCommand("APPEND").Literal(strings.NewReader("abc"), 3))
		if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), "server said BYE going down") {
			t.Error(err)
		}
	})
}

func TestAuthenticate(t *testing.T) {
	step := 0
	answers := func(challenge []byte) ([]byte, error) {
		step++
		switch string(challenge) {
		case "":
			return []byte("first"), nil
		case "salt":
			return nil, nil
		}
		return nil, errors.New("unexpected")
	}
	talk(t, Options{}, func(p *peer) {
		p.want("A1 AUTHENTICATE X")
		p.say("+\n")
		p.want("Zmlyc3Q=")
		p.say("+ c2FsdA==\n")
		p.want("")
		p.say("* CAPABILITY IMAP4rev1\nA1 OK done\n")

		p.want("A2 AUTHENTICATE X")
		p.say("+ not base64\n")
		p.want("*")
		p.say("A2 BAD cancelled\n")
	}, func(ctx context.Context, c *Conn) {
		if st, err := c.Do(ctx, NewCommand("AUTHENTICATE").Atom("X").OnContinue(answers)); err != nil || !st.OK() {
			t.Error(st, err)
		}
		st, err := c.Do(ctx, NewCommand("AUTHENTICATE").Atom("X").OnContinue(answers))
		if err == nil || err.Error() != "unexpected" || st.Status != "BAD" {
			t.Error(st, err)
		}
	})
	if step != 3 {
		t.Errorf("asked %d times", step)
	}
}

// A server that goes on asking after the exchange was cancelled is not
// answered for ever.
func TestAuthenticateEndless(t *testing.T) {
	asked := 0
	c, m := overMemory(t, strings.NewReader(strings.Repeat("+ \r\n", MaxNoise+10)), Options{})
	_, err := c.Do(t.Context(), NewCommand("AUTHENTICATE").Atom("X").OnContinue(func([]byte) ([]byte, error) {
		asked++
		return nil, errors.New("no")
	}))
	if fault.KindOf(err) != fault.Protocol {
		t.Error(err)
	}
	if asked != 1 || m.sent.String() != "A1 AUTHENTICATE X\r\n*\r\n" {
		t.Errorf("asked %d times, sent %.100q", asked, m.sent.String())
	}
}
