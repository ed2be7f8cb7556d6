package cmds_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/imaptest/harness"
)

// evil stands in every place of a mail, and of a mailbox's name, that others
// choose.
const evil = "EvilToken"

var evilMail = strings.ReplaceAll(strings.ReplaceAll(`From: "~ sender" <~-from@example.net>
Sender: ~ <~-sender@example.net>
Reply-To: ~ <~-reply@example.net>
To: ~ <~-to@example.org>
Cc: ~ <~-cc@example.org>
Bcc: ~ <~-bcc@example.org>
Subject: ~ subject, code 424242
Message-ID: <~@example.net>
In-Reply-To: <~-parent@example.net>
References: <~-grandparent@example.net> <~-parent@example.net>
X-~: ~
Date: Thu, 26 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b~"; x-~="~"

--b~
Content-Type: text/plain; charset=utf-8; x-~=~

~ text, code ~-1. <https://~.example.net/>
--b~
Content-Type: text/html; charset=x-~

<p>~ HTML</p>
--b~
Content-Type: application/x-~; name="~.bin"
Content-Disposition: attachment; filename="~.bin"
Content-ID: <~@id>
Content-Description: ~
Content-Language: x-~
Content-Location: https://example.net/~
Content-Transfer-Encoding: x-~

~
--b~
Content-Type: application/octet-stream
Content-Disposition: attachment; filename="../~.bin"

~
--b~--
`, "~", evil), "\n", "\r\n")

// TestUntrustedMail has each verb that reads tell of a mail with a word in it
// wherever others choose text: the word comes only where the verb's schema says
// "x-untrusted".
func TestUntrustedMail(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, "seed", evil)
	if err := os.MkdirAll(box, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(dir, "seed", "1.eml"), filepath.Join(box, "1.eml"), filepath.Join(box, "2.eml")} {
		if err := os.WriteFile(name, []byte(evilMail), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const in = " -m " + evil + " --jsonl"
	lines := []struct{ schema, line string }{
		{"list", "imapknife list --jsonl"},
		{"status", "imapknife status" + in},
		{"select", "imapknife select" + in},
		{"search", "imapknife search --long" + in},
		{"search --count", "imapknife search --count" + in},
		{"fetch", "imapknife fetch 1: --envelope --flags --size --internal-date --structure --headers --text --html --raw" + in},
		{"fetch", "imapknife fetch 1 --body" + in},
		{"fetch", "imapknife fetch 1 --part 3" + in},
		{"fetch", "imapknife fetch 1: --raw --dir mails" + in},
		{"show", "imapknife show 1:" + in},
		{"attachments list", "imapknife attachments list 1" + in},
		{"attachments save", "imapknife attachments save 1 --dir files" + in},
		{"attachments save", "imapknife attachments save 1 --dir files" + in + " || true"},
		{"wait", "imapknife wait --existing --subject " + evil + in},
		{"wait --extract otp", "imapknife wait --existing --first --extract 'regex=Evil[A-Z][a-z]+'" + in},
		{"wait --extract otp", "imapknife wait --existing --first --extract link" + in},
		{"expect none", "imapknife expect none --subject code" + in + " || true"},
		{"expect some", "imapknife expect some --subject code" + in},
		{"changes", "imapknife changes --existing --state changes.json" + in},
		{"watch", "imapknife watch --existing --state watch.json --timeout 1s" + in},
		{"store", "imapknife store 1 --add " + evil + in},
		{"search", "imapknife search --long" + in},
		{"select", "imapknife select" + in},
		{"append", "imapknife append seed/1.eml" + in},
		{"copy", "imapknife copy 1 Archive" + in},
		{"move", "imapknife move 2 Archive --dry-run" + in},
		{"delete", "imapknife delete 2 --dry-run" + in},
		{"mark", "imapknife mark" + in},
		{"mailbox delete", "imapknife mailbox delete " + evil + " --dry-run --jsonl"},
	}
	var script strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&script, "{ %s; } >out-%d\nimapknife schema %s >schema-%d\n", l.line, i, l.schema, i)
	}
	cmd := exec.Command(harness.Plain(), "sandbox", "--seed", "seed", "--", "bash", "-e", "-c", script.String())
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	total := 0
	for i, l := range lines {
		var schema map[string]any
		read(t, filepath.Join(dir, fmt.Sprintf("schema-%d", i)), func(d *json.Decoder) error { return d.Decode(&schema) })
		defs := schema["$defs"].(map[string]any)
		found := 0
		read(t, filepath.Join(dir, fmt.Sprintf("out-%d", i)), func(d *json.Decoder) error {
			for {
				var row any
				if err := d.Decode(&row); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
				found += look(t, l.line, defs, defs["row"].(map[string]any), row, false)
			}
		})
		if found == 0 {
			t.Errorf("%s: the word is nowhere", l.line)
		}
		total += found
	}
	if len(lines) < 25 {
		t.Errorf("%d lines", len(lines))
	}
	t.Logf("%d commands told the word %d times, each time in a field that is marked", len(lines), total)
}

func read(t *testing.T, name string, with func(*json.Decoder) error) {
	t.Helper()
	f, err := os.Open(name)
	if err == nil {
		defer f.Close()
		err = with(json.NewDecoder(f))
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// look counts the word in a value, and complains where the schema does not mark
// it. A marked field marks what is in it.
func look(t *testing.T, path string, defs, schema map[string]any, value any, marked bool) (found int) {
	marked = marked || schema["x-untrusted"] == true
	if ref, ok := schema["$ref"].(string); ok {
		schema = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	inside := func(key string) map[string]any { s, _ := schema[key].(map[string]any); return s }
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			s, ok := inside("properties")[name].(map[string]any)
			if !ok {
				if s = inside("additionalProperties"); s == nil {
					t.Errorf("%s.%s is not in the schema", path, name)
				}
				if strings.Contains(name, evil) && !marked {
					t.Errorf("%s.%s: the name is not marked", path, name)
				}
			}
			found += look(t, path+"."+name, defs, s, v[name], marked)
		}
	case []any:
		for _, e := range v {
			found += look(t, path+"[]", defs, inside("items"), e, marked)
		}
	case string:
		// Names of mailboxes stand in marks, too, which are for --mark alone.
		if strings.Contains(strings.ToLower(v), strings.ToLower(evil)) && !strings.HasSuffix(path, ".mark") {
			if !marked {
				t.Errorf("%s: %q is not marked as untrusted", path, v)
			}
			found++
		}
	}
	return found
}
