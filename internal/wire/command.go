package wire

import (
	"io"
	"strconv"
	"strings"
)

// Command is one IMAP command to be sent, without its tag. The methods that
// add arguments put the blanks between them and return the command.
type Command struct {
	name  string
	kinds []string
	on    func(*Response) error
	reply func(challenge []byte) ([]byte, error)
	idles bool // a continuation request says that it goes on until End
	parts []part
	glue  bool // the next argument follows without a blank
}

type part struct {
	text   string
	secret bool      // shown as <hidden>
	lit    bool      // text or body is sent as a literal
	body   io.Reader // literal from a stream, size octets
	size   int64
}

// NewCommand starts a command, such as NewCommand("UID FETCH").
func NewCommand(name string) *Command { return &Command{name: name} }

// Name is the command's name, as in "UID FETCH".
func (c *Command) Name() string { return c.name }

// On has fn called for each untagged response of the kinds named (such as
// FETCH, or OK for untagged OK) that arrives while the command is in flight.
// fn reads the response's tokens; what it leaves is skipped. An error it
// returns ends the wait for this command and, unless it is a *SyntaxError,
// the connection's use.
func (c *Command) On(fn func(*Response) error, kinds ...string) *Command {
	c.on, c.kinds = fn, kinds
	return c
}

// OnContinue has fn answer the server's continuation requests with a line,
// as in AUTHENTICATE. The line is secret: it is traced as <hidden>. An error
// cancels the exchange with "*" and becomes the command's.
func (c *Command) OnContinue(fn func(challenge []byte) ([]byte, error)) *Command {
	c.reply = fn
	return c
}

// Idles marks a command that goes on until End, as IDLE does (RFC 2177).
func (c *Command) Idles() *Command {
	c.idles = true
	return c
}

func (c *Command) add(p part) *Command {
	if !c.glue {
		c.parts = append(c.parts, part{text: " "})
	}
	c.glue = false
	c.parts = append(c.parts, p)
	return c
}

// Atom adds an argument that is sent exactly as it is. Send refuses a command
// with one that holds CR, LF or NUL.
func (c *Command) Atom(s string) *Command { return c.add(part{text: s}) }

// Open adds an opening parenthesis, Close a closing one.
func (c *Command) Open() *Command {
	c.add(part{text: "("})
	c.glue = true
	return c
}

// Close adds a closing parenthesis.
func (c *Command) Close() *Command {
	c.glue = true
	return c.add(part{text: ")"})
}

// List adds a parenthesised list of atoms.
func (c *Command) List(atoms ...string) *Command {
	return c.Atom("(" + strings.Join(atoms, " ") + ")")
}

// String adds an argument as a quoted string, or as a literal where quoting
// cannot carry it.
func (c *Command) String(s string) *Command { return c.add(stringPart(s)) }

// Secret adds a string that no trace shows.
func (c *Command) Secret(s string) *Command {
	p := stringPart(s)
	p.secret = true
	return c.add(p)
}

// SecretAtom adds an atom that no trace shows, such as a SASL response.
func (c *Command) SecretAtom(s string) *Command { return c.add(part{text: s, secret: true}) }

// Literal adds size octets of r as a literal. The command cannot be sent a
// second time.
func (c *Command) Literal(r io.Reader, size int64) *Command {
	return c.add(part{lit: true, body: r, size: size})
}

func stringPart(s string) part {
	if len(s) > maxQuoted {
		return part{text: s, lit: true}
	}
	for i := 0; i < len(s); i++ {
		if b := s[i]; b >= 0x80 || b == 0 || b == '\r' || b == '\n' {
			return part{text: s, lit: true}
		}
	}
	return part{text: Quote(s)}
}

// Quote returns s as a quoted string (RFC 9051 section 4.3).
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// waits reports whether sending the command has to wait for a continuation
// request, given the longest literal that the server takes without.
func (c *Command) waits(nonSync int64) bool {
	for _, p := range c.parts {
		if p.lit && p.length() > nonSync {
			return true
		}
	}
	return false
}

// severalLines reports whether cmd would be more than one line to the server,
// so that what follows would be a command of its own.
func (c *Command) severalLines() bool {
	for _, p := range c.parts {
		if !p.lit && strings.ContainsAny(p.text, "\r\n\x00") {
			return true
		}
	}
	return strings.ContainsAny(c.name, "\r\n\x00")
}

func (p part) length() int64 {
	if p.body != nil {
		return p.size
	}
	return int64(len(p.text))
}

func (p part) header(nonSync int64) string {
	plus := ""
	if p.length() <= nonSync {
		plus = "+"
	}
	return "{" + strconv.FormatInt(p.length(), 10) + plus + "}\r\n"
}
