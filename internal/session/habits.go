package session

import "strings"

// Yahoo reports whether the server is Yahoo's (AOL's mail is there, too), by
// the vendor that ID names or the capabilities that it alone announces. Its COPYUID does not keep the
// order of several messages (https://github.com/jstedfast/MailKit/issues/1405),
// and it cuts answers short without a word.
func (s *Session) Yahoo() bool {
	return strings.Contains(strings.ToLower(s.vendor), "yahoo") || s.Offers("XYMHIGHESTMODSEQ") || s.Offers("X-MSG-EXT")
}
