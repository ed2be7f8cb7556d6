package extract

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textLink is an address in plain text, with where it stands there, and what
// stands around it where that is an angle bracket.
type textLink struct {
	address  string
	from, to int
}

// textLinks calls see for each address in a text.
func textLinks(text string, see func(textLink)) {
	for i := 0; i < len(text); {
		next := strings.IndexAny(text[i:], "hH")
		if next < 0 {
			return
		}
		i += next
		if !hasURL(text[i:]) || i > 0 && isAlnum(rune(text[i-1])) {
			i++
			continue
		}
		l := textLink{from: i, to: i + urlLen(text[i:])}
		l.address = trimURL(text[i:l.to], i > 0 && text[i-1] == '_')
		if i > 0 && text[i-1] == '<' {
			if address, n := bracketed(text[i:]); n > 0 {
				l.address, l.to = address, i+n
			}
		}
		see(l)
		i = l.to
	}
}

func hasURL(text string) bool {
	return hasPrefixFold(text, "https://") || hasPrefixFold(text, "http://")
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// urlLen is how many octets of a text can be an address (RFC 3986, and letters
// of RFC 3987). Letters of scripts without blanks are taken for text that goes
// on behind it.
func urlLen(text string) int {
	first, _ := utf8.DecodeRuneInString(text[min(strings.Index(text, "//")+2, len(text)):])
	host := unspaced(first) // a host that begins with such a letter goes on to its end
	for i, r := range text {
		host = host && (r != '/' || i < len("https://"))
		switch {
		case host && unspaced(r):
		case isAlnum(r), r < utf8.RuneSelf && strings.IndexByte("-._~:/?#[]@!$&'()*+,;=%", byte(r)) >= 0:
		case r > utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsMark(r)) && !unspaced(r):
		default:
			return i
		}
	}
	return len(text)
}

// maxBracketed bounds an address in angle brackets, in octets.
const maxBracketed = 8 << 10

// bracketed returns the address that ends at the next ">", on this line or on a
// later one: mailers break long lines there, too (RFC 3986, appendix C). It
// returns 0 where there is none.
func bracketed(text string) (address string, n int) {
	text = text[:min(len(text), maxBracketed)]
	for n < len(text) && (text[n] != '>' || text[n-1] == '\n') { // "\n>" is the mark of a quote
		if text[n] == '<' || text[n] == '"' {
			return "", 0
		}
		n++
	}
	if n == len(text) {
		return "", 0
	}
	var out strings.Builder
	for line := range strings.SplitSeq(text[:n], "\n") {
		line = strings.TrimSpace(strings.TrimLeft(line, "> "))
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return "", 0
		}
		out.WriteString(line)
	}
	return out.String(), n
}

// trimURL takes off what ends the sentence, not the address.
func trimURL(address string, underlined bool) string {
	round := strings.Count(address, ")") - strings.Count(address, "(")
	square := strings.Count(address, "]") - strings.Count(address, "[")
	for len(address) > 0 {
		switch last := address[len(address)-1]; {
		case strings.IndexByte(".,;:!?'*", last) >= 0, last == '_' && underlined, last == '(' || last == '[':
		case last == ')' && round > 0:
			round--
		case last == ']' && square > 0:
			square--
		default:
			return address
		}
		address = address[:len(address)-1]
	}
	return address
}

// parse reads an address of the web. A "%" that begins no octet is taken as it
// stands, as browsers do.
func parse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		u, err = url.Parse(escapePercent(address))
	}
	scheme := ""
	if err == nil {
		scheme = strings.ToLower(u.Scheme)
	}
	if err != nil || u.Host == "" || scheme != "http" && scheme != "https" {
		return nil
	}
	return u
}

func escapePercent(address string) string {
	hex := func(c byte) bool { return isAlnum(rune(c)) && c|0x20 <= 'f' }
	var out strings.Builder
	for i := range len(address) {
		out.WriteByte(address[i])
		if address[i] == '%' && (i+2 >= len(address) || !hex(address[i+1]) || !hex(address[i+2])) {
			out.WriteString("25")
		}
	}
	return out.String()
}
