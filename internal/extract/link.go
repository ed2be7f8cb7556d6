package extract

import (
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// urls are addresses in plain text.
var urls = lazy(`(?i)\bhttps?://[^\s<>"\x{201c}\x{201d}\x{00ab}\x{00bb}]+`)

// action are words of links that do what a mail is about, in what they say or
// where they lead.
var action = lazy(`confirm|verif|activat|reset|magic|sign.?in|log.?in|accept|join|invit|unlock|validate|token|bestätig|aktivier|zurücksetz|anmelden|annehm|confirmar|activar|restablecer|confirmer|activer|réinitialis|conferma|attiva|подтверд|активир|сброс|potwierd|bevestig|确认|验证|重置|確認|認証|인증|확인`)

// aside are words of links that every mail has.
var aside = lazy(`unsubscribe|abmeld|abbestell|désabonn|désinscri|darse de baja|отписа|opt.?out|preferences|settings|privacy|datenschutz|impressum|imprint|terms|agb\b|help|hilfe|support|contact|kontakt|faq|facebook|twitter|x\.com|linkedin|instagram|youtube|view.?in.?browser|browser|webversion|app.?store|play\.google|report|not.?you|wasn.?t.?you`)

// Links lists the links that a mail is about: those that re matches, or, where
// re is nil, the likeliest, several where the mail does not tell which.
// Addresses of images are no links.
func Links(m Mail, re *regexp.Regexp) []string {
	var all []scored
	add := func(address, says string) {
		address = strings.TrimSpace(address)
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return
		}
		if re != nil {
			if re.MatchString(address) {
				all = append(all, scored{address, 1})
			}
			return
		}
		says = strings.ToLower(says)
		where := strings.ToLower(address)
		score := 2
		switch {
		case action().MatchString(says):
			score += 3
		case action().MatchString(where):
			score += 2
		}
		if aside().MatchString(says) || aside().MatchString(where) && !action().MatchString(says) {
			score -= 4
		}
		if strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" {
			score-- // a home page
		}
		all = append(all, scored{address, score})
	}
	for _, l := range anchors(m.HTML) {
		add(l.address, l.says)
	}
	for _, l := range plainLinks(m.Text) {
		add(l.address, l.says)
	}
	return best(all)
}

type link struct{ address, says string }

// anchors are the links of an HTML text, with what they say.
func anchors(text string) []link {
	var out []link
	open := -1
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken:
			name, more := z.TagName()
			if string(name) != "a" && string(name) != "area" {
				continue
			}
			open = -1
			for more {
				var key, value []byte
				if key, value, more = z.TagAttr(); string(key) == "href" {
					open = len(out)
					out = append(out, link{address: string(value)})
				}
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "a" {
				open = -1
			}
		case html.TextToken:
			if open >= 0 {
				out[open].says += string(z.Text())
			}
		}
	}
}

// plainLinks are the addresses in plain text, with what stands before them: in
// their line, or above where they are alone.
func plainLinks(text string) []link {
	var out []link
	above := ""
	for line := range strings.SplitSeq(text, "\n") {
		end := 0
		for _, at := range urls().FindAllStringIndex(line, -1) {
			says := line[end:at[0]]
			if strings.Trim(says, " \t<>[](){}*-") == "" && end == 0 {
				says = above
			}
			out = append(out, link{trimURL(line[at[0]:at[1]]), says})
			end = at[1]
		}
		switch {
		case end > 0:
			above = "" // that was about the link in it
		case strings.TrimSpace(line) != "":
			above = line
		}
	}
	return out
}

// trimURL takes off what ends the sentence, not the address.
func trimURL(address string) string {
	for {
		last := address[len(address)-1]
		switch {
		case strings.IndexByte(".,;:!?'*", last) >= 0:
		case last == ')' && strings.Count(address, "(") < strings.Count(address, ")"):
		case last == ']' && strings.Count(address, "[") < strings.Count(address, "]"):
		default:
			return address
		}
		address = address[:len(address)-1]
	}
}
