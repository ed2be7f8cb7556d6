package main

import (
	"bytes"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sassoftware/go-rpmutils"
)

// testRPM reads the RPM package, with a library that did not write it.
func testRPM(t *testing.T, m made) {
	rpm, err := rpmutils.ReadRpm(bytes.NewReader(read(t, m.file(".rpm"))))
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[int]string{
		rpmutils.NAME: "imapknife", rpmutils.VERSION: "0.1.0", rpmutils.RELEASE: "1", rpmutils.ARCH: "x86_64",
		rpmutils.OS: "linux", rpmutils.LICENSE: "MIT", rpmutils.BUILDHOST: "localhost",
	} {
		if got, err := rpm.Header.GetString(tag); got != want || err != nil {
			t.Errorf("tag %d is %q, not %q (%v)", tag, got, want, err)
		}
	}
	if got, err := rpm.Header.GetInt(rpmutils.BUILDTIME); err != nil || !time.Unix(int64(got), 0).Equal(m.time) {
		t.Errorf("built at %d, committed at %d (%v)", got, m.time.Unix(), err)
	}
	listed, err := rpm.Header.GetFiles()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range listed {
		if int64(f.Mtime()) != m.time.Unix() || f.UserName() != "root" || f.GroupName() != "root" {
			t.Errorf("%s: owner %s:%s, time %d", f.Name(), f.UserName(), f.GroupName(), f.Mtime())
		}
		if f.Mode()&0o170000 == 0o100000 {
			names = append(names, f.Name())
		} else if f.Name() != "/usr/share/doc/imapknife" {
			t.Errorf("the package claims %s", f.Name())
		}
	}
	slices.Sort(names)
	want := m.installed(t, "/usr/share/zsh/site-functions/_imapknife")
	if !slices.Equal(names, want) {
		t.Errorf("the header lists\n%s\nnot\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
	checkPayload(t, m, rpm, len(listed))
}

// checkPayload finds the files that the header lists, and the program.
func checkPayload(t *testing.T, m made, rpm *rpmutils.Rpm, want int) {
	payload, err := rpm.PayloadReaderExtended()
	if err != nil {
		t.Fatal(err)
	}
	files, program := 0, false
	for {
		info, err := payload.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files++
		if info.Name() == "/usr/bin/imapknife" {
			data, err := io.ReadAll(payload)
			program = err == nil && bytes.Equal(data, read(t, m.program)) && info.Mode()&0o777 == 0o755
		}
	}
	if files != want || !program {
		t.Errorf("the payload has %d files of %d, the right program: %v", files, want, program)
	}
}

// TestPackageVersion checks that packages sort as commits do.
func TestPackageVersion(t *testing.T) {
	sorted := []string{
		"0.0.0-20261127085154-dcfa87857cb2",
		"0.0.0-20261128000000-0123456789ab",
		"0.1.0-rc.1",
		"0.1.0-rc.1.0.20261129000000-0123456789ab",
		"0.1.0-rc.2",
		"0.1.0",
		"0.1.1-0.20261130000000-0123456789ab",
		"0.1.1-0.20261130000000-0123456789ab+dirty",
		"0.1.1",
	}
	for i, version := range sorted {
		got := packageVersion(version)
		if strings.Trim(got, "0123456789abcdefghijklmnopqrstuvwxyz.~+") != "" {
			t.Errorf("%s becomes %s, which not both Debian and RPM take", version, got)
		}
		if i == 0 {
			continue
		}
		before := packageVersion(sorted[i-1])
		if rpmutils.Vercmp(before, got) >= 0 {
			t.Errorf("RPM does not sort %s before %s", before, got)
		}
		if _, err := exec.LookPath("dpkg"); err != nil {
			continue
		}
		if err := exec.Command("dpkg", "--compare-versions", before, "lt", got).Run(); err != nil {
			t.Errorf("dpkg does not sort %s before %s", before, got)
		}
		if out, err := exec.Command("dpkg", "--validate-version", got).CombinedOutput(); err != nil {
			t.Errorf("dpkg: %s", out)
		}
	}
}
