package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// A made is what make dist left of one commit, with the tag v0.1.0.
type made struct {
	clone, dist, stem, commit string
	time                      time.Time
	// program is the binary out of the archive.
	program string
}

// TestDist makes a release for linux/amd64 out of what is here,
// twice, and looks at everything that is in it.
func TestDist(t *testing.T) {
	for _, tool := range []string{"git", "make", "sh", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			without(t, err.Error())
		}
	}
	m := makeDist(t, filepath.Join(t.TempDir(), "a"))
	t.Run("reproducible", func(t *testing.T) { testReproducible(t, m) })
	t.Run("sums", func(t *testing.T) { runIn(t, m.dist, "sha256sum", "--check", "--strict", "SHA256SUMS") })
	t.Run("archive", func(t *testing.T) { testArchive(t, m) })
	t.Run("deb", func(t *testing.T) { testDeb(t, m) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, m) })
	t.Run("bill", func(t *testing.T) { testBill(t, m) })
}

// without ends a test that cannot run on this machine.
func without(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("IMAPKNIFE_REQUIRE_ALL") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// makeDist commits what is here, in a repository of its own in folder, and makes
// the release there. So it needs no repository here, and sees what is not
// committed yet.
func makeDist(t *testing.T, folder string, env ...string) made {
	t.Helper()
	runIn(t, ".", "git", "init", "-q", folder)
	runIn(t, "../..", "git", "--git-dir="+filepath.Join(folder, ".git"), "--work-tree=.", "add", "--all")
	runIn(t, folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "a release")
	runIn(t, folder, "git", "reset", "-q", "--hard")
	runIn(t, folder, "git", "tag", "v0.1.0")
	cmd := exec.Command("make", "dist", "TARGETS=linux/amd64")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make dist: %v\n%s", err, out)
	}
	m := made{clone: folder, dist: filepath.Join(folder, "dist"), stem: "imapknife_0.1.0_linux_amd64"}
	log := strings.Fields(runIn(t, folder, "git", "log", "-1", "--format=%H %ct"))
	m.commit = log[0]
	var seconds int64
	if _, err := fmt.Sscan(log[1], &seconds); err != nil {
		t.Fatal(err)
	}
	m.time = time.Unix(seconds, 0)
	m.program = filepath.Join(t.TempDir(), "imapknife")
	for header, data := range m.archive(t) {
		if path.Base(header.Name) == "imapknife" {
			if err := os.WriteFile(m.program, data, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

// runIn runs a program in a folder and returns its output.
func runIn(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, &stderr)
	}
	return string(out)
}

func (m made) file(suffix string) string { return filepath.Join(m.dist, m.stem+suffix) }

// manuals are the manual pages of the commit, such as man/imapknife.1.
func (m made) manuals(t *testing.T) []string {
	names := strings.Fields(runIn(t, m.clone, "git", "ls-files", "man"))
	if len(names) < 20 {
		t.Fatalf("only %d manual pages", len(names))
	}
	return names
}

// installed are the files that a package installs, sorted.
func (m made) installed(t *testing.T, zsh string) []string {
	names := []string{
		"/usr/bin/imapknife",
		"/usr/share/bash-completion/completions/imapknife",
		"/usr/share/doc/imapknife/copyright",
		"/usr/share/fish/vendor_completions.d/imapknife.fish",
		zsh,
	}
	for _, page := range m.manuals(t) {
		names = append(names, "/usr/share/man/man"+strings.TrimPrefix(path.Ext(page), ".")+"/"+path.Base(page)+".gz")
	}
	slices.Sort(names)
	return names
}

// testReproducible makes the release again: in another folder, another time
// zone and with settings that the build must not follow.
// The two share Go's build cache, which does not know folders (-trimpath); the
// program is linked, and everything packed, twice.
func testReproducible(t *testing.T, m made) {
	folder := filepath.Join(t.TempDir(), "another folder", "b")
	again := makeDist(t, folder, "TZ=Asia/Kathmandu", "SOURCE_DATE_EPOCH=1", "GOFLAGS=-buildvcs=false", "LANG=C")
	want, got := read(t, filepath.Join(m.dist, "SHA256SUMS")), read(t, filepath.Join(again.dist, "SHA256SUMS"))
	if !bytes.Equal(want, got) {
		t.Errorf("twice made, twice different:\n%s\n%s", want, got)
	}
	if n := bytes.Count(want, []byte("\n")); n != 4 {
		t.Errorf("SHA256SUMS has %d lines, not one each for .tar.gz, .deb, .rpm and .cdx.json:\n%s", n, want)
	}
}

// testArchive compares the archive's list with what it should be.
func testArchive(t *testing.T, m made) {
	want := []string{
		"-rw-r--r-- CHANGELOG.md", "-rw-r--r-- LICENSE", "-rw-r--r-- README.md", "-rw-r--r-- THIRD-PARTY",
		"-rw-r--r-- completions/imapknife.bash", "-rw-r--r-- completions/imapknife.fish",
		"-rw-r--r-- completions/imapknife.ps1", "-rw-r--r-- completions/imapknife.zsh",
		"-rwxr-xr-x imapknife",
	}
	for _, page := range m.manuals(t) {
		want = append(want, "-rw-r--r-- "+page)
	}
	slices.SortFunc(want, func(a, b string) int { return cmp.Compare(a[11:], b[11:]) })
	var got []string
	for header, data := range m.archive(t) {
		name, ok := strings.CutPrefix(header.Name, m.stem+"/")
		if !ok || header.Uid != 0 || header.Gid != 0 || !header.ModTime.Equal(m.time) {
			t.Errorf("%s: owner %d:%d, time %v", header.Name, header.Uid, header.Gid, header.ModTime)
		}
		got = append(got, header.FileInfo().Mode().String()+" "+name)
		if name != "imapknife" && name != "THIRD-PARTY" && !bytes.Equal(data, read(t, filepath.Join(m.clone, name))) {
			t.Errorf("%s is not the repository's", name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the archive has\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// archive reads the .tar.gz.
func (m made) archive(t *testing.T) func(yield func(*tar.Header, []byte) bool) {
	return func(yield func(*tar.Header, []byte) bool) {
		unzipped, err := gzip.NewReader(bytes.NewReader(read(t, m.file(".tar.gz"))))
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(unzipped); ; {
			header, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(header, data) {
				return
			}
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkVersion looks at what a program says of itself as JSON.
func (m made) checkVersion(t *testing.T, said string) {
	var got struct{ Version, Commit, Go string }
	if err := json.Unmarshal([]byte(said), &got); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if got.Version != "v0.1.0" || got.Commit != m.commit || got.Go != runtime.Version() {
		t.Errorf("version says %s, the tag is v0.1.0, the commit %s, Go %s", said, m.commit, runtime.Version())
	}
}
