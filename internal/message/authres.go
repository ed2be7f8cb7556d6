package message

import "strings"

// AuthResult is what a server found about one method of authentication, in
// lower case: dkim and pass.
type AuthResult struct{ Method, Result string }

// AuthResults reads the value of an Authentication-Results field (RFC 8601
// section 2.2): who says so, in lower case, and the results. Comments, reasons
// and properties are passed over; what cannot be read is left out.
func AuthResults(value string) (authserv string, results []AuthResult) {
	parts := clauses(value)
	if fields := strings.Fields(parts[0]); len(fields) > 0 {
		authserv = strings.ToLower(strings.Trim(fields[0], `"`))
	}
	for _, part := range parts[1:] {
		method, rest, ok := strings.Cut(part, "=")
		fields := strings.Fields(rest)
		method, _, _ = strings.Cut(strings.TrimSpace(method), "/") // its version
		method = strings.ToLower(strings.TrimSpace(method))
		if !ok || len(fields) == 0 || method == "" || strings.ContainsAny(method, " \t") {
			continue
		}
		results = append(results, AuthResult{method, strings.ToLower(fields[0])})
	}
	return authserv, results
}

// clauses splits at semicolons outside quotes and leaves out comments.
func clauses(s string) []string {
	var out []string
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && (quoted || depth > 0) && i+1 < len(s):
			i++
			if depth == 0 {
				b.WriteByte(s[i])
			}
			continue
		case depth == 0 && c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
			continue
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				b.WriteByte(' ')
			}
			continue
		case depth == 0 && c == ';':
			out = append(out, b.String())
			b.Reset()
			continue
		}
		if depth == 0 {
			b.WriteByte(c)
		}
	}
	return append(out, b.String())
}
