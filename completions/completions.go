// Package completions holds the scripts that make shells complete imapknife.
// They ask the program for candidates and never run what has been typed.
package completions

import (
	"embed"

	"github.com/imapknife/imapknife/internal/fault"
)

//go:embed imapknife.bash imapknife.zsh imapknife.fish imapknife.ps1
var files embed.FS

// Shells lists the shells that there is a script for.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// Script is the script for a shell. An unknown one is an error of kind Usage.
func Script(shell string) (string, error) {
	name := "imapknife." + shell
	if shell == "powershell" {
		name = "imapknife.ps1"
	}
	text, err := files.ReadFile(name)
	if err != nil {
		return "", fault.New(fault.Usage, "no completion for %q", shell).Hint("bash, zsh, fish or powershell")
	}
	return string(text), nil
}
