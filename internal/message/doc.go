// Package message reads mail: header fields (RFC 5322), the words and
// addresses in them (RFC 2047, RFC 2231, RFC 6532), MIME structure, file
// names, transfer encodings, charsets and HTML.
//
// It is tolerant, because senders are not careful: whatever the octets, the
// result is valid UTF-8 and as close to what a person would read as can be
// had, and a flag or a warning says when something was guessed, replaced or
// cut. It is bounded: time is linear in the input, memory is limited by the
// constants below and, for bodies, independent of their size.
//
// It must not do any I/O but read the readers it is given, must not fetch
// anything a message refers to, and must not know IMAP's syntax.
package message

// Limits on what a message may ask for. What is beyond them is left out and,
// where the result has room for warnings, reported.
const (
	MaxHeader     = 1 << 20  // octets of one header block that are read
	MaxPartHeader = 64 << 10 // octets of the header of a part inside a message, in Walk
	MaxHeaders    = 16 << 20 // octets of all headers that one Walk reads
	MaxFields     = 4096     // header fields of one block
	MaxAddresses  = 10_000   // addresses of one field
	MaxReferences = 10_000   // message identifiers of one References field
	MaxParams     = 256      // parameters of one Content-Type or Content-Disposition
	MaxDepth      = 100      // levels of parts inside parts
	MaxParts      = 10_000   // parts of one message
	MaxBoundary   = 1024     // octets of a multipart boundary
	MaxSafeName   = 200      // octets of a file name that SafeName gives
)
