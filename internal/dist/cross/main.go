// Program cross vets imapknife for systems and word sizes that the tests do not
// run on. go vet would compile the standard library for each of them first,
// which takes minutes; this reads all of it as source, which takes seconds.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"

	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/analysis/suite/vet"
	"golang.org/x/tools/go/packages"
)

// A system is what to vet for. One of each kind will do: what differs is chosen
// by system, or by the size of a word.
type system struct{ os, arch string }

var systems = []system{
	{"windows", "amd64"},
	{"darwin", "amd64"},
	{"freebsd", "amd64"},
	{"linux", "386"},
	{"linux", "arm64"},
}

func main() {
	root := flag.String("root", "../..", "the folder of the module to vet")
	tags := flag.String("tags", "", "build tags, as for go vet")
	flag.Parse()
	sound := true
	for _, s := range systems {
		problems, err := check(*root, *tags, s)
		if err != nil {
			problems = append(problems, err.Error())
		}
		for _, p := range problems {
			fmt.Fprintf(os.Stderr, "%s/%s: %s\n", s.os, s.arch, p)
			sound = false
		}
	}
	if !sound {
		os.Exit(1)
	}
}

// check says what is wrong with the module's packages, and their tests, for a
// system.
func check(root, tags string, s system) ([]string, error) {
	loaded, err := packages.Load(&packages.Config{
		Mode:       packages.LoadAllSyntax,
		Dir:        root,
		Env:        append(os.Environ(), "GOOS="+s.os, "GOARCH="+s.arch, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly"),
		BuildFlags: []string{"-tags=" + tags},
		Tests:      true,
	}, "./...")
	if err != nil {
		return nil, err
	}
	var problems []string
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, e := range p.Errors {
			problems = append(problems, e.Error())
		}
	})
	if len(problems) > 0 {
		return unique(problems), nil
	}
	graph, err := checker.Analyze(vet.Suite, loaded, nil)
	if err != nil {
		return nil, err
	}
	for _, action := range graph.Roots {
		if action.Err != nil {
			problems = append(problems, action.Err.Error())
		}
		for _, d := range action.Diagnostics {
			problems = append(problems, fmt.Sprintf("%s: %s", action.Package.Fset.Position(d.Pos), d.Message))
		}
	}
	return unique(problems), nil
}

// unique sorts, and drops what was found in a package and again in its tests.
func unique(problems []string) []string {
	slices.Sort(problems)
	return slices.Compact(problems)
}
