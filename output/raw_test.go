package output

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestRaw(t *testing.T) {
	long := strings.Repeat("größer 漢字\r\n", 3000)
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	for _, c := range []struct {
		name, in string
		tty      bool
		want     string
		refused  bool
	}{
		{"pipe", png, false, png, false},
		{"pipe text", long, false, long, false},
		{"terminal text", long, true, strings.ReplaceAll(long, "\r", ""), false},
		{"terminal nothing", "", true, "", false},
		{"terminal escapes", "a\x1b[31mb\r\nc\rd\x9b\u202e", true, "a^[[31mb\nc^Md\ufffd<U+202E>", false},
		{"terminal Latin-1", "Gr\xfc\xdfe aus der Stadt\r\n", true, "Gr\ufffd\ufffde aus der Stadt\n", false},
		{"terminal ISO-2022-JP", "\x1b$B4A;z\x1b(B", true, "^[$B4A;z^[(B", false},
		{"terminal PNG", png, true, "", true},
		{"terminal NUL late", strings.Repeat("x", sniffLen-1) + "\x00", true, "", true},
		{"terminal NUL too late", strings.Repeat("x", sniffLen) + "\x00", true, strings.Repeat("x", sniffLen) + "^@", false},
		{"terminal KOI8-R", strings.Repeat("\xf0\xd2\xc9\xd7\xc5\xd4 ", 10), true, "", true},
		{"terminal cut character", strings.Repeat("x", sniffLen-1) + "é", true, strings.Repeat("x", sniffLen-1) + "é", false},
		{"terminal incomplete", "ab\xc3", true, "", true},
		{"terminal incomplete at the end of a line", "abcdefghijkl\xc3", true, "abcdefghijkl\ufffd", false},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
			var b bytes.Buffer
			n, err := Raw(&b, r, c.tty)
			if c.refused {
				if fault.KindOf(err) != fault.Safety || len(fault.Hints(err)) != 1 || b.Len() > 0 {
					t.Errorf("%s: %v, hints %q, %d octets written", c.name, err, fault.Hints(err), b.Len())
				}
				continue
			}
			if err != nil || n != int64(len(c.in)) || b.String() != c.want {
				t.Errorf("%s: %d octets, error %v, got %q, want %q", c.name, n, err, b.String(), c.want)
			}
		}
	}
}

// A literal that is cut shows as an error, behind what came before it.
func TestRawReadError(t *testing.T) {
	cut := errors.New("cut")
	for _, broken := range []error{cut, io.ErrUnexpectedEOF} {
		for _, text := range []string{"half", strings.Repeat("x", sniffLen), strings.Repeat("x", sniffLen+9)} {
			for _, tty := range []bool{false, true} {
				var b bytes.Buffer
				n, err := Raw(&b, io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), tty)
				if !errors.Is(err, broken) || b.String() != text || n != int64(len(text)) {
					t.Errorf("%v, %d octets, terminal %v: %d, error %v, %d written", broken, len(text), tty, n, err, b.Len())
				}
			}
		}
	}
}

func TestRawWriteError(t *testing.T) {
	for _, tty := range []bool{false, true} {
		for _, room := range []int{0, 10, sniffLen, sniffLen + 1} {
			w := &fullWriter{room: room, err: syscall.ENOSPC}
			if _, err := Raw(w, strings.NewReader(strings.Repeat("x", 2*sniffLen)), tty); !errors.Is(err, syscall.ENOSPC) || fault.KindOf(err) != fault.Local {
				t.Errorf("room for %d, terminal %v: %v", room, tty, err)
			}
		}
	}
	w := Text(&fullWriter{err: syscall.EPIPE}, true)
	if n, err := w.Write([]byte("\xe2\x80")); n != 2 || err != nil {
		t.Error(n, err)
	}
	if err := w.Close(); fault.KindOf(err) != fault.Closed {
		t.Error(err)
	}
}

func TestTextIntoAPipe(t *testing.T) {
	var b bytes.Buffer
	w := Text(&b, false)
	const in = "a\x1b\r\n\xff\x00"
	if n, err := w.Write([]byte(in)); n != len(in) || err != nil || w.Close() != nil || b.String() != in {
		t.Errorf("%d, %v, %q", n, err, b.String())
	}
}
