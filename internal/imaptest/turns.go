package imaptest

import (
	"bytes"
	"io"
	"strconv"
)

// InTurn gives the octets of r, which a server has said beforehand, as one would
// that waits for its turn: a read ends before the tagged answer to a command
// that has not been sent. The client's tags are A1, A2 and so on; sent returns
// what it has said so far.
func InTurn(r io.Reader, sent func() string) io.Reader {
	return &turns{r: r, sent: sent}
}

type turns struct {
	r    io.Reader
	sent func() string
	held []byte
	err  error
}

func (t *turns) Read(p []byte) (int, error) {
	if len(t.held) == 0 && t.err == nil {
		t.held = make([]byte, len(p))
		n := 0
		n, t.err = t.r.Read(t.held)
		t.held = t.held[:n]
	}
	if len(t.held) == 0 {
		return 0, t.err
	}
	n := copy(p, t.held[:t.turn()])
	t.held = t.held[n:]
	return n, nil
}

// turn is how much of what is held may be said now, one line at the least.
func (t *turns) turn() int {
	last := bytes.Count([]byte("\n"+t.sent()), []byte("\nA"))
	for i := 0; i < len(t.held); i++ {
		if i == 0 || t.held[i-1] != '\n' || t.held[i] != 'A' {
			continue
		}
		digits, _, _ := bytes.Cut(t.held[i+1:], []byte(" "))
		if n, err := strconv.Atoi(string(digits)); err == nil && n > last {
			return i
		}
	}
	return len(t.held)
}
