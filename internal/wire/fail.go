package wire

import (
	"fmt"

	"github.com/imapknife/imapknife/internal/fault"
)

// tooMuch is the error of a literal that is longer than its place allows.
func tooMuch(n int64) error { return limit("a literal of %d octets where no body belongs", n) }

// limit is the error of a server that sends more than a named constant
// allows; it ends the connection.
func limit(format string, args ...any) error {
	return fault.New(fault.Protocol, "the server sent %s", fmt.Sprintf(format, args...))
}
