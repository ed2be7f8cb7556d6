package imaptest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// unescape replaces \r \n \t \0 \\ and \xHH.
func unescape(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", fmt.Errorf("a backslash at the end of %q", s)
		}
		switch s[i] {
		case 'r':
			out.WriteByte('\r')
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case '0':
			out.WriteByte(0)
		case '\\':
			out.WriteByte('\\')
		case 'x':
			if i+2 >= len(s) {
				return "", fmt.Errorf("short \\x in %q", s)
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("bad \\x in %q", s)
			}
			out.WriteByte(byte(n))
			i += 2
		default:
			return "", fmt.Errorf("unknown escape \\%c in %q", s[i], s)
		}
	}
	return out.String(), nil
}

// inlineLiterals turns every {{text}} into a literal with its announcement.
func inlineLiterals(s string) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{{")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		body, after, ok := strings.Cut(rest, "}}")
		if !ok {
			return "", fmt.Errorf("{{ without }} in %q", s)
		}
		body, eight := strings.CutPrefix(body, "~")
		text, err := unescape(body)
		if err != nil {
			return "", err
		}
		if eight {
			out.WriteByte('~')
		}
		fmt.Fprintf(&out, "{%d}\r\n%s", len(text), text)
		s = after
	}
}

func unhex(s string) (string, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	return string(b), err
}

// expand replaces $name for the names in vars; any other $ stays.
func expand(s string, vars map[string]string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '$' {
			end := i + 1
			for end < len(s) && isWord(s[end]) {
				end++
			}
			if v, ok := vars[s[i+1:end]]; ok {
				out.WriteString(v)
				i = end - 1
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
