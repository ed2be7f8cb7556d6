package imaptest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// departure is a client that did not follow a strict sequence.
type departure struct {
	line      int
	want, got string
}

func (d *departure) Error() string {
	return fmt.Sprintf("script line %d: want %s, got %.300q", d.line, d.want, d.got)
}

// errEnd ends a connection on the script's wish.
var errEnd = errors.New("the script ends the connection")

// player plays a script to one connection.
type player struct {
	server *Scripted
	script *script
	side
	rec   *connRecord
	vars  map[string]string
	due   time.Time // when the next reply may go out
	last  string    // the command that is being answered, behind its tag
	ruled bool      // a rule answers: $tag stays that of its command
}

func (p *player) play() error {
	if p.server.options.TLS {
		if err := p.secure(tls.Server(p.inner(), p.server.config)); err != nil {
			return err
		}
	} else {
		p.attach(p.raw)
	}
	if len(p.script.sequence) == 0 || p.script.sequence[0].verb != "S" && len(p.script.rules) > 0 {
		if err := p.send(p.greeting()); err != nil {
			return err
		}
	}
	if err := p.run(p.script.sequence); err != nil {
		return err
	}
	return p.serveRules()
}

func (p *player) greeting() string {
	if p.script.greeting != "" {
		return p.script.greeting + "\r\n"
	}
	return "* OK [CAPABILITY " + p.script.capability + "] ready\r\n"
}

func (p *player) serveRules() error {
	for {
		text, err := p.command(nil)
		if err != nil {
			return err
		}
		if text == "" {
			continue // a refused literal
		}
		tag, rest, _ := strings.Cut(text, " ")
		if p.script.strict && !strings.EqualFold(rest, "LOGOUT") {
			p.send("* BYE not in the script\r\n")
			return &departure{line: 0, want: "nothing more", got: text}
		}
		p.vars["tag"], p.last = tag, rest
		if r, m := p.server.pick(rest, p.rec.number, false); r != nil {
			err = p.runRule(r, m)
		} else {
			err = p.answer()
		}
		if err != nil {
			return err
		}
	}
}

func (p *player) runRule(r *rule, m []string) error {
	p.keep(r.re, m)
	if layerAhead(r.actions) {
		p.in.untap()
	}
	p.ruled = true
	defer func() { p.ruled = false }()
	return p.run(r.actions)
}

// layerAhead says whether the layer changes before the next command: what the
// client sends then is no IMAP.
func layerAhead(actions []action) bool {
	for _, a := range actions {
		switch a.verb {
		case "STARTTLS", "COMPRESS":
			return true
		case "C:", "C~", "C-":
			return false
		}
	}
	return false
}

func (p *player) keep(re *regexp.Regexp, m []string) {
	for i, name := range re.SubexpNames() {
		if i > 0 {
			p.vars[strconv.Itoa(i)] = m[i]
		}
		if name != "" {
			p.vars[name] = m[i]
		}
	}
}

// command reads one command and returns it as a Command's Text. Literals are
// asked for, unless a rule for them says otherwise: then its text is empty.
// With ahead, actions that follow, recording stops in time for a handshake.
func (p *player) command(ahead []action) (string, error) {
	var text strings.Builder
	for {
		line, at, err := p.in.line()
		if err != nil {
			return "", err
		}
		p.due = at.Add(p.server.options.Delay)
		line = trimEOL(line)
		text.Write(line)
		size, nonSync, ok := announced(line)
		if !ok {
			if layerAhead(ahead) {
				p.in.untap()
			}
			return text.String(), nil
		}
		if !nonSync {
			if goOn, err := p.goAhead(text.String()); err != nil || !goOn {
				return "", err
			}
		}
		if err := p.literal(&text, size); err != nil {
			return "", err
		}
	}
}

// goAhead asks for a synchronising literal.
func (p *player) goAhead(text string) (bool, error) {
	tag, rest, _ := strings.Cut(text, " ")
	r, m := p.server.pick(rest, p.rec.number, true)
	if r == nil {
		return true, p.send("+ go ahead\r\n")
	}
	p.vars["tag"], p.last = tag, rest
	err := p.runRule(r, m)
	goOn := false
	for _, a := range r.actions {
		goOn = goOn || a.verb == "S" && strings.HasPrefix(a.text, "+")
	}
	return goOn, err
}

func (p *player) literal(text *strings.Builder, size int64) error {
	kept := min(size, keepLiteral)
	if _, err := io.CopyN(text, p.in, kept); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, p.in, size-kept)
	return err
}

// send writes when the reply is due.
func (p *player) send(s string) error {
	if wait := time.Until(p.due); wait > 0 {
		time.Sleep(wait)
	}
	if p.server.options.Delay > 0 {
		p.peer.quiet(p.raw)
	}
	for len(s) > 0 {
		n := min(len(s), 64<<10)
		p.rec.server([]byte(s[:n]))
		if _, err := io.WriteString(p.out, s[:n]); err != nil {
			return err
		}
		s = s[n:]
	}
	return nil
}

func (p *player) run(actions []action) error {
	for i, a := range actions {
		if err := p.act(a, actions[i+1:]); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) act(a action, ahead []action) error {
	switch a.verb {
	case "S":
		return p.send(expand(a.text, p.vars))
	case "R":
		return p.repeat(a)
	case "N":
		return p.send(numbers(a))
	case "E":
		return p.each(a)
	case "C:", "C~", "C-":
		return p.expect(a, ahead)
	case "F:":
		if n := p.in.waiting(); n > 0 {
			return &departure{a.line, "a client that waits", fmt.Sprintf("%d octets more", n)}
		}
	case "DELAY":
		time.Sleep(a.wait)
	case "DRIP":
		for _, c := range []byte(expand(a.text, p.vars)) {
			if err := p.send(string([]byte{c})); err != nil {
				return err
			}
			time.Sleep(a.wait)
		}
	case "DROP":
		time.Sleep(a.wait)
		p.in.discard()
	case "STARTTLS":
		return p.secure(tls.Server(p.inner(), p.server.config))
	case "COMPRESS":
		p.compress()
	case "CLOSE":
		p.close()
		return errEnd
	case "RESET":
		p.reset()
		return errEnd
	case "HANG":
		p.in.wait()
		return errEnd
	case "DEFAULT":
		return p.answer()
	}
	return nil
}

// close ends the connection in good order, so that what was sent arrives.
func (p *player) close() {
	p.finish()
	p.raw.SetReadDeadline(time.Now().Add(hangLimit))
	p.in.wait()
}

func (p *player) repeat(a action) error {
	chunk := max(1, (64<<10)/max(1, len(a.text)))
	for left := a.repeat; left > 0; left -= chunk {
		if err := p.send(strings.Repeat(a.text, min(left, chunk))); err != nil {
			return err
		}
	}
	return nil
}

// each sends what an E line says, a chunk at a time.
func (p *player) each(a action) error {
	var out []byte
	parts := strings.Split(a.text, "%d")
	for i := range a.repeat {
		n := strconv.Itoa(a.from + i)
		for j, part := range parts {
			if j > 0 {
				out = append(out, n...)
			}
			out = append(out, part...)
		}
		if len(out) < 64<<10 && i < a.repeat-1 {
			continue
		}
		if err := p.send(string(out)); err != nil {
			return err
		}
		out = out[:0]
	}
	return nil
}

// numbers lists what an N line sends.
func numbers(a action) string {
	out := strconv.AppendInt(nil, int64(a.from), 10)
	for i := 1; i < a.repeat; i++ {
		out = strconv.AppendInt(append(out, ' '), int64(a.from+i*a.step), 10)
	}
	return string(out)
}

// expect reads what a C line wants.
func (p *player) expect(a action, ahead []action) error {
	var got string
	var err error
	if a.verb == "C-" {
		var line []byte
		line, p.due, err = p.in.line()
		p.due = p.due.Add(p.server.options.Delay)
		got = strings.TrimRight(string(line), "\r\n")
	} else {
		got, err = p.command(ahead)
	}
	if err != nil {
		return &departure{a.line, a.want(), "the end of the connection"}
	}
	tag, rest, _ := strings.Cut(got, " ")
	if !p.ruled {
		p.vars["tag"], p.last = tag, rest
	}
	if a.re == nil {
		want := expand(a.text, p.vars)
		if a.name != "" {
			p.vars[a.name] = tag
			want = tag + want
		}
		if got == want {
			return nil
		}
	} else if m := a.re.FindStringSubmatch(got); m != nil {
		p.keep(a.re, m)
		return nil
	}
	p.send("* BYE not in the script\r\n")
	return &departure{a.line, a.want(), got}
}

func (a action) want() string {
	if a.re != nil {
		return a.re.String()
	}
	return fmt.Sprintf("%q", a.text)
}
