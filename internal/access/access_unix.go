//go:build unix

// Package access says who else than the user may read or change a file. It
// opens none and changes none.
package access

import (
	"io/fs"
	"os"
	"syscall"
)

// ChangeableByOthers reports whether somebody else than the user and the system's
// administrator may write the file, or owns it. A group is somebody else, unless
// it is the user's own.
func ChangeableByOthers(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	mode := info.Mode().Perm()
	return st.Uid != 0 && int(st.Uid) != os.Geteuid() || mode&0o002 != 0 || mode&0o020 != 0 && int(st.Gid) != os.Getegid()
}

// ReadableByOthers reports whether others may read a regular file that is the
// user's, so that the user could forbid it.
func ReadableByOthers(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode().IsRegular() && int(st.Uid) == os.Geteuid() && info.Mode().Perm()&0o044 != 0
}
