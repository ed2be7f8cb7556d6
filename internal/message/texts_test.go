package message

import (
	"strings"
	"testing"
)

func TestTexts(t *testing.T) {
	mail := strings.ReplaceAll(`Subject: =?utf-8?Q?Bl=C3=A5b=C3=A6r?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

R=F8d grø=
d
--b
Content-Type: text/html

<p>Your <b>co</b>de</p>
--b
Content-Type: message/rfc822

Subject: inner

deep
--b
Content-Type: application/octet-stream

not text
--b--
`, "\n", "\r\n")
	header, texts, err := Texts(strings.NewReader(mail), 1<<20)
	if fields, _ := Headers(header); err != nil || len(fields) != 3 || fields[0].Value != "Blåbær" {
		t.Fatalf("got %v, %v", fields, err)
	}
	all := strings.Join(texts, "|")
	for _, want := range []string{"Rød ", "<b>co</b>de", "Your code", "deep"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in %q", want, all)
		}
	}
	if strings.Contains(all, "not text") {
		t.Errorf("got %q", all)
	}
	_, texts, err = Texts(strings.NewReader(mail), 5)
	if all := strings.Join(texts, ""); err != nil || len(all) > 5 {
		t.Errorf("cut: %q, %v", all, err)
	}
}
