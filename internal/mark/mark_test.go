package mark

import (
	"reflect"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

func TestString(t *testing.T) {
	token := Token{"0a1b2c3d4e5f", []Box{{"INBOX", "7", 42, 1001}, {"Projekte/Größe XL", "8", 1, 0}, {"a,b=c:d%e$(f)", "1", 4294967295, 1 << 62}, {"Old", "1528896777421123456789", 4, 0}, {"None", "", 4, 0}}}
	const want = "ikm1:0a1b2c3d4e5f:INBOX=7.42.1001,Projekte/Gr%C3%B6%C3%9Fe%20XL=8.1.0,a%2Cb%3Dc%3Ad%25e%24%28f%29=1.4294967295.4611686018427387904,Old=1528896777421123456789.4.0,None=0.4.0"
	got := token.String()
	if got != want {
		t.Errorf("%s", got)
	}
	if i := strings.IndexFunc(got, func(r rune) bool { return !strings.ContainsRune(plain+":,=.%", r) }); i >= 0 {
		t.Errorf("%q needs quoting", got[i:])
	}
	if back, err := Parse(got); err != nil || !reflect.DeepEqual(back, token) {
		t.Errorf("%+v, %v", back, err)
	}
	if b, ok := token.Box("inbox"); !ok || b.Next != 42 {
		t.Errorf("%+v", b)
	}
	if _, ok := token.Box("other"); ok {
		t.Error("other is there")
	}
}

func TestParseBad(t *testing.T) {
	for _, text := range []string{
		"", "x", "ikm1:", "ikm1::INBOX=1.1.0", "ikm1:ab:", "ikm1:ab:INBOX", "ikm1:ab:INBOX=1.1", "ikm1:ab:INBOX=1.0.0", "ikm1:ab:INBOX=1.01.0",
		"ikm1:ab:INBOX=1.1.0.0", "ikm1:ab:INBOX=1.4294967296.0", "ikm1:ab:INBOX=00.1.0", "ikm1:ab:INBOX=x.1.0", "ikm1:ab:INBOX=1.1.9223372036854775808", "ikm1:ab:INBOX=1.1.-1", "ikm1:ab:INBOX=1.1.0,INBOX=1.1.0", "ikm1:ab:INBOX=1.1.0,",
		"ikm1:ab:a b=1.1.0", "ikm1:ab:a%zz=1.1.0", "ikm1:ab:a%2=1.1.0", "ikm1:ab:=1.1.0", "ikm1:xyz:INBOX=1.1.0", "ikm2:ab:INBOX=1.1.0", "ikm1:ab:INBOX=1.1.0\n",
	} {
		if token, err := Parse(text); fault.KindOf(err) != fault.Usage || len(fault.Hints(err)) == 0 {
			t.Errorf("%q: %+v, %v", text, token, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ikm1:0a1b2c3d4e5f:INBOX=7.42.1001,Projekte/Gr%C3%B6%C3%9Fe%20XL=8.1.0")
	f.Add("ikm1:ab:%2525=1.1.0")
	f.Add("ikm1:ab:INBOX=1528896777421123456789.4.0")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(token.String()); err != nil || !reflect.DeepEqual(again, token) {
			t.Errorf("%q: %+v, %v", text, again, err)
		}
	})
}
