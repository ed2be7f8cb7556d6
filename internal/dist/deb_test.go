package main

import (
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testDeb installs the Debian package into a folder that holds nothing else,
// runs the program with that folder as its root, and removes it again. Besides
// the package the folder has an empty /dev/null and, while the program runs,
// /proc and /tmp.
func testDeb(t *testing.T, m made) {
	if os.Getuid() != 0 {
		without(t, "installing a package needs root")
	}
	for _, tool := range []string{"dpkg", "unshare", "chroot"} {
		if _, err := exec.LookPath(tool); err != nil {
			without(t, err.Error())
		}
	}
	root := emptySystem(t)
	dpkg := func(args ...string) string {
		return runIn(t, root, "dpkg", append([]string{"--root=" + root}, args...)...)
	}
	before := list(t, root)
	dpkg("--install", m.file(".deb"))

	want := m.installed(t, "/usr/share/zsh/vendor-completions/_imapknife")
	if got := dpkg("--listfiles", "imapknife"); !slices.Equal(filesAmong(t, root, strings.Fields(got)), want) {
		t.Errorf("dpkg lists\n%s\nnot\n%s", got, strings.Join(want, "\n"))
	}
	after := slices.DeleteFunc(list(t, root), func(name string) bool { return slices.Contains(before, name) })
	if got := filesAmong(t, root, after); !slices.Equal(got, want) {
		t.Errorf("there are now\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if said := dpkg("--verify", "imapknife"); said != "" {
		t.Errorf("dpkg --verify: %s", said)
	}
	if said := dpkg("--audit"); said != "" {
		t.Errorf("dpkg --audit: %s", said)
	}
	checkManuals(t, m, root)

	chroot := func(args ...string) string {
		script := `mount -t proc proc "$0/proc" && mount -t tmpfs tmp "$0/tmp" && HOME=/tmp exec env -u XDG_CACHE_HOME chroot "$0" /usr/bin/imapknife "$@"`
		return runIn(t, "/", "unshare", append([]string{"--mount", "--pid", "--fork", "sh", "-c", script, root}, args...)...)
	}
	m.checkVersion(t, chroot("version", "--json"))
	if got := chroot("sandbox", "--", "/usr/bin/imapknife", "list", "--fields", "mailbox"); !strings.Contains(got, "INBOX") {
		t.Errorf("list in a sandbox: %q", got)
	}

	dpkg("--purge", "imapknife")
	if left := list(t, root); !slices.Equal(left, before) {
		t.Errorf("purged, and there are\n%s\nnot\n%s", strings.Join(left, "\n"), strings.Join(before, "\n"))
	}
	if said := dpkg("--list"); strings.Contains(said, "imapknife") {
		t.Errorf("dpkg remembers: %s", said)
	}
}

// emptySystem is a root folder in which nothing is installed.
func emptySystem(t *testing.T) string {
	root := t.TempDir()
	for _, dir := range []string{"tmp", "dev", "proc", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"var/lib/dpkg/status", "dev/null"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// list names all there is in a system but dpkg's own.
func list(t *testing.T, root string) []string {
	var names []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(path, root); !strings.HasPrefix(name, "/var/lib/dpkg/") && !strings.HasPrefix(name, "/var/log/") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// filesAmong leaves out folders, and sorts.
func filesAmong(t *testing.T, root string, names []string) []string {
	var files []string
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if !info.IsDir() {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return files
}

// checkManuals compares the manual pages in a system with the repository's.
func checkManuals(t *testing.T, m made, root string) {
	for _, page := range m.manuals(t) {
		section := page[len(page)-1:]
		f, err := os.Open(filepath.Join(root, "usr/share/man/man"+section, filepath.Base(page)+".gz"))
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		unzipped, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unzipped)
		if err != nil || string(text) != string(read(t, filepath.Join(m.clone, page))) {
			t.Errorf("%s is not the repository's (%v)", f.Name(), err)
		}
		if !unzipped.ModTime.IsZero() || unzipped.Name != "" {
			t.Errorf("%s has a time or a name in its header: %v %q", f.Name(), unzipped.ModTime, unzipped.Name)
		}
	}
}
