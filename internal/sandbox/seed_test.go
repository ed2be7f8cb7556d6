package sandbox

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
)

// TestSamples: what other servers accept by APPEND and give back unchanged.
func TestSamples(t *testing.T) {
	now := testNow()
	ids := make(map[string]bool)
	inbox := 0
	for i, s := range Samples(now) {
		name := samples[i].file
		for n, line := range bytes.SplitAfter(s.Raw, []byte("\n")) {
			if len(line) > 998 || len(line) > 0 && !bytes.HasSuffix(line, []byte("\r\n")) || bytes.Count(line, []byte("\r")) > 1 || bytes.IndexByte(line, 0) >= 0 {
				t.Errorf("%s: line %d: %q", name, n+1, line)
			}
		}
		p := (&content{raw: s.Raw}).root()
		if bytes.ContainsFunc(p.header, func(r rune) bool { return r > '~' || r < ' ' && !strings.ContainsRune("\r\n\t", r) }) {
			t.Errorf("%s: header is not ASCII", name)
		}
		if !utf8.Valid(s.Raw) || bytes.Contains(s.Raw, []byte("@DATE@")) || bytes.Contains(s.Raw, []byte("@EARLIER@")) {
			t.Errorf("%s: not finished", name)
		}
		sent, err := mail.ParseDate(p.get("Date"))
		if err != nil || !sent.Equal(s.Date) || s.Date.After(now) || now.Sub(s.Date) > 30*24*time.Hour {
			t.Errorf("%s: sent %v, date %v: %v", name, sent, s.Date, err)
		}
		if id := p.get("Message-ID"); id == "" || ids[id] {
			t.Errorf("%s: Message-ID %q", name, id)
		} else {
			ids[id] = true
		}
		for _, host := range p.addresses("From") {
			if h := host.Host; !strings.HasSuffix(h, "example.org") && !strings.HasSuffix(h, "example.com") && !strings.HasSuffix(h, "example.net") {
				t.Errorf("%s: from %s", name, h)
			}
		}
		if s.Mailbox == "INBOX" {
			inbox++
		}
	}
	if inbox < 12 || inbox > 16 {
		t.Errorf("%d messages in INBOX", inbox)
	}
	if again := Samples(now); fmt.Sprint(again) != fmt.Sprint(Samples(now)) {
		t.Error("not deterministic")
	}
}

// TestSampleOddities: the samples hold what they are there for.
func TestSampleOddities(t *testing.T) {
	by := make(map[string]*part)
	for i, s := range Samples(testNow()) {
		by[samples[i].file] = (&content{raw: s.Raw}).root()
	}
	for name, want := range map[string]string{
		"welcome": "plain", "newsletter": "alternative(plain,html)", "invoice": "mixed(plain,pdf,csv)", "photo": "related(html,png)",
		"shipped": "html", "forward": "mixed(plain,rfc822(alternative(plain,html)))", "report": "mixed(plain,csv)",
	} {
		if got := outline(by[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := decodeWords(by["odd"].get("Subject")); got != "🎉 You\twon \x1b[31ma red\x1b[0m prize \u202egpj.exe" {
		t.Errorf("odd subject %q", got)
	}
	if n := len(by["report"].body); n < 300_000 || n > 350_000 {
		t.Errorf("the large one has %d octets", n)
	}
	_, params, err := mime.ParseMediaType(by["invoice"].children[1].get("Content-Disposition"))
	if err != nil || params["filename"] != "Rechnung 2046 – Türbeschläge.pdf" {
		t.Errorf("file name %q: %v", params["filename"], err)
	}
	pdf, _ := by["invoice"].children[1].decoded()
	png, _ := by["photo"].children[1].decoded()
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.HasPrefix(png, []byte("\x89PNG")) || fmt.Sprint(len(pdf)) != params["size"] {
		t.Error("attachments are not what they say")
	}
	var charsets []string
	for _, p := range by {
		if c := strings.ToLower(p.params["charset"]); !slices.Contains(charsets, c) {
			charsets = append(charsets, c)
		}
	}
	for _, want := range []string{"utf-8", "iso-8859-1", "windows-1252", "koi8-r", "iso-2022-jp"} {
		if !slices.Contains(charsets, want) {
			t.Errorf("no %s in %v", want, charsets)
		}
	}
}

// write makes files below a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/.dir") {
			continue
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2026, 10, len(name), 12, 0, 0, 0, time.UTC)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dump lists mailboxes that hold messages: name, then subject, flags, day.
func dump(s *Server) string {
	var out []string
	for name, b := range s.acct.boxes {
		for _, m := range b.messages {
			out = append(out, fmt.Sprintf("%s %d %s %v %s", name, m.uid, m.root().get("Subject"), m.flags, m.date.UTC().Format("0102")))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestSeedDirectory(t *testing.T) {
	s := start(t, Options{Seed: write(t, map[string]string{
		"b.eml":              "Subject: b\nDate: Fri, 13 Nov 2026 10:00:00 +0000\n\nx\n",
		"a.EML":              "Subject: a\r\n\r\nx\r\n",
		"notes.txt":          "not a message",
		".hidden.eml":        "Subject: no",
		".git/x.eml":         "Subject: no",
		"inbox/c.eml":        "Subject: c\n\nx\n",
		"Größe/sub/d.eml":    "Subject: d\n\nx\n",
		"Sent/e.eml":         "Subject: e\n\nx\n",
		"md/cur/1.a:2,FS":    "Subject: m1\n\n",
		"md/new/2.b":         "Subject: m2\n\n",
		"md/tmp/3.c":         "Subject: no",
		"md/dovecot-uidlist": "no",
	})})
	want := strings.TrimPrefix(`
Größe/sub 1 d [] 1017
INBOX 1 a [] 1005
INBOX 2 b [] 1113
INBOX 3 c [] 1011
Sent 1 e [] 1010
md 1 m2 [] 1010
md 2 m1 [\Flagged \Seen] 1015`, "\n")
	if got := dump(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string(s.acct.boxes["INBOX"].messages[1].raw); got != "Subject: b\r\nDate: Fri, 13 Nov 2026 10:00:00 +0000\r\n\r\nx\r\n" {
		t.Errorf("got %q", got)
	}
	login(t, s).want(`LIST (SUBSCRIBED) "" md`, `* LIST (\HasNoChildren \Subscribed) "/" "md"`, "OK")
}

func TestSeedMaildir(t *testing.T) {
	s := start(t, Options{Seed: write(t, map[string]string{
		"cur/1.x:2,PRSTDFab":             "Subject: all\n\n",
		"cur/22.x!2,S":                   "Subject: windows\n\n",
		"cur/333.x":                      "Subject: none\n\n",
		"new/.dir":                       "",
		".Archive.2025/cur/1.x:2,":       "Subject: below\n\n",
		".Archive.2025/new/.dir":         "",
		".Projekte.Gr&APYA3w-e/new/1.x":  "Subject: name\n\n",
		".Projekte.Gr&APYA3w-e/cur/.dir": "",
		".Projekte.Gr&APYA3w-e/tmp/1.y":  "Subject: no",
		".NotOne/1.x":                    "Subject: no",
	})})
	want := strings.TrimPrefix(`
Archive/2025 1 below [] 1024
INBOX 1 none [] 1009
INBOX 2 windows [\Seen] 1012
INBOX 3 all [\Answered \Flagged \Deleted \Seen \Draft $Forwarded] 1018
Projekte/Größe 1 name [] 1029`, "\n")
	if got := dump(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSeedMbox(t *testing.T) {
	dir := write(t, map[string]string{
		"mbox": "From a@example.org Fri Nov 13 10:00:00 2026\nSubject: one\n\n>From here\n>>From there\nFrom inside\n\n" +
			"From b Sat Nov  7 10:00:00 2026 +0100\r\nSubject: two\r\n\r\nx\r\n\r\n" +
			"From c at 10:00\nSubject: three\nDate: Thu, 05 Nov 2026 10:00:00 +0000\n\n\nFrom d 11:00\nSubject: four\n\nno end",
		"one.eml": "Subject: alone\n\nx\n",
	})
	s := start(t, Options{Seed: filepath.Join(dir, "mbox")})
	want := "INBOX 1 one [] 1113\nINBOX 2 two [] 1107\nINBOX 3 three [] 1105\nINBOX 4 four [] 1120"
	if got := dump(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i, want := range []string{
		"Subject: one\r\n\r\nFrom here\r\n>From there\r\nFrom inside\r\n", "Subject: two\r\n\r\nx\r\n",
		"Subject: three\r\nDate: Thu, 05 Nov 2026 10:00:00 +0000\r\n\r\n", "Subject: four\r\n\r\nno end",
	} {
		if got := string(s.acct.boxes["INBOX"].messages[i].raw); got != want {
			t.Errorf("message %d: %q, want %q", i+1, got, want)
		}
	}
	if got := dump(start(t, Options{Seed: filepath.Join(dir, "one.eml")})); got != "INBOX 1 alone [] 1007" {
		t.Errorf("got %s", got)
	}
}

func TestSeedErrorsNameTheFile(t *testing.T) {
	dir := write(t, map[string]string{
		"nul/x/bad.eml": "Subject: \x00\n\n", "empty/zero.eml": "", "none/readme": "no mail here",
		"name/a%b/x.eml": "Subject: x\n\n", "text": "Dear reader,\n", "mbox": "From a\n\n\nFrom b Fri Nov 20 10:00:00 2026\n", "zero": "",
		"maildir/cur/1.x:2,": "Subject: \x00", "maildir/new/.dir": "",
	})
	for _, c := range []struct{ seed, want string }{
		{"nul", "nul/x/bad.eml: message contains NUL octets"},
		{"empty", "empty/zero.eml: message is empty"},
		{"none", "no messages found"},
		{"name", "name/a%b/x.eml: not a mailbox name"},
		{"maildir", "maildir/cur/1.x:2,: message contains NUL octets"},
		{"text", `not an mbox file: it does not begin with "From "`},
		{"zero", `not an mbox file`},
		{"mbox", "message 2: message is empty"},
		{"missing", "no such file"},
	} {
		_, err := Start(Options{Now: testNow, Seed: filepath.Join(dir, c.seed)})
		if fault.KindOf(err) != fault.Usage || !strings.Contains(fmt.Sprint(err), c.want) || !strings.Contains(fmt.Sprint(err), filepath.Join(dir, c.seed)) {
			t.Errorf("%s: %v, want %s", c.seed, err, c.want)
		}
	}
}

func FuzzUTF7(f *testing.F) {
	for _, s := range []string{"Gr&APYA3w-e", "&", "&-", "&ZeVnLIqe-", "R&D", "&2D3eAA-", "&AAc-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if out := decodeUTF7(s); utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Errorf("%q became %q", s, out)
		}
	})
}
