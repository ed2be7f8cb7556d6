package oauth

import (
	"os/exec"
	"runtime"

	"github.com/imapknife/imapknife/internal/fault"
)

// OpenBrowser starts the desktop's browser with a page and does not wait for
// it. There is no shell between.
func OpenBrowser(address string) error {
	if err := (endpoint{address, "authorization", "auth"}).check(); err != nil {
		return err // what is no web address could be a program's name
	}
	argv := browser(runtime.GOOS, address)
	cmd := exec.Command(argv[0], argv[1:]...)
	if err := cmd.Start(); err != nil {
		return fault.Wrap(fault.Local, err, "cannot open a browser").Hint("open the address by hand")
	}
	go cmd.Wait()
	return nil
}

// browser is the command that opens an address in the person's browser.
func browser(goos, address string) []string {
	switch goos {
	case "darwin":
		return []string{"open", address}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	}
	return []string{"xdg-open", address}
}
