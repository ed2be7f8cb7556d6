//go:build !unix

// Package access says who else than the user may read or change a file. It
// opens none and changes none.
package access

import "io/fs"

// ChangeableByOthers reports whether somebody else may change the file, which is
// not known here: access is not a matter of modes.
func ChangeableByOthers(fs.FileInfo) bool { return false }

// ReadableByOthers reports whether somebody else may read the file, which is not
// known here.
func ReadableByOthers(fs.FileInfo) bool { return false }
