// Package report writes the outcome of a check in the forms that CI systems
// read: JUnit XML and TAP.
package report

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/atomicfile"
)

// Case is one check.
type Case struct {
	Suite, Name string
	Took        time.Duration
	Failure     string // why it is not so, empty when it is
	Error       string // why it could not be checked, empty when it could
}

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *problem `xml:"failure"`
	Error   *problem `xml:"error"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit is the case as a JUnit document of one test suite.
func JUnit(c Case) ([]byte, error) {
	took := fmt.Sprintf("%.3f", c.Took.Seconds())
	t := testCase{Class: c.Suite, Name: clean(c.Name), Time: took}
	s := suite{Name: c.Suite, Tests: 1, Time: took}
	switch {
	case c.Error != "":
		s.Errors, t.Error = 1, &problem{clean(firstLine(c.Error)), clean(c.Error)}
	case c.Failure != "":
		s.Failures, t.Failure = 1, &problem{clean(firstLine(c.Failure)), clean(c.Failure)}
	}
	s.Cases = []testCase{t}
	data, err := xml.MarshalIndent(suites{Suites: []suite{s}}, "", "  ")
	return append([]byte(xml.Header), append(data, '\n')...), err
}

// WriteJUnit writes the document to a file, in one step: readers see the old
// report or the new.
func WriteJUnit(path string, c Case) error {
	data, err := JUnit(c)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, 0o666) // a pipe or a device has no content to keep
	}
	return atomicfile.Publish(atomicfile.Target(path), data)
}

// TAP is the case as a TAP 13 document. One that could not be checked bails out.
func TAP(c Case) string {
	if c.Error != "" {
		return "TAP version 13\n1..1\nBail out! " + firstLine(clean(c.Error)) + "\n"
	}
	verdict, why := "ok", c.Failure
	if why != "" {
		verdict = "not ok"
	}
	out := fmt.Sprintf("TAP version 13\n1..1\n%s 1 - %s\n", verdict, strings.ReplaceAll(firstLine(clean(c.Name)), "#", `\#`))
	for line := range strings.Lines(clean(why)) {
		out += "# " + strings.TrimSuffix(line, "\n") + "\n"
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// clean leaves out what XML cannot hold and terminals must not get.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == utf8.RuneError || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, s)
}
