package wire

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// step reads one response and dispatches it.
func (c *Conn) step() error {
	if c.rd.AtEnd() && c.rd.err == nil {
		if err := c.noisy(); err != nil {
			return err
		}
		return c.rd.finish(false)
	}
	literals, err := true, error(nil)
	c.wanted = false
	switch b := c.rd.Next(); {
	case c.rd.err != nil:
		return c.rd.err
	case b == '+':
		literals = false
		err = c.continuation()
	case b == '*':
		c.rd.advance(1)
		literals, err = c.untagged()
	default:
		literals = false
		err = c.tagged()
	}
	if e := c.rd.finish(literals); e != nil {
		return e
	}
	if e := c.pace.stepped(c.wanted, c.o.IOTimeout); err == nil {
		err = e
	}
	return err
}

func (c *Conn) noisy() error {
	if c.pace.noise++; c.pace.noise > MaxNoise {
		return limit("more than %d lines that are no IMAP responses", MaxNoise)
	}
	return nil
}

// continuation gives a continuation request to the command it is for. One that
// nobody asked for is noise.
func (c *Conn) continuation() error {
	c.rd.advance(1)
	text := append([]byte(nil), c.rd.Text()...)
	if c.rd.err != nil {
		return c.rd.err
	}
	c.wanted = true
	for _, p := range c.flight {
		if p.cmd.reply != nil && p.err == nil {
			return c.answer(p, text)
		}
		if p.cmd.idles && !p.idling {
			p.idling = true
			return nil
		}
	}
	if !c.asking {
		return c.noisy()
	}
	c.asking = false
	return nil
}

// answer gives AUTHENTICATE's next line, or cancels the exchange.
func (c *Conn) answer(p *Pending, challenge []byte) error {
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(challenge)))
	if err != nil {
		decoded = challenge
	}
	line, err := p.cmd.reply(decoded)
	if err != nil {
		p.err = err
		c.out = append(c.out, "*\r\n"...)
		c.o.Trace.client("*")
		return c.flush()
	}
	p.after = c.rd.came // its end is behind this line, too
	c.out = append(base64.StdEncoding.AppendEncode(c.out, line), '\r', '\n')
	c.o.Trace.client(c.o.Trace.secret(base64.StdEncoding.EncodeToString(line)))
	return c.flush()
}

func (c *Conn) untagged() (literals bool, err error) {
	r := &c.resp
	r.Num, r.HasNum, r.Status, r.unwanted = 0, false, Status{}, false
	good := true
	if b := r.Next(); b >= '0' && b <= '9' {
		r.Num, good = r.TryNumber()
		r.HasNum = true
	}
	if r.Kind = c.kind(r.Atom()); !good && r.Kind != "FETCH" { // which names its message by the UID
		r.syntax("a number over 64 bits")
	}
	r.body = r.Kind == "FETCH"
	literals = true
	if isStatus(r.Kind) && !r.HasNum {
		literals = false
		r.Status = ParseStatus(r.Kind, []byte(c.redact(string(r.Text()))))
		c.hear(r.Status)
	}
	if r.err != nil {
		return literals, syntaxOnly(r.err)
	}
	for _, p := range c.flight {
		if r.Status.Code == "ALERT" {
			break // it is for the person, whoever reads the others
		}
		if p.cmd.on != nil && slices.Contains(p.cmd.kinds, r.Kind) {
			r.Tag = p.tag
			if err := p.cmd.on(r); err != nil && !IsSyntax(err) {
				return literals, err
			}
			c.wanted = !r.unwanted
			return literals, c.count(r)
		}
	}
	if err := c.count(r); err != nil {
		return literals, err
	}
	if c.o.Notice != nil {
		c.o.Notice(r)
	}
	return literals, nil
}

// count bounds what may come without end before a command is answered: what
// no command asked for, and what no answer holds more than a few of.
func (c *Conn) count(r *Response) error {
	switch r.Kind {
	case "OK", "NO", "BAD":
		c.wanted = false // it shows that the server is at work, and no more
		if c.pace.talk++; c.pace.talk > MaxTalk {
			return limit("more than %d untagged %s and the like for one command", MaxTalk, r.Kind)
		}
		return nil
	case "EXISTS", "RECENT", "FLAGS", "CAPABILITY":
		c.wanted = false
	}
	if c.wanted {
		return nil
	}
	if c.pace.unasked++; c.pace.unasked > MaxUnasked {
		return limit("more than %d responses that no command asked for", MaxUnasked)
	}
	return nil
}

// hear keeps what a status response says that no tag ties to a command. An
// untagged refusal may be all that a server says of a command: of the one whose
// literal waits for consent, or of the login.
func (c *Conn) hear(st Status) {
	switch st.Status {
	case "BYE":
		c.bye = &st
	case "NO", "BAD":
		c.said = &st
		c.settled = len(c.flight) > 0 && (c.asking && len(c.flight) == 1 || c.flight[0].logsIn() && st.Code == "AUTHENTICATIONFAILED")
	}
}

// logsIn reports whether p is a login, on whose end all else waits.
func (p *Pending) logsIn() bool { return p.cmd.name == "LOGIN" || p.cmd.name == "AUTHENTICATE" }

// kind returns the response's name in upper case without allocating for the
// one that comes a hundred thousand times.
func (c *Conn) kind(b []byte) string {
	if string(b) == "FETCH" {
		return "FETCH"
	}
	return strings.ToUpper(string(b))
}

// syntaxOnly keeps errors of the connection: a response that cannot be read
// is passed over.
func syntaxOnly(err error) error {
	if IsSyntax(err) {
		return nil
	}
	return err
}

// tagged ends the command that the line names. A command is done when its
// octets were sent and its answer came after them; NO and BAD may come sooner,
// in the place of the consent that a literal waits for.
func (c *Conn) tagged() error {
	start := c.rd.offset()
	tag := string(c.rd.Atom())
	status := strings.ToUpper(string(c.rd.Atom()))
	text := c.redact(string(c.rd.Text()))
	if err := syntaxOnly(c.rd.err); err != nil {
		return err
	}
	i := slices.IndexFunc(c.flight, func(p *Pending) bool { return p.tag == tag })
	if i < 0 || status != "OK" && status != "NO" && status != "BAD" {
		return c.noisy()
	}
	p := c.flight[i]
	if !p.sent && status == "OK" || p.sent && start < p.after {
		// Nothing that the connection says later can be trusted either.
		c.rd.Fail(fault.New(fault.Protocol, "the server answered %s to %s before all of it was sent", status, p.Name()))
		return c.rd.err
	}
	c.flight = slices.Delete(c.flight, i, i+1)
	p.done, p.Result = true, ParseStatus(status, []byte(text))
	c.wanted, c.settled, c.pace.talk = true, false, 0
	if said := c.said; said != nil && !p.Result.OK() {
		if p.Result.Said = said; p.Result.Text == "" && p.Result.Code == "" {
			p.Result.Code, p.Result.Args, p.Result.Text, p.Result.Said = said.Code, said.Args, said.Text, nil
		}
	}
	c.said = nil
	return nil
}
