package message

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/result"
)

// mail is what the tests expect of a file in testdata/mail.
type mail struct {
	Message     result.Message      `json:"message"`
	Text        string              `json:"text"`
	HTML        []string            `json:"html,omitempty"`
	Structure   string              `json:"structure"`
	Attachments []result.Attachment `json:"attachments"`
	Saved       map[string]string   `json:"saved,omitempty"` // by the names they are saved under
}

// readMail reads a message the way the verbs do: its envelope, its structure,
// then the parts by their numbers.
func readMail(t *testing.T, raw []byte) mail {
	t.Helper()
	var m mail
	m.Message.Warnings = Envelope(raw, FieldFrom|FieldSubject|FieldTo, &m.Message)
	s, err := ReadStructure(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	part, warnings := s.Part()
	m.Structure = numbers(part)
	m.Message.Warnings = append(m.Message.Warnings, warnings...)
	m.Attachments = Attachments(s)
	text, html := TextParts(s)
	var all TextBuffer
	for _, l := range text {
		withPart(t, raw, l.Part, func(r io.Reader) {
			warnings, err := l.WriteText(&all, r)
			if err != nil {
				t.Fatal(err)
			}
			m.Message.Warnings = append(m.Message.Warnings, warnings...)
		})
	}
	m.Text = all.String()
	for _, l := range html {
		var b TextBuffer
		withPart(t, raw, l.Part, func(r io.Reader) {
			if _, err := l.WriteSource(&b, r); err != nil {
				t.Fatal(err)
			}
		})
		m.HTML = append(m.HTML, b.String())
	}
	used := map[string]bool{}
	for _, a := range m.Attachments {
		withPart(t, raw, a.Part, func(r io.Reader) {
			data, err := io.ReadAll(Decode(r, a.Encoding))
			if err != nil {
				t.Fatal(err)
			}
			name := SafeName(a.Name, a.Type, func(f string) bool { return used[f] })
			used[FoldName(name)] = true
			if m.Saved == nil {
				m.Saved = map[string]string{}
			}
			m.Saved[name] = string(data)
		})
	}
	return m
}

// withPart gives f the octets of one part.
func withPart(t *testing.T, raw []byte, number string, f func(io.Reader)) {
	t.Helper()
	found := false
	err := Walk(bytes.NewReader(raw), func(p *WalkPart) error {
		if p.Number == number && p.Body != nil {
			found = true
			f(p.Body)
		}
		return nil
	})
	if err != nil || !found {
		t.Fatalf("part %s: found %v, %v", number, found, err)
	}
}

// Each mail must read as the JSON file beside it says, with LF and with CRLF.
func TestMails(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "mail", "*.eml"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d mails, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + ".json")
		if err != nil {
			t.Error(err)
		}
		m := readMail(t, raw)
		var got bytes.Buffer
		e := json.NewEncoder(&got)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(m); err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s gives\n%s", file, got.String())
		}
		crlf := readMail(t, bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")))
		if crlf.Text != m.Text || crlf.Structure != m.Structure {
			t.Errorf("%s with CRLF gives\n%s", file, crlf.Text)
		}
	}
}

// Every mail, cut anywhere, and with octets changed, must still be read.
func TestMailsDamaged(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("testdata", "mail", "*.eml"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(raw); n += 97 {
			readMail(t, raw[:n])
			damaged := bytes.Clone(raw)
			for i := n; i < len(raw); i += 211 {
				damaged[i] ^= byte(i)
			}
			readMail(t, damaged)
		}
	}
}
