package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths that a one-time code can have where none is asked for.
const (
	shortest = 4
	longest  = 10
)

// gap is what may stand between the groups of one code: a hyphen of some kind
// or a blank.
const gap = `[- \x{a0}\x{2010}\x{2011}\x{2013}]`

// run is words with gaps, and groups are digits in groups of the same length.
var (
	run    = lazy(`[0-9A-Za-z]+(?:` + gap + `{1,2}[0-9A-Za-z]+)*`)
	word   = lazy(`[0-9A-Za-z]+`)
	groups = lazy(strings.ReplaceAll(`^(?:\d{3}G\d{3}|\d{4}G\d{4}|\d{2}G\d{2}G\d{2}|\d{3}G\d{3}G\d{3}|\d(?:G{1,2}\d){3,7})$`, "G", gap))
)

// about are words that a code stands beside, in the languages that mail comes
// in. They are looked for in lower case.
var about = lazy(`code|\benter\b|eingeben|saisi|introdu[zc]|inserisc|введите|输入|入力|otp|passcode|password|\bpin\b|token|verif|einmal|bestätigung|kennwort|\btan\b|código|codigo|clave|contraseña|vérification|confirmation|codice|код|пароль|kod\b|wachtwoord|kode\b|koden\b|koodi|验证码|驗證碼|認証|コード|인증|번호`)

// other are words that numbers of another kind stand behind, with one word more
// between at most. A word about codes that is nearer wins.
var other = lazy(`(?:\b(?:order|invoice|ticket|reference|ref|tracking|phone|tel|call|fax|hotline|since|room|build|suite|box|iban|port|version|ending in|account (?:number|no))|rechnung|bestell\w*|auftrag\w*|kundennummer|kontonummer|sendung\w*|telefon|seit|zimmer|commande|facture|pedido|factura|заказ|тел|©|\(c\))(?:\W+\w+)?\W*$`)

// OTP lists the one-time codes that a mail may be about, the likeliest: several
// where the mail does not tell which of them it is. length is how many letters
// and digits the code has; 0 is any number from 4 to 10. Blanks and hyphens
// between groups are left out.
func OTP(m Mail, length int) []string {
	var all []scored
	for i, text := range append([]string{m.Subject}, m.texts()...) {
		lines := strings.Split(text, "\n")
		for n := range lines {
			all = append(all, codes(lines, n, length, i == 0)...)
		}
	}
	// What is told twice, as in subject and text, is likelier.
	sum := map[string]int{}
	for _, c := range all {
		if c.score > 0 {
			sum[c.value]++
		}
	}
	for i := range all {
		if sum[all[i].value] > 1 && all[i].score > 0 {
			all[i].score++
		}
	}
	return best(all)
}

// codes are the candidates in a line.
func codes(lines []string, n, length int, subject bool) []scored {
	line := urls().ReplaceAllStringFunc(lines[n], func(u string) string { return strings.Repeat("/", len(u)) })
	line = emails().ReplaceAllStringFunc(line, func(a string) string { return strings.Repeat("@", len(a)) })
	alone := strings.Trim(line, " \t\r\u00a0*_>|-–—=:.。")
	var out []scored
	for _, at := range run().FindAllStringIndex(line, -1) {
		for _, piece := range pieces(line[at[0]:at[1]]) {
			from, to := at[0]+piece[0], at[0]+piece[1]
			text := line[from:to]
			value := squeeze(text)
			if !fits(value, length) || partOf(line, from, to) {
				continue
			}
			score := -1 // a number alone is no code
			before, behind := strings.ToLower(tail(line[:from], 160)), strings.ToLower(head(line[to:], 40))
			switch {
			case about().MatchString(before):
				score += 4
			case about().MatchString(behind):
				score += 3
			case above(lines, n):
				score += 3
			}
			if alone == text {
				score += 3
			}
			if strings.HasSuffix(strings.TrimRight(before, blanks), ":") {
				score += 2
			}
			if at := other().FindStringIndex(before); at != nil && alone != text && !about().MatchString(before[at[0]:]) {
				score -= 6
			}
			switch {
			case length != 0:
				score += 3
			case isYear(value):
				score -= 4
			case len(value) == 6 && digits(value):
				score++
			case !digits(value):
				score--
			}
			if subject {
				score++
			}
			out = append(out, scored{value, score})
		}
	}
	return out
}

// pieces takes a run of words apart: groups of one code stay together, other
// words stand alone.
func pieces(run string) [][2]int {
	var out [][2]int
	words := word().FindAllStringIndex(run, -1)
	for i := 0; i < len(words); {
		took := 1
		for n := min(8, len(words)-i); n > 1; n-- { // the longest that is in groups
			if text := run[words[i][0]:words[i+n-1][1]]; groups().MatchString(text) || grouped(text) {
				took = n
				break
			}
		}
		out = append(out, [2]int{words[i][0], words[i+took-1][1]})
		i += took
	}
	return out
}

// grouped reports whether a text is a code in groups of letters and digits,
// such as AB12-CD34 or G-482913.
func grouped(text string) bool {
	first, second, ok := strings.Cut(text, "-")
	if !ok || word().FindString(second) != second {
		return false
	}
	if len(first) == 1 && first[0] >= 'A' && first[0] <= 'Z' && digits(second) {
		return true
	}
	upper := func(s string) bool { return s == strings.ToUpper(s) }
	return len(first) == len(second) && len(first) >= 3 && upper(text) && strings.ContainsAny(text, "0123456789")
}

// squeeze leaves out what stands between groups.
func squeeze(text string) string {
	if first, second, ok := strings.Cut(text, "-"); ok && len(first) == 1 && digits(second) && !digits(first) {
		return second // G-482913: what is typed is the number
	}
	return strings.Join(word().FindAllString(text, -1), "")
}

// fits reports whether a word can be a code.
func fits(value string, length int) bool {
	n := len(value)
	switch {
	case length != 0 && n != length, length == 0 && (n < shortest || n > longest):
		return false
	case digits(value):
		return true
	}
	// Letters and digits in one word, all in capitals: no word of a language.
	return strings.ContainsAny(value, "0123456789") && value == strings.ToUpper(value)
}

// partOf reports whether a number is a piece of something longer: a date, a
// time, an amount, a telephone number, a word.
func partOf(line string, from, to int) bool {
	before, size := utf8.DecodeLastRuneInString(line[:from])
	earlier, _ := utf8.DecodeLastRuneInString(line[:from-size])
	behind, size := utf8.DecodeRuneInString(line[to:])
	next, _ := utf8.DecodeRuneInString(line[to+size:])
	switch {
	case from > 0 && strings.ContainsRune("+#$€£¥&@/\\_=%", before), to < len(line) && strings.ContainsRune("/@_%$€£¥=", behind):
		return true
	case strings.ContainsRune(".,:-", before) && unicode.IsDigit(earlier), strings.ContainsRune(".,:-", behind) && unicode.IsDigit(next):
		return true
	case latin(before), latin(behind):
		return true
	case strings.ContainsRune(blanks, before) && (unicode.IsDigit(earlier) || earlier == ')'), strings.ContainsRune(blanks, behind) && unicode.IsDigit(next):
		return true // groups of a telephone number
	}
	return currency().MatchString(strings.ToLower(head(line[to:], 6))) || currency().MatchString(strings.ToLower(tail(line[:from], 5)))
}

const blanks = " \u00a0"

// latin reports whether r is a letter of those that codes are made of: what is
// written without blanks, as Chinese, stands beside a code all the same.
func latin(r rune) bool { return unicode.IsLetter(r) && r < 0x250 }

var currency = lazy(`^\s?(eur|usd|gbp|chf|kr|zł|руб)\b|\b(eur|usd|gbp|chf)\s?$`)

var emails = lazy(`[^\s<>()@"]+@[^\s<>()@"]+`)

// above reports whether one of the lines above that says something, at most
// three, is about a code.
func above(lines []string, n int) bool {
	left := 3
	for i := n - 1; i >= 0 && left > 0; i-- {
		text := strings.ToLower(strings.TrimSpace(lines[i]))
		if text == "" {
			continue
		}
		left--
		if about().MatchString(text) {
			return true
		}
	}
	return false
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isYear reports whether a number may be a year of our time.
func isYear(s string) bool {
	return len(s) == 4 && (strings.HasPrefix(s, "19") || strings.HasPrefix(s, "20"))
}

// tail and head are at most n octets of a text's end and beginning, not cut
// within a character.
func tail(s string, n int) string {
	if len(s) > n {
		s = s[len(s)-n:]
		for len(s) > 0 && !utf8.RuneStart(s[0]) {
			s = s[1:]
		}
	}
	return s
}

func head(s string, n int) string {
	if len(s) > n {
		s = s[:n]
		for len(s) > 0 && !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}
