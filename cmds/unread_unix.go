//go:build unix

package cmds

import (
	"context"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/imapknife/imapknife/internal/fault"
)

// untilUnread ends the context when nobody reads standard output any more, as
// behind `| head -n 1`: who writes seldom would notice late. It is about pipes
// only.
func (p *Process) untilUnread(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := func() { cancel(nil) }
	f, ok := p.Stdout.(*os.File)
	if !ok {
		return ctx, stop
	}
	if info, err := f.Stat(); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return ctx, stop
	}
	fd := []unix.PollFd{{Fd: int32(f.Fd())}}
	go func() {
		for ctx.Err() == nil {
			_, err := unix.Poll(fd, -1)
			switch {
			case err == unix.EINTR:
			case err == nil && fd[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
				cancel(fault.Wrap(fault.Closed, unix.EPIPE, "standard output was closed"))
			default: // it cannot be known here
				return
			}
		}
	}()
	return ctx, stop
}
