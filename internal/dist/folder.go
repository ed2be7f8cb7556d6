package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A folder takes what is made and remembers the digests.
type folder struct {
	path  string
	lines []string
}

func (f *folder) write(name string, data []byte) error {
	if err := os.MkdirAll(f.path, 0o755); err != nil {
		return err
	}
	f.lines = append(f.lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name))
	return os.WriteFile(filepath.Join(f.path, name), data, 0o644)
}

// writeSums writes SHA256SUMS, for sha256sum -c, about what was written before.
func (f *folder) writeSums() error {
	byName := func(a, b string) int { return strings.Compare(a[sha256.Size*2:], b[sha256.Size*2:]) }
	sums := strings.Join(slices.SortedFunc(slices.Values(f.lines), byName), "")
	return os.WriteFile(filepath.Join(f.path, "SHA256SUMS"), []byte(sums), 0o644)
}
