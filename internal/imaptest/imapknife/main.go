// Imapknife for scripts: the program itself, within the limits of the tests. It
// starts faster than the test binary, which holds all that tests need besides.
package main

import (
	"os"

	"github.com/imapknife/imapknife/cmds"
	"github.com/imapknife/imapknife/internal/imaptest/limited"
)

func main() {
	limited.Main(func() int {
		return cmds.Main(&cmds.Process{
			Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Now: limited.Now(),
		})
	})
}
