package sandbox

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/imapknife/imapknife/internal/fault"
)

// faults is what a sandbox does wrong on purpose, so that people see what
// their scripts make of it.
type faults struct {
	dropIdle   bool          // IDLE never tells anything
	byeAfter   int           // commands of a connection that are still answered; 0: all
	cutAfter   int           // the same, and no BYE
	delay      time.Duration // before each command is looked at
	late       time.Duration // before accepted mail is there
	twice      bool          // mail comes two times
	noLogin    bool
	smtpRefuse bool
	noCaps     []string
}

// FaultNames lists the faults that Options.Faults can name, with their values.
func FaultNames() []string {
	return []string{"drop-idle", "bye-after=N", "cut-after=N", "delay=TIME", "late=TIME", "twice", "no-login", "smtp-refuse", "no-CAPABILITY"}
}

// parseFaults reads the faults. Errors are of kind Usage.
func parseFaults(names []string) (f faults, err error) {
	for _, text := range names {
		name, value, _ := strings.Cut(text, "=")
		number := func(to *int) {
			var n int
			if n, err = strconv.Atoi(value); err == nil && n > 0 {
				*to = n
				return
			}
			err = fault.New(fault.Usage, "the fault %s needs a number above 0: %s=5", name, name)
		}
		duration := func(to *time.Duration) {
			if *to, err = time.ParseDuration(value); err != nil || *to <= 0 {
				err = fault.New(fault.Usage, "the fault %s needs a time: %s=2s", name, name)
			}
		}
		switch name {
		case "bye-after":
			number(&f.byeAfter)
		case "cut-after":
			number(&f.cutAfter)
		case "delay":
			duration(&f.delay)
		case "late":
			duration(&f.late)
		default:
			err = f.flag(text)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// flag sets a fault without a value. Names of capabilities may have a "=".
func (f *faults) flag(name string) error {
	capability, no := strings.CutPrefix(name, "no-")
	switch {
	case name == "drop-idle":
		f.dropIdle = true
	case name == "twice":
		f.twice = true
	case name == "no-login":
		f.noLogin = true
	case name == "smtp-refuse":
		f.smtpRefuse = true
	case no && slices.Contains(hideable(), strings.ToLower(capability)):
		f.noCaps = append(f.noCaps, strings.ToUpper(capability))
	case no:
		return fault.New(fault.Usage, "unknown fault %q", name).Hint("no-login, or one of no-%s", strings.Join(hideable(), ", no-"))
	default:
		return fault.New(fault.Usage, "unknown fault %q", name).Hint("%s", strings.Join(FaultNames(), ", "))
	}
	return nil
}

// hideable lists the capabilities that the sandbox offers, in lower case, IMAP
// itself and the way to log in aside.
func hideable() (names []string) {
	added := []imap.Cap{imap.CapIdle, imap.CapUnselect, imap.CapEnable, imap.CapSASLIR, imap.CapLiteralMinus, imap.CapUTF8Accept, imap.CapAppendLimit}
	for _, c := range append(added, backendCaps[:]...) {
		if c != imap.CapIMAP4rev1 && c != imap.CapIMAP4rev2 {
			names = append(names, strings.ToLower(string(c)))
		}
	}
	slices.Sort(names)
	return names
}

// spoil does to a connection what its faults are, before it looks at another
// command; the error ends it.
func (f *front) spoil() error {
	f.commands++
	if d := f.faults.delay; d > 0 {
		select {
		case <-time.After(d):
		case <-f.gone:
			return net.ErrClosed
		}
	}
	switch {
	case f.faults.byeAfter > 0 && f.commands > f.faults.byeAfter:
		_, _ = f.Write([]byte("* BYE The sandbox was told to say so\r\n"))
		_ = f.Conn.Close()
		return net.ErrClosed
	case f.faults.cutAfter > 0 && f.commands > f.faults.cutAfter:
		reset(f.Conn)
		return net.ErrClosed
	}
	return nil
}

// reset has the client see that the connection is lost, and not ended.
func reset(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// later runs fn after a while, unless the server is closed before.
func (s *Server) later(d time.Duration, fn func()) {
	s.serving.Go(func() {
		select {
		case <-time.After(d):
			fn()
		case <-s.closing:
		}
	})
}
