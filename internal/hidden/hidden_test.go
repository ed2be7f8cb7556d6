package hidden

import (
	"fmt"
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	var s Set
	s.Add("correct horse", "hunter2", `q"\u/ote&d`, "prefix-secret", "prefix-secret-longer", "", "word", "12345", "ab1")
	s.AddWithin(":", "PW", "@")
	for in, want := range map[string]string{
		"wrong password correct horse":        "wrong password <hidden>",
		"hunter2hunter2":                      "<hidden><hidden>",
		`said "q\"\\u/ote&d"`:                 `said "<hidden>"`,
		"q=q%22%5Cu%2Fote%26d":                "q=<hidden>",
		"prefix-secret-longer, prefix-secret": "<hidden>, <hidden>",
		"correct+horse":                       "<hidden>",
		"a word, 12345 and ab1":               "a word, 12345 and ab1", // too short, or a word
		"u:PW@h, PW":                          "u:<hidden>@h, PW",
		"":                                    "",
	} {
		if got := s.Hide(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	var none *Set
	none.Add("correct horse")
	none.AddWithin(":", "x", "@")
	if got := none.Hide("correct horse"); got != "correct horse" {
		t.Error(got)
	}
}

// However secrets overlap, none is in what is printed, unless the mark holds it.
func FuzzHide(f *testing.F) {
	f.Add("secret-one", "one-secret", "secret-one-secret")
	f.Add("aaaaaaaa", "aaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, a, b, text string) {
		var s Set
		s.Add(a, b)
		got := s.Hide(text)
		for _, secret := range []string{a, b} {
			if worth(secret) && strings.Contains(got, secret) && !strings.ContainsAny(secret, Mark) {
				t.Errorf("%q", fmt.Sprint(a, b, text, got))
			}
		}
	})
}
