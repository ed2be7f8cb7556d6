// Package hidden takes the secrets that a process has met out of what it
// prints: whatever a server or a provider says, it is not repeated with a
// password or a token in it. It must not know where secrets come from.
package hidden

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Mark stands where a secret stood.
const Mark = "<hidden>"

const (
	// long is how many octets hide a secret whatever it is made of. A shorter
	// one is hidden from short on, if it has something besides letters: a
	// password that is a word would tear that word out of every message, and
	// show by that what it is.
	long  = 8
	short = 5
)

// Set holds secrets. The zero Set is empty, and a nil one hides nothing. It may
// be used by several goroutines.
type Set struct {
	mu    sync.Mutex
	pairs []string // what is replaced, and by what, the longest first
}

// Add has secrets hidden from now on, also as they stand between quotes, in JSON
// and in a form.
func (s *Set) Add(secrets ...string) {
	for _, secret := range secrets {
		if s != nil && worth(secret) {
			s.put(secret, Mark)
		}
	}
}

// AddWithin has a secret hidden where it stands between before and after, however
// short it is.
func (s *Set) AddWithin(before, secret, after string) {
	if s != nil && secret != "" {
		s.put(before+secret+after, before+Mark+after)
	}
}

// worth reports whether a secret can be hidden without spoiling messages.
func worth(secret string) bool {
	letter := func(r rune) bool { return unicode.IsLetter(r) }
	other := func(r rune) bool { return !unicode.IsLetter(r) }
	return len(secret) >= long || len(secret) >= short && strings.ContainsFunc(secret, letter) && strings.ContainsFunc(secret, other)
}

func (s *Set) put(text, mark string) {
	quoted := strconv.Quote(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range []string{text, quoted[1 : len(quoted)-1], url.QueryEscape(text)} {
		for i := 0; i < len(s.pairs); i += 2 {
			if s.pairs[i] == form {
				form = ""
			}
		}
		if form == "" {
			continue
		}
		at := 0
		for at < len(s.pairs) && cmp.Compare(len(s.pairs[at]), len(form)) >= 0 {
			at += 2
		}
		s.pairs = slices.Insert(s.pairs, at, form, mark)
	}
}

// Hide returns text without the secrets.
func (s *Set) Hide(text string) string {
	if s == nil {
		return text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(s.pairs); i += 2 {
		text = strings.ReplaceAll(text, s.pairs[i], s.pairs[i+1])
	}
	return text
}
