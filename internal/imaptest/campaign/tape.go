package campaign

import (
	"regexp"
	"strconv"
)

// literal is the announcement of a literal at the end of a line.
var literal = regexp.MustCompile(`\{(\d+)(\+?)\}\r\n`)

// tape is what passed over one connection, in the form that the client saw or
// sent: each command and each response with its literals.
type tape struct {
	commands, responses []string
}

// cursor follows one direction of a connection, octet by octet.
type cursor struct {
	done  []string // whole commands or responses
	now   []byte   // of the one under way
	line  int      // where the last line of now begins
	left  int      // octets of a literal still to come
	asked bool     // the literal waits for the server's consent
}

// index is the number of the command or response under way, from 1.
func (c *cursor) index() int { return len(c.done) + 1 }

// step takes one octet and reports whether it ended a command or response.
func (c *cursor) step(b byte) bool {
	c.now = append(c.now, b)
	if c.left > 0 {
		if c.left--; c.left == 0 {
			c.line = len(c.now)
		}
		return false
	}
	if b != '\n' {
		return false
	}
	if m := literal.FindSubmatch(c.now[c.line:]); m != nil {
		c.left, _ = strconv.Atoi(string(m[1])) // digits by the pattern
		c.asked = len(m[2]) == 0
		c.line = len(c.now)
		return false
	}
	c.end()
	return true
}

// end closes the command or response under way.
func (c *cursor) end() {
	c.done = append(c.done, string(c.now))
	*c = cursor{done: c.done}
}

// texts is what has passed, the unfinished rest too.
func (c *cursor) texts() []string {
	if len(c.now) == 0 {
		return c.done
	}
	return append(c.done[:len(c.done):len(c.done)], string(c.now))
}
