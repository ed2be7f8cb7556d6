package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// thirdParty is the licence of every module in the binary, as most of them ask
// for. Modules with the same text stand above it together.
func thirdParty(root string, b *binary) ([]byte, error) {
	dirs, err := moduleDirs(root, b)
	if err != nil {
		return nil, err
	}
	owners := map[string][]string{}
	var texts []string
	add := func(owner, text string) {
		if owners[text] == nil {
			texts = append(texts, text)
		}
		owners[text] = append(owners[text], owner)
	}
	for _, dep := range b.info.Deps {
		text, err := license(dirs[dep.Path])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dep.Path, err)
		}
		if dep.Path == "golang.org/x/sys" { // has Go's own, which not every installation of Go comes with
			add("the Go standard library", text)
		}
		add(dep.Path, text)
	}
	var out bytes.Buffer
	out.WriteString("imapknife contains:\n")
	for _, text := range texts {
		fmt.Fprintf(&out, "\n%s\n\n%s\n\n%s\n", strings.Repeat("-", 72), strings.Join(owners[text], "\n"), text)
	}
	return out.Bytes(), nil
}

// license is what a module's folder says about how it may be used.
func license(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("not downloaded")
	}
	var parts []string
	for _, pattern := range []string{"LICENSE*", "COPYING*", "NOTICE*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return "", err
			}
			parts = append(parts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
		}
	}
	if len(parts) == 0 {
		return "", errors.New("no licence found")
	}
	return strings.Join(parts, "\n\n"), nil
}

// moduleDirs says where the modules are that the binary was built from.
func moduleDirs(root string, b *binary) (map[string]string, error) {
	args := []string{"list", "-m", "-json"}
	for _, dep := range b.info.Deps {
		args = append(args, dep.Path)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	listed, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	dirs := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var m struct{ Path, Dir string }
		if err := decoder.Decode(&m); err == io.EOF {
			return dirs, nil
		} else if err != nil {
			return nil, err
		}
		dirs[m.Path] = m.Dir
	}
}
