package output

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/result"
)

const tableTime = "2006-01-02 15:04"

var (
	timeType     = reflect.TypeFor[time.Time]()
	addressType  = reflect.TypeFor[result.Address]()
	objectType   = reflect.TypeFor[map[string]any]()
	validityType = reflect.TypeFor[result.UIDValidity]()
)

// appendPlain appends v as people and scripts read it: lists joined by sep,
// addresses as Name <a@b>, times as RFC 3339 (in a table local and to the
// minute), other structures as JSON, nothing for a value that is not there.
func appendPlain(dst []byte, v reflect.Value, sep string, table bool) []byte {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Invalid:
		return dst
	case reflect.String:
		if v.Type() == validityType {
			return append(dst, result.UIDValidity(v.String()).String()...)
		}
		return append(dst, v.String()...)
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(dst, v.Uint(), 10)
	case reflect.Slice:
		if !isPlainList(v) {
			break
		}
		for i := range v.Len() {
			e := v.Index(i)
			if i > 0 {
				dst = append(dst, sep...)
				if _, _, ok := address(e); ok {
					dst = append(dst, ' ')
				}
			}
			dst = appendPlain(dst, e, sep, table)
		}
		return dst
	case reflect.Struct:
		if v.Type() == timeType {
			t := v.Interface().(time.Time)
			if table {
				return t.Local().AppendFormat(dst, tableTime)
			}
			return t.AppendFormat(dst, time.RFC3339Nano)
		}
	}
	if name, addr, ok := address(v); ok {
		return appendAddress(dst, name, addr)
	}
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil {
		return dst
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
}

// isPlainList reports whether list v has elements that read well side by side.
func isPlainList(v reflect.Value) bool {
	if v.Len() == 0 {
		return true
	}
	e := v.Index(0)
	for e.Kind() == reflect.Pointer || e.Kind() == reflect.Interface {
		e = e.Elem()
	}
	switch e.Kind() {
	case reflect.Uint8:
		return v.Type().Elem().Kind() != reflect.Uint8 // []byte is base64, as in JSON
	case reflect.Struct, reflect.Map:
		_, _, ok := address(e)
		return ok || e.Type() == timeType
	}
	return true
}

// address takes a mail address apart, be it a row's or the map that a
// template sees in its place.
func address(v reflect.Value) (name, addr string, ok bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return "", "", false
	}
	switch v.Type() {
	case addressType:
		return v.Field(0).String(), v.Field(1).String(), true
	case objectType:
		m := v.Interface().(map[string]any)
		name, isName := m["name"].(string)
		addr, isAddr := m["address"].(string)
		return name, addr, isName && isAddr && len(m) == 2
	}
	return "", "", false
}

// Address is one address as plain output has it: "Last, First" <a@b>. Without
// an address it is the name, quoted where it has to be.
func Address(name, addr string) string { return string(appendAddress(nil, name, addr)) }

// appendAddress writes one address. A name that could be taken for an address
// or for two is quoted (RFC 5322 section 3.2.4).
func appendAddress(dst []byte, name, addr string) []byte {
	switch {
	case name == "":
		return append(dst, addr...)
	case strings.ContainsAny(name, `"\,;:<>@()[]`):
		dst = append(dst, '"')
		for i := range len(name) {
			if name[i] == '"' || name[i] == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, name[i])
		}
		dst = append(dst, '"')
	default:
		dst = append(dst, name...)
	}
	if addr == "" {
		return dst
	}
	return append(append(append(dst, " <"...), addr...), '>')
}

// What would end a field or a record, to be replaced by a blank. Where records
// end with NUL, lines may stay.
const (
	breaksLine = "\t\r\n\x00"
	breaksZero = "\t\x00"
)

// blank replaces each octet of set in b by a blank, in place.
func blank(b []byte, set string) {
	for i, c := range b {
		if c <= '\r' && strings.IndexByte(set, c) >= 0 {
			b[i] = ' '
		}
	}
}
