package wire

// Limits on what a server may make us hold. Message bodies and number lists
// stream and have none.
const (
	// MaxToken is the longest atom, tag or section in octets.
	MaxToken = 64 << 10
	// MaxString is the longest string (quoted or literal) that is held in
	// memory, in octets; a header that is longer is cut there and reported, any
	// other literal that is longer where no body belongs is an error.
	MaxString = 1 << 20
	// MaxText is the longest text of a status response kept, in octets.
	MaxText = 64 << 10
	// MaxDepth is how deep parentheses may nest.
	MaxDepth = 128
	// MaxLine is the longest response in octets, literals not counted. A
	// SEARCH response of ten million UIDs fits.
	MaxLine = 256 << 20
	// MaxNoise is how many lines that are no response of ours (unknown tags,
	// garbage) a connection may send.
	MaxNoise = 1000
	// MaxTalk is how many untagged OK, NO and BAD may come for one command.
	MaxTalk = 10_000
	// MaxUnasked is how many other responses that no command asked for may come
	// before one that is: more than another client can cause in any mailbox.
	MaxUnasked = 4 << 20
	// MaxLiteral is the largest literal a server may announce, in octets.
	MaxLiteral = 1 << 40

	// bufferSize is the size of the read and write buffers in octets.
	bufferSize = 64 << 10
	// lookBack is how many octets in front of a line's end are looked at for a
	// literal's announcement.
	lookBack = 32
	// maxQuoted is the longest string sent quoted; longer ones are literals.
	maxQuoted = 1 << 10
)
