package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

const limit30 = 30 * time.Second

// timed runs f and tells how long it took.
func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func TestSilentServer(t *testing.T) {
	talk(t, Options{IOTimeout: limit30}, func(p *peer) { p.hang() }, func(ctx context.Context, c *Conn) {
		took := timed(func() {
			_, err := c.Do(ctx, NewCommand("NOOP"))
			if fault.KindOf(err) != fault.Connect || err.Error() != "no answer from the server for 30s" || len(fault.Hints(err)) != 1 {
				t.Errorf("%v, hints %q", err, fault.Hints(err))
			}
		})
		if took != limit30 {
			t.Errorf("it took %v", took)
		}
	})
	talk(t, Options{IOTimeout: limit30}, func(p *peer) { p.hang() }, func(ctx context.Context, c *Conn) {
		if took := timed(func() {
			if _, err := c.Greeting(ctx); fault.KindOf(err) != fault.Connect {
				t.Error(err)
			}
		}); took != limit30 {
			t.Errorf("the greeting took %v", took)
		}
	})
}

// A server that reads nothing is as silent as one that says nothing.
func TestDeafServer(t *testing.T) {
	talk(t, Options{IOTimeout: limit30}, func(p *peer) { time.Sleep(time.Hour) }, func(ctx context.Context, c *Conn) {
		if took := timed(func() {
			if _, err := c.Do(ctx, NewCommand("NOOP")); fault.KindOf(err) != fault.Connect || !strings.Contains(err.Error(), "30s") {
				t.Error(err)
			}
		}); took != limit30 {
			t.Errorf("it took %v", took)
		}
	})
}

// fetched reads one body and returns it.
func fetched(ctx context.Context, c *Conn) (got string, st Status, err error) {
	st, err = c.Do(ctx, NewCommand("FETCH").On(func(r *Response) error {
		r.Open()
		r.Item()
		body := r.Body()
		if body == nil {
			return r.Err()
		}
		b, err := io.ReadAll(body)
		got = string(b)
		return err
	}, "FETCH"))
	return got, st, err
}

// What moves, however slowly, does not time out: with MinRate octets a second,
// with a piece of an answer each time, or with a whole line.
func TestSlowServer(t *testing.T) {
	body := strings.Repeat("0123456789", 300)
	answer := fmt.Sprintf("* 1 FETCH (BODY[] {%d}\r\n%s)\r\nA1 OK\r\n", len(body), body)
	for name, slow := range map[string]func(p *peer){
		"slow link": func(p *peer) {
			for rest := answer; rest != ""; {
				n := min(2*MinRate, len(rest))
				time.Sleep(2 * time.Second)
				p.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
		},
		"pauses": func(p *peer) {
			for rest := answer; rest != ""; {
				n := min(500, len(rest))
				time.Sleep(29 * time.Second)
				p.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
		},
		"pause behind the announcement": func(p *peer) {
			head, rest, _ := strings.Cut(answer, "\n")
			time.Sleep(29 * time.Second)
			p.Write([]byte(head + "\n"))
			time.Sleep(29 * time.Second)
			p.Write([]byte(rest))
		},
		"signs of life": func(p *peer) {
			for range 100 {
				time.Sleep(29 * time.Second)
				p.say("* OK Still here\n")
			}
			p.Write([]byte(answer))
		},
	} {
		t.Run(name, func(t *testing.T) {
			talk(t, Options{IOTimeout: limit30}, func(p *peer) { p.want("A1 FETCH"); slow(p) }, func(ctx context.Context, c *Conn) {
				if got, st, err := fetched(ctx, c); err != nil || !st.OK() || got != body {
					t.Error(st, err, len(got))
				}
			})
		})
	}
}

// One that only drips, or talks of other things, does.
func TestDrippingServer(t *testing.T) {
	drip := func(text string, every time.Duration) func(*peer) {
		return func(p *peer) {
			p.want("A1 FETCH")
			for {
				for i := range text {
					time.Sleep(every)
					if _, err := p.Write([]byte(text[i : i+1])); err != nil {
						return
					}
				}
			}
		}
	}
	repeat := func(text string, every time.Duration) func(*peer) {
		return func(p *peer) {
			p.want("A1 FETCH")
			for {
				if time.Sleep(every); every == 0 {
					text = strings.Repeat(text, 1+(1<<16)/len(text))
					every = time.Nanosecond
				}
				if _, err := io.WriteString(p, text); err != nil {
					return
				}
			}
		}
	}
	for _, tt := range [...]struct {
		name   string
		server func(*peer)
		kind   fault.Kind
		text   string
		within time.Duration
	}{
		{"a line", drip("* 1 FETCH (FLAGS (", 29*time.Second), fault.Connect, "sent only 2 octets of a response in 30s", 61 * time.Second},
		{"fast drops", drip("* 1 FETCH (FLAGS ("+strings.Repeat("x", 10000), time.Second), fault.Connect, "sent only", 61 * time.Second},
		{"signs of life", repeat("* OK Still here\r\n", 29*time.Second), fault.Protocol, "nothing that was asked for in 1h0", 61 * time.Minute},
		{"EXISTS", repeat("* 5 EXISTS\r\n", 29*time.Second), fault.Protocol, "nothing that was asked for in 1h0", 61 * time.Minute},
		{"a flood of texts", repeat("* OK noise\r\n", 0), fault.Protocol, "more than 10000 untagged OK", time.Minute},
		{"a flood of alerts", repeat("* NO [ALERT] noise\r\n", 0), fault.Protocol, "more than 10000 untagged NO", time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			talk(t, Options{IOTimeout: limit30}, tt.server, func(ctx context.Context, c *Conn) {
				var err error
				took := timed(func() { _, _, err = fetched(ctx, c) })
				if fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) || took > tt.within {
					t.Errorf("%v (%v) after %v", err, fault.KindOf(err), took)
				}
			})
		})
	}
}

// What no command asked for is bounded, and so is what an answer holds once.
func TestUnaskedIsBounded(t *testing.T) {
	for line, asked := range map[string]bool{"* 5 EXISTS\r\n": true, "* 5 EXPUNGE\r\n": false, "* X\r\n": false, "* 5 FETCH (FLAGS ())\r\n": true, "* 6 FETCH (FLAGS ())\r\n": true} {
		c, _ := overMemory(t, strings.NewReader(strings.Repeat(line, 20)+"A1 OK\r\n"), Options{})
		c.pace.unasked = MaxUnasked - 10
		cmd := NewCommand("EXAMINE")
		if asked {
			cmd.On(func(r *Response) error {
				if r.Num == 6 {
					r.Unwanted()
				}
				return nil
			}, "EXISTS", "FETCH")
		}
		want := fault.Protocol
		if strings.HasPrefix(line, "* 5 FETCH") {
			want = fault.None
		}
		if _, err := c.Do(t.Context(), cmd); fault.KindOf(err) != want {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// A refusal that comes without a tag is kept.
func TestUntaggedRefusal(t *testing.T) {
	literal := NewCommand("APPEND").Literal(strings.NewReader("abc"), 3)
	for _, tt := range [...]struct {
		name string
		cmd  *Command
		says string
		kind fault.Kind
		text string
		took time.Duration
	}{
		{"in the place of consent", literal, "* BAD line limit exceeded\n", fault.Refused, "server said BAD line limit exceeded", 2 * time.Second},
		{"login", NewCommand("LOGIN"), "* NO [AUTHENTICATIONFAILED] wrong\n", fault.Refused, "[AUTHENTICATIONFAILED] wrong", 2 * time.Second},
		{"another code", NewCommand("LOGIN"), "* NO [UNAVAILABLE] later\n", fault.Connect, "for 30s: server said NO [UNAVAILABLE] later", limit30},
		{"any command", NewCommand("UID STORE"), "* BAD what\n", fault.Connect, "for 30s: server said BAD what", limit30},
		{"tagged without a reason", NewCommand("X"), "* NO quota\nA1 NO\n", fault.None, "NO quota", 0},
		{"tagged with a reason", NewCommand("X"), "* NO quota\nA1 NO failed\n", fault.None, "NO failed NO quota", 0},
		{"tagged OK", NewCommand("X"), "* NO quota\nA1 OK\n", fault.None, "OK", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			talk(t, Options{IOTimeout: limit30}, func(p *peer) {
				p.r.ReadString('\n')
				p.say("%s", tt.says)
				p.hang()
			}, func(ctx context.Context, c *Conn) {
				var st Status
				var err error
				took := timed(func() { st, err = c.Do(ctx, tt.cmd) })
				text := strings.TrimSpace(st.Status + " " + st.Text)
				if st.Said != nil {
					text += " " + st.Said.Status + " " + st.Said.Text
				}
				if err != nil {
					text = err.Error()
				}
				if fault.KindOf(err) != tt.kind || !strings.HasSuffix(text, tt.text) || took != tt.took {
					t.Errorf("%q (%v) after %v", text, fault.KindOf(err), took)
				}
			})
		})
	}
}

// A large literal may take as long as it needs while the server goes on
// reading.
func TestSlowReader(t *testing.T) {
	size := 4 * bufferSize
	talk(t, Options{IOTimeout: limit30}, func(p *peer) {
		p.want(fmt.Sprintf("A1 APPEND {%d}", size))
		p.say("+\n")
		for range 4 {
			time.Sleep(29 * time.Second)
			io.CopyN(io.Discard, p.r, int64(bufferSize))
		}
		p.want("")
		p.say("A1 OK\n")
	}, func(ctx context.Context, c *Conn) {
		st, err := c.Do(ctx, NewCommand("APPEND").Literal(strings.NewReader(strings.Repeat("x", size)), int64(size)))
		if err != nil || !st.OK() {
			t.Error(st, err)
		}
	})
}

// A consumer that pauses for longer than the limit is no fault of the server.
func TestSlowConsumer(t *testing.T) {
	text := strings.Repeat("0123456789", 30_000)
	talk(t, Options{IOTimeout: limit30}, func(p *peer) {
		p.want("A1 FETCH")
		p.say("* 1 FETCH (BODY[] {300000}\n%s)\nA1 OK\n", text)
	}, func(ctx context.Context, c *Conn) {
		n := 0
		st, err := c.Do(ctx, NewCommand("FETCH").On(func(r *Response) error {
			r.Open()
			r.Item()
			b := r.Body()
			buf := make([]byte, 50_000)
			for {
				k, err := b.Read(buf)
				n += k
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				time.Sleep(10 * time.Minute)
			}
		}, "FETCH"))
		if err != nil || !st.OK() || n != len(text) {
			t.Errorf("%d octets, %v, %v", n, st, err)
		}
	})
}

func TestNoLimit(t *testing.T) {
	talk(t, Options{}, func(p *peer) {
		p.want("A1 NOOP")
		time.Sleep(10 * time.Hour)
		p.say("A1 OK\n")
	}, func(ctx context.Context, c *Conn) {
		if st, err := c.Do(ctx, NewCommand("NOOP")); err != nil || !st.OK() {
			t.Error(st, err)
		}
	})
}

// A cancelled context ends each kind of wait at once, with its cause.
func TestCancel(t *testing.T) {
	cause := fault.Interrupt
	body := func() *Command { return NewCommand("APPEND").Literal(strings.NewReader("abc"), 3) }
	for _, tt := range [...]struct {
		name   string
		server func(*peer)
		client func(context.Context, *Conn) error
	}{
		{"reading", (*peer).hang, func(ctx context.Context, c *Conn) error {
			_, err := c.Do(ctx, NewCommand("NOOP"))
			return err
		}},
		{"writing", func(*peer) { time.Sleep(time.Hour) }, func(ctx context.Context, c *Conn) error {
			_, err := c.Do(ctx, NewCommand("NOOP"))
			return err
		}},
		{"the greeting", (*peer).hang, func(ctx context.Context, c *Conn) error {
			_, err := c.Greeting(ctx)
			return err
		}},
		{"a consent", (*peer).hang, func(ctx context.Context, c *Conn) error {
			_, err := c.Do(ctx, body())
			return err
		}},
		{"a literal", func(p *peer) {
			p.want("A1 APPEND {3}")
			p.say("+\n")
			time.Sleep(time.Hour)
		}, func(ctx context.Context, c *Conn) error {
			_, err := c.Do(ctx, body())
			return err
		}},
		{"a body", func(p *peer) {
			p.want("A1 FETCH")
			p.say("* 1 FETCH (BODY[] {9}\nabc")
			p.hang()
		}, func(ctx context.Context, c *Conn) error {
			var inner error
			_, err := c.Do(ctx, NewCommand("FETCH").On(func(r *Response) error {
				r.Open()
				r.Item()
				_, inner = io.Copy(io.Discard, r.Body())
				return inner
			}, "FETCH"))
			if inner != error(cause) {
				return errors.Join(errors.New("the body said"), inner)
			}
			return err
		}},
		{"Ready", (*peer).hang, func(ctx context.Context, c *Conn) error {
			_, err := c.Ready(ctx, time.Hour)
			return err
		}},
		{"Step", (*peer).hang, func(ctx context.Context, c *Conn) error { return c.Step(ctx) }},
		{"Flush", func(*peer) { time.Sleep(time.Hour) }, func(ctx context.Context, c *Conn) error {
			if _, err := c.Send(ctx, NewCommand("NOOP")); err != nil {
				return err
			}
			return c.Flush(ctx)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			talk(t, Options{IOTimeout: limit30}, tt.server, func(ctx context.Context, c *Conn) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(5*time.Second, func() { cancel(cause) })
				var err error
				took := timed(func() { err = tt.client(ctx, c) })
				if err != error(cause) || took != 5*time.Second {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
		t.Run(tt.name+" beforehand", func(t *testing.T) {
			talk(t, Options{IOTimeout: limit30}, (*peer).hang, func(ctx context.Context, c *Conn) {
				ctx, cancel := context.WithCancelCause(ctx)
				cancel(cause)
				var err error
				took := timed(func() { err = tt.client(ctx, c) })
				if tt.name != "a body" && err != error(cause) || err == nil || took != 0 {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}

// A context that is cancelled between two calls concerns neither.
func TestCancelBetween(t *testing.T) {
	talk(t, Options{IOTimeout: limit30}, func(p *peer) {
		p.want("A1 NOOP")
		p.say("A1 OK\n")
		p.want("A2 NOOP")
		time.Sleep(10 * time.Second)
		p.say("A2 OK\n")
	}, func(ctx context.Context, c *Conn) {
		short, cancel := context.WithCancel(ctx)
		if _, err := c.Do(short, NewCommand("NOOP")); err != nil {
			t.Error(err)
		}
		cancel()
		if _, err := c.Do(ctx, NewCommand("NOOP")); err != nil {
			t.Error(err)
		}
	})
}

// late is a transport on which setting a deadline takes a while, as it may
// for the goroutine that a cancelled context starts.
type late struct {
	net.Conn
	set chan struct{}
}

func (l *late) SetDeadline(t time.Time) error {
	<-l.set
	return l.Conn.SetDeadline(t)
}

// The call whose context is cancelled as it ends waits until the deadline
// that cancelling sets is set: it would hit the next call.
func TestCancelAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		slow := &late{ours, make(chan struct{})}
		c := NewConn(slow, Options{IOTimeout: limit30, Now: time.Now})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			release := c.bind(ctx)
			cancel()
			synctest.Wait() // the goroutine sits in SetDeadline now
			go func() { time.Sleep(time.Second); close(slow.set) }()
			release()
			select {
			case <-slow.set:
			default:
				t.Error("the call has ended and the deadline is still to come")
			}
		}()
		<-ended
		ours.Close()
		theirs.Close()
	})
}

func TestReady(t *testing.T) {
	talk(t, Options{IOTimeout: limit30}, func(p *peer) {
		p.want("A1 NOOP")
		time.Sleep(10 * time.Second)
		p.say("* OK a\n* OK b\nA1 OK\n")
		time.Sleep(time.Hour)
		p.Close()
	}, func(ctx context.Context, c *Conn) {
		p, _ := c.Send(ctx, NewCommand("NOOP"))
		for i, want := range []bool{false, false, true, true} {
			took := timed(func() {
				if ok, err := c.Ready(ctx, 4*time.Second); ok != want || err != nil {
					t.Errorf("%d: %v, %v", i, ok, err)
				}
			})
			if want := []time.Duration{4 * time.Second, 4 * time.Second, 2 * time.Second, 0}[i]; took != want {
				t.Errorf("%d: it took %v", i, took)
			}
		}
		if st, err := c.Wait(ctx, p); err != nil || !st.OK() {
			t.Errorf("what Ready saw is lost: %v, %v", st, err)
		}
		if ok, err := c.Ready(ctx, 2*time.Hour); ok || fault.KindOf(err) != fault.Connect {
			t.Errorf("at the end: %v, %v", ok, err)
		}
	})
}

// The limit applies again after Ready.
func TestReadyKeepsLimit(t *testing.T) {
	talk(t, Options{IOTimeout: limit30}, (*peer).hang, func(ctx context.Context, c *Conn) {
		p, _ := c.Send(ctx, NewCommand("NOOP"))
		if ok, err := c.Ready(ctx, time.Second); ok || err != nil {
			t.Error(ok, err)
		}
		if took := timed(func() {
			if _, err := c.Wait(ctx, p); fault.KindOf(err) != fault.Connect {
				t.Error(err)
			}
		}); took != limit30 {
			t.Errorf("it took %v", took)
		}
	})
}
