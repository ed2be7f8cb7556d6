package cmds

import (
	"time"

	"github.com/imapknife/imapknife/internal/zone"
)

// setZone makes the process's time zone the one of TZ where Go's runtime did
// not find it.
func (p *Process) setZone() {
	tz, set := p.Getenv("TZ")
	if !set {
		return
	}
	switch loc, builtin, ok := zone.Find(tz); {
	case !ok:
		p.noZone = tz
	case !builtin:
		time.Local = loc
	}
}

// location is the time zone of dates without one. That TZ names none that is
// known is said once.
func (in *input) location() *time.Location {
	if tz := in.p.noZone; tz != "" {
		in.say("the time zone %q of TZ is not known: dates are in UTC", tz)
		in.p.noZone = ""
	}
	return in.p.Now().Location()
}
