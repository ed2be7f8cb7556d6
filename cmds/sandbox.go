package cmds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/sandbox"
	"github.com/imapknife/imapknife/output"
)

type sandboxOptions struct {
	in      *input
	seed    string
	command []string
}

func newSandbox() *verb {
	return &verb{
		name: "sandbox", group: groupCI, args: "[-- COMMAND [ARG…]]",
		summary: "run a command beside an IMAP server made for it",
		about: `Starts an IMAP server of its own on a free loopback port, with a random password
and a few sample messages (or those of --seed: a Maildir, a directory of .eml
files, an mbox file), and runs the command with IMAPKNIFE_URL and
IMAPKNIFE_PASSWORD set and imapknife on PATH. Its exit status is the command's.
Without a command it prints the exports and serves until interrupted.`,
		examples: []example{
			{"try imapknife", "imapknife sandbox -- imapknife search UNSEEN --long"},
			{"test a script", "imapknife sandbox --seed testmails -- ./check-mails.sh"},
		},
		flags:  append(lookup("seed"), inGroup(groupOutput)...),
		row:    result.Sandbox{},
		single: true,
		opaque: true,
		setup: func(in *input) (runner, error) {
			o := sandboxOptions{in: in, seed: in.last("seed"), command: in.args}
			if o.seed == "" && in.flagged("seed") {
				return nil, fault.New(fault.Usage, "--seed is empty")
			}
			return func(ctx context.Context) error { return runSandbox(ctx, o) }, nil
		},
	}
}

func runSandbox(ctx context.Context, o sandboxOptions) (err error) {
	srv, err := sandbox.Start(sandbox.Options{Seed: o.seed, Now: o.in.p.Now})
	if err != nil {
		return err
	}
	defer srv.Close()
	if len(o.command) > 0 {
		return runBeside(ctx, o, srv)
	}
	row := result.Sandbox{URL: srv.URL(), Password: srv.Password()}
	if o.in.json() || o.in.flagged("jq") || o.in.flagged("template") || o.in.flagged("fields") {
		out, err := o.in.printer(ctx, output.Spec{Row: row, Single: true})
		if err != nil {
			return err
		}
		if err := out.Row(&row); err != nil {
			return err
		}
		if err := out.Close(true); err != nil {
			return err
		}
	} else if err := write(o.in.p.Stdout, fmt.Sprintf("export IMAPKNIFE_URL='%s'\nexport IMAPKNIFE_PASSWORD='%s'\n", row.URL, row.Password)); err != nil {
		return err
	}
	o.in.say("the sandbox serves until it is interrupted")
	<-ctx.Done()
	return context.Cause(ctx)
}

// grace is how long children get to end after the command has, or after a
// signal.
const grace = 2 * time.Second

// runBeside runs the command with the sandbox in its environment.
func runBeside(ctx context.Context, o sandboxOptions, srv *sandbox.Server) error {
	bin, err := os.MkdirTemp("", "imapknife-bin-")
	if err != nil {
		return fault.Wrap(fault.Local, err, "cannot put imapknife on PATH")
	}
	defer os.RemoveAll(bin)
	if err := linkSelf(bin); err != nil {
		return fault.Wrap(fault.Local, err, "cannot put imapknife on PATH")
	}
	path, _ := o.in.p.Getenv("PATH")
	path = bin + string(os.PathListSeparator) + path
	name, err := lookPath(o.command[0], path)
	if err != nil {
		if e, ok := errors.AsType[*exec.Error](err); ok {
			err = e.Err
		}
		o.in.fail(fault.Wrap(fault.Usage, err, "cannot run %q", o.command[0]))
		if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EISDIR) {
			return fault.Exit(126)
		}
		return fault.Exit(127)
	}
	cmd := &exec.Cmd{Path: name, Args: o.command, Stdin: o.in.p.Stdin, Stdout: o.in.p.Stdout, Stderr: o.in.p.Stderr}
	for _, kv := range o.in.p.Environ {
		if !strings.HasPrefix(kv, "IMAPKNIFE_") && !strings.HasPrefix(kv, "PATH=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "PATH="+path, "IMAPKNIFE_URL="+srv.URL(), "IMAPKNIFE_PASSWORD="+srv.Password())
	return runChild(ctx, cmd, isTerminal(o.in.p.Stdin))
}

// linkSelf makes this program available as imapknife in dir.
func linkSelf(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "imapknife")
	if runtime.GOOS == "windows" {
		name += ".exe"
		return os.Link(self, name)
	}
	return os.Symlink(self, name)
}

// lookPath finds a program as the shell would with that PATH.
func lookPath(name, path string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return exec.LookPath(name)
	}
	err := error(exec.ErrNotFound)
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		found, e := exec.LookPath(filepath.Join(dir, name))
		if e == nil {
			return filepath.Abs(found)
		}
		if errors.Is(e, os.ErrPermission) {
			err = e
		}
	}
	return "", err
}

// childStatus turns how a child ended into an exit status.
func childStatus(err error) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return fault.Wrap(fault.Local, err, "cannot run the command")
	}
	return fault.Exit(exitCode(exit.ProcessState))
}
