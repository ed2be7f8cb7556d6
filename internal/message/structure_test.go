package message

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/result"
)

func TestFileNames(t *testing.T) {
	tests := []struct {
		header, want string // the Content-Disposition field
		sure         bool
	}{
		{`attachment; filename=report.pdf`, "report.pdf", true},
		{`attachment; filename="annual report.pdf"`, "annual report.pdf", true},
		{`attachment; filename=annual report.pdf`, "annual report.pdf", true},
		{`attachment; filename=annual report (final).pdf; size=1`, "annual report (final).pdf", true},
		{`attachment; FileName = "x.pdf"`, "x.pdf", true},
		{`attachment; filename="a;b=c.pdf"`, "a;b=c.pdf", true},
		{`attachment; filename="C:\docs\x.pdf"`, `C:\docs\x.pdf`, true},
		{`attachment; filename="a \"b\" \\ c"`, `a "b" \ c`, true},
		{`attachment; filename="not closed.pdf; size=1`, "not closed.pdf", true},
		{`attachment; filename=`, "", true},
		{`attachment; filename`, "", true},
		{`attachment;;; ; filename=x`, "x", true},
		{`attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.pdf`, "Grüße.pdf", true},
		{`attachment; filename*=UTF-8'de'Gr%C3%BC%C3%9Fe%20x.pdf`, "Grüße x.pdf", true},
		{`attachment; filename*="utf-8''Gr%C3%BC%C3%9Fe.pdf"`, "Grüße.pdf", true},
		{`attachment; filename*=iso-8859-1''Gr%FC%DFe.pdf`, "Grüße.pdf", true},
		{`attachment; filename*=gb2312''%B1%A8%B8%E6.pdf`, "报告.pdf", true},
		{`attachment; filename*=cp949''%BE%C8%B3%E7.pdf`, "안녕.pdf", true},
		{`attachment; filename*=iso-2022-jp''%1B$B$3$s%1B(B.pdf`, "こん.pdf", true},
		{`attachment; filename*=''x%20y.pdf`, "x y.pdf", true},
		{`attachment; filename*=nonsense''Gr%FC%DFe.pdf`, "Grüße.pdf", false},
		{`attachment; filename*=Gr%C3%BC%C3%9Fe.pdf`, "Grüße.pdf", false},
		{`attachment; filename*=utf-8''50%25%ZZ%4`, "50%%ZZ%4", true},
		{`attachment; filename*0="a very "; filename*1="long name"; filename*2=".pdf"`, "a very long name.pdf", true},
		{`attachment; filename*2=".pdf"; filename*0="a very "; filename*1="long name"`, "a very long name.pdf", true},
		{`attachment; filename*1="a very "; filename*2="long name.pdf"`, "a very long name.pdf", true},
		{`attachment; filename*0=a; filename*2=c`, "ac", false},
		{`attachment; filename*0=a; filename*0=b; filename*1=c`, "ac", true},
		{`attachment; filename*0*=utf-8''Gr%C3; filename*1*=%BC%C3%9F; filename*2="e 100%.pdf"`, "Grüße 100%.pdf", true},
		{`attachment; filename*0*=iso-8859-1'de'Gr%FC; filename*1=" %41.pdf"`, "Grü %41.pdf", true},
		{`attachment; filename*00=x; filename*01=y`, "xy", true},
		{`attachment; filename*0="=?utf-8?B?R3LDvMOf"; filename*1="ZS5wZGY=?="`, "Grüße.pdf", true},
		{`attachment; filename=plain.pdf; filename*=utf-8''fancy%C3%A9.pdf`, "fancyé.pdf", true},
		{`attachment; filename*=utf-8''fancy%C3%A9.pdf; filename=plain.pdf`, "fancyé.pdf", true},
		{`attachment; filename=utf-8''fancy%C3%A9.pdf`, "fancyé.pdf", true},
		{`attachment; filename=""report.pdf""`, "report.pdf", true},
		{`attachment; filename*="=?UTF-8?B?R3LDvMOfZS5wZGY=?="`, "Grüße.pdf", true},
		{`attachment; filename==?UTF-8?Q?utf-8''=C3=9Cbersicht.csv?=`, "Übersicht.csv", false},
		{`attachment; filename="utf-8''Übersicht.csv"`, "Übersicht.csv", true},
		{`attachment; filename=iso-8859-1''Gr%FC%DFe.pdf`, "Grüße.pdf", true},
		{`attachment; filename="rock''n''roll.mp3"`, "rock''n''roll.mp3", true},
		{`attachment; filename=a.pdf; filename=b.pdf`, "a.pdf", true},
		{`attachment; filename="=?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?="`, "Grüße.pdf", true},
		{`attachment; filename==?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?=`, "Grüße.pdf", true},
		{`attachment; filename="=?iso-8859-1?Q?Gr=FC?= =?utf-8?Q?=C3=9Fe.pdf?="`, "Grüße.pdf", true},
		{"attachment; filename=\"Grüße.pdf\"", "Grüße.pdf", true},
		{"attachment; filename=Gr\xfc\xdfe x.pdf", "Grüße x.pdf", false},
		{`attachment; filename="../../etc/passwd"`, "../../etc/passwd", true},
		{`attachment; name="swapped.pdf"`, "swapped.pdf", true},
		{`attachment; filename*x=1; filename**=2; *=3`, "", true},
	}
	for _, tt := range tests {
		disposition, list := ParseParams(tt.header)
		s := &Structure{Disposition: disposition, DispositionParams: list}
		if got, sure := s.Name(); got != tt.want || sure != tt.sure {
			t.Errorf("%s: name %q, %v, want %q, %v", tt.header, got, sure, tt.want, tt.sure)
		}
		if disposition != "attachment" {
			t.Errorf("%s: disposition %q", tt.header, disposition)
		}
	}
	s := &Structure{Params: [][2]string{{"name", "=?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?="}}, DispositionParams: [][2]string{{"filename", "Gr\xfc?e.pdf"}}}
	if got, _ := s.Name(); got != "Grüße.pdf" {
		t.Errorf("a name that can be read beside one that cannot: %q", got)
	}
	s = &Structure{Params: [][2]string{{"NAME", "a.pdf"}}}
	if got, _ := s.Name(); got != "a.pdf" {
		t.Errorf("name parameter: %q", got)
	}
	s.DispositionParams = [][2]string{{"filename", "b.pdf"}}
	if got, _ := s.Name(); got != "b.pdf" {
		t.Errorf("both parameters: %q", got)
	}
}

func TestParseParams(t *testing.T) {
	tests := []struct{ in, value, list string }{
		{`text/plain`, "text/plain", ""},
		{`text/plain; charset=utf-8`, "text/plain", "charset=utf-8"},
		{`text/plain; charset=us-ascii (Plain text)`, "text/plain", "charset=us-ascii"},
		{`text/plain (really); charset="utf-8" (yes); format=flowed`, "text/plain", "charset=utf-8|format=flowed"},
		{` multipart/mixed ;boundary="=_(a;b)" `, "multipart/mixed", "boundary==_(a;b)"},
		{`text/plain charset=utf-8`, "text/plain", "charset=utf-8"},
		{"multipart/mixed \tboundary = \"a;b\"", "multipart/mixed", "boundary=a;b"},
		{`attachment filename="a b.pdf"; size=1`, "attachment", "filename=a b.pdf|size=1"},
		{`text / plain`, "text / plain", ""},
		{`=?utf-8?Q?text/html;_charset=3Dutf-8?=`, "text/html", "charset=utf-8"},
		{`a/b; name=""report.pdf""; x=""; y="" ; z="""q"""`, "a/b", "name=report.pdf|x=|y=|z=q"},
		{`; charset=utf-8`, "", "charset=utf-8"},
		{``, "", ""},
		{`a/b; =x; y=`, "a/b", "y="},
	}
	for _, tt := range tests {
		value, list := ParseParams(tt.in)
		var got []string
		for _, kv := range list {
			got = append(got, kv[0]+"="+kv[1])
		}
		if g := strings.Join(got, "|"); value != tt.value || g != tt.list {
			t.Errorf("%q: %q, %q", tt.in, value, g)
		}
	}
	if _, list := ParseParams("a/b;" + strings.Repeat("x=y;", MaxParams*2)); len(list) != MaxParams {
		t.Errorf("%d parameters", len(list))
	}
}

// leaf makes a part of "type/subtype; parameters | disposition; parameters | id".
func leaf(spec string) *Structure {
	f := append(strings.Split(spec, "|"), "", "")
	typ, list := ParseParams(f[0])
	a, b, _ := strings.Cut(typ, "/")
	s := &Structure{Type: a, Subtype: b, Params: list, Encoding: "7BIT", Size: 100, ID: trim(f[2])}
	s.Disposition, s.DispositionParams = ParseParams(f[1])
	return s
}

func multi(sub string, children ...*Structure) *Structure {
	return &Structure{Type: "MULTIPART", Subtype: sub, Children: children}
}

func related(typ string, children ...*Structure) *Structure {
	s := multi("related", children...)
	if typ != "" {
		s.Params = [][2]string{{"type", typ}}
	}
	return s
}

func rfc822(disposition string, inner *Structure) *Structure {
	s := leaf("MESSAGE/RFC822|" + disposition)
	s.Message = inner
	return s
}

func numbers(p *result.Part) string {
	out := p.Part + "=" + p.Type
	for i, c := range p.Parts {
		sep := " "
		if i == 0 {
			sep = " ("
		}
		out += sep + numbers(c)
	}
	if len(p.Parts) > 0 {
		out += ")"
	}
	return out
}

func TestPartNumbers(t *testing.T) {
	text, html := leaf("text/plain"), leaf("text/html")
	tests := []struct {
		s    *Structure
		want string
	}{
		{text, "1=text/plain"},
		{multi("mixed", text, html), "=multipart/mixed (1=text/plain 2=text/html)"},
		{multi("mixed", multi("alternative", text, html), leaf("image/png")),
			"=multipart/mixed (1=multipart/alternative (1.1=text/plain 1.2=text/html) 2=image/png)"},
		{rfc822("", text), "1=message/rfc822 (1.1=text/plain)"},
		{rfc822("", multi("mixed", text, html)), "1=message/rfc822 (=multipart/mixed (1.1=text/plain 1.2=text/html))"},
		// The example of RFC 9051 section 6.4.5.1.
		{multi("mixed", text, leaf("application/octet-stream"), rfc822("", multi("mixed", text, leaf("application/octet-stream"))),
			multi("mixed", leaf("image/gif"), rfc822("", multi("mixed", text, multi("alternative", text, leaf("text/richtext")))))),
			"=multipart/mixed (1=text/plain 2=application/octet-stream 3=message/rfc822 (=multipart/mixed (3.1=text/plain 3.2=application/octet-stream))" +
				" 4=multipart/mixed (4.1=image/gif 4.2=message/rfc822 (=multipart/mixed (4.2.1=text/plain 4.2.2=multipart/alternative (4.2.2.1=text/plain 4.2.2.2=text/richtext)))))"},
		{multi("mixed", rfc822("", rfc822("", text))), "=multipart/mixed (1=message/rfc822 (1.1=message/rfc822 (1.1.1=text/plain)))"},
		{&Structure{}, "1=text/plain"},
		{&Structure{Subtype: "PDF"}, "1=application/octet-stream"},
		{&Structure{Type: "application"}, "1=application/octet-stream"},
		{&Structure{Type: "TEXT"}, "1=text/plain"},
		{&Structure{Type: "multipart"}, "=multipart/mixed"},
		{&Structure{Children: []*Structure{text}}, "=multipart/mixed (1=text/plain)"},
	}
	for _, tt := range tests {
		p, warnings := tt.s.Part()
		if got := numbers(p); got != tt.want || len(warnings) > 0 {
			t.Errorf("got %s, %q\nwant %s", got, warnings, tt.want)
		}
	}
}

func TestPart(t *testing.T) {
	s := leaf("TEXT/PLAIN; charset=UTF-8; name==?utf-8?q?=C3=A9.txt?=|INLINE| <a@x>")
	s.Encoding, s.Lines, s.Description, s.MD5, s.Location = "Quoted-Printable", 3, "=?utf-8?q?=C3=A9?=", "abc==", "http://x/"
	s.Language = []string{"de", "en"}
	p, warnings := s.Part()
	got, _ := json.Marshal(p)
	want := `{"part":"1","type":"text/plain","params":{"charset":"UTF-8","name":"é.txt"},"name":"é.txt","disposition":"inline",` +
		`"encoding":"quoted-printable","size":100,"lines":3,"content_id":"\u003ca@x\u003e","description":"é","md5":"abc==","language":["de","en"],"location":"http://x/"}`
	if string(got) != want || len(warnings) > 0 {
		t.Errorf("got %s, %q", got, warnings)
	}
	s.Params = [][2]string{{"name", "caf\xe9"}}
	if p, warnings = s.Part(); p.Name != "café" || len(warnings) != 1 || !strings.Contains(warnings[0], `part "1"`) {
		t.Errorf("name %q, warnings %q", p.Name, warnings)
	}
}

func TestPartDepth(t *testing.T) {
	s := leaf("text/plain")
	for range 10_000 {
		s = rfc822("inline", multi("mixed", s))
	}
	p, warnings := s.Part()
	depth := 0
	for ; len(p.Parts) > 0; p = p.Parts[0] {
		depth++
	}
	if depth != MaxDepth || len(warnings) != 1 {
		t.Errorf("depth %d, warnings %q", depth, warnings)
	}
	TextParts(s)
	if n := len(Attachments(s)); n > MaxDepth {
		t.Errorf("%d attachments", n)
	}
}

func TestTooDeep(t *testing.T) {
	nested := func(levels int) *Structure {
		s := &Structure{Type: "text", Subtype: "plain"}
		for range levels {
			s = &Structure{Type: "multipart", Subtype: "mixed", Children: []*Structure{s}}
		}
		return s
	}
	if got := nested(MaxDepth).TooDeep(); got != "" {
		t.Error(got)
	}
	if text, _ := TextParts(nested(MaxDepth)); len(text) != 1 {
		t.Error("a text at the limit is not found")
	}
	if got := nested(MaxDepth + 1).TooDeep(); got != "parts nested more than 100 deep were left out" {
		t.Errorf("%q", got)
	}
}

func TestTextPartsAndAttachments(t *testing.T) {
	text, html, pdf := leaf("text/plain"), leaf("text/html"), leaf("application/pdf|attachment; filename=a.pdf")
	png := leaf("image/png||<i@x>")
	named := leaf("image/png; name=i.png|inline|<i@x>")
	empty := leaf("text/plain")
	empty.Size = 2
	start := multi("related", png, leaf("text/html||<root@x>"))
	start.Params = [][2]string{{"start", "<root@x>"}}
	tests := []struct {
		name                    string
		s                       *Structure
		text, html, attachments string
	}{
		{"plain", text, "1", "", ""},
		{"html", html, "1h", "1h", ""},
		{"pdf alone", pdf, "", "", "1:attachment:a.pdf"},
		{"pdf alone, nameless", leaf("application/pdf"), "", "", "1:attachment:"},
		{"text as attachment alone", leaf("text/plain|attachment"), "", "", "1:attachment:"},
		{"named text alone", leaf("text/plain; name=a.txt"), "1", "", "1:inline:a.txt"},
		{"mixed", multi("mixed", text, pdf), "1", "", "2:attachment:a.pdf"},
		{"alternative", multi("alternative", text, html), "1", "2h", ""},
		{"alternative, html first", multi("alternative", html, text), "2", "1h", ""},
		{"alternative, html only", multi("alternative", html), "1h", "1h", ""},
		{"alternative, empty plain", multi("alternative", empty, html), "2h", "2h", ""},
		{"alternative, empty plain only", multi("alternative", empty), "1", "", ""},
		{"alternative, amp", multi("alternative", text, leaf("text/x-amp-html"), html), "1", "3h", "2:alternative:"},
		{"alternative, calendar", multi("alternative", text, html, leaf("text/calendar; method=REQUEST")), "1", "2h", "3:alternative:"},
		{"alternative, named calendar", multi("alternative", text, html, leaf("text/calendar; name=invite.ics")), "1", "2h", "3:attachment:invite.ics"},
		{"ordinary mail", multi("mixed", multi("alternative", text, multi("related", html, png)), pdf), "1.1", "1.2.1h", "2:attachment:a.pdf"},
		{"related with a named image", multi("related", html, named), "1h", "1h", "2:inline:i.png"},
		{"related, name without disposition", multi("related", html, leaf("image/png; name=i.png||<i@x>")), "1h", "1h", "2:inline:i.png"},
		{"related, image as attachment", multi("related", html, leaf("image/png; name=i.png|attachment|<i@x>")), "1h", "1h", "2:attachment:i.png"},
		{"related, no id", multi("related", html, leaf("application/pdf")), "1h", "1h", "2:inline:"},
		{"related with start", start, "2h", "2h", ""},
		{"related around alternative", multi("related", multi("alternative", text, html), png), "1.1", "1.2h", ""},
		{"Apple Mail", multi("alternative", text, multi("mixed", html, pdf, html)), "1", "2.1h 2.3h", "2.2:attachment:a.pdf"},
		{"HTML with a footer", multi("mixed", html, text), "1h 2", "1h", ""},
		{"inline image in mixed", multi("mixed", text, leaf("image/png|inline"), text), "1 3", "", "2:inline:"},
		{"image in mixed", multi("mixed", text, png), "1", "", "2:attachment:"},
		{"inline patch", multi("mixed", text, leaf("text/x-patch|inline; filename=a.patch")), "1 2", "", "2:inline:a.patch"},
		{"named text", multi("mixed", text, leaf("text/plain; name=a.txt")), "1", "", "2:attachment:a.txt"},
		{"named first text", multi("mixed", leaf("text/plain; name=body.txt"), pdf), "1", "", "1:inline:body.txt 2:attachment:a.pdf"},
		{"attached text", multi("mixed", text, leaf("text/plain|attachment")), "1", "", "2:attachment:"},
		{"csv", multi("mixed", text, leaf("text/csv")), "1", "", "2:attachment:"},
		{"unknown disposition", multi("mixed", text, leaf("text/plain|strange")), "1", "", "2:strange:"},
		{"signed", multi("signed", text, leaf("application/pgp-signature")), "1", "", ""},
		{"signed, named", multi("signed", multi("mixed", text, pdf), leaf("application/pgp-signature; name=signature.asc")), "1.1", "", "1.2:attachment:a.pdf 2:attachment:signature.asc"},
		{"signed, smime", multi("signed", text, leaf("application/x-pkcs7-signature")), "1", "", ""},
		{"encrypted", multi("encrypted", leaf("application/pgp-encrypted"), leaf("application/octet-stream|inline; filename=encrypted.asc")), "", "", "2:inline:encrypted.asc"},
		{"report", multi("report", text, leaf("message/delivery-status"), rfc822("", multi("mixed", text, pdf))), "1", "", "3:attachment:"},
		{"report with headers", multi("report", text, leaf("message/delivery-status"), leaf("text/rfc822-headers")), "1", "", ""},
		{"attached message", multi("mixed", text, rfc822("attachment; filename=a.eml", multi("mixed", text, pdf))), "1", "", "2:attachment:a.eml"},
		{"message without disposition", multi("mixed", text, rfc822("", text)), "1", "", "2:attachment:"},
		{"inline message", multi("mixed", text, rfc822("inline", multi("mixed", multi("alternative", text, html), pdf))), "1 2.1.1", "2.1.2h", "2:inline: 2.2:attachment:a.pdf"},
		{"digest", multi("mixed", text, multi("digest", rfc822("", text), rfc822("attachment", text))), "1 2.1.1", "", "2.1:inline: 2.2:attachment:"},
		{"message alone", rfc822("inline", text), "1.1", "", "1:inline:"},
		{"appledouble", multi("mixed", text, multi("appledouble", leaf("application/applefile"), pdf)), "1", "", "2.2:attachment:a.pdf"},
		{"unknown multipart", multi("x-strange", text, pdf), "1", "", "2:attachment:a.pdf"},
		{"empty multipart", multi("mixed"), "", "", ""},
		{"alternative, html first, empty plain", multi("alternative", html, empty), "1h", "1h", ""},
		{"unknown disposition, only text", multi("mixed", leaf("text/plain|body"), pdf), "1", "", "1:body: 2:attachment:a.pdf"},
		{"unknown disposition, only HTML", leaf("text/html|form-data; name=x"), "1h", "1h", "1:form-data:x"},
		{"nothing", &Structure{}, "1", "", ""},
		{"half a type", &Structure{Subtype: "pdf"}, "", "", "1:attachment:"},
		{"encoded disposition", leaf("text/plain|=?utf-8?Q?inline?="), "1", "", ""},
		{"quoted disposition", leaf("text/plain|\"inline\""), "1", "", ""},
		{"related, picture first, type", related("text/html", png, html), "2h", "2h", ""},
		{"related, picture first, encoded type", related("multipart/alternative", png, multi("alternative", text, html)), "2.1", "2.2h", ""},
		{"related, picture first, no type", related("", png, html), "2h", "2h", ""},
		{"related, wrong type", related("text/html", text, png), "1", "", ""},
		{"related without text", related("", png, png), "", "", "1:attachment:"},
	}
	for _, tt := range tests {
		text, html := TextParts(tt.s)
		if got := leaves(text); got != tt.text {
			t.Errorf("%s: text %q, want %q", tt.name, got, tt.text)
		}
		if got := leaves(html); got != tt.html {
			t.Errorf("%s: html %q, want %q", tt.name, got, tt.html)
		}
		var list []string
		for _, a := range Attachments(tt.s) {
			list = append(list, a.Part+":"+a.Disposition+":"+a.Name)
		}
		if got := strings.Join(list, " "); got != tt.attachments {
			t.Errorf("%s: attachments %q, want %q", tt.name, got, tt.attachments)
		}
	}
	if Attachments(text) == nil {
		t.Error("nil for no attachments")
	}
}

func leaves(list []*Leaf) string {
	var out []string
	for _, l := range list {
		s := l.Part
		if l.HTML {
			s += "h"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// TestInstead: where the plain text turns out to be blank, the next best is
// known.
func TestInstead(t *testing.T) {
	text, html := leaf("text/plain"), leaf("text/html")
	for _, tt := range []struct {
		s    *Structure
		want string
	}{
		{multi("alternative", text, html), "1 2"},
		{multi("alternative", html, text), "2 1"},
		{multi("alternative", text, text, html), "1 2"},
		{multi("alternative", text, multi("related", html, leaf("image/png"))), "1 2.1"},
		{multi("alternative", html, leaf("text/html")), "2"},
		{multi("mixed", text, html), "1"},
		{text, "1"},
	} {
		list, _ := TextParts(tt.s)
		got := list[0].Part
		for _, l := range list[0].Instead {
			got += " " + l.Part
		}
		if got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestLeaf(t *testing.T) {
	s := leaf("text/plain; charset=\"Windows-1252\"; FORMAT=Flowed; delsp=YES")
	s.Encoding = "Base64"
	text, _ := TextParts(s)
	if got := fmt.Sprintf("%+v", *text[0]); got != "{Part:1 HTML:false Charset:Windows-1252 Encoding:Base64 Size:100 Flowed:true DelSp:true Instead:[] sibling:Windows-1252}" {
		t.Error(got)
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"attachment; filename*0*=utf-8''a%C3; filename*1*=%A9", "x; filename=\"a\\", "x; filename*=a'b'c; name*9=x", "x; filename==?gb2312?b?xOM=?=",
		`a/b name = ""x"";y`, "=?utf-8?q?a/b=3B_name=3D=22=22x?=", "x; name=utf-8''%ff; filename*==?utf-8?q?us''a?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		s := &Structure{}
		s.Type, s.Params = ParseParams(header)
		s.Disposition, s.DispositionParams = s.Type, s.Params
		s.ID, s.Description, s.Language = header, header, []string{header}
		p, _ := s.Part()
		for _, v := range append(slices.Collect(maps.Values(p.Params)), p.Name, p.Type, p.Disposition, p.ContentID, p.Description, p.Language[0]) {
			if !utf8.ValidString(v) {
				t.Errorf("%q is not UTF-8", v)
			}
		}
		for k := range p.Params {
			if !utf8.ValidString(k) {
				t.Errorf("%q is not UTF-8", k)
			}
		}
		Attachments(s)
		TextParts(s)
	})
}
