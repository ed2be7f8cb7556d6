package wire

import "strings"

// readOnlyCommand reports whether cmd can change nothing on the server. It is
// an allow-list: a command that is not known is refused. FETCH without PEEK
// cannot set \Seen either, since SELECT is not on the list and EXAMINE opens
// read-only (RFC 9051 section 6.3.3).
func readOnlyCommand(cmd *Command) bool {
	switch strings.ToUpper(cmd.name) {
	case "CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "AUTHENTICATE", "LOGIN", "ID", "ENABLE", "COMPRESS",
		"EXAMINE", "UNSELECT", "LIST", "LSUB", "XLIST", "STATUS", "NAMESPACE", "IDLE", "NOTIFY",
		"SEARCH", "UID SEARCH", "SORT", "UID SORT", "THREAD", "UID THREAD", "ESEARCH",
		"FETCH", "UID FETCH",
		"GETQUOTA", "GETQUOTAROOT", "GETACL", "MYRIGHTS", "LISTRIGHTS", "GETMETADATA", "GETANNOTATION":
		return true
	}
	return false
}
