package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// documents are the files that accompany the binary: their contents by their
// slash-separated names under the module's folder.
type documents map[string][]byte

func readDocuments(root string) (documents, error) {
	docs := documents{}
	for _, pattern := range []string{"README.md", "LICENSE", "CHANGELOG.md", "man/*.[157]", "completions/imapknife.*"} {
		names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, &os.PathError{Op: "read", Path: pattern, Err: os.ErrNotExist}
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			docs[path.Join(path.Dir(pattern), filepath.Base(name))] = data
		}
	}
	return docs, nil
}

// manuals are the names of the manual pages, sorted.
func (d documents) manuals() []string {
	var names []string
	for name := range d {
		if strings.HasPrefix(name, "man/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
