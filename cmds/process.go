// Package cmds holds the verbs, one file each, and what they share: the flag
// registry, the way from argv to an options struct, the connection, the
// selection of messages, and the one place where an error becomes an exit
// status. It is the only importer of urfave/cli.
package cmds

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/hidden"
	"github.com/imapknife/imapknife/output"
	"golang.org/x/term"
)

// Process is everything of the operating system's process that imapknife
// uses; nothing else in the program looks at it.
type Process struct {
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Now            func() time.Time

	ctx    context.Context // ended by a signal
	hidden *hidden.Set     // secrets that are in no message
	noZone string          // the TZ that is not known and has not been warned about
}

// Getenv returns the last value of an environment variable.
func (p *Process) Getenv(name string) (string, bool) {
	for i := len(p.Environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(p.Environ[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// withoutSecrets is the environment for programs that have no use for the
// secrets in it: the pager, and commands that say a secret themselves.
func (p *Process) withoutSecrets() []string {
	return slices.DeleteFunc(slices.Clone(p.Environ), func(v string) bool {
		return strings.HasPrefix(v, "IMAPKNIFE_PASSWORD=") || strings.HasPrefix(v, "IMAPKNIFE_TOKEN=")
	})
}

// stdin is standard input, of which a signal ends the reading.
func (p *Process) stdin() io.Reader { return interruptible{p.ctx, p.Stdin} }

type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i interruptible) Read(b []byte) (int, error) {
	type got struct {
		n   int
		err error
	}
	done := make(chan got, 1)
	own := make([]byte, len(b)) // b is the caller's again when a signal ends the reading
	go func() {
		n, err := i.r.Read(own)
		done <- got{n, err}
	}()
	select {
	case <-i.ctx.Done():
		return 0, context.Cause(i.ctx)
	case g := <-done:
		return copy(b, own[:g.n]), g.err
	}
}

// terminal returns the file behind a stream if it is a terminal.
func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	_, ok := terminal(stream)
	return ok
}

// width is the number of columns of standard output, 0 when unknown.
func (p *Process) width() int {
	if v, ok := p.Getenv("COLUMNS"); ok {
		if n, err := strconv.Atoi(v); err == nil && n > 0 {
			return n
		}
	}
	if f, ok := terminal(p.Stdout); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// color reports whether standard output may be coloured (no-color.org).
func (p *Process) color() bool {
	no, _ := p.Getenv("NO_COLOR")
	kind, _ := p.Getenv("TERM")
	return isTerminal(p.Stdout) && no == "" && kind != "dumb"
}

// Say writes one line of talk to standard error, safe for a terminal.
func (p *Process) Say(format string, args ...any) {
	fmt.Fprintf(p.Stderr, "imapknife: %s\n", output.Visible(p.hidden.Hide(fmt.Sprintf(format, args...))))
}

// Main runs the command line and returns the exit status.
func Main(p *Process) int {
	if len(p.Args) > 1 && p.Args[1] == completeVerb {
		return p.complete(p.Args[2:])
	}
	p.hideSecrets()
	p.setZone()
	noCore()
	start := p.Now()
	ctx, stop := p.signals()
	defer stop()
	p.ctx = ctx
	in, err := parse(p)
	if err == nil {
		var r runner
		if r, err = in.verb.setup(in); err == nil {
			bound, cancel := in.bounded(ctx, start)
			defer cancel()
			p.ctx = bound
			err = timedOut(bound, r(atomicfile.Aloud(bound, in.say)))
		}
	}
	return p.report(ctx, in, err)
}

// hideSecrets keeps out of all messages what the environment holds and, since a
// user may have put it into any argument, what stands between a user and a host
// as user:password@host.
func (p *Process) hideSecrets() {
	p.hidden = new(hidden.Set)
	for _, name := range []string{"IMAPKNIFE_PASSWORD", "IMAPKNIFE_TOKEN"} {
		value, _ := p.Getenv(name)
		p.hidden.Add(value)
	}
	words := p.Args
	for _, name := range []string{"IMAPKNIFE_URL", "IMAPKNIFE_HOST", "IMAPKNIFE_ACCOUNT", "IMAPKNIFE_USER", "IMAPKNIFE_PROXY", "ALL_PROXY", "all_proxy"} {
		value, _ := p.Getenv(name)
		words = append(words[:len(words):len(words)], value)
	}
	for _, word := range words {
		p.hideIn(word)
	}
}

// hideIn keeps a password out of all messages that stands in word as
// user:password@host.
func (p *Process) hideIn(word string) {
	if password, ok := config.Password(word); ok {
		p.hidden.AddWithin(":", password, "@")
	}
}

// signals returns a context that SIGINT, SIGTERM and, unless it was ignored from
// the start (nohup), SIGHUP cancel; a second one kills. SIGPIPE becomes a write error, which ends the session cleanly.
func (p *Process) signals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(ch, syscall.SIGHUP)
	}
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	go func() {
		switch <-ch {
		case os.Interrupt:
			cancel(fault.Interrupt)
		case syscall.SIGTERM, syscall.SIGHUP:
			cancel(fault.Terminate)
		}
		signal.Stop(ch)
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(ch)
		cancel(nil)
	}
}

// report prints err, once and nowhere else, and returns its exit status.
func (p *Process) report(ctx context.Context, in *input, err error) int {
	status := fault.ExitStatus(err)
	if cause := context.Cause(ctx); cause != nil && fault.KindOf(err) != fault.None {
		if k := fault.KindOf(cause); k == fault.Interrupted || k == fault.Terminated {
			return k.Status()
		}
	}
	switch _, child := err.(fault.Exit); {
	case err == nil, child, fault.KindOf(err) == fault.Closed, fault.KindOf(err) == fault.Interrupted:
	case in != nil:
		in.fail(err)
	default:
		io.WriteString(p.Stderr, output.ErrorText(err, p.hidden.Hide))
	}
	return status
}

// fail prints err in the form that the person asked for.
func (in *input) fail(err error) {
	if in.json() {
		in.p.Stderr.Write(output.ErrorJSON(err, in.p.hidden.Hide))
	} else {
		io.WriteString(in.p.Stderr, output.ErrorText(err, in.p.hidden.Hide))
	}
}
