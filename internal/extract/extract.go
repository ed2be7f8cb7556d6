// Package extract finds the one value in a mail that a script is after: a
// one-time code, a link, what a regular expression matches. It reads decoded
// text, fetches nothing, and follows no link.
package extract

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/imapknife/imapknife/internal/message"
)

// Mail is what is known of a message, decoded.
type Mail struct {
	Subject string
	Text    string // what a person reads: the plain text, or that of the HTML
	HTML    string // empty where there is none
}

// maxHTML is how much text is made of HTML, in octets.
const maxHTML = 4 << 20

// texts are what a person may read: the plain text, and that of the HTML, which
// may say more.
func (m Mail) texts() []string {
	var out []string
	if m.Text != "" {
		out = append(out, m.Text)
	}
	if m.HTML != "" {
		if text, err := message.HTMLToText(strings.NewReader(m.HTML), maxHTML); err == nil && text != m.Text {
			out = append(out, text)
		}
	}
	return out
}

// Regex lists what re matches in the subject and the text: its first group, or
// all of it where there is none. Each value once, in the order of the mail; an
// empty one is none.
func Regex(m Mail, re *regexp.Regexp) []string {
	var out []string
	for _, text := range append([]string{m.Subject}, m.texts()...) {
		for _, found := range re.FindAllStringSubmatch(text, -1) {
			value := found[0]
			if len(found) > 1 {
				value = found[1]
			}
			if value != "" && !slices.Contains(out, value) {
				out = append(out, value)
			}
		}
	}
	return out
}

// lazy compiles an expression when it is first needed: most commands extract
// nothing, and should not take longer to start for it.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// scored is a candidate with what speaks for it.
type scored struct {
	value string
	score int
}

// best are the values with the highest score that is above zero, each once.
func best(all []scored) []string {
	top := 0
	for _, c := range all {
		top = max(top, c.score)
	}
	var out []string
	for _, c := range all {
		if c.score == top && top > 0 && !slices.Contains(out, c.value) {
			out = append(out, c.value)
		}
	}
	return out
}
