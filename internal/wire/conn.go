package wire

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

// Options configure a Conn.
type Options struct {
	// Addr is the server's host and port, for errors; may be empty.
	Addr string
	// IOTimeout bounds each wait for the network during which nothing moves;
	// 0 means no bound.
	IOTimeout time.Duration
	// Now tells the time for deadlines.
	Now func() time.Time
	// Trace gets what passes; nil for none.
	Trace *Trace
	// ReadOnly refuses every command that could change something.
	ReadOnly bool
	// ReadOnlyHint says what lifts that; may be empty.
	ReadOnlyHint string
	// Notice gets the untagged responses that no command in flight asked
	// for (BYE, EXISTS, unsolicited FETCH), and every ALERT. May be nil.
	Notice func(*Response)
	// Idle is called each time before the connection waits for the server,
	// so that output can be flushed. An error it returns ends the wait.
	Idle func() error
}

// Conn is one IMAP connection.
type Conn struct {
	nc      net.Conn
	o       Options
	rd      Reader
	resp    Response
	out     []byte
	ctx     context.Context // of the call under way
	tags    int
	flight  []*Pending
	wanted  bool    // the response at hand is what a command waits for
	asking  bool    // a literal waits for a continuation request
	nonSync int64   // longest literal the server takes unasked, -1 for none
	bye     *Status // BYE, once it has come
	said    *Status // the last untagged NO or BAD since a command succeeded
	settled bool    // that can be about nothing but what is waited for
	pace    pace
	timeout bool // the last wait ended because nothing moved
	failed  bool // a read or a write failed
	secrets []string
}

// Pending is a command in flight.
type Pending struct {
	cmd    *Command
	tag    string
	done   bool
	queued bool   // all its octets stand in the buffer, or have left
	sent   bool   // all its octets have left
	after  int64  // how many octets had come by then: its answer is behind them
	idling bool   // the server has said that it waits for End
	Result Status // valid once done
	err    error
}

// Name is the command's name.
func (p *Pending) Name() string { return p.cmd.name }

// Done reports whether the tagged response has come.
func (p *Pending) Done() bool { return p.done }

// NewConn wraps nc, on which nothing has been read yet. The Conn owns nc.
func NewConn(nc net.Conn, o Options) *Conn {
	c := &Conn{nc: nc, o: o, nonSync: -1}
	c.rd = Reader{buf: make([]byte, bufferSize+lookBack), fill: c.fill}
	c.resp.Reader = &c.rd
	o.Trace.begin()
	return c
}

// AllowNonSync says that literals of up to n octets may be sent without
// waiting for the server's consent (RFC 7888); -1 for none.
func (c *Conn) AllowNonSync(n int64) { c.nonSync = n }

// Hide keeps the secrets, as they are, quoted and in base64, out of the trace
// and of status texts.
func (c *Conn) Hide(secrets ...string) {
	for _, s := range secrets {
		if len(s) < 3 { // replacing it would spell it out
			continue
		}
		quoted := Quote(s)
		c.secrets = append(c.secrets, s, quoted[1:len(quoted)-1], base64.StdEncoding.EncodeToString([]byte(s)))
	}
	if c.o.Trace != nil {
		c.o.Trace.hide(c.secrets)
	}
}

// Greeting reads the server's greeting (RFC 9051 section 7.1). What is no
// IMAP greeting is an error of kind Protocol that quotes it.
func (c *Conn) Greeting(ctx context.Context) (Status, error) {
	defer c.bind(ctx)()
	for c.rd.AtEnd() && c.rd.err == nil {
		if err := c.rd.finish(false); err != nil {
			return Status{}, err
		}
		if err := c.noisy(); err != nil {
			return Status{}, err
		}
	}
	star := string(c.rd.Atom())
	kind := strings.ToUpper(string(c.rd.Atom()))
	text := string(c.rd.Text())
	if err := c.rd.finish(false); err != nil {
		return Status{}, err
	}
	if star != "*" || !isStatus(kind) || kind == "NO" || kind == "BAD" {
		line := strings.TrimSpace(star + " " + kind + " " + text)
		if len(line) > 80 {
			line = line[:80] + "…"
		}
		return Status{}, fault.New(fault.Protocol, "the greeting is not IMAP: %q", line).
			Hint("check the port: 993 is IMAP over TLS, 143 is IMAP with STARTTLS")
	}
	c.pace = pace{noise: c.pace.noise}
	return ParseStatus(kind, []byte(c.redact(text))), nil
}

// Upgrade replaces the transport, after STARTTLS or COMPRESS. Octets that the
// server sent ahead of it are an error (TRAPS of STARTTLS: they were not
// protected).
func (c *Conn) Upgrade(wrap func(net.Conn) (net.Conn, error)) error {
	if c.rd.r != c.rd.w {
		return fault.New(fault.Connect, "the server sent %d octets ahead of the TLS handshake", c.rd.w-c.rd.r).
			Hint("someone on the way may be tampering with the connection")
	}
	nc, err := wrap(c.nc)
	if err != nil {
		return err
	}
	c.nc, c.bye = nc, nil
	return nil
}

// Send puts cmd into flight. It is written at once only where a literal has
// to wait for the server's consent; otherwise with the next Flush or Wait.
func (c *Conn) Send(ctx context.Context, cmd *Command) (*Pending, error) {
	if err := c.admit(cmd); err != nil {
		return nil, err
	}
	p := &Pending{cmd: cmd}
	c.flight = append(c.flight, p)
	return p, c.write(ctx, p)
}

// admit is the door that every command passes.
func (c *Conn) admit(cmd *Command) error {
	if cmd.severalLines() {
		return fault.New(fault.Usage, "the command %.60q or an argument of it holds a line end", cmd.name)
	}
	if c.o.ReadOnly && !readOnlyCommand(cmd) {
		e := fault.New(fault.Safety, "%s is refused: read-only mode", cmd.name)
		if c.o.ReadOnlyHint != "" {
			e.Hint("%s", c.o.ReadOnlyHint)
		}
		return e
	}
	return nil
}

// Waits reports whether sending cmd would have to wait for the server.
func (c *Conn) Waits(cmd *Command) bool { return cmd.waits(c.nonSync) }

// Unasked reports whether a literal of n octets may be sent without waiting for
// the server.
func (c *Conn) Unasked(n int64) bool { return n <= c.nonSync }

// Resend sends a command again, under a new tag, that the server is known to
// have dropped.
func (c *Conn) Resend(ctx context.Context, p *Pending) error { return c.write(ctx, p) }

func (c *Conn) write(ctx context.Context, p *Pending) error {
	defer c.bind(ctx)()
	c.tags++
	p.tag, p.queued, p.sent = "A"+strconv.Itoa(c.tags), false, false
	line := p.tag + " " + p.cmd.name
	shown := line
	for _, part := range p.cmd.parts {
		text := part.text
		if part.lit {
			head := part.header(c.nonSync)
			c.out = append(append(c.out, line...), head...)
			c.o.Trace.client(shown + strings.TrimSuffix(head, "\r\n"))
			line, shown = "", ""
			if part.length() > c.nonSync {
				if err := c.consent(p); err != nil || p.done {
					return err
				}
			}
			if part.body != nil {
				if err := c.stream(part); err != nil {
					return err
				}
				continue
			}
			c.o.Trace.literal(true, int64(len(text)))
			c.out = append(c.out, text...)
			continue
		}
		line += text
		if part.secret {
			text = c.o.Trace.secret(text)
		}
		shown += text
	}
	c.out = append(append(c.out, line...), '\r', '\n')
	p.queued = true
	c.o.Trace.client(shown)
	if len(c.out) >= bufferSize {
		return c.flush()
	}
	return nil
}

// consent waits for the continuation request that a synchronising literal
// needs. Where the server refuses instead, p is done.
func (c *Conn) consent(p *Pending) error {
	if err := c.flush(); err != nil {
		return err
	}
	c.asking = true
	defer func() { c.asking, c.settled = false, false }()
	for c.asking && !p.done {
		if err := c.step(); err != nil {
			return err
		}
	}
	return nil
}

// stream sends a literal's octets from a reader, exactly as many as were
// announced: fewer would leave the server waiting, so that is fatal.
func (c *Conn) stream(p part) error {
	if err := c.flush(); err != nil {
		return err
	}
	c.o.Trace.literal(true, p.size)
	chunk := make([]byte, bufferSize)
	for left := p.size; left > 0; {
		n, err := io.ReadFull(p.body, chunk[:min(left, bufferSize)])
		if err != nil {
			return fmt.Errorf("%d of %d octets of the message could be read: %w", p.size-left+int64(n), p.size, err)
		}
		c.out = append(c.out, chunk[:n]...)
		if err := c.flush(); err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

// Flush writes what has been put into flight.
func (c *Conn) Flush(ctx context.Context) error {
	defer c.bind(ctx)()
	return c.flush()
}

func (c *Conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	for len(c.out) > 0 {
		if err := c.deadline(c.nc.SetWriteDeadline); err != nil {
			return err
		}
		n, err := c.nc.Write(c.out)
		c.out = c.out[:copy(c.out, c.out[n:])]
		if err != nil {
			return c.ioError(err)
		}
	}
	for _, p := range c.flight {
		if p.queued && !p.sent {
			p.sent, p.after = true, c.rd.came
		}
	}
	return nil
}

// Wait blocks until the server has answered p, handing untagged responses to
// the commands that asked for them. The Status may be NO or BAD: that is the
// caller's to judge.
func (c *Conn) Wait(ctx context.Context, p *Pending) (Status, error) {
	defer c.bind(ctx)()
	if err := c.flush(); err != nil {
		return Status{}, err
	}
	for !p.done {
		if err := c.step(); err != nil {
			return Status{}, err
		}
	}
	return p.Result, p.err
}

// End ends a command that Idles, and waits for the answer. The server must
// have agreed to it before, which is waited for too.
func (c *Conn) End(ctx context.Context, p *Pending) (Status, error) {
	defer c.bind(ctx)()
	if err := c.flush(); err != nil {
		return Status{}, err
	}
	for !p.idling && !p.done {
		if err := c.step(); err != nil {
			return Status{}, err
		}
	}
	if !p.done {
		p.idling = false
		c.o.Trace.client("DONE")
		c.out = append(c.out, "DONE\r\n"...)
	}
	return c.Wait(ctx, p)
}

// Do sends cmd and waits for its end.
func (c *Conn) Do(ctx context.Context, cmd *Command) (Status, error) {
	p, err := c.Send(ctx, cmd)
	if err != nil {
		return Status{}, err
	}
	return c.Wait(ctx, p)
}

// Step waits for one response and handles it.
func (c *Conn) Step(ctx context.Context) error {
	defer c.bind(ctx)()
	if err := c.flush(); err != nil {
		return err
	}
	return c.step()
}

// Ready waits at most d for the server to say something and reports whether
// it did. Nothing is consumed.
func (c *Conn) Ready(ctx context.Context, d time.Duration) (bool, error) {
	defer c.bind(ctx)()
	if err := c.flush(); err != nil {
		return false, err
	}
	if c.rd.r < c.rd.w {
		return true, nil
	}
	old := c.o.IOTimeout
	c.o.IOTimeout = d
	ok := c.rd.more()
	c.o.IOTimeout = old
	if err := c.rd.err; err != nil {
		if c.timeout && context.Cause(ctx) == nil {
			c.rd.err, c.timeout, c.failed = nil, false, false
			return false, nil
		}
		return false, err
	}
	return ok, nil
}

// Logout says LOGOUT without waiting for the answer and closes.
func (c *Conn) Logout() error {
	if c.rd.err == nil && c.bye == nil && len(c.flight) == 0 {
		c.tags++
		line := "A" + strconv.Itoa(c.tags) + " LOGOUT"
		c.o.Trace.client(line)
		c.out = append(append(c.out, line...), '\r', '\n')
		c.nc.SetWriteDeadline(c.o.Now().Add(time.Second))
		c.nc.Write(c.out)
	}
	return c.nc.Close()
}

// Close closes the connection without a word.
func (c *Conn) Close() error { return c.nc.Close() }

// bind makes ctx the one that the waits of this call obey. The function it
// returns ends that; where ctx has been cancelled it waits for the deadline
// that this sets, which would else end a wait of the next call.
func (c *Conn) bind(ctx context.Context) func() {
	old := c.ctx
	c.ctx = ctx
	nc, set := c.nc, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		nc.SetDeadline(time.Unix(1, 0))
		close(set)
	})
	return func() {
		if !stop() {
			<-set
		}
		c.ctx = old
	}
}

// deadline sets the deadline of the next wait. The context is looked at
// afterwards: had it been cancelled before, its own deadline would be lost.
func (c *Conn) deadline(set func(time.Time) error) error {
	var t time.Time
	if d := c.patience(); d > 0 {
		t = c.o.Now().Add(d)
	}
	set(t)
	return context.Cause(c.ctx)
}

// fill reads from the network into p.
func (c *Conn) fill(p []byte) (int, error) {
	if c.o.Idle != nil {
		if err := c.o.Idle(); err != nil {
			return 0, err
		}
	}
	if err := c.deadline(c.nc.SetReadDeadline); err != nil {
		return 0, err
	}
	start := c.o.Now()
	n, err := c.nc.Read(p)
	c.pace.read(n, c.o.Now().Sub(start), c.o.IOTimeout)
	c.o.Trace.server(p[:n])
	if n > 0 {
		return n, nil
	}
	return 0, c.ioError(err)
}

// ioError says what a failed read or write means.
func (c *Conn) ioError(err error) error {
	c.failed = true
	if cause := context.Cause(c.ctx); cause != nil {
		return cause
	}
	if c.bye != nil {
		return &fault.Error{Kind: fault.Refused, Op: "the server closed the connection", Server: c.bye.Server()}
	}
	server := "the server"
	if c.o.Addr != "" {
		server += " " + c.o.Addr
	}
	var e *fault.Error
	switch late := errors.Is(err, os.ErrDeadlineExceeded); {
	case late && c.settled:
		return &fault.Error{Kind: fault.Refused, Op: server + " refuses, and says no more", Server: c.said.Server()}
	case late:
		c.timeout = true
		e = fault.New(fault.Connect, "%s", c.pace.late(server, c.o.IOTimeout)).Hint("--io-timeout sets how long to wait without progress")
	default:
		e = fault.New(fault.Connect, "%s", Lost(server, err)).Hint("try again; --trace shows what passed before")
	}
	if c.said != nil {
		e.Server = c.said.Server()
	}
	return e
}

// Said is the last untagged NO or BAD since a command succeeded, or the BYE that
// has come; nil without one.
func (c *Conn) Said() *Status {
	if c.bye != nil {
		return c.bye
	}
	return c.said
}

// Lost says in plain words how the connection to server ended. The layers of
// package net would name addresses again.
func Lost(server string, err error) string {
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch op, isOp := errors.AsType[*net.OpError](err); {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return server + " closed the connection"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED):
		return server + " broke the connection off (reset)"
	case errors.Is(err, syscall.ETIMEDOUT):
		return "the connection to " + server + " timed out"
	case isErrno:
		return "the connection to " + server + " failed: " + errno.Error()
	case isOp:
		return "the connection to " + server + " failed: " + op.Err.Error()
	}
	return "the connection to " + server + " failed: " + err.Error()
}

// TimedOut reports whether the last wait ended because nothing moved: the
// server may still be at work.
func (c *Conn) TimedOut() bool { return c.timeout }

// Broken reports whether the connection is of no more use.
func (c *Conn) Broken() bool { return c.failed || c.rd.err != nil && !IsSyntax(c.rd.err) }

// redact keeps secrets that a server repeats out of texts.
func (c *Conn) redact(s string) string {
	return redact(s, c.secrets)
}

func redact(s string, secrets []string) string {
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, "<hidden>")
	}
	return s
}
