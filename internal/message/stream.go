package message

import "io"

// codec turns octets into others. decode appends to dst what src means and
// returns how many octets of src it took; it may leave some at the end to see
// what follows, unless last says that nothing will.
type codec interface {
	decode(dst, src []byte, last bool) ([]byte, int)
}

// streamBuffer is the size of a stream's input buffer in octets. No codec
// needs to see that much at once.
const streamBuffer = 16 << 10

// stream reads from src through a codec, in constant memory. An error of src
// is returned behind what could be read.
type stream struct {
	src   io.Reader
	codec codec
	in    []byte // not yet decoded
	out   []byte // decoded; from pos on not yet read
	pos   int
	err   error // what src ended with
}

func newStream(r io.Reader, c codec) *stream {
	return &stream{src: r, codec: c, in: make([]byte, 0, streamBuffer)}
}

// Read is io.Reader's.
func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for s.pos == len(s.out) {
		if s.err != nil && len(s.in) == 0 {
			return 0, s.err
		}
		s.fill()
	}
	n := copy(p, s.out[s.pos:])
	s.pos += n
	return n, nil
}

// fill reads once and decodes what there is.
func (s *stream) fill() {
	full := len(s.in) == cap(s.in)
	if s.err == nil && !full {
		var n int
		n, s.err = s.src.Read(s.in[len(s.in):cap(s.in)])
		s.in = s.in[:len(s.in)+n]
	}
	var n int
	s.out, n = s.codec.decode(s.out[:0], s.in, s.err != nil)
	s.pos = 0
	if n == 0 && len(s.in) > 0 && (full || s.err != nil) {
		s.out, n = s.codec.decode(s.out[:0], s.in, true)
		n = max(n, 1) // a codec that takes nothing must not stop the stream
	}
	s.in = s.in[:copy(s.in, s.in[n:])]
}
