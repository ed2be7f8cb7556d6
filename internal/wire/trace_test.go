package wire

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

const golden = `   0.000 == connected
   1.000 <- * OK [CAPABILITY IMAP4rev1] ready
   1.000 -> A1 LOGIN "alice" <hidden>
   2.000 <- A1 OK in as <hidden>
   2.000 -> A2 APPEND "x" {5}
   3.000 <- + go {3}
   3.000 <- * 1 FETCH (BODY[] {15}
   3.000 <- <15 octets>
   3.000 <-  UID 1)
   3.000 -> <5 octets>
   3.000 -> 
   3.000 <- A2 OK done {7}
   3.000 -> A3 AUTHENTICATE PLAIN <hidden>
   4.000 <- + c2FsdA==
   4.000 -> <hidden>
   5.000 <- A3 BAD no
   5.000 -> A4 LOGIN "alice" {5+}
   5.000 -> <5 octets>
   5.000 -> 
   6.000 <- A4 NO no
   6.000 -> A5 LOGOUT
`

func TestTraceGolden(t *testing.T) {
	var out strings.Builder
	var trace *Trace
	start := func() { trace = NewTrace(&out, time.Now, false) }
	talkTraced(t, &trace, start, func(p *peer) {
		time.Sleep(time.Second)
		p.say("* OK [CAPABILITY IMAP4rev1] ready\n")
		p.want(`A1 LOGIN "alice" "s3cret"`)
		time.Sleep(time.Second)
		p.say("A1 OK in as s3cret\n")
		p.want(`A2 APPEND "x" {5}`)
		time.Sleep(time.Second)
		p.say("+ go {3}\n* 1 FETCH (BODY[] {15}\ns3cret\n* 2 X\n UID 1)\n")
		p.want("hello")
		p.say("A2 OK done {7}\n")
		p.want("A3 AUTHENTICATE PLAIN AGFsaWNlAHMzY3JldA==")
		time.Sleep(time.Second)
		p.say("+ c2FsdA==\n")
		p.want("bW9yZQ==")
		time.Sleep(time.Second)
		p.say("A3 BAD no\n")
		p.want(`A4 LOGIN "alice" {5+}`, "päss")
		time.Sleep(time.Second)
		p.say("A4 NO no\n")
		p.want("A5 LOGOUT")
	}, func(ctx context.Context, c *Conn) {
		trace.Note("connected")
		must := func(_ Status, err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		must(c.Greeting(ctx))
		c.Hide("s3cret")
		must(c.Do(ctx, NewCommand("LOGIN").String("alice").Secret("s3cret")))
		must(c.Do(ctx, NewCommand("APPEND").String("x").Literal(strings.NewReader("hello"), 5)))
		must(c.Do(ctx, NewCommand("AUTHENTICATE").Atom("PLAIN").SecretAtom("AGFsaWNlAHMzY3JldA==").OnContinue(func([]byte) ([]byte, error) {
			return []byte("more"), nil
		})))
		c.AllowNonSync(4096)
		must(c.Do(ctx, NewCommand("LOGIN").String("alice").Secret("päss")))
		c.Logout()
	})
	if out.String() != golden {
		t.Errorf("got\n%s\nwant\n%s", out.String(), golden)
	}
}

// talkTraced is talk with a trace that begins with the test's own time.
func talkTraced(t *testing.T, trace **Trace, start func(), server func(*peer), client func(context.Context, *Conn)) {
	talk(t, Options{}, func(p *peer) {
		server(p)
	}, func(ctx context.Context, c *Conn) {
		start()
		c.o.Trace = *trace
		client(ctx, c)
	})
}

// secrets as a server may repeat them.
const secret = `p"a\ss wörd`

func repeated() map[string]string {
	plain := "\x00alice\x00" + secret
	return map[string]string{
		"as it is":         secret,
		"quoted":           Quote(secret),
		"in base64":        base64.StdEncoding.EncodeToString([]byte(secret)),
		"in PLAIN":         base64.StdEncoding.EncodeToString([]byte(plain)),
		"PLAIN as it is":   plain,
		"in a LOGIN":       `LOGIN "alice" ` + Quote(secret),
		"several":          secret + secret + " " + Quote(secret),
		"far behind":       strings.Repeat("x", 1500) + secret,
		"across the cut":   strings.Repeat("x", traceLine-8) + secret,
		"at the cut":       strings.Repeat("x", traceLine-len(secret)-5) + secret,
		"just behind it":   strings.Repeat("x", traceLine-4) + secret,
		"many":             strings.Repeat(base64.StdEncoding.EncodeToString([]byte(secret)), 500),
		"many and a cut":   strings.Repeat(strings.Repeat("y", 7)+secret, 500),
		"PLAIN at the cut": strings.Repeat("x", traceLine-20) + base64.StdEncoding.EncodeToString([]byte(plain)),
	}
}

// leaks finds a piece of the secret, in any of its forms.
func leaks(text string) string {
	forms := []string{secret, Quote(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + secret))}
	for _, f := range forms {
		f = strings.Trim(f, `"=`)
		if n := min(len(f), 4); strings.Contains(text, f[:n]) {
			return f[:n]
		}
		if strings.Contains(text, f[len(f)-5:]) {
			return f[len(f)-5:]
		}
	}
	return ""
}

// Whatever the server repeats of a secret, no trace, no status and no error
// shows it.
func TestRedaction(t *testing.T) {
	for name, text := range repeated() {
		text = strings.NewReplacer("\r", "", "\n", "").Replace(text)
		for what, line := range map[string]string{
			"untagged": "* OK [X " + text + "] " + text + "\r\nA1 OK\r\n",
			"tagged":   "A1 NO [X " + text + "] " + text + "\r\n",
			"BYE":      "* BYE " + text + "\r\n",
			"data":     "* X " + text + "\r\nA1 OK\r\n",
			"+":        "+ " + text + "\r\nA1 OK\r\n",
			"unknown":  "Z9 " + text + "\r\nA1 OK\r\n",
		} {
			var trace strings.Builder
			var seen []string
			o := Options{Trace: NewTrace(&trace, time.Now, false), Notice: func(r *Response) {
				seen = append(seen, r.Status.Text, r.Status.Args, r.Status.Code)
			}}
			for _, src := range []func(string) *source{whole, octets} {
				c, _ := overMemory(t, src(line), o)
				c.Hide(secret, "\x00alice\x00"+secret)
				st, err := c.Do(t.Context(), NewCommand("LOGIN").String("alice").Secret(secret))
				seen = append(seen, st.Text, st.Args, st.Code)
				if err != nil {
					seen = append(seen, err.Error())
				}
			}
			if piece := leaks(trace.String()); piece != "" {
				t.Errorf("%s, %s: the trace shows %q:\n%.600s", name, what, piece, trace.String())
			}
			if piece := leaks(strings.Join(seen, "\n")); piece != "" {
				t.Errorf("%s, %s: %q is in %.600q", name, what, piece, seen)
			}
		}
	}
}

// A secret sent is not in the trace, in whichever form it goes.
func TestTraceOfSecrets(t *testing.T) {
	for _, nonSync := range []int64{-1, 1 << 62} {
		var trace strings.Builder
		c, m := overMemory(t, octets("+\r\nA1 OK\r\nA2 OK\r\nA3 OK\r\n+\r\nA4 OK\r\n"), Options{Trace: NewTrace(&trace, time.Now, false)})
		c.AllowNonSync(nonSync)
		for _, cmd := range []*Command{
			NewCommand("LOGIN").String("alice").Secret(secret),
			NewCommand("LOGIN").String("alice").Secret("p\"a\\ss"),
			NewCommand("AUTHENTICATE").Atom("PLAIN").SecretAtom(base64.StdEncoding.EncodeToString([]byte("\x00alice\x00" + secret))),
			NewCommand("AUTHENTICATE").Atom("PLAIN").OnContinue(func([]byte) ([]byte, error) { return []byte("\x00alice\x00" + secret), nil }),
		} {
			if _, err := c.Do(t.Context(), cmd); err != nil {
				t.Fatal(err)
			}
		}
		if piece := leaks(trace.String()); piece != "" || strings.Contains(trace.String(), "ss") {
			t.Errorf("%d: the trace shows %q:\n%s", nonSync, piece, trace.String())
		}
		if !strings.Contains(m.sent.String(), secret) {
			t.Errorf("%d: nothing was sent", nonSync)
		}
	}
}

// --show-secrets hides nothing.
func TestTraceShowsSecrets(t *testing.T) {
	var trace strings.Builder
	c, _ := overMemory(t, strings.NewReader("A1 OK hello s3cret\r\n+\r\nA2 OK\r\n"), Options{Trace: NewTrace(&trace, time.Now, true)})
	c.Hide("s3cret")
	st, _ := c.Do(t.Context(), NewCommand("LOGIN").Secret("s3cret"))
	c.Do(t.Context(), NewCommand("AUTHENTICATE").OnContinue(func([]byte) ([]byte, error) { return []byte("s3cret"), nil }))
	for _, want := range []string{`-> A1 LOGIN "s3cret"`, "<- A1 OK hello s3cret", "-> czNjcmV0"} {
		if !strings.Contains(trace.String(), want) {
			t.Errorf("%q is not in\n%s", want, trace.String())
		}
	}
	if st.Text != "hello <hidden>" {
		t.Errorf("the status says %q", st.Text)
	}
}

// A secret that is next to nothing is not replaced: that would spell it out.
func TestShortSecret(t *testing.T) {
	c, _ := overMemory(t, strings.NewReader("A1 OK banana\r\n"), Options{})
	c.Hide("", "a", "an")
	if st, _ := c.Do(t.Context(), NewCommand("NOOP")); st.Text != "banana" {
		t.Error(st.Text)
	}
}

// The trace shows each line once, literals as their size, whatever the pieces
// in which they arrive.
func TestTraceOfServer(t *testing.T) {
	const in = "* 1 FETCH (X {3}\r\n{1}\r\n BODY[] {4+}\r\n\r\n\r\n)\r\n* OK text {3}\r\n+ {3}\r\nA1 OK {3}\r\n* X {0}\r\n\r\n\n" +
		"* LIST () \"/\" ~{2}\r\nab\r\n"
	const want = "<- * 1 FETCH (X {3}|<- <3 octets>|<- |<-  BODY[] {4+}|<- <4 octets>|<- )|<- * OK text {3}|<- + {3}|<- A1 OK {3}|<- * X {0}|<- <0 octets>|<- |<- |" +
		"<- * LIST () \"/\" ~{2}|<- <2 octets>|<- |"
	for step := 1; step <= len(in); step++ {
		var out strings.Builder
		trace := NewTrace(&out, func() time.Time { return time.Time{} }, false)
		for rest := []byte(in); len(rest) > 0; rest = rest[min(step, len(rest)):] {
			trace.server(rest[:min(step, len(rest))])
		}
		if got := strings.ReplaceAll(strings.ReplaceAll(out.String(), "   0.000 ", ""), "\n", "|"); got != want {
			t.Fatalf("%d octets at a time:\n got %s\nwant %s", step, got, want)
		}
	}
}

func TestTraceCutsLines(t *testing.T) {
	var out strings.Builder
	trace := NewTrace(&out, func() time.Time { return time.Time{} }, false)
	long := strings.Repeat("x", 3*traceLine)
	trace.server([]byte(long + " {2}\r\nab short\r\n"))
	trace.client(long)
	want := "   0.000 <- " + long[:traceLine] + "…\n   0.000 <- <2 octets>\n   0.000 <-  short\n   0.000 -> " + long[:traceLine] + "…\n"
	if out.String() != want {
		t.Errorf("%d octets, want %d:\n%.100s", out.Len(), len(want), out.String()[max(0, out.Len()-100):])
	}
}

// A nil Trace and one that cannot write disturb nothing.
func TestNoTrace(t *testing.T) {
	var none *Trace
	none.Note("x")
	none.client("x")
	none.server([]byte("x\r\n"))
	none.literal(true, 1)
	if none.secret("x") != "<hidden>" {
		t.Error("a secret is shown")
	}
	c, _ := overMemory(t, strings.NewReader("A1 OK\r\n"), Options{Trace: NewTrace(failing{errors.New("disk full")}, time.Now, false)})
	if _, err := c.Do(t.Context(), NewCommand("NOOP")); err != nil {
		t.Error(err)
	}
}
