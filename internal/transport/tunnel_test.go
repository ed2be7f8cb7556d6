//go:build unix

package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, c Config) net.Conn {
	t.Helper()
	c.Environ = append(c.Environ, "PATH="+os.Getenv("PATH"))
	nc, err := Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	nc := open(t, Config{Tunnel: `echo "$GREETING"; echo away >&2; exec cat`, Environ: []string{"GREETING=* OK hi"}, Stderr: &said})
	echoes(t, nc, "* OK hi\n")
	if said.String() != "away\n" { // Close has waited for the command's end
		t.Errorf("standard error is %q", said.String())
	}
	if a := nc.RemoteAddr(); a.Network() != "tunnel" || !strings.Contains(a.String(), "exec cat") || nc.LocalAddr() == nil {
		t.Errorf("address %v", a)
	}
	if err := nc.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestTunnelDeadlines(t *testing.T) {
	t.Parallel()
	nc := open(t, Config{Tunnel: "exec sleep 600"})
	nc.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	} else if e, ok := err.(net.Error); !ok || !e.Timeout() {
		t.Errorf("TLS cannot go on after %#v", err)
	}
	nc.SetDeadline(time.Now().Add(10 * time.Millisecond))
	for err := error(nil); ; { // until the pipe is full
		if _, err = nc.Write(make([]byte, 1<<16)); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write: %v", err)
			}
			break
		}
	}
}

// How a command ended that ended early.
func TestTunnelEnds(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"exit 3":               "the command ended with status 3",
		"no-such-command-here": "the command ended with status 127",
		"kill -KILL $$":        "the command was ended by a signal (killed)",
		"exit 0":               "EOF",
		"cat <&- >/dev/null":   "the command ended with status 1",
	} {
		nc := open(t, Config{Tunnel: command})
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := nc.Read(make([]byte, 1)); err == nil || err.Error() != want {
			t.Errorf("%s: read: %v", command, err)
		}
		if _, err := nc.Write([]byte("x")); err == nil || !strings.Contains(err.Error(), "ended") && want != "EOF" {
			t.Errorf("%s: write: %v", command, err)
		}
	}
}

// Close leaves nothing of the command behind, however stubborn it is. Standard
// error ends when the last process that has it does.
func TestTunnelClose(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"ends by itself":           "cat",
		"does not read":            "sleep 600",
		"children too":             "sleep 600 & sleep 600 | cat",
		"leaves one behind":        "sleep 600 </dev/null >/dev/null & cat",
		"ignores what it is told":  "trap '' TERM HUP; sleep 600; sleep 600",
		"has more to say than fit": "yes",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			nc := open(t, Config{Tunnel: command, Stderr: w})
			w.Close()
			nc.SetDeadline(time.Unix(1, 0)) // as a cancelled context leaves it
			nc.Close()
			r.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.ReadAll(r); err != nil {
				t.Errorf("something of it still runs: %v", err)
			}
		})
	}
}
