package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeBOM writes the bill of materials of a binary, in CycloneDX 1.6: the
// modules that the binary says it contains. It has neither a serial number nor
// a time but the commit's, so that it is reproducible too.
func writeBOM(to *folder, b *binary) error {
	bom := cdx.NewBOM()
	digest := sha256.Sum256(b.data)
	main := component(cdx.ComponentTypeApplication, b.info.Main.Path, b.info.Main.Version)
	main.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(digest[:])}}
	main.Properties = &[]cdx.Property{}
	for _, s := range b.info.Settings {
		*main.Properties = append(*main.Properties, cdx.Property{Name: "go:build:" + s.Key, Value: s.Value})
	}
	bom.Metadata = &cdx.Metadata{Timestamp: b.time.Format(time.RFC3339), Component: &main}

	components := []cdx.Component{component(cdx.ComponentTypeLibrary, "std", strings.TrimPrefix(b.info.GoVersion, "go"))}
	for _, dep := range b.info.Deps {
		c, err := moduleComponent(dep)
		if err != nil {
			return err
		}
		components = append(components, c)
	}
	bom.Components = &components

	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return err
	}
	return to.write(b.stem()+".cdx.json", out.Bytes())
}

// moduleComponent tells of a module with the sum that go.sum has, h1: the
// SHA-256 over the digests of its files.
func moduleComponent(m *debug.Module) (cdx.Component, error) {
	if m.Replace != nil {
		return cdx.Component{}, fmt.Errorf("%s is replaced: nobody else could look at it", m.Path)
	}
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
	if err != nil || len(sum) != sha256.Size {
		return cdx.Component{}, fmt.Errorf("%s has the sum %q", m.Path, m.Sum)
	}
	c := component(cdx.ComponentTypeLibrary, m.Path, m.Version)
	c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	return c, nil
}

func component(kind cdx.ComponentType, path, version string) cdx.Component {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdx.Component{BOMRef: url, Type: kind, Name: path, Version: version, PackageURL: url}
}
