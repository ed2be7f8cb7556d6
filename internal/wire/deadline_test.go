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

// What moves, however slowly, does not time out.
func TestSlowServer(t *testing.T) {
	const answer = "* 1 FETCH (BODY[] {3}\r\nabc)\r\nA1 OK\r\n"
	talk(t, Options{IOTimeout: limit30}, func(p *peer) {
		p.want("A1 FETCH")
		for i := range answer {
			time.Sleep(29 * time.Second)
			p.Write([]byte(answer[i : i+1]))
		}
	}, func(ctx context.Context, c *Conn) {
		got := ""
		st, err := c.Do(ctx, NewCommand("FETCH").On(func(r *Response) error {
			r.Open()
			r.Item()
			b, err := io.ReadAll(r.Body())
			got = string(b)
			return err
		}, "FETCH"))
		if err != nil || !st.OK() || got != "abc" {
			t.Error(st, err, got)
		}
	})
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
