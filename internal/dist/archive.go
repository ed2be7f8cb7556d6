package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"io/fs"
	"slices"
	"time"
)

// An entry is a file in an archive.
type entry struct {
	name string
	mode fs.FileMode
	data []byte
}

// writeArchive writes the binary with its documents: a zip file for Windows, a
// compressed tar file for the others.
func writeArchive(to *folder, b *binary, docs documents, third []byte) error {
	entries := []entry{
		{b.stem() + "/" + b.name(), 0o755, b.data},
		{b.stem() + "/THIRD-PARTY", 0o644, third},
	}
	for name, data := range docs {
		entries = append(entries, entry{b.stem() + "/" + name, 0o644, data})
	}
	slices.SortFunc(entries, func(x, y entry) int { return cmp.Compare(x.name, y.name) })
	form, suffix := tarGz, ".tar.gz"
	if b.target.os == "windows" {
		form, suffix = zipped, ".zip"
	}
	data, err := form(entries, b.time)
	if err != nil {
		return err
	}
	return to.write(b.stem()+suffix, data)
}

func tarGz(entries []entry, mtime time.Time) ([]byte, error) {
	var tarred bytes.Buffer
	w := tar.NewWriter(&tarred)
	for _, e := range entries {
		header := &tar.Header{
			Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: e.name, Mode: int64(e.mode), Size: int64(len(e.data)),
			ModTime: mtime, Uname: "root", Gname: "root",
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return gzipped(tarred.Bytes())
}

// gzipped compresses without a name and a time in the header.
func gzipped(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func zipped(entries []entry, mtime time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: mtime}
		header.SetMode(e.mode)
		f, err := w.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(e.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
