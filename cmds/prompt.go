package cmds

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/output"
	"golang.org/x/term"
)

// passwordWays is the hint where there is no password.
const passwordWays = "set IMAPKNIFE_PASSWORD, or use --password-command, --password-file or --password-stdin"

// prompt asks for the password on the process's terminal.
func prompt(ctx context.Context, a config.Account) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fault.New(fault.Auth, "no password, and no terminal to ask on").Hint(passwordWays)
	}
	defer tty.Close()
	io.WriteString(tty, output.Visible("password of "+a.User+" on "+a.Host+": "))
	// Raw, and the keys are ours: in another mode the end of input (Ctrl-D)
	// could not be told from nothing.
	old, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		return "", fault.Wrap(fault.Auth, err, "cannot ask for the password")
	}
	defer func() {
		term.Restore(int(tty.Fd()), old)
		io.WriteString(tty, "\n")
	}()
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := typed(tty)
		done <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case a := <-done:
		if a.err == nil && a.text == "" {
			a.err = fault.New(fault.Auth, "no password").Hint(passwordWays)
		}
		return a.text, a.err
	}
}

// ask asks on the process's terminal for a line, which it shows.
func ask(ctx context.Context, question string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fault.Wrap(fault.Usage, err, "there is no terminal to ask on")
	}
	defer tty.Close()
	io.WriteString(tty, output.Visible(question))
	line, err := bufio.NewReader(interruptible{ctx, tty}).ReadString('\n')
	if err != nil {
		io.WriteString(tty, "\n")
	}
	if cause := context.Cause(ctx); cause != nil {
		return "", cause
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", fault.New(fault.Usage, "nothing was answered")
	}
	return line, nil
}

// The keys that mean something in a password prompt.
const (
	keyEarlyEnd  = 0x00 // Ctrl-D that was typed before the mode was raw
	keyInterrupt = 0x03 // Ctrl-C
	keyEnd       = 0x04 // Ctrl-D
	keyBackspace = 0x08
	keyKill      = 0x15 // Ctrl-U
	keyDelete    = 0x7f
)

// typed reads what is typed on a terminal in raw mode, to Enter or Ctrl-D.
func typed(r io.Reader) (string, error) {
	in := bufio.NewReader(r)
	var text []byte
	for len(text) <= creds.MaxSecret {
		switch b, err := in.ReadByte(); {
		case errors.Is(err, io.EOF):
			return string(text), nil
		case err != nil:
			return "", fault.Wrap(fault.Auth, err, "cannot read the password")
		case b == '\r', b == '\n', b == keyEnd, b == keyEarlyEnd:
			return string(text), nil
		case b == keyInterrupt:
			return "", fault.Interrupt
		case b == keyKill:
			text = text[:0]
		case b == keyBackspace, b == keyDelete:
			_, n := utf8.DecodeLastRune(text)
			text = text[:len(text)-n]
		default:
			text = append(text, b)
		}
	}
	return "", fault.New(fault.Auth, "the password is longer than %d octets", creds.MaxSecret)
}
