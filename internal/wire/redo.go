package wire

import (
	"context"
	"slices"
)

// InFlight lists the commands that are not answered yet, as they were sent.
func (c *Conn) InFlight() []*Pending { return slices.Clone(c.flight) }

// Command is what p sends.
func (p *Pending) Command() *Command { return p.cmd }

// Redo puts p, which has been answered, into flight again, as cmd.
func (c *Conn) Redo(ctx context.Context, p *Pending, cmd *Command) error {
	if err := c.admit(cmd); err != nil {
		return err
	}
	*p = Pending{cmd: cmd}
	c.flight = append(c.flight, p)
	return c.write(ctx, p)
}

// Repeat is Redo of the same command, if that can change nothing.
func (c *Conn) Repeat(ctx context.Context, p *Pending) error {
	if !readOnlyCommand(p.cmd) {
		return nil
	}
	return c.Redo(ctx, p, p.cmd)
}
