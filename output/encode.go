package output

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/result"
)

// appender appends a value of one Go type to dst as compact JSON.
type appender func(dst []byte, v reflect.Value) ([]byte, error)

// appenders makes the appender of each type once. What they append is what
// encoding/json writes without HTML escapes, at less than half of its cost,
// because rows come by the hundred thousand; the types that no such row has
// are left to it.
type appenders map[reflect.Type]appender

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func (a appenders) of(t reflect.Type) appender {
	if known, ok := a[t]; ok {
		return known
	}
	a[t] = func(dst []byte, v reflect.Value) ([]byte, error) { return a[t](dst, v) } // for a type that holds itself
	a[t] = a.make(t)
	return a[t]
}

func (a appenders) make(t reflect.Type) appender {
	switch p := reflect.PointerTo(t); {
	case t == timeType:
		return appendTime
	case t == validityType:
		return func(dst []byte, v reflect.Value) ([]byte, error) {
			return result.UIDValidity(v.String()).AppendJSON(dst), nil
		}
	case p.Implements(jsonMarshaler), p.Implements(textMarshaler):
		return appendOther
	}
	switch t.Kind() {
	case reflect.String:
		return func(dst []byte, v reflect.Value) ([]byte, error) { return appendString(dst, v.String()), nil }
	case reflect.Bool:
		return func(dst []byte, v reflect.Value) ([]byte, error) { return strconv.AppendBool(dst, v.Bool()), nil }
	case reflect.Int, reflect.Int32, reflect.Int64:
		return func(dst []byte, v reflect.Value) ([]byte, error) { return strconv.AppendInt(dst, v.Int(), 10), nil }
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return func(dst []byte, v reflect.Value) ([]byte, error) { return strconv.AppendUint(dst, v.Uint(), 10), nil }
	case reflect.Pointer:
		return a.pointer(a.of(t.Elem()))
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // base64 otherwise
			return a.slice(a.of(t.Elem()))
		}
	case reflect.Struct:
		return a.object(result.Fields(t))
	}
	return appendOther
}

func (a appenders) pointer(elem appender) appender {
	return func(dst []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		return elem(dst, v.Elem())
	}
}

func (a appenders) slice(elem appender) appender {
	return func(dst []byte, v reflect.Value) (_ []byte, err error) {
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = elem(dst, v.Index(i)); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
}

func (a appenders) object(fields []result.Field) appender {
	type member struct {
		result.Field
		key   string // with its colon
		value appender
	}
	members := make([]member, len(fields))
	for i, f := range fields {
		members[i] = member{f, string(appendString(nil, f.Name)) + ":", a.of(f.Type)}
	}
	return func(dst []byte, v reflect.Value) (_ []byte, err error) {
		dst = append(dst, '{')
		empty := len(dst)
		for i := range members {
			m := &members[i]
			f := v.Field(m.Index[0])
			for _, at := range m.Index[1:] {
				f = f.Field(at)
			}
			if m.Optional && isEmpty(f) {
				continue
			}
			if len(dst) > empty {
				dst = append(dst, ',')
			}
			if dst, err = m.value(append(dst, m.key...), f); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
}

func appendTime(dst []byte, v reflect.Value) ([]byte, error) {
	var t time.Time
	if v.CanAddr() {
		t = *v.Addr().Interface().(*time.Time) // saves a copy on the heap
	} else {
		t = v.Interface().(time.Time)
	}
	dst, err := t.AppendText(append(dst, '"'))
	return append(dst, '"'), err
}

// appendOther leaves v to encoding/json.
func appendOther(dst []byte, v reflect.Value) ([]byte, error) {
	x := v.Interface()
	if v.CanAddr() {
		x = v.Addr().Interface() // methods of the pointer count too
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		return dst, err
	}
	return appendC1(dst, bytes.TrimSuffix(out.Bytes(), []byte{'\n'})), nil
}

// appendC1 appends JSON with the control characters U+0080 to U+009F as \u
// escapes: it means the same, and no terminal obeys them in whatever prints the
// JSON later.
func appendC1(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, 0xc2) // what their UTF-8 begins with, and that of others
		if i < 0 || i+1 == len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		if c := text[i+1]; c < 0xa0 {
			dst = fmt.Appendf(dst, `\u%04x`, c)
		} else {
			dst = append(dst, text[i:i+2]...)
		}
		text = text[i+2:]
	}
}

// appendString appends s as a JSON string; what is not UTF-8 is replaced.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c, n := rune(s[i]), 1
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' { // nearly always
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRuneInString(s[i:])
		}
		next := i + n
		switch {
		case c == '"' || c == '\\':
			dst = append(append(dst, s[start:i]...), '\\', byte(c))
			start = next
		case c < ' ':
			dst = append(dst, s[start:i]...)
			if at := strings.IndexByte("\b\f\n\r\t", byte(c)); at >= 0 {
				dst = append(dst, '\\', "bfnrt"[at])
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			start = next
		case c == utf8.RuneError && n == 1:
			dst = append(append(dst, s[start:i]...), `\ufffd`...)
			start = next
		case c >= 0x80 && c < 0xa0: // C1: some terminals obey them in whatever prints the JSON later
			dst = append(append(dst, s[start:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			start = next
		case c == '\u2028' || c == '\u2029': // line ends to JavaScript
			dst = append(append(dst, s[start:i]...), `\u202`...)
			dst = append(dst, hex[c&15])
			start = next
		}
		i = next
	}
	return append(append(dst, s[start:]...), '"')
}
