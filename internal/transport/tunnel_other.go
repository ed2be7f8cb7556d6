//go:build !unix

package transport

import (
	"net"

	"github.com/imapknife/imapknife/internal/fault"
)

// tunnel is not possible where pipes know no deadlines and there is no shell.
func (c *Config) tunnel() (net.Conn, error) {
	return nil, fault.New(fault.Usage, "--tunnel is for Unix systems").Hint("--proxy or a forwarded port can do the same")
}
