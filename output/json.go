package output

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf16"
	"unicode/utf8"
)

// rowEncoder writes rows as compact JSON: the whole struct, or the chosen
// fields in order, without those that a row lacks.
type rowEncoder struct {
	types  appenders
	chosen []path
	keys   []string // each with its colon
	buf    []byte
}

func newRowEncoder(chosen []path) *rowEncoder {
	e := &rowEncoder{types: appenders{}, chosen: chosen}
	for _, p := range chosen {
		e.keys = append(e.keys, string(appendString(nil, p.name))+":")
	}
	return e
}

// encode returns row as JSON, valid until the next call.
func (e *rowEncoder) encode(row reflect.Value) ([]byte, error) {
	if cap(e.buf) > spoolMemory {
		e.buf = nil // one large row must not cost memory for ever
	}
	e.buf = e.buf[:0]
	if e.chosen == nil {
		err := e.put(row)
		return e.buf, err
	}
	e.buf = append(e.buf, '{')
	for i, p := range e.chosen {
		v := p.get(row)
		if !v.IsValid() {
			continue
		}
		if len(e.buf) > 1 {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(e.buf, e.keys[i]...)
		if err := e.put(v); err != nil {
			return nil, err
		}
	}
	e.buf = append(e.buf, '}')
	return e.buf, nil
}

// put appends v.
func (e *rowEncoder) put(v reflect.Value) (err error) {
	if e.buf, err = e.types.of(v.Type())(e.buf, v); err != nil {
		return fmt.Errorf("cannot write a row as JSON: %w", err)
	}
	return nil
}

// decode returns row as jq and templates see it; numbers are json.Number.
func (e *rowEncoder) decode(row reflect.Value) (any, error) {
	text, err := e.encode(row)
	if err != nil {
		return nil, err
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// lines is JSON Lines.
type lines struct {
	out   *bufio.Writer
	enc   *rowEncoder
	style style
	buf   []byte
}

func (l *lines) add(row reflect.Value) error {
	text, err := l.enc.encode(row)
	if err != nil {
		return err
	}
	if l.style != (style{}) {
		l.buf = l.style.append(l.buf[:0], text, "")
		text = l.buf
	}
	l.out.Write(text) // bufio keeps the error for the next line
	return l.out.WriteByte('\n')
}

func (l *lines) flush() error      { return nil }
func (l *lines) finish(bool) error { return nil }

// object is a JSON document of one row.
type object struct {
	out   *bufio.Writer
	enc   *rowEncoder
	style style
	text  []byte
}

func (o *object) add(row reflect.Value) error {
	text, err := o.enc.encode(row)
	o.text = o.style.append(nil, text, "\n")
	return err
}

func (o *object) flush() error { return nil }

func (o *object) finish(ok bool) error {
	if !ok || o.text == nil {
		return nil
	}
	o.out.Write(o.text)
	return o.out.WriteByte('\n')
}

// array is a JSON document of any number of rows, kept back until it is whole.
type array struct {
	out   *bufio.Writer
	enc   *rowEncoder
	style style
	spool spool
	buf   []byte
	rows  int
}

func (a *array) add(row reflect.Value) error {
	text, err := a.enc.encode(row)
	if err != nil {
		return err
	}
	a.buf = a.buf[:0]
	if a.rows++; a.rows > 1 {
		a.buf = append(a.buf, ',')
	}
	if a.style.indent {
		a.buf = append(a.buf, "\n  "...)
	}
	a.buf = a.style.append(a.buf, text, "\n  ")
	return a.spool.add(a.buf)
}

func (a *array) flush() error { return nil }

func (a *array) finish(ok bool) error {
	defer a.spool.discard()
	if !ok {
		return nil
	}
	a.out.WriteByte('[')
	if err := a.spool.writeTo(a.out); err != nil {
		return err
	}
	if a.style.indent && a.rows > 0 {
		a.out.WriteByte('\n')
	}
	_, err := a.out.WriteString("]\n")
	return err
}

// style is how JSON looks on a terminal; the zero style is compact JSON.
type style struct {
	indent, color bool
	safe          bool // characters that could act on the terminal become \u escapes
}

const (
	colorKey    = "\x1b[1;34m"
	colorString = "\x1b[32m"
	colorNull   = "\x1b[2m"
	bold        = "\x1b[1m"
	colorOff    = "\x1b[0m"
)

// append appends compact JSON src to dst in style s. newline starts a line of
// the outermost level.
func (s style) append(dst, src []byte, newline string) []byte {
	if s == (style{}) {
		return append(dst, src...)
	}
	depth := 0
	wrap := func() {
		if s.indent {
			dst = append(dst, newline...)
			for range depth {
				dst = append(dst, "  "...)
			}
		}
	}
	for i := 0; i < len(src); {
		c := src[i]
		end := i + 1
		switch c {
		case '{', '[':
			dst = append(dst, c)
			depth++
			if src[end] == c+2 { // {} and [] stay together
				dst = append(dst, c+2)
				depth--
				end++
			} else {
				wrap()
			}
		case '}', ']':
			depth--
			wrap()
			dst = append(dst, c)
		case ',':
			dst = append(dst, c)
			wrap()
		case ':':
			dst = append(dst, c)
			if s.indent {
				dst = append(dst, ' ')
			}
		default:
			end = tokenEnd(src, i)
			dst = s.appendToken(dst, src[i:end], end < len(src) && src[end] == ':')
		}
		i = end
	}
	return dst
}

// tokenEnd is the end of the string, number or word that starts at i.
func tokenEnd(src []byte, i int) int {
	quoted := src[i] == '"'
	for i++; i < len(src); i++ {
		switch c := src[i]; {
		case quoted && c == '\\':
			i++
		case quoted && c == '"':
			return i + 1
		case !quoted && (c == ',' || c == ']' || c == '}'):
			return i
		}
	}
	return i
}

func (s style) appendToken(dst, token []byte, key bool) []byte {
	color := ""
	switch {
	case !s.color:
	case key:
		color = colorKey
	case token[0] == '"':
		color = colorString
	case token[0] == 'n':
		color = colorNull
	}
	dst = append(dst, color...)
	if s.safe {
		dst = appendEscaped(dst, token)
	} else {
		dst = append(dst, token...)
	}
	if color != "" {
		dst = append(dst, colorOff...)
	}
	return dst
}

// appendEscaped appends a JSON token with hidden characters as \u escapes: it
// means the same, and a terminal shows it.
func appendEscaped(dst, token []byte) []byte {
	if isPlain(token) {
		return append(dst, token...)
	}
	prev := ' '
	for len(token) > 0 {
		r, n := utf8.DecodeRune(token)
		shown := r
		switch {
		case !hidden(r, prev):
			dst = utf8.AppendRune(dst, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
			shown = '\\'
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
			shown = '\\'
		}
		prev = shown
		token = token[n:]
	}
	return dst
}
