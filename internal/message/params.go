package message

import (
	"slices"
	"strings"
)

// params decodes the parameters of a Content-Type or Content-Disposition by
// their lower-case names: RFC 2231's continuations and extended values,
// encoded-words (which RFC 2047 forbids here and mailers write), raw 8-bit.
// An extended value wins over a plain one, else the first of a name counts.
// It is nil for none; sure is false when something was guessed or replaced.
func params(list [][2]string) (_ map[string]string, sure bool) {
	if len(list) == 0 {
		return nil, true
	}
	sure = true
	out := make(map[string]string, len(list))
	var extended map[string][]segment
	for _, kv := range list[:min(len(list), MaxParams)] {
		name, seg := splitParam(kv[0], kv[1])
		if seg.index >= 0 {
			if extended == nil {
				extended = map[string][]segment{}
			}
			extended[name] = append(extended[name], seg)
			continue
		}
		if _, twice := out[name]; !twice {
			var ok bool
			out[name], ok = plainParam(kv[1])
			sure = sure && ok
		}
	}
	for name, segs := range extended {
		var ok bool
		out[name], ok = joinSegments(segs)
		sure = sure && ok
	}
	return out, sure
}

// plainParam decodes a value without RFC 2231's marks. Some mailers forget
// the star behind the name only.
func plainParam(s string) (string, bool) {
	if extendedValue(s) {
		return joinSegments([]segment{{0, true, s}})
	}
	text, sure := decodeText(s)
	if extendedValue(text) { // a server has decoded half of it
		_, text, _ = strings.Cut(text, "''")
		text, _ = decodeText(string(appendPercent(nil, text)))
		return text, false
	}
	return text, sure
}

// extendedValue reports a value that begins as RFC 2231 has it, with a known
// charset and no language.
func extendedValue(s string) bool {
	charset, _, found := strings.Cut(s[:min(len(s), maxCharset)], "''")
	if !found || charset == "" {
		return false
	}
	_, c := charsetOf(charset)
	return c != classUnknown
}

// segment is one piece of an RFC 2231 value; index is -1 for a plain value.
type segment struct {
	index   int
	percent bool // percent-encoded
	value   string
}

// splitParam reads "name", "name*", "name*0", "name*0*".
func splitParam(key, value string) (name string, s segment) {
	key = lower(trim(key))
	name, rest, starred := strings.Cut(key, "*")
	if !starred || name == "" {
		return key, segment{-1, false, value}
	}
	number, percent := strings.CutSuffix(rest, "*")
	if rest == "" {
		return name, segment{0, true, value}
	}
	if index := digits(number); index >= 0 {
		return name, segment{index, percent, value}
	}
	return key, segment{-1, false, value}
}

// joinSegments puts the pieces together in the order of their numbers;
// missing ones are left out.
func joinSegments(segs []segment) (text string, sure bool) {
	slices.SortStableFunc(segs, func(a, b segment) int { return a.index - b.index })
	segs = slices.CompactFunc(segs, func(a, b segment) bool { return a.index == b.index })
	sure = true
	charset, extended := "", false
	var octets []byte
	for i, s := range segs {
		sure = sure && (s.index == i || s.index == segs[0].index+i && segs[0].index == 1)
		v := s.value
		if !s.percent {
			octets = append(octets, v...)
			continue
		}
		if !extended && i == 0 {
			switch p := strings.SplitN(v, "'", 3); {
			case len(p) == 3:
				charset, v = p[0], p[2]
			case len(segs) == 1 && strings.Contains(v, "=?"): // an encoded-word in the wrong place
				return decodeText(v)
			default:
				sure = false
			}
		}
		extended = true
		octets = appendPercent(octets, v)
	}
	if !extended { // encoded-words cut in pieces, or nothing special
		text, ok := decodeText(string(octets))
		return text, sure && ok
	}
	if charset == "" {
		charset = "us-ascii"
	}
	text, ok := decodeOctets(string(octets), charset)
	return text, sure && ok
}

// appendPercent decodes percent-encoding; bad escapes stay as they are.
func appendPercent(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		} else {
			dst = append(dst, s[i])
		}
	}
	return dst
}

// rawParam is the first plain value of a parameter, undecoded.
func rawParam(list [][2]string, name string) string {
	for _, kv := range list {
		if strings.EqualFold(trim(kv[0]), name) {
			return kv[1]
		}
	}
	return ""
}

// keyword reads a value of one token, a disposition or an encoding, in lower
// case. Mailers encode it (RFC 2047), quote it, and write comments, parameters
// or a full stop behind it.
func keyword(s string) string {
	if strings.Contains(s, "=?") {
		s, _ = decodeText(s)
	}
	s, _, _ = strings.Cut(s, ";")
	s, _, _ = strings.Cut(s, "(")
	return strings.Trim(lower(trim(s)), "\"'. ")
}

// lower is a keyword from the wire in lower case and valid UTF-8.
func lower(s string) string {
	return strings.ToValidUTF8(strings.ToLower(s), "\ufffd")
}

// ParseParams reads the value of a Content-Type or Content-Disposition field
// (RFC 2045 section 5.1): what stands before the first semicolon, and the
// parameters as they are. The field may be one encoded-word, and the semicolon
// behind the value may be missing. Values may be unquoted though they hold
// blanks or separators, quotes may be doubled and need not be closed, and a
// backslash stays unless it escapes a quote or itself, because Windows paths
// are sent unescaped.
func ParseParams(s string) (value string, list [][2]string) {
	if strings.HasPrefix(s, "=?") {
		s, _ = decodeText(s)
	}
	value, s, _ = strings.Cut(s, ";")
	if i := strings.IndexByte(value, '('); i >= 0 {
		value = value[:i]
	} else if i := missingSemicolon(value); i > 0 {
		value, s = value[:i], value[i:]+";"+s
	}
	for s != "" && len(list) < MaxParams {
		var key, v string
		end := strings.IndexAny(s, "=;")
		if end < 0 {
			break
		}
		key, s = trim(s[:end]), s[end:]
		if s[0] == ';' {
			s = s[1:]
			continue
		}
		v, s = paramValue(trim(s[1:]), key)
		if key != "" {
			list = append(list, [2]string{key, v})
		}
	}
	return trim(value), list
}

// missingSemicolon returns the offset of the first parameter in what stands
// before the first semicolon, 0 for none.
func missingSemicolon(s string) int {
	equals := strings.IndexByte(s, '=')
	if equals < 0 {
		return 0
	}
	name := strings.TrimRight(s[:equals], " \t\r\n")
	return strings.LastIndexAny(name, " \t\r\n") + 1
}

// Boundary returns the boundary parameter of a multipart, in either form.
func Boundary(list [][2]string) string {
	p, _ := params(list)
	return p["boundary"]
}

// paramValue takes one value and what separates it from the next parameter.
func paramValue(s, key string) (value, rest string) {
	for len(s) > 2 && s[:2] == `""` && s[2] != ';' && !isSpace(s[2]) {
		s = s[1:] // doubled quotes
	}
	if s != "" && s[0] == '"' {
		var b strings.Builder
		for i := 1; i < len(s); i++ {
			switch {
			case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
				i++
				b.WriteByte(s[i])
			case s[i] == '"':
				_, rest, _ = strings.Cut(s[i+1:], ";")
				return b.String(), rest
			default:
				b.WriteByte(s[i])
			}
		}
		// Not closed: up to the next semicolon.
		s = s[1:]
	}
	value, rest, _ = strings.Cut(s, ";")
	if base := strings.ToLower(key); !strings.HasPrefix(base, "name") && !strings.HasPrefix(base, "filename") {
		value, _, _ = strings.Cut(value, " (") // a comment
	}
	return trim(value), rest
}
