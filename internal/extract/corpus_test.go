package extract

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/net/html/charset"

	"github.com/imapknife/imapknife/internal/message"
)

// specimen is a mail of the corpus, and what is to be found in it.
type specimen struct {
	name, what, want string
	trap             bool
	raw              []byte
}

// corpus reads testdata/extract: the archives, one a language, and the mails
// that expect.tsv lists.
func corpus(t *testing.T) (all []specimen) {
	archives, err := filepath.Glob("../../testdata/extract/*.txtar")
	if err != nil || len(archives) < 20 {
		t.Fatalf("%d archives: %v", len(archives), err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			s := specimen{name: filepath.Base(path) + ": " + f.Name, raw: f.Data}
			head, _, ok := strings.Cut(f.Name, ": ")
			head, s.trap = strings.CutPrefix(head, "trap ")
			s.what, s.want, _ = strings.Cut(head, " ")
			if !ok || s.want == "" {
				t.Fatalf("%s: not [trap] KIND ANSWER: NAME", s.name)
			}
			all = append(all, s)
		}
	}
	table, err := os.ReadFile("../../testdata/extract/expect.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		x := strings.Split(strings.TrimSpace(line), "\t")
		raw, err := os.ReadFile("../../testdata/extract/" + x[0])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, specimen{name: x[0], what: x[1], want: x[2], raw: raw, trap: len(x) > 3})
	}
	return all
}

// TestCorpus finds what each mail of the corpus is about, and prints the score.
func TestCorpus(t *testing.T) {
	type score struct{ right, all, traps int }
	scores := map[string]*score{}
	for _, s := range corpus(t) {
		kind, value, _ := strings.Cut(s.what, "=")
		if kind == "header" {
			continue // not of this package
		}
		m := decoded(t, s)
		var got []string
		var err error
		switch kind {
		case "otp":
			n, _ := strconv.Atoi(value)
			got, err = OTP(t.Context(), m, n)
		case "link":
			re := (*regexp.Regexp)(nil)
			if value != "" {
				re = regexp.MustCompile(value)
			}
			got, err = Links(t.Context(), m, re)
		case "regex":
			got, err = Regex(t.Context(), m, regexp.MustCompile(value))
		}
		c := scores[kind]
		if c == nil {
			c = &score{}
			scores[kind] = c
		}
		c.all++
		if s.trap {
			c.traps++
		}
		if have := strings.Join(got, " "); err != nil || have != strings.TrimSuffix(s.want, "none") {
			t.Errorf("%s: %q, %v", s.name, have, err)
			continue
		}
		c.right++
	}
	if n, traps := scores["otp"].all+scores["link"].all, scores["otp"].traps+scores["link"].traps; n < 150 || 2*traps < n {
		t.Errorf("%d mails, %d of them traps", n, traps)
	}
	var line []string
	for _, kind := range []string{"otp", "link", "regex"} {
		c := scores[kind]
		line = append(line, fmt.Sprintf("%s: %d of %d, %d of them traps", kind, c.right, c.all, c.traps))
	}
	t.Log(strings.Join(line, "; "))
}

// decoded reads a mail without the program's own parser, as far as the corpus
// needs it.
func decoded(t *testing.T, s specimen) (out Mail) {
	m, err := mail.ReadMessage(bytes.NewReader(s.raw))
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	out.Subject = m.Header.Get("Subject")
	words := mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	if subject, err := words.DecodeHeader(out.Subject); err == nil {
		out.Subject = subject
	}
	var part func(get func(string) string, body io.Reader)
	part = func(get func(string) string, body io.Reader) {
		kind, params, err := mime.ParseMediaType(get("Content-Type"))
		if err != nil {
			kind = "text/plain"
		}
		switch strings.ToLower(get("Content-Transfer-Encoding")) {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		if strings.HasPrefix(kind, "multipart/") {
			for r := multipart.NewReader(body, params["boundary"]); ; {
				p, err := r.NextRawPart()
				if err != nil {
					return
				}
				part(p.Header.Get, p)
			}
		}
		if label := params["charset"]; label != "" {
			if body, err = charset.NewReaderLabel(label, body); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		switch kind {
		case "text/html":
			out.HTML += string(text)
		case "text/plain":
			out.Text += string(text)
		}
	}
	part(m.Header.Get, m.Body)
	if out.Text == "" && out.HTML != "" {
		out.Text, _ = message.HTMLToText(strings.NewReader(out.HTML), 0)
	}
	return out
}
