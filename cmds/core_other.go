//go:build !unix

package cmds

// noCore does nothing: the system has no such limit.
func noCore() {}
