package cmds_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recipeFiles stand beside a recipe: what it sends, and what a person would have.
var recipeFiles = map[string]string{
	"message.eml": "From: Shop <shop@example.org>\r\nMessage-ID: <recipe@example.org>\r\nSubject: An invoice\r\n\r\nx\r\n",
	"send-probe": `#!/bin/sh
printf 'From: probe@example.org\r\nSubject: %s\r\n\r\nx\r\n' "$1" | curl -sS --url "$SMTP_URL" --mail-from probe@example.org --mail-rcpt me@example.org -T -
`,
	"forward-alert.sh": "#!/bin/sh\njq -r .subject\n",
}

// TestRecipes runs each recipe of docs/recipes.md, in a sandbox of its own, in one
// shell that ends at the first error.
func TestRecipes(t *testing.T) {
	text, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	recipes := regexp.MustCompile("(?s)\n### (\\d+)\\. ([^\n]*)\n(.*?)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "```sh\n"); len(recipes) != n || n < 25 {
		t.Fatalf("%d recipes, %d blocks", len(recipes), n)
	}
	for _, r := range recipes {
		t.Run(r[1], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range recipeFiles {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("imapknife", "sandbox", "--", "bash", "-e", "-c", r[4])
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s\n%s", r[2], err, r[4], out)
			}
			t.Logf("%s\n%s", r[2], out)
		})
	}
	t.Logf("%d blocks of docs/recipes.md", len(recipes))
}
