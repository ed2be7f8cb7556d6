package cmds

import (
	"context"

	"github.com/imapknife/imapknife/completions"
	"github.com/imapknife/imapknife/internal/fault"
)

func newCompletion() *verb {
	return &verb{
		name: "completion", group: groupMeta, args: "SHELL",
		summary: "print the completion script of a shell",
		about: `Prints what makes bash, zsh, fish or powershell complete commands, flags, their
values, accounts and mailboxes; put this into the shell's start file:
  bash        source <(imapknife completion bash)
  zsh         source <(imapknife completion zsh)
  fish        imapknife completion fish | source
  powershell  imapknife completion powershell | Out-String | Invoke-Expression
Mailboxes are those that imapknife list has seen; TAB asks no server.`,
		examples: []example{
			{"in this shell", "source <(imapknife completion bash)"},
			{"for every bash of yours", "imapknife completion bash >~/.local/share/bash-completion/completions/imapknife"},
		},
		setup: func(in *input) (runner, error) {
			if len(in.args) != 1 {
				return nil, fault.New(fault.Usage, "completion needs a SHELL").Hint("bash, zsh, fish or powershell")
			}
			text, err := completions.Script(in.args[0])
			if err != nil {
				return nil, err
			}
			return func(context.Context) error { return write(in.p.Stdout, text) }, nil
		},
	}
}
