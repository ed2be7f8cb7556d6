package message

import (
	"bufio"
	"io"
)

// HTMLLink is a link that a person sees in HTML: where it leads, as written, and
// what it says, up to 2,048 octets or so.
type HTMLLink struct {
	URL, Text string
	From, To  int // where it stands in the text, in octets
}

// HTMLLinks is HTMLToText without the URLs that links do not say, and calls see
// for each link when it ends. A link inside what is hidden is none. See is
// called while text is written to w, with its first To octets, not all of which
// may have reached w.
func HTMLLinks(w io.Writer, r io.Reader, see func(HTMLLink)) error {
	return renderTo(&htmlWriter{w: bufio.NewWriter(w), see: see}, r)
}
