// Package extract finds the one value in a mail that a script is after: a
// one-time code, a link, what a regular expression matches. It reads decoded
// text, fetches nothing, and follows no link.
//
// Time grows linearly with the mail, and memory is bounded: a list of values
// ends at MaxValues. Each function stops when ctx is done, and returns its
// cause.
package extract

import (
	"context"
	"regexp"
	"strings"

	"github.com/imapknife/imapknife/internal/message"
)

// Mail is what is known of a message, decoded.
type Mail struct {
	Subject string
	Text    string // what a person reads: the plain text, or that of the HTML
	HTML    string // empty where there is none
}

const (
	// MaxValues is how many different values are listed at most.
	MaxValues = 1000
	maxHTML   = 4 << 20 // octets of text that are made of HTML
	maxFound  = 100_000 // matches of an expression in one text
)

// texts are what a person may read: the plain text, and that of the HTML, which
// may say more.
func (m Mail) texts() []string {
	var out []string
	if m.Text != "" {
		out = append(out, m.Text)
	}
	if m.HTML != "" {
		// An error leaves what could be read.
		if text, _ := message.HTMLToText(strings.NewReader(m.HTML), maxHTML); text != m.Text {
			out = append(out, text)
		}
	}
	return out
}

// Regex lists what re matches in the subject and the text: its first group, or
// all of it where there is none. Each value once, in the order of the mail; an
// empty one is none.
func Regex(ctx context.Context, m Mail, re *regexp.Regexp) ([]string, error) {
	var out values
	for _, text := range append([]string{m.Subject}, m.texts()...) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for _, at := range re.FindAllStringSubmatchIndex(text, maxFound) {
			from, to := at[0], at[1]
			if len(at) > 2 {
				from, to = at[2], at[3]
			}
			if from < to {
				out.add(text[from:to], 0)
			}
		}
	}
	return out.list, nil
}

// values collects the values of the highest score, each once.
type values struct {
	list  []string
	score int
	has   map[string]bool
}

func (v *values) add(value string, score int) {
	if len(v.list) == 0 || score > v.score {
		v.list, v.score, v.has = v.list[:0], score, map[string]bool{}
	}
	if score == v.score && len(v.list) < MaxValues && !v.has[value] {
		v.has[value] = true
		v.list = append(v.list, value)
	}
}
