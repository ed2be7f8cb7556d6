package wire

import (
	"fmt"
	"time"
)

// What counts as progress, so that no server can keep a command waiting for
// ever. Octets may come slowly, but not one at a time: within the time-out the
// response must end, or bring MinRate octets for each second. Responses that no
// command asked for, such as `* OK Still here`, show that the server is at work,
// but not for more than maxVain time-outs.
const (
	MinRate = 16
	maxVain = 120
	// grace is how long the answer may follow a refusal that came untagged and
	// can be about nothing but what is waited for.
	grace = 2 * time.Second
)

// pace is what a server has brought since it last made progress.
type pace struct {
	octets  int           // of a response that has not ended
	waited  time.Duration // since the first of them
	blocked time.Duration // in this step
	vain    time.Duration // in steps that brought nothing asked for
	unasked int           // such responses
	talk    int           // status responses, asked for or not
	noise   int           // lines that are no responses, in all
}

// read notes that n octets came after a wait.
func (p *pace) read(n int, wait, timeout time.Duration) {
	p.blocked += wait
	if p.octets > 0 {
		p.waited += wait
	}
	if p.octets += n; p.octets >= max(1, int(timeout.Seconds()*MinRate)) {
		p.octets, p.waited = 0, 0
	}
}

// stepped notes the end of a response, and whether a command wanted it.
func (p *pace) stepped(wanted bool, timeout time.Duration) error {
	p.octets, p.waited = 0, 0
	if p.vain += p.blocked; wanted {
		p.vain, p.unasked = 0, 0
	}
	p.blocked = 0
	if timeout > 0 && p.vain > maxVain*timeout {
		return limit("nothing that was asked for in %s", p.vain.Round(time.Second))
	}
	return nil
}

// late says what a server did that has let the time-out pass.
func (p *pace) late(server string, timeout time.Duration) string {
	if p.octets > 0 {
		return fmt.Sprintf("%s sent only %d octets of a response in %s", server, p.octets, timeout)
	}
	return fmt.Sprintf("no answer from %s for %s", server, timeout)
}

// patience is how long the next wait may take; 0 means any time.
func (c *Conn) patience() time.Duration {
	d := c.o.IOTimeout
	if d <= 0 {
		return 0
	}
	if c.settled {
		d = min(d, grace)
	}
	return max(time.Nanosecond, d-c.pace.waited)
}
