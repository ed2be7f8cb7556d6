package cmds_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/imaptest/harness"
)

// TestRecipes runs each recipe of docs/recipes.md, and any other block of
// commands there.
func TestRecipes(t *testing.T) {
	ran, other := runDocument(t, "../docs/recipes.md", []special{
		{"28. A local bridge with a certificate of its own", regexp.MustCompile(`--tls-pin`), true, "", runBridge},
	})
	text, _ := readBlocks(t, "../docs/recipes.md")
	recipes := len(regexp.MustCompile(`(?m)^### \d+\. `).FindAllString(text, -1))
	if recipes < 30 || ran < recipes || other > 0 {
		t.Errorf("%d recipes, %d blocks ran, %d did not", recipes, ran, other)
	}
}

// runBridge runs a block beside a server whose certificate nobody trusts.
func runBridge(t *testing.T, b block) {
	cmd := exec.Command(harness.Plain(), "sandbox", "--with-tls", "--", "env", "-u", "IMAPKNIFE_CA_FILE", "bash", "-e", "-c", b.text)
	cmd.Dir, cmd.Env = place(t)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "INBOX\t8\n") {
		t.Errorf("%s: %v\n%s\n%s", b, err, b.text, out)
	}
	t.Logf("%s\n%s", b, out)
}
