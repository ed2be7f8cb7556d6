package sandbox

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

func parse(raw string) *part { return (&content{raw: []byte(raw)}).root() }

// outline writes a tree as "mixed(plain,alternative(plain,html))".
func outline(p *part) string {
	_, name, _ := strings.Cut(p.media, "/")
	var inner []string
	for _, c := range p.children {
		inner = append(inner, outline(c))
	}
	if p.embedded != nil {
		inner = append(inner, outline(p.embedded))
	}
	if len(inner) == 0 {
		return name
	}
	return name + "(" + strings.Join(inner, ",") + ")"
}

func TestParse(t *testing.T) {
	multi := func(boundary, body string) string {
		return "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n" + body
	}
	for _, c := range []struct{ name, raw, want string }{
		{"empty", "", "plain"},
		{"no header", "\r\nbody", "plain"},
		{"header only", "Subject: x", "plain"},
		{"odd type", "Content-Type: nonsense\r\n\r\n", "plain"},
		{"empty type", "Content-Type: /\r\n\r\n", "plain"},
		{"case and comment", "Content-type: TEXT/Html (really); charset=x\r\n\r\n", "html"},
		{"two parts", multi("b", "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n"), "mixed(plain,plain)"},
		{"line feeds", strings.ReplaceAll(multi("b", "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n"), "\r\n", "\n"), "mixed(plain,plain)"},
		{"not closed", multi("b", "--b\r\n\r\n1\r\n--b\r\n\r\n2"), "mixed(plain,plain)"},
		{"blanks after the boundary", multi("b", "--b \t\r\n\r\n1\r\n--b--  \r\n"), "mixed(plain)"},
		{"longer boundary", multi("b", "--bb\r\n\r\n1\r\n--b\r\n\r\n--bx\r\n--b--\r\n"), "mixed(plain)"},
		{"no boundary", "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n1", "mixed"},
		{"no part", multi("b", "nothing"), "mixed"},
		{"inner not closed", multi("a", "--a\r\n"+multi("b", "--b\r\n\r\n1\r\n--a\r\n\r\n2\r\n--a--")), "mixed(mixed(plain),plain)"},
		{"digest", "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b--", "digest(rfc822(plain))"},
		{"message", "Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n", "rfc822(html)"},
		{"encoded message", "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: BASE64\r\n\r\nxx", "rfc822"},
		{"blanks before the colon", "From: a@b\r\nContent-Type \t: text/html\r\n\r\n", "html"},
		{"boundary in pieces", "Content-Type: multipart/mixed; boundary*0=\"aa\"; boundary*1=\"bb\"\r\n\r\n--aabb\r\n\r\n1\r\n--aabb--\r\n", "mixed(plain)"},
		{"boundary, encoded", "Content-Type: multipart/mixed; boundary*=us-ascii''a%20b\r\n\r\n--a b\r\n\r\n1\r\n--a b--\r\n", "mixed(plain)"},
		{"no semicolon", "Content-Type: multipart/mixed\r\n\tboundary=\"b\"\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n", "mixed(plain)"},
		{"junk lines", "From someone\r\njunk\r\nContent-Type: text/html\r\n folded: yes\r\n\r\n", "html"},
	} {
		if got := outline(parse(c.raw)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	deep := strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 10_000)
	depth := 0
	for p := parse(deep); p != nil; p = p.embedded {
		depth++
	}
	if depth != maxPartDepth+1 {
		t.Errorf("depth %d", depth)
	}
	wide := parse("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\n", 10_000))
	if n := len(wide.children); n != maxParts-1 {
		t.Errorf("%d parts", n)
	}
}

// TestObsoleteFields: a field is the same with blanks in front of its colon.
func TestObsoleteFields(t *testing.T) {
	p := parse("Subject : spaced\r\nX\t \t:\r\n folded: x\r\nno field : x\r\n\r\n")
	if got := p.get("subject"); got != "spaced" {
		t.Errorf("%q", got)
	}
	if got := p.get("x"); got != "folded: x" || p.has("no field") || p.has("no") {
		t.Errorf("%q", got)
	}
	if got := string(p.headerFields([]string{"Subject"}, nil)); got != "Subject : spaced\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`text/plain`, `text/plain map[]`},
		{`Text/Plain; Charset=UTF-8`, `text/plain map[charset:UTF-8]`},
		{`a/b; name="x;y=\"z\\"; c = d `, `a/b map[c:d name:x;y="z\]`},
		{`a/b; name="open`, `a/b map[name:open]`},
		{`a/b; filename*0*=utf-8''%C3; filename*1=b`, `a/b map[filename*0*:utf-8''%C3 filename*1:b]`},
		{`a/b; x=1; X=2; =3; y;; z=`, `a/b map[x:1 z:]`},
		{`a/b name=""x.pdf""`, `a/b map[name:x.pdf]`},
		{`attachment; filename=two words.txt`, `attachment map[filename:two words.txt]`},
		{`a/b (c;d); x=y (z)`, `a/b (c;d); x=y (z)`},
	} {
		value, params, _ := parseParams(c.in)
		got := fmt.Sprint(value, " ", params)
		if strings.Contains(c.want, "map") && got != c.want {
			t.Errorf("%s: %s, want %s", c.in, got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, ``},
		{`a@example.org`, `|a|example.org`},
		{`<a@example.org>`, `|a|example.org`},
		{`A B <a@example.org>, "C, D" <c@example.org>`, `A B|a|example.org; C, D|c|example.org`},
		{`a@example.org (A B)`, `A B|a|example.org`},
		{`=?utf-8?Q?J=C3=BCrgen?= <j@example.org>`, `=?utf-8?Q?J=C3=BCrgen?=|j|example.org`},
		{`Jürgen <j@example.org>`, `Jürgen|j|example.org`},
		{`"a b"@example.org`, `|a b|example.org`},
		{`<@route,@other:a@example.org>`, `|a|example.org`},
		{`@`, `|MISSING_MAILBOX|MISSING_DOMAIN`},
		{`a@, @b`, `|a|MISSING_DOMAIN; |MISSING_MAILBOX|b`},
		{`postmaster`, `|postmaster|MISSING_DOMAIN`},
		{`undisclosed-recipients:;`, `|undisclosed-recipients|; ||`},
		{`Team: a@example.org, B <b@example.org>; c@example.org`, `|Team|; |a|example.org; B|b|example.org; ||; |c|example.org`},
		{`Team: a@example.org`, `|Team|; |a|example.org; ||`},
		{`, ,;`, ``},
		{`"open <a@example.org>`, `|open <a|example.org>`},
		{`A <a@example.org`, `A|a|example.org`},
		{`"A (B)" <a@example.org>`, `A (B)|a|example.org`},
		{`A (B (C) \) D) E <a@example.org>`, `A E|a|example.org`},
		{`"A" B <a@example.org>`, `A B|a|example.org`},
	} {
		var got []string
		for _, a := range parseAddresses(c.in) {
			got = append(got, a.Name+"|"+a.Mailbox+"|"+a.Host)
		}
		if g := strings.Join(got, "; "); g != c.want {
			t.Errorf("%s: %s, want %s", c.in, g, c.want)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ header, body, want string }{
		{"Content-Type: text/plain; charset=iso-8859-1", "Gr\xf6\xdfe", "Größe"},
		{"Content-Type: text/plain; charset=koi8-r", "\xf0\xcf\xd3\xd9\xcc\xcb\xc1", "Посылка"},
		{"Content-Type: text/plain; charset=iso-2022-jp", "\x1b$B9A\x1b(B", "港"},
		{"Content-Type: text/plain; charset=windows-1252", "\x80", "€"},
		{"Content-Type: text/plain; charset=unheard-of", "Gr\xf6\xdfe", "Größe"},
		{"Content-Type: text/plain", "Größe", "Größe"},
		{"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", "R3LDtsOf\r\nZQ==", "Größe"},
		{"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", "R3L!DtsOfZ", "Größ"},
		{"Content-Type: text/plain\r\nContent-Transfer-Encoding: Quoted-Printable", "Gr=C3=B6=\r\n=C3=9Fe", "Größe"},
		{"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-unknown", "as it is", "as it is"},
	} {
		if got := parse(c.header + "\r\n\r\n" + c.body).text(); got != c.want {
			t.Errorf("%s: %q, want %q", c.header, got, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"=?utf-8?B?R3LDtsOfZQ==?=", "Größe"}, {"=?koi8-r?B?8M/T2czLwQ==?=", "Посылка"}, {"=?iso-2022-jp?B?GyRCOUEbKEI=?=", "港"},
		{"=?unheard-of?Q?x?=", "=?unheard-of?Q?x?="}, {"raw Größe", "raw Größe"}, {"raw Gr\xf6\xdfe", "raw Größe"},
		{"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
	} {
		if got := decodeWords(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.in, got, c.want)
		}
	}
}

// TestOddMessagesAreServed: nothing that can be stored breaks a session.
func TestOddMessagesAreServed(t *testing.T) {
	s := start(t, Options{Empty: true})
	odd := []string{
		"\r\n", "x", "Subject: x", "From nobody\r\njunk\r\nSubject: y\r\n\r\nz", mixed,
		"Content-Type: multipart/mixed; boundary=b\r\n\r\nno part", "Content-Type: multipart/mixed\r\n\r\n", "Content-Type: message/rfc822\r\n\r\n",
		"Content-Type: text/plain; name=\"Gr\xf6\xdfe\"\r\nSubject: raw \xc3\xbc\r\nFrom: \xfc <a@b>\r\nDate: yesterday\r\n\r\n\xff",
		"Subject: \x1b[31m\r\nTo: a:;,<>,()\r\nMessage-ID: none\r\nIn-Reply-To: <a> <b\r\n\r\n",
		strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 200), "Content-Disposition: ;;=\"\r\nContent-Language: (,) de, ,en\r\n\r\n",
	}
	for _, raw := range odd {
		put(t, s, "INBOX", []byte(raw))
	}
	c := witness(t, s, nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	section := &imap.FetchItemBodySection{Peek: true}
	for i, raw := range odd {
		got, err := c.Fetch(imap.UIDSetNum(imap.UID(i+1)), &imap.FetchOptions{
			Envelope: true, BodyStructure: &imap.FetchItemBodyStructure{Extended: true}, BodySection: []*imap.FetchItemBodySection{section},
		}).Collect()
		if err != nil || len(got) != 1 || string(got[0].FindBodySection(section)) != raw {
			t.Fatalf("%q: %v", raw, err)
		}
	}
	login(t, s, "EXAMINE INBOX").want("UID SEARCH TEXT größe", "BAD") // an 8-bit atom
	login(t, s, "EXAMINE INBOX").want("UID SEARCH TEXT \"raw \xc3\xbc\"", "* SEARCH 9", "OK")
}

// TestLongHeadersAreLinear: 64 KB of anything takes no noticeable time.
func TestLongHeadersAreLinear(t *testing.T) {
	begin := time.Now()
	for _, piece := range []string{`"a" `, `(`, `<`, `"`, `a,`, `a:;`, `\`, ` `, `=?utf-8?Q?a?= `, `;a=b`, `;a="b`} {
		value := strings.Repeat(piece, (1<<16)/len(piece))
		p := parse("To: " + value + "\r\nSubject: " + value + "\r\nIn-Reply-To: " + value + "\r\nContent-Type: text/plain; " + value + "\r\n\r\n")
		p.envelope()
		p.structure()
		p.anyField("x")
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(mixed))
	for _, s := range Samples(testNow()) {
		if len(s.Raw) < 2000 {
			f.Add(s.Raw)
		}
	}
	f.Add([]byte("Subject : x\r\nContent-Type\t: multipart/mixed boundary*0=a; boundary*1=\"\"b\"\"\r\n\r\n--ab\r\n: x\r\n\r\n--ab--"))
	f.Add([]byte("Content-Type: multipart/digest; boundary=\"\r\n\r\n--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := parse(string(raw))
		if !bytes.Equal(append(append([]byte(nil), p.header...), p.body...), raw) {
			t.Fatal("header and body are not the whole")
		}
		p.structure()
		p.envelope()
		p.anyField("x")
		p.bodyContains("x", true)
		check(t, p, nil)
	})
}

// check walks by the structure's numbers and finds each part again.
func check(t *testing.T, root *part, path []int) {
	p := root.find(path)
	for i, child := range p.children {
		if root.find(append(path[:len(path):len(path)], i+1)) != child {
			t.Fatalf("part %v.%d is not found", path, i+1)
		}
		if !bytes.Contains(p.body, child.body) {
			t.Fatal("a part is not in the whole")
		}
		check(t, root, append(path[:len(path):len(path)], i+1))
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add(`Team: a@example.org, "B, C" <b@example.org>; =?utf-8?Q?x?= <@r:c@d> (e)`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, s string) {
		inGroup := false
		for _, a := range parseAddresses(s) {
			switch {
			case a == imap.Address{}:
				if !inGroup {
					t.Fatal("a group ends that did not start")
				}
				inGroup = false
			case a.Host == "":
				if inGroup {
					t.Fatal("a group in a group")
				}
				inGroup = true
			}
		}
		if inGroup {
			t.Fatal("a group without an end")
		}
		parseParams(s)
		decodeWords(s)
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("a%b*c", "a/b/c")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 50 || len(name) > 200 || strings.ContainsAny(pattern+name, "\n\r") {
			return
		}
		quoted := regexp.QuoteMeta(pattern)
		quoted = strings.NewReplacer(`\*`, `.*`, `%`, `[^/]*`).Replace(quoted)
		re, err := regexp.Compile(`(?s)^` + quoted + `$`)
		if err != nil {
			return
		}
		if got := match(pattern, name); got != re.MatchString(name) {
			t.Errorf("match(%q, %q) = %v", pattern, name, got)
		}
	})
}
