package cmds_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/imaptest/harness"
	"github.com/imapknife/imapknife/internal/imaptest/terminal"
)

// consoleWidth is the width of the terminal of console blocks.
const consoleWidth = 92

// block is a code block of a document.
type block struct {
	file    string
	line    int      // of its first line
	section string   // the heading above it
	within  []string // that one, and those that it is below
	lang    string   // what stands behind the fence
	text    string
}

func (b block) String() string {
	return fmt.Sprintf("%s:%d (%s)", filepath.Base(b.file), b.line, b.section)
}

// shell reports whether the block is one of commands.
func (b block) shell() bool { return b.lang == "sh" || b.lang == "console" }

// readBlocks are the code blocks of a document in Markdown.
func readBlocks(t *testing.T, file string) (text string, out []block) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var within []string // by level
	section, open := "", false
	for i, line := range strings.SplitAfter(string(data), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && !open:
			out = append(out, block{file: file, line: i + 2, section: section, within: slices.Clone(within), lang: strings.TrimSpace(fence)})
			open = true
		case isFence:
			open = false
		case open:
			out[len(out)-1].text += line
		case strings.HasPrefix(line, "#"):
			text := strings.TrimLeft(line, "#")
			section = strings.TrimSpace(text)
			within = append(within[:min(len(within), len(line)-len(text)-1)], section)
		}
	}
	if open {
		t.Fatalf("%s: a block has no end", file)
	}
	return string(data), out
}

// beside are the files that the blocks of documents speak of: what a person
// would have, and a trigger that sends a mail.
var beside = map[string]string{
	"message.eml":       "From: Shop <shop@example.org>\r\nMessage-ID: <recipe@example.org>\r\nSubject: An invoice\r\n\r\nx\r\n",
	"letter.eml":        "From: Shop <shop@example.org>\r\nMessage-ID: <letter@example.org>\r\nSubject: A letter\r\n\r\nx\r\n",
	"old.mbox":          "From shop@example.org Thu Nov 26 10:00:00 2026\nFrom: Shop <shop@example.org>\nSubject: An old one\n\nx\n",
	"Maildir/new/1.eml": "From: Shop <shop@example.org>\nSubject: In a Maildir\n\nx\n",
	"Maildir/cur/.keep": "",
	"Maildir/tmp/.keep": "",
	"send-probe": `#!/bin/sh
printf 'From: probe@example.org\r\nSubject: %s\r\n\r\nx\r\n' "$1" | curl -sS --url "$SMTP_URL" --mail-from probe@example.org --mail-rcpt me@example.org -T -
`,
	"trigger-signup": `#!/bin/sh
printf 'From: shop@example.org\r\nTo: %s\r\nSubject: Confirm your address\r\n\r\nYour code is 424242, or open https://shop.example.org/confirm/abc\r\n' "$1" |
	curl -sS --url "$SMTP_URL" --mail-from shop@example.org --mail-rcpt "$1" -T -
`,
	"forward-alert.sh": "#!/bin/sh\njq -r .subject\n",
	"handle.sh":        "#!/bin/sh\njq -r .subject\n",
	"tests/mail.sh":    "#!/bin/sh\nimapknife search --count\n",
}

// place makes a folder with the files beside, which is HOME too, and the
// environment of a block that runs there.
func place(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range beside {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir, terminal.Env(dir, "PATH="+dir+":"+filepath.Dir(harness.Plain())+":"+os.Getenv("PATH"), "RUN=7-1")
}

// runScript runs a block of sh in a sandbox of its own, in one shell that ends at
// the first error.
func runScript(t *testing.T, b block) error {
	cmd := exec.Command(harness.Plain(), "sandbox", "--", "bash", "-e", "-c", b.text)
	cmd.Dir, cmd.Env = place(t)
	out, err := cmd.CombinedOutput()
	t.Logf("%s\n%s", b, out)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s\n%s", b, err, b.text, out)
	}
	return nil
}

// runConsole runs the commands of a console block in a sandbox of its own, on a
// terminal without colours. shown is the block as it should be; it is an error
// when that is something else than the block, or when a command fails and the
// next does not show how.
func runConsole(t *testing.T, b block) (shown string, err error) {
	commands, err := prompts(b.text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", b, err)
	}
	cmd := exec.Command(harness.Plain(), "sandbox", "--", "bash", "-c")
	cmd.Dir, cmd.Env = place(t)
	cmd.Env = append(cmd.Env, "NO_COLOR=1", "PAGER=cat")
	out, err := terminal.Run(cmd, consoleWidth, commands)
	if err != nil {
		return "", fmt.Errorf("%s: %w", b, err)
	}
	for i, s := range out {
		shown += "$ " + strings.ReplaceAll(s.Command, "\n", "\n> ") + "\n" + s.Output
		if s.Status != 0 && (i+1 == len(out) || out[i+1].Command != "echo $?") {
			err = errors.Join(err, fmt.Errorf("%s: %s: exit status %d\n%s", b, s.Command, s.Status, s.Output))
		}
	}
	if shown != b.text {
		err = errors.Join(err, fmt.Errorf("%s is not what a terminal shows (IMAPKNIFE_WRITE_DOCS=1 writes it):\n%s", b, shown))
	}
	return shown, err
}

// prompts are the commands behind the prompts of a console block.
func prompts(text string) (commands []string, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if c, ok := strings.CutPrefix(line, "$ "); ok {
			commands = append(commands, c)
		} else if c, ok := strings.CutPrefix(line, "> "); ok && len(commands) > 0 {
			commands[len(commands)-1] += "\n" + c
		} else if len(commands) == 0 {
			return nil, errors.New("output stands before the first prompt")
		}
	}
	if len(commands) == 0 {
		return nil, errors.New("a console block without a prompt")
	}
	return commands, nil
}

// special is a block that cannot run in a sandbox as it stands.
type special struct {
	section string         // that it is in, or below
	lines   *regexp.Regexp // what it holds
	ran     bool           // check runs it; else it looks at it in some other way
	why     string
	check   func(t *testing.T, b block)
}

// runDocument runs every block of commands of a document, prints how many it
// ran, and returns that and the number of the others.
func runDocument(t *testing.T, file string, specials []special) (ran, other int) {
	t.Helper()
	text, all := readBlocks(t, file)
	var done, apart atomic.Int32
	shown := make([]string, len(all))
	t.Run("blocks", func(t *testing.T) {
		for i, b := range all {
			if !b.shell() {
				if b.lang == "" {
					t.Errorf("%s: a block has to say what it is", b)
				}
				continue
			}
			t.Run(fmt.Sprintf("%d", b.line), func(t *testing.T) {
				t.Parallel()
				for _, s := range specials {
					if !slices.Contains(b.within, s.section) || !s.lines.MatchString(b.text) {
						continue
					}
					s.check(t, b)
					if s.ran && !t.Failed() {
						done.Add(1)
					} else {
						apart.Add(1)
						t.Logf("%s does not run: %s", b, s.why)
					}
					return
				}
				var err error
				if b.lang == "console" {
					shown[i], err = runConsole(t, b)
				} else {
					err = runScript(t, b)
				}
				if errors.Is(err, terminal.ErrUnsupported) {
					imaptest.Without(t, err)
				}
				if err != nil {
					t.Error(err)
				} else {
					done.Add(1)
				}
			})
		}
	})
	if os.Getenv("IMAPKNIFE_WRITE_DOCS") == "1" {
		for i, b := range all {
			if shown[i] != "" {
				text = strings.Replace(text, "```console\n"+b.text+"```\n", "```console\n"+shown[i]+"```\n", 1)
			}
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
	ran, other = int(done.Load()), int(apart.Load())
	t.Logf("%d shell blocks of %s ran; %d cannot run in a test and were looked at", ran, filepath.Base(file), other)
	return ran, other
}
