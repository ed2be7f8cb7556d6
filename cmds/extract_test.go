package cmds_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestExtract finds the value in each mail of the corpus, exactly.
func TestExtract(t *testing.T) {
	table, err := os.ReadFile("../testdata/extract/expect.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(table), "\n"), "\n")
	if len(lines) < 50 {
		t.Fatalf("only %d mails", len(lines))
	}
	// One line of standard input is what to extract from the next message.
	const each = `n=0; while IFS= read -r what; do n=$((n + 1)); imapknife wait --existing --timeout 100ms --query "UID $n" --extract "$what" 2>&1 </dev/null; done`
	cmd := exec.Command("imapknife", "sandbox", "--seed", "../testdata/extract", "--", "sh", "-c", each)
	var asked strings.Builder
	for _, line := range lines {
		asked.WriteString(strings.Split(line, "\t")[1] + "\n")
	}
	cmd.Stdin = strings.NewReader(asked.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(bytes.TrimSuffix(out, []byte("\n"))), "\n")
	for i, line := range lines {
		x := strings.Split(line, "\t")
		if i >= len(got) || got[i] != x[2] {
			t.Fatalf("%s: --extract %s gives %q, want %q", x[0], x[1], got[min(i, len(got)-1)], x[2])
		}
	}
	if len(got) != len(lines) {
		t.Errorf("%d lines for %d mails", len(got), len(lines))
	}
}
