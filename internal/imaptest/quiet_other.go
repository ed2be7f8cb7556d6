//go:build !linux

package imaptest

import "net"

// quiet cannot be known here: the delay of replies has to be enough.
func (*peer) quiet(net.Conn) {}
