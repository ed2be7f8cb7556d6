package cmds_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/imaptest/terminal"
	"github.com/imapknife/imapknife/internal/sandbox"
)

// TestReadme runs every block of commands of README.md. Console blocks show
// exactly what a terminal shows.
func TestReadme(t *testing.T) {
	ran, _ := runDocument(t, "../README.md", []special{
		{"Install", regexp.MustCompile(`.`), false, "it installs a release from the network", checkInstall},
		{"Test", regexp.MustCompile(`^\./test\n$`), false, "it runs these tests", checkTest},
		{"Use", regexp.MustCompile(`(?m)^imapknife login alice@example\.org\b`), true, "", runLogin},
	})
	if ran < 7 {
		t.Errorf("only %d blocks ran", ran)
	}
}

// TestConsoleDiffers: a console block that shows something else than the terminal
// is an error, whichever line it is.
func TestConsoleDiffers(t *testing.T) {
	_, all := readBlocks(t, "../README.md")
	tried := 0
	for _, b := range all {
		if b.lang != "console" {
			continue
		}
		tried++
		lines := strings.SplitAfter(b.text, "\n")
		lines[1+tried%max(1, len(lines)-2)] = "something else\n"
		b.text = strings.Join(lines, "")
		if _, err := runConsole(t, b); err == nil || !strings.Contains(err.Error(), "is not what a terminal shows") && !errors.Is(err, terminal.ErrUnsupported) {
			t.Errorf("%s with another line in it: %v\n%s", b, err, b.text)
		}
	}
	if tried < 5 {
		t.Errorf("%d console blocks", tried)
	}
	for _, text := range []string{"out\n", "out\n$ true\n", ""} {
		if _, err := runConsole(t, block{lang: "console", text: text}); err == nil {
			t.Errorf("%q passes", text)
		}
	}
	if _, err := runConsole(t, block{lang: "console", text: "$ false\n"}); err == nil {
		t.Error("a command that fails passes")
	}
	if _, err := runConsole(t, block{lang: "console", text: "$ false\n$ echo $?\n1\n"}); err != nil {
		t.Error(err)
	}
	if err := runScript(t, block{lang: "sh", text: "false\ntrue\n"}); err == nil {
		t.Error("a script that fails passes")
	}
}

// packaged are the lines below Install that the tests of internal/dist run on
// packages of their own.
var packaged = regexp.MustCompile(`^(sha256sum --check .*SHA256SUMS|sudo dpkg -i imapknife_\S+_linux_amd64\.deb)$`)

// checkInstall looks that what `go install` names is the program of this module.
// A line that nobody looks at is an error.
func checkInstall(t *testing.T, b block) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		name, ok := strings.CutPrefix(line, "go install ")
		if !ok {
			if line != "" && !packaged.MatchString(line) {
				t.Errorf("%s: no test looks at %q", b, line)
			}
			continue
		}
		name, _, _ = strings.Cut(name, "@")
		out, err := exec.Command("go", "list", "-f", "{{.Name}} {{.Module.Dir}}", name).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "main "+root {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

// checkTest looks that ./test is there, and that a shell can read it.
func checkTest(t *testing.T, b block) {
	info, err := os.Stat("../test")
	if err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("../test: %v %v", info, err)
	}
	if out, err := exec.Command("sh", "-n", "../test").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// runLogin runs a block that logs in as alice@example.org: at a server that the
// name service tells of, on a terminal where the password is typed, with a
// keyring.
func runLogin(t *testing.T, b block) {
	const password = "swordfish"
	srv, err := sandbox.Start(sandbox.Options{User: "alice@example.org", Password: password, TLS: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	_, port, err := net.SplitHostPort(srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	dns, err := imaptest.StartDNS("_imaps._tcp.example.org SRV 0 1 " + port + " imap.example.org\nimap.example.org A 127.0.0.1\n")
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	keyring, stop := startKeyring(t)
	defer stop()
	dir, env := place(t)
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, srv.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-e", "-c", b.text)
	// The certificate is that of localhost.
	cmd.Dir, cmd.Env = dir, append(append(env, keyring...), "IMAPKNIFE_DNS_SERVER="+dns.Addr(), "IMAPKNIFE_CA_FILE="+ca, "IMAPKNIFE_SERVER_NAME=localhost")
	out, err := terminal.Screen(cmd, consoleWidth, password+"\n")
	if errors.Is(err, terminal.ErrUnsupported) {
		imaptest.Without(t, err)
	}
	if err != nil || !strings.Contains(out, "password of alice@example.org on imap.example.org") {
		t.Errorf("%s: %v\n%s\n%s", b, err, b.text, out)
	}
	t.Logf("%s\n%s", b, out)
}
