package cmds_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imapknife/imapknife/cmds"
	"github.com/imapknife/imapknife/internal/imaptest/harness"
)

// elsewhere are the examples that speak of servers that are not there.
var elsewhere = []string{
	"imapknife login alice@example.org", // TestReadme runs it
	`printf %s "$PW" | imapknife login --password-stdin imaps://alice@mail.example.org/`,
	"imapknife login alice@example.org --password-command 'pass mail/alice'",
	"imapknife login --discover alice@example.org",
	"imapknife login alice@example.com --oauth microsoft --client-id ID --device",
	`curl --oauth2-bearer "$(imapknife token work)" --user alice@example.org imaps://imap.example.org/`,
	"imapknife doctor imap.example.org --until capability",
	"imapknife doctor imap.example.org --until tls --warn-expiry 14d",
	"imapknife doctor 127.0.0.1 --port 1143 --tls starttls --until tls --jq '.[].pin // empty'",
	"imapknife capability --no-login --url imaps://imap.example.org/",
}

// asking are the examples that ask on a terminal: elsewhere it is exit 8.
var asking = []string{"imapknife delete 42", "imapknife expunge 42,43", "imapknife mailbox rename Projects Archive/Projects"}

const (
	// Messages up to UID 43 and a mark, behind which two mails have come to qa@, an
	// alert and a report.
	usual = `for i in $(seq 16 43); do printf 'From shop@example.org Thu Nov 26 10:00:00 2026\nFrom: Shop <shop@example.org>\nSubject: Number %s\n\nx\n\n' $i; done >more.mbox
imapknife append more.mbox >/dev/null
T0=$(imapknife mark)
send shop@example.org qa@example.org 'Confirm your address'
send shop@example.org qa@example.org 'Confirm your address'
send alerts@example.org ops@example.org 'build #7 ok'
`
	account = `printf %s "$IMAPKNIFE_PASSWORD" | imapknife login --insecure-storage --password-stdin --name NAME "$IMAPKNIFE_URL" >/dev/null
`
	withToken = `mkdir -p ~/.config/imapknife
cat >~/.config/imapknife/config.toml <<EOF
[accounts.work]
url = "imaps://imap.example.org/"
user = "alice@example.org"
token_command = ["echo", "a-token"]
EOF
unset IMAPKNIFE_URL IMAPKNIFE_PASSWORD
`
)

// before is what an example needs beside the usual, by its verb or its line.
var before = map[string]string{
	"logout":          strings.ReplaceAll(account, "NAME", "work") + "unset IMAPKNIFE_URL\n",
	"accounts list":   strings.ReplaceAll(account, "NAME", "work"),
	"accounts show":   strings.ReplaceAll(account, "NAME", "work"),
	"accounts remove": strings.ReplaceAll(account, "NAME", "work"),
	"accounts default": strings.ReplaceAll(account, "NAME", "home") +
		strings.ReplaceAll(account, "NAME", "work"),
	"accounts rename": strings.ReplaceAll(account, "NAME", "alice@example.org"),
	"token":           withToken,
	"mailbox delete":  "imapknife mailbox create Old >/dev/null\n",
	"imapknife mailbox rename Projects Archive/Projects":        "imapknife mailbox create Projects >/dev/null\n",
	`imapknife mailbox create Archive --special-use '\Archive'`: "imapknife mailbox delete Archive/Meetings Archive --yes >/dev/null\n",
	"mailbox unsubscribe": "imapknife mailbox subscribe Old >/dev/null || true\n",
	"mailbox subscribe":   "imapknife mailbox create Invoices >/dev/null\n",
	"imapknife completion bash >~/.local/share/bash-completion/completions/imapknife": "mkdir -p ~/.local/share/bash-completion/completions\n",
	"watch": "imapknife() { timeout -s INT 2 imapknife \"$@\" || test $? = 124; }\n(/bin/sleep 1; send ci@example.org me@example.org Now) &\n",
}

// around are the programs and mails that examples speak of.
var around = map[string]string{
	"send": `#!/bin/sh
printf 'From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nYour code is 424242\r\n' "$1" "$2" "$3" | curl -sS --url "$SMTP_URL" --mail-from "$1" --mail-rcpt "$2" -T -
`,
	"sleep":              "#!/bin/sh\n",
	"handle-mail.sh":     "#!/bin/sh\ncat\n",
	"check-mails.sh":     "#!/bin/sh\ntest $(imapknife search --count) = 1\n",
	"signup-test.sh":     "#!/bin/sh\nimapknife search --count\n",
	"testmails/mail.eml": "Subject: One\r\n\r\nx\r\n",
}

// TestExamples runs the examples of help and the manual pages, each as it stands
// in a sandbox of its own, in one shell that ends at the first error.
func TestExamples(t *testing.T) {
	known := slices.Concat(elsewhere, asking)
	var ran, apart atomic.Int32
	t.Run("each", func(t *testing.T) {
		for _, d := range cmds.Docs() {
			for _, e := range d.Examples {
				if slices.Contains(elsewhere, e.Line) {
					known = slices.DeleteFunc(known, func(line string) bool { return line == e.Line })
					apart.Add(1)
					continue
				}
				want := 0
				if slices.Contains(asking, e.Line) {
					known = slices.DeleteFunc(known, func(line string) bool { return line == e.Line })
					want = 8
				}
				t.Run(d.Path, func(t *testing.T) {
					t.Parallel()
					if got, out := runExample(t, usual+before[d.Path]+before[e.Line]+e.Line); got != want {
						t.Errorf("%s: exit status %d, want %d\n%s", e.Line, got, want, out)
					}
					ran.Add(1)
				})
			}
		}
	})
	if len(known) > 0 {
		t.Errorf("no examples any more: %q", known)
	}
	t.Logf("%d examples ran; %d speak of servers that are not there, and were parsed", ran.Load(), apart.Load())
}

func runExample(t *testing.T, script string) (status int, out []byte) {
	cmd := exec.Command(harness.Plain(), "sandbox", "--", "bash", "-e", "-c", script)
	cmd.Dir, cmd.Env = place(t)
	for name, text := range around {
		path := filepath.Join(cmd.Dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode(), out
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out
}
