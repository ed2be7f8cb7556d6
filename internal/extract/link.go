package extract

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/message"
)

// link is one of a mail, with what it says and what stands before it.
type link struct {
	address, says, before string
}

// Links lists the links that a mail is about: those that re matches, or, where
// re is nil, the likeliest, several where the mail does not say which. Addresses
// of images are no links, nor is what a mail hides.
//
// What a link says, what stands before it, and the segments of its own path
// count; hosts and queries do not.
func Links(ctx context.Context, m Mail, re *regexp.Regexp) ([]string, error) {
	var out values
	only, several := "", false
	var stopped error
	n := 0
	see := func(l link) {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			stopped = context.Cause(ctx)
		}
		address := strings.TrimSpace(l.address)
		if stopped != nil {
			return
		}
		u := parse(address)
		switch {
		case u == nil:
		case re != nil:
			if re.MatchString(address) {
				out.add(address, 0)
			}
		default:
			score := rate(u, l)
			if score > 0 {
				out.add(address, score)
			}
			if score > outside && only != address {
				several = several || only != ""
				only = address
			}
		}
	}
	m.links(see)
	if stopped != nil {
		return nil, stopped
	}
	if len(out.list) == 0 && re == nil && only != "" && !several {
		return []string{only}, nil
	}
	return out.list, nil
}

// links calls see for each link of the HTML and of the plain text.
func (m Mail) links(see func(link)) {
	shown := ""
	if m.HTML != "" {
		var anchors []message.HTMLLink
		text := message.TextBuffer{Max: maxHTML}
		// An error leaves what could be read.
		_ = message.HTMLLinks(&text, strings.NewReader(m.HTML), func(l message.HTMLLink) {
			if len(anchors) < maxAnchors {
				anchors = append(anchors, l)
			}
		})
		shown = text.String()
		linksOf(shown, anchors, see)
	}
	if m.Text == "" {
		return
	}
	if m.HTML != "" {
		if text, _ := message.HTMLToText(strings.NewReader(m.HTML), maxHTML); text == m.Text {
			return // the HTML once more
		}
	}
	linksOf(m.Text, nil, see)
}

// maxAnchors bounds the links of an HTML text that are looked at.
const maxAnchors = 100_000

// linksOf calls see for the anchors of a text and for the addresses in it that
// stand outside of them.
func linksOf(text string, anchors []message.HTMLLink, see func(link)) {
	end := 0 // of the last one
	next := func(l link, from, to int) {
		l.before = between(text, min(end, from), from)
		see(l)
		end = max(end, to)
	}
	pass := func(upTo int) {
		for len(anchors) > 0 && anchors[0].From <= upTo {
			a := anchors[0]
			anchors = anchors[1:]
			next(link{address: a.URL, says: a.Text}, min(a.From, len(text)), min(a.To, len(text)))
		}
	}
	textLinks(text, func(t textLink) {
		pass(t.from)
		if t.from >= end {
			next(link{address: t.address}, t.from, t.to)
		}
	})
	pass(len(text))
}

// between is what stands before a link: in its line, or in the last line above
// that says something, but not before the link before it.
func between(text string, from, to int) string {
	const most = 400
	before := text[max(from, to-most):to]
	for strings.Trim(before, "\n \t<>[](){}*-_`•【（「") != "" {
		at := strings.LastIndexByte(strings.TrimRight(before, "\n \t<>[](){}*-_`"), '\n')
		line := before[at+1:]
		if strings.ContainsFunc(line, unicode.IsLetter) {
			return line
		}
		before = before[:max(at, 0)]
	}
	return ""
}

// What speaks for a link, and against it. A link without a word about it has
// base.
const (
	base    = 2
	outside = -50 // unsubscribe and the like are never meant
)

var (
	says  = map[class]int{strong: 12, signs: 8, opens: 2, side: -6, leaves: 2 * outside}
	leads = map[class]int{strong: 3, signs: 1, side: -4, leaves: 2 * outside}
)

// rate says how likely it is that a mail is about a link.
func rate(u *url.URL, l link) int {
	score := base
	about := wordsIn(l.says)
	if about == 0 {
		before := strings.TrimRight(l.before, " \t\n:<([{*_`")
		if about = wordsIn(lastSentence(before)); about == 0 {
			about = wordsIn(before)
		}
		if about != 0 && about <= signs {
			score-- // its own words are worth more
		}
	}
	score += says[about]
	path := class(0) // of the last segment that says something
	for segment := range strings.SplitSeq(u.Path, "/") {
		if c := wordsIn(segment); c != 0 && c != opens {
			path = c
		}
	}
	if path <= signs || about == 0 || about > signs {
		score += leads[path]
	}
	if strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" {
		score-- // a home page
	}
	for host := strings.ToLower(u.Hostname()); ; {
		if elsewhere[host] {
			score -= 6
		}
		_, rest, ok := strings.Cut(host, ".")
		if !ok {
			return score
		}
		host = rest
	}
}

// lastSentence is what follows the last sign that ends one.
func lastSentence(text string) string {
	return text[strings.LastIndexAny(text, ".!?。！？")+1:]
}

// wordsIn is the class of the words of a text: what leads out counts before
// what acts, and that before what leads aside.
func wordsIn(text string) class {
	const most = 2 << 10
	found := class(0)
	take := func(c class) {
		if c != 0 && found != leaves && (c == leaves || found == 0 || c < found) {
			found = c
		}
	}
	text = normalise(text[:min(len(text), most)])
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case unspaced(r):
			if found, c := linkWords().at(text[i:]); c != 0 {
				take(c)
				n = found
			}
		case unicode.IsLetter(r):
			s := scanner{text: text}
			n = s.letters(i)
			take(linkWords().of(text[i : i+n]))
		}
		i += n
	}
	return found
}
