package main

import (
	"archive/zip"
	"io"
	"path/filepath"
	"testing"
	"time"
)

// TestZip looks at the archive for Windows without building for it.
func TestZip(t *testing.T) {
	when := time.Date(2026, 11, 27, 8, 51, 54, 0, time.UTC)
	b := &binary{target: target{"windows", "amd64"}, version: "0.1.0", time: when, data: []byte("MZ")}
	to := &folder{path: t.TempDir()}
	if err := writeArchive(to, b, documents{"man/imapknife.1": []byte(".TH")}, []byte("MIT")); err != nil {
		t.Fatal(err)
	}
	r, err := zip.OpenReader(filepath.Join(to.path, "imapknife_0.1.0_windows_amd64.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := []struct{ name, mode, data string }{
		{"THIRD-PARTY", "-rw-r--r--", "MIT"},
		{"imapknife.exe", "-rwxr-xr-x", "MZ"},
		{"man/imapknife.1", "-rw-r--r--", ".TH"},
	}
	if len(r.File) != len(want) {
		t.Fatalf("%d files", len(r.File))
	}
	for i, f := range r.File {
		opened, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(opened)
		name := "imapknife_0.1.0_windows_amd64/" + want[i].name
		if err != nil || f.Name != name || f.Mode().String() != want[i].mode || string(data) != want[i].data || !f.Modified.Equal(when) {
			t.Errorf("%s %s %q %v (%v), not %+v", f.Mode(), f.Name, data, f.Modified, err, want[i])
		}
	}
}
