package cmds

import (
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// What is typed ends with Enter or Ctrl-D, can be mended, and is given up with
// Ctrl-C.
func TestTyped(t *testing.T) {
	for keys, want := range map[string]string{
		"secret\rmore":             "secret",
		"secret\n":                 "secret",
		"\r":                       "",
		"\x04":                     "",
		"\x00":                     "",
		"half\x04x":                "half",
		"ends":                     "ends",
		"wrong\x15right\r":         "right",
		"abc\x7f\x08d\r":           "ad",
		"\x7f\x7fa\r":              "a",
		"w\u00f6\x7fo\r":           "wo",
		" sp ace \t\r":             " sp ace \t",
		strings.Repeat("x", 99):    strings.Repeat("x", 99),
		"p\x1b[A\xff\r":            "p\x1b[A\xff",
		"caf\u00e9\x7f\x7fe\r\x03": "cae",
	} {
		if got, err := typed(strings.NewReader(keys)); got != want || err != nil {
			t.Errorf("%q: %q, %v", keys, got, err)
		}
	}
	for keys, kind := range map[string]fault.Kind{"sec\x03\r": fault.Interrupted, strings.Repeat("x", 1<<17): fault.Auth} {
		if got, err := typed(strings.NewReader(keys)); got != "" || fault.KindOf(err) != kind {
			t.Errorf("%.10q: %q, %v", keys, got, err)
		}
	}
}
