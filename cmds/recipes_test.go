package cmds_test

import (
	"regexp"
	"testing"
)

// TestRecipes runs each recipe of docs/recipes.md, and any other block of
// commands there.
func TestRecipes(t *testing.T) {
	ran, other := runDocument(t, "../docs/recipes.md", nil)
	text, _ := readBlocks(t, "../docs/recipes.md")
	recipes := len(regexp.MustCompile(`(?m)^### \d+\. `).FindAllString(text, -1))
	if recipes < 25 || ran < recipes || other > 0 {
		t.Errorf("%d recipes, %d blocks ran, %d did not", recipes, ran, other)
	}
}
