// Imapknife is a swiss-army knife for IMAP; see README.md.
package main

import (
	"os"
	"time"

	"github.com/imapknife/imapknife/cmds"
)

func main() {
	os.Exit(cmds.Main(&cmds.Process{
		Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Environ: os.Environ(), Now: time.Now,
	}))
}
