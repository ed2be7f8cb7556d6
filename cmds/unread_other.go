//go:build !unix

package cmds

import "context"

// untilUnread is for systems with poll(2).
func (p *Process) untilUnread(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
