package pin

import (
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestParse(t *testing.T) {
	const want = "sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	for _, in := range []string{
		want, strings.ToUpper(want),
		"sha256:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F",
		"sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "sha256:", want[:len(want)-2], want + "00", want[7:], "sha1:" + want[7:], "sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh==", "sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==", want + "\n"} {
		if _, err := Parse(in); fault.KindOf(err) != fault.Usage || len(fault.Hints(err)) == 0 {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("sha256:00:01")
	f.Add("sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	f.Fuzz(func(t *testing.T, text string) {
		pin, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(pin); again != pin || err != nil {
			t.Errorf("%q: %q, %v", pin, again, err)
		}
	})
}
