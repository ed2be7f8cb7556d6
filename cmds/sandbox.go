package cmds

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
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
	server  sandbox.Options
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
Without a command it prints the exports and serves until interrupted. Mail sent
to SMTP_HOST, SMTP_PORT (SMTP_URL) or LMTP_HOST, LMTP_PORT is in the INBOX as
soon as it is accepted, whoever it is for. --with-tls speaks TLS: SMTP has
STARTTLS then, and SMTPS_PORT (SMTPS_URL) TLS from the beginning.`,
		examples: []example{
			{"try imapknife", "imapknife sandbox -- imapknife search UNSEEN --long"},
			{"test a script", "imapknife sandbox --seed testmails -- ./check-mails.sh"},
			{"mail that comes late, over IDLE that says nothing", "imapknife sandbox --fault late=2s --fault drop-idle -- ./signup-test.sh"},
		},
		flags:  append(lookup("seed", "per-recipient", "keep", "with-tls", "fault"), inGroup(groupOutput)...),
		row:    result.Sandbox{},
		single: true,
		opaque: true,
		setup: func(in *input) (runner, error) {
			o := sandboxOptions{in: in, command: in.args, server: sandbox.Options{
				Seed: in.last("seed"), Keep: in.last("keep"), PerRecipient: in.flagged("per-recipient"), TLS: in.flagged("with-tls"),
				Faults: in.all("fault"), Now: in.p.Now, Problem: func(err error) { in.p.Say("%v", err) },
			}}
			for _, name := range [...]string{"seed", "keep"} {
				if in.last(name) == "" && in.flagged(name) {
					return nil, fault.New(fault.Usage, "--%s is empty", name)
				}
			}
			// --json has errors as JSON there.
			if len(o.command) > 0 && slices.ContainsFunc([]string{"jq", "template", "fields"}, in.given) {
				return nil, fault.New(fault.Usage, "what a command prints is the output: sandbox has no rows of its own then")
			}
			return func(ctx context.Context) error { return runSandbox(ctx, o) }, nil
		},
	}
}

func runSandbox(ctx context.Context, o sandboxOptions) (err error) {
	srv, err := sandbox.Start(o.server)
	if err != nil {
		return err
	}
	defer srv.Close()
	dir := ""
	if o.server.TLS || len(o.command) > 0 {
		var remove func()
		if dir, remove, err = makeSandboxDir(ctx, o.in.p.Now()); err != nil {
			return err
		}
		defer remove()
	}
	row := result.Sandbox{URL: srv.URL(), Password: srv.Password()}
	row.SMTPHost, row.SMTPPort, _ = net.SplitHostPort(srv.SMTPAddr())
	row.LMTPHost, row.LMTPPort, _ = net.SplitHostPort(srv.LMTPAddr())
	row.SMTPURL = "smtp://" + srv.SMTPAddr()
	if o.server.TLS {
		row.SMTPSURL = "smtps://" + srv.SMTPSAddr()
		_, row.SMTPSPort, _ = net.SplitHostPort(srv.SMTPSAddr())
		row.CAFile = filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(row.CAFile, srv.CA(), 0o600); err != nil {
			return fault.Wrap(fault.Local, err, "cannot write the authority's certificate")
		}
	}
	if len(o.command) > 0 {
		return runBeside(ctx, o, dir, exports(&row))
	}
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
	} else {
		var b strings.Builder
		for _, x := range exports(&row) {
			fmt.Fprintf(&b, "export %s='%s'\n", x[0], strings.ReplaceAll(x[1], "'", `'\''`))
		}
		if err := write(o.in.p.Stdout, b.String()); err != nil {
			return err
		}
	}
	o.in.say("the sandbox serves until it is interrupted")
	<-ctx.Done()
	return context.Cause(ctx)
}

// exports are the variables that a sandbox is told with.
func exports(row *result.Sandbox) [][2]string {
	out := [][2]string{
		{"IMAPKNIFE_URL", row.URL}, {"IMAPKNIFE_PASSWORD", row.Password},
		{"SMTP_HOST", row.SMTPHost}, {"SMTP_PORT", row.SMTPPort}, {"SMTP_URL", row.SMTPURL},
		{"LMTP_HOST", row.LMTPHost}, {"LMTP_PORT", row.LMTPPort},
	}
	if row.CAFile != "" {
		out = append(out, [2]string{"IMAPKNIFE_CA_FILE", row.CAFile}, [2]string{"SMTPS_PORT", row.SMTPSPort}, [2]string{"SMTPS_URL", row.SMTPSURL})
	}
	return out
}

// grace is how long children get to end after the command has, or after a
// signal.
const grace = 2 * time.Second

// runBeside runs the command with the sandbox in its environment, and with
// imapknife on PATH, from a directory in dir.
func runBeside(ctx context.Context, o sandboxOptions, dir string, env [][2]string) error {
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return fault.Wrap(fault.Local, err, "cannot put imapknife on PATH")
	}
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
		name, _, _ := strings.Cut(kv, "=")
		own := name == "PATH" || slices.ContainsFunc(env, func(x [2]string) bool { return x[0] == name })
		if !own && !strings.HasPrefix(name, "IMAPKNIFE_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "PATH="+path)
	for _, x := range env {
		cmd.Env = append(cmd.Env, x[0]+"="+x[1])
	}
	return runChild(ctx, cmd, dir, isTerminal(o.in.p.Stdin))
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
