package message

import (
	"fmt"
	"strings"
	"testing"
)

func TestHTMLLinks(t *testing.T) {
	long := "https://example.org/" + strings.Repeat("a", 3000)
	for in, want := range map[string]string{
		`<p>To go on, <a href="https://example.org/1?a=b&amp;c=d">click <b>here</b></a>.</p>`: `"To go on, click here.\n" https://example.org/1?a=b&c=d "click here"`,
		`<div style="display:none"><a href="https://example.org/1">a</a></div>b`:              `"b\n"`,
		`<a href="` + long + `">a</a>`:                                     `"a\n" ` + long + ` "a"`,
		`<map><area href="https://example.org/1" alt="Go">`:                `"Go\n" https://example.org/1 "Go"`,
		`<a href="https://example.org/1">a<a href="https://e.org/2">b</a>`: `"ab\n" https://example.org/1 "a" https://e.org/2 "b"`,
	} {
		var text, links strings.Builder
		err := HTMLLinks(&text, strings.NewReader(in), func(l HTMLLink) { fmt.Fprintf(&links, " %s %q", l.URL, l.Text) })
		if got := fmt.Sprintf("%q", text.String()) + links.String(); err != nil || got != want {
			t.Errorf("%.80s: %.200s, want %.200s, %v", in, got, want, err)
		}
	}
}
