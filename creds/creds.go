// Package creds finds the secret of an account: standard input, a file, a
// command, the environment, the keyring, a prompt; and keeps it. A Secret shows itself to nobody who does
// not ask for it by name. The package must not know IMAP, nor print a secret.
package creds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/access"
	"github.com/imapknife/imapknife/internal/fault"
)

// MaxSecret is the longest secret in octets; tokens are a few thousand.
const MaxSecret = 64 << 10

// commandGrace is how long what a password command has started may hold its
// output open after the command has been ended.
const commandGrace = time.Second

// Secret is a password or token. Every way of printing it gives <hidden>, or,
// where it sits in an unexported field that package fmt looks into by itself,
// an address: hence the pointer.
type Secret struct{ value *string }

// NewSecret wraps a secret.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the secret itself, empty for the zero Secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

func (Secret) String() string               { return "<hidden>" }
func (Secret) GoString() string             { return "<hidden>" }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"<hidden>"`), nil }

// Format implements fmt.Formatter, so that no verb reaches the value.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "<hidden>") }

// Command is a program that prints a secret: a line for the shell, or argv.
type Command struct {
	Shell string
	Argv  []string
}

// IsZero reports whether there is none.
func (c Command) IsZero() bool { return c.Shell == "" && len(c.Argv) == 0 }

func (c Command) argv() []string {
	switch {
	case len(c.Argv) > 0:
		return c.Argv
	case runtime.GOOS == "windows":
		return []string{"cmd", "/C", c.Shell}
	}
	return []string{"sh", "-c", c.Shell}
}

// Sources says where to look, in the order of the fields.
type Sources struct {
	Stdin          io.Reader // --password-stdin, nil when not given
	File           string    // --password-file
	Command        Command   // --password-command or --token-command
	Env            string    // IMAPKNIFE_PASSWORD or IMAPKNIFE_TOKEN, empty when not set
	AccountCommand Command   // what the account file says
	// Store is the keyring, and Key what the secret is kept under there. Nil
	// where there is none to look into.
	Store Store
	Key   string
	// Purpose is what the secret of the store is wanted for; nil where whoever
	// runs the command has named all of it.
	Purpose *Purpose
	// Withheld says why a secret that is there is not for this account. It is
	// said before a prompt, and is the error where nothing else answers.
	Withheld error
	// Prompt asks on the terminal; nil where there is none.
	Prompt  func(ctx context.Context) (string, error)
	Warn    func(string) // hears that the store cannot be used, and a prompt follows; may be nil
	Caution func(string) // hears what is not safe; may be nil
	Stderr  io.Writer    // for what a command says
	Environ []string     // for a command
}

// Found is a secret and where it is from.
type Found struct {
	Secret
	From string
}

// Secret returns the first source's answer. One trailing newline is taken off
// what stdin, a file or a command says. The errors are of kind Auth.
func (s Sources) Secret(ctx context.Context) (Found, error) {
	from := func(where string, secret Secret, err error) (Found, error) {
		return Found{secret, where}, err
	}
	switch {
	case s.Stdin != nil:
		secret, err := wait(ctx, func() (Secret, error) { return read(s.Stdin, "standard input") })
		return from("standard input", secret, err)
	case s.File != "":
		secret, err := wait(ctx, s.file)
		return from("a file", secret, err)
	case !s.Command.IsZero():
		secret, err := s.run(ctx, s.Command, "the password command")
		return from("a command", secret, err)
	case s.Env != "":
		return from("the environment", NewSecret(s.Env), nil)
	case !s.AccountCommand.IsZero():
		secret, err := s.run(ctx, s.AccountCommand, "the account's command")
		return from("the account's command", secret, err)
	}
	if s.Store != nil {
		secret, err := s.stored(ctx)
		switch {
		case err == nil:
			return from(s.Store.Name(), secret, nil)
		case errors.Is(err, ErrNotFound):
		case s.Prompt == nil || !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrOtherPurpose):
			return Found{}, err
		case s.Warn != nil:
			s.Warn(err.Error())
		}
	}
	if s.Prompt != nil {
		if s.Withheld != nil && s.Warn != nil {
			s.Warn(s.Withheld.Error())
		}
		text, err := s.Prompt(ctx)
		return from("the terminal", NewSecret(text), err)
	}
	if s.Withheld != nil {
		return Found{}, s.Withheld
	}
	return Found{}, fault.New(fault.Auth, "no password").
		Hint("imapknife login saves one in the keyring").
		Hint("set IMAPKNIFE_PASSWORD, or use --password-command, --password-file or --password-stdin")
}

// stored returns the secret of the store, if it was stored for what it is
// wanted for.
func (s Sources) stored(ctx context.Context) (Secret, error) {
	stored, err := s.Store.Get(ctx, s.Key)
	if err != nil {
		return Secret{}, err
	}
	secret, purposes := Unbind(stored)
	if s.Purpose != nil {
		err = purposes.Check(*s.Purpose, "the password in "+s.Store.Name())
	}
	return secret, err
}

// wait runs get, which may block for ever on a pipe that nobody writes to, until
// ctx is cancelled.
func wait(ctx context.Context, get func() (Secret, error)) (Secret, error) {
	type answer struct {
		secret Secret
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		secret, err := get()
		done <- answer{secret, err}
	}()
	select {
	case <-ctx.Done():
		return Secret{}, context.Cause(ctx)
	case a := <-done:
		return a.secret, a.err
	}
}

func (s Sources) file() (Secret, error) {
	f, err := os.Open(s.File)
	if err != nil {
		return Secret{}, fault.Wrap(fault.Auth, err, "cannot read the password file")
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && access.ReadableByOthers(info) && s.Caution != nil {
		s.Caution(fmt.Sprintf("others can read the password file %s: chmod 600 keeps it to you", s.File))
	}
	return read(f, s.File)
}

func read(r io.Reader, where string) (Secret, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSecret+1))
	if err != nil {
		return Secret{}, fault.Wrap(fault.Auth, err, "cannot read the password from %s", where)
	}
	return trim(data, where)
}

func trim(data []byte, where string) (Secret, error) {
	if len(data) > MaxSecret {
		return Secret{}, fault.New(fault.Auth, "the password from %s is longer than %d octets", where, MaxSecret)
	}
	text, ended := strings.CutSuffix(string(data), "\n")
	if ended {
		text = strings.TrimSuffix(text, "\r")
	}
	if text == "" {
		return Secret{}, fault.New(fault.Auth, "the password from %s is empty", where)
	}
	return NewSecret(text), nil
}

func (s Sources) run(ctx context.Context, command Command, where string) (Secret, error) {
	argv := command.argv()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out limited
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.WaitDelay = &out, s.Stderr, s.Environ, commandGrace
	err := cmd.Run()
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return Secret{}, cause
	case err != nil && len(out) <= MaxSecret && !errors.Is(err, exec.ErrWaitDelay): // that is an agent it left running
		return Secret{}, fault.Wrap(fault.Auth, err, "%s failed", where)
	}
	return trim(out, where)
}

// limited holds one octet more than a secret may have, and refuses the rest.
type limited []byte

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), MaxSecret+1-len(*l))
	if *l = append(*l, p[:n]...); n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}
