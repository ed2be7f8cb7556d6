package suggest

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"port", "from", "search", "select", "to"}
	for word, want := range map[string]string{
		"form": "from", "serch": "search", "seacrh": "search", "selct": "select", "search": "search",
		"xyz": "", "": "", "t": "", "tp": "", strings.Repeat("a", 100): "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
