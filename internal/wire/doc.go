// Package wire is one IMAP connection as bytes. It frames responses, keeps
// the tags in flight, streams tokens, sends commands with literals both ways,
// and traces what passes. It knows the grammar's shape (RFC 9051 section 4)
// but not what any response means: that is internal/session's.
//
// A Conn belongs to one goroutine. Every call that may wait for the network
// takes a context and obeys the time-out given in Options; a cancelled
// context ends the wait at once.
//
// Errors that end the connection are *fault.Error values of kind Connect,
// Refused (after BYE) or Protocol. A response that cannot be understood is a
// *SyntaxError: it costs that response only, and the connection goes on.
package wire
