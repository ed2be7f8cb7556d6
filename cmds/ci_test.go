package cmds_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/imapknife/imapknife/internal/imaptest/harness"
)

// job is what is read of a job of GitHub Actions or GitLab CI.
type job struct {
	Env       map[string]string
	Variables map[string]string
	Script    []string
	Steps     []struct{ Name, Run string }
}

// steps are the job's shell commands in the order in which they run.
func (j *job) steps() []string {
	steps := j.Script
	for _, s := range j.Steps {
		steps = append(steps, s.Run)
	}
	return steps
}

// TestCI runs the shell steps of the jobs in docs/ci.md against the sandbox, each
// job as its CI system does: one shell that ends at the first error. It runs the
// blocks of commands there, too.
func TestCI(t *testing.T) {
	if blocks, other := runDocument(t, "../docs/ci.md", nil); blocks < 2 || other > 0 {
		t.Errorf("%d blocks ran, %d did not", blocks, other)
	}
	text, err := os.ReadFile("../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		var file struct {
			Jobs map[string]job
			Mail job
		}
		if err := yaml.Unmarshal([]byte(block[1]), &file); err != nil {
			t.Fatal(err)
		}
		if file.Jobs == nil {
			file.Jobs = map[string]job{"gitlab": file.Mail}
		}
		for name, j := range file.Jobs {
			t.Run(name, func(t *testing.T) { ran += runJob(t, &j) })
		}
	}
	if ran < 9 {
		t.Errorf("only %d steps ran", ran)
	}
	t.Logf("%d shell steps of docs/ci.md ran", ran)
}

func runJob(t *testing.T, j *job) (ran int) {
	dir := t.TempDir()
	script := "set -e\n"
	for _, set := range []map[string]string{j.Env, j.Variables} {
		for name, value := range set {
			if !strings.Contains(value, "$") { // those with one are the CI system's
				script += "export " + name + "='" + value + "'\n"
			}
		}
	}
	for _, step := range j.steps() {
		if step == "" || strings.Contains(step, "go install ") {
			continue
		}
		// What a step leaves in GITHUB_ENV is set for the next ones.
		script += step + "\nif [ -e github-env ]; then set -a; . ./github-env; set +a; fi\n"
		ran++
	}
	signup := `#!/bin/sh
printf 'From: shop@example.org\r\nTo: %s\r\nSubject: Confirm your address\r\n\r\nYour code is 424242, or open https://shop.example.org/confirm/abc\r\n' "$1" |
	curl -sS --url "$SMTP_URL" --mail-from shop@example.org --mail-rcpt "$1" -T -
`
	for name, text := range map[string]string{"script": script, "trigger-signup": signup} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(harness.Plain(), "sandbox", "--", "bash", "./script")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "RUN=7-1", "GITHUB_ENV=github-env")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, script, out)
	}
	return ran
}
