package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

// writePackages writes the packages for Debian's and for RPM's kind of system.
func writePackages(to *folder, b *binary, docs documents, third []byte) error {
	placed, err := install(b, docs, third)
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		suffix, zsh string
		packager    nfpm.Packager
	}{
		{".deb", "/usr/share/zsh/vendor-completions/_imapknife", deb.Default},
		{".rpm", "/usr/share/zsh/site-functions/_imapknife", rpm.DefaultRPM},
	} {
		entries := append(slices.Clone(placed), entry{kind.zsh, 0o644, docs["completions/imapknife.zsh"]})
		data, err := pack(b, entries, kind.packager)
		if err != nil {
			return err
		}
		if err := to.write(b.stem()+kind.suffix, data); err != nil {
			return err
		}
	}
	return nil
}

// install says where things go in every package.
func install(b *binary, docs documents, third []byte) ([]entry, error) {
	entries := []entry{
		{"/usr/bin/imapknife", 0o755, b.data},
		{"/usr/share/bash-completion/completions/imapknife", 0o644, docs["completions/imapknife.bash"]},
		{"/usr/share/fish/vendor_completions.d/imapknife.fish", 0o644, docs["completions/imapknife.fish"]},
		{"/usr/share/doc/imapknife/copyright", 0o644, bytes.Join([][]byte{docs["LICENSE"], third}, []byte("\n"))},
	}
	for _, name := range docs.manuals() {
		data, err := gzipped(docs[name])
		if err != nil {
			return nil, err
		}
		section := strings.TrimPrefix(path.Ext(name), ".")
		entries = append(entries, entry{"/usr/share/man/man" + section + "/" + path.Base(name) + ".gz", 0o644, data})
	}
	return entries, nil
}

// pack makes a package. Its maker reads files, which therefore lie in a
// temporary folder for as long.
func pack(b *binary, entries []entry, packager nfpm.Packager) ([]byte, error) {
	dir, err := os.MkdirTemp("", "imapknife-dist-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	contents := files.Contents{{
		Destination: "/usr/share/doc/imapknife", Type: files.TypeDir,
		FileInfo: &files.ContentFileInfo{Mode: 0o755, MTime: b.time},
	}}
	for _, e := range entries {
		source := filepath.Join(dir, filepath.FromSlash(e.name))
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(source, e.data, 0o644); err != nil {
			return nil, err
		}
		contents = append(contents, &files.Content{
			Source: source, Destination: e.name, Type: files.TypeFile,
			FileInfo: &files.ContentFileInfo{Mode: e.mode, MTime: b.time, Size: int64(len(e.data))},
		})
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name:            "imapknife",
		Arch:            packageArch(b.target),
		Platform:        "linux",
		Version:         packageVersion(b.version),
		VersionSchema:   "none",
		Section:         "mail",
		Maintainer:      "The imapknife authors <imapknife@users.noreply.github.com>",
		Homepage:        "https://github.com/imapknife/imapknife",
		License:         "MIT",
		Description:     "the swiss-army knife for IMAP\nCommands that each open a session, do one thing and print text or JSON\nfor a pipeline: for shell scripts, mailbox assertions in CI and jq.",
		MTime:           b.time,
		DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Contents: contents,
			RPM:      nfpm.RPM{BuildHost: "localhost"},
		},
	})
	var out bytes.Buffer
	if err := packager.Package(info, &out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// packageArch is nfpm's name, which it translates for each kind of package.
func packageArch(t target) string {
	if t.arch == "arm" {
		return "arm7"
	}
	return t.arch
}

// packageVersion makes a version valid for Debian and RPM, and sorts it: what
// is before a release, after a hyphen in Go, is behind ~ there. Without any tag
// it is 0.0.0~TIME.COMMIT, which is older than every release.
func packageVersion(version string) string {
	version = strings.Replace(version, "-", "~", 1)
	return strings.ReplaceAll(version, "-", ".")
}
