package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// trace writes the lines of all connections to one writer, each with the
// number of its connection and the side that sent it: "1 C: a NOOP". A nil
// trace writes nothing.
type trace struct {
	mu   sync.Mutex
	w    io.Writer
	last string // side and connection that the last octets came from
	open bool   // they did not end their line
}

func (t *trace) write(id int, side byte, p []byte) {
	if t == nil || len(p) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var out bytes.Buffer
	prefix := fmt.Sprintf("%d %c: ", id, side)
	if t.open && t.last != prefix {
		out.WriteString("\n")
		t.open = false
	}
	for line := range bytes.Lines(p) {
		if !t.open {
			out.WriteString(prefix)
		}
		out.Write(line)
		t.open = line[len(line)-1] != '\n'
	}
	t.last = prefix
	_, _ = t.w.Write(out.Bytes()) // a trace that cannot be written stops nothing
}
