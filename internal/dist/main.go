// Program dist makes what a release consists of: static binaries in archives,
// Debian and RPM packages, a bill of materials for each binary, and SHA256SUMS.
// The same commit, with its tags, and the same Go give the same octets
// (docs/decisions/0022-packages.md). It is a module of its own so that what it
// needs is not a dependency of imapknife, and imports nothing of imapknife's.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	root := flag.String("root", "../..", "the folder of imapknife's module, a git clone")
	out := flag.String("o", "../../dist", "the folder to write into")
	tags := flag.String("tags", "", "build tags, as for go build")
	list := flag.String("targets", "", "what to build for, such as linux/amd64,windows/amd64 (default: everything)")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := dist(*root, *out, *tags, *list); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// dist makes everything for the targets named in list.
func dist(root, out, tags, list string) error {
	chosen, err := chooseTargets(list)
	if err != nil {
		return err
	}
	docs, err := readDocuments(root)
	if err != nil {
		return err
	}
	to := &folder{path: out}
	for _, t := range chosen {
		b, err := build(root, tags, t)
		if err != nil {
			return err
		}
		third, err := thirdParty(root, b)
		if err != nil {
			return err
		}
		if err := release(to, b, docs, third); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return to.writeSums()
}

// release writes everything that holds one binary.
func release(to *folder, b *binary, docs documents, third []byte) error {
	if err := writeArchive(to, b, docs, third); err != nil {
		return err
	}
	if err := writeBOM(to, b); err != nil {
		return err
	}
	if b.target.os != "linux" {
		return nil
	}
	return writePackages(to, b, docs, third)
}

func chooseTargets(list string) ([]target, error) {
	if list == "" {
		return targets, nil
	}
	var chosen []target
	for name := range strings.SplitSeq(list, ",") {
		t, ok := findTarget(name)
		if !ok {
			return nil, fmt.Errorf("no target %q: there are %v", name, targets)
		}
		chosen = append(chosen, t)
	}
	return chosen, nil
}
