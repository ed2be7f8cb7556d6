package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A target is a system and an architecture, in Go's words.
type target struct{ os, arch string }

var targets = []target{
	{"linux", "amd64"},
	{"linux", "arm64"},
	{"linux", "arm"},
	{"darwin", "amd64"},
	{"darwin", "arm64"},
	{"windows", "amd64"},
	{"freebsd", "amd64"},
}

func (t target) String() string { return t.os + "/" + t.arch }

func findTarget(name string) (target, bool) {
	i := slices.IndexFunc(targets, func(t target) bool { return t.String() == name })
	if i < 0 {
		return target{}, false
	}
	return targets[i], true
}

// A binary is imapknife for one target. What is said about it, its version and
// its commit's time too, is what the build itself wrote into it, so that
// packages cannot say anything else than `imapknife version`.
type binary struct {
	target target
	info   *buildinfo.BuildInfo
	data   []byte
	// version is a tag or Go's pseudo-version, without the v.
	version string
	// time is when the commit was made, in UTC. All files have it.
	time time.Time
}

// stem is how the names of the binary's files begin.
func (b *binary) stem() string {
	arch := b.target.arch
	if arch == "arm" {
		arch = "armv7"
	}
	return fmt.Sprintf("imapknife_%s_%s_%s", b.version, b.target.os, arch)
}

// name is the program's file name.
func (b *binary) name() string {
	if b.target.os == "windows" {
		return "imapknife.exe"
	}
	return "imapknife"
}

// build compiles the module in root, so that only the commit and the version of
// Go decide what comes out: not the folder, nor the settings of who builds.
func build(root, tags string, t target) (*binary, error) {
	dir, err := os.MkdirTemp("", "imapknife-dist-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "imapknife")
	cmd := exec.Command("go", "build", "-buildvcs=true", "-trimpath", "-ldflags=-s -w -buildid=", "-tags="+tags, "-o", out, ".")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(),
		"GOOS="+t.os, "GOARCH="+t.arch, "CGO_ENABLED=0",
		"GOAMD64=v1", "GOARM=7", "GOARM64=v8.0", "GOFIPS140=off", "GOFLAGS=-mod=readonly", "GOWORK=off")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build for %s: %w", t, err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return readBinary(t, data)
}

// readBinary finds out from a program what it was built from.
func readBinary(t target, data []byte) (*binary, error) {
	info, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	b := &binary{target: t, info: info, data: data, version: strings.TrimPrefix(info.Main.Version, "v")}
	if b.time, err = time.Parse(time.RFC3339, b.setting("vcs.time")); err != nil || b.version == info.Main.Version {
		return nil, fmt.Errorf("the build does not know its commit and version (%q): it needs git and a clone", info.Main.Version)
	}
	return b, nil
}

// setting is what the binary was built with, or empty.
func (b *binary) setting(key string) string {
	for _, s := range b.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
