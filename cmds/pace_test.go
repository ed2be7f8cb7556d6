package cmds

import (
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/session"
)

// TestPace is a server that ends IDLE as soon as it begins.
func TestPace(t *testing.T) {
	var p pace
	exists := uint64(1)
	pauses := func(n int, change bool) (out []time.Duration) {
		for range n {
			if change {
				exists++
			}
			p.saw(&session.Box{Name: "INBOX", Exists: exists})
			out = append(out, p.next())
			p.lasted(0)
		}
		return out
	}
	want := func(what string, got []time.Duration, want ...time.Duration) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: pauses %v, want %v", what, got, want)
				return
			}
		}
	}
	const s = time.Second
	want("at first", pauses(maxHasty, false), 0, 0, 0, 0, 0)
	want("nothing new", pauses(8, false), 1*s, 2*s, 4*s, 8*s, 16*s, 30*s, 30*s, 30*s)
	want("busy", pauses(3, true), hastyPause, hastyPause, hastyPause)
	want("nothing new again", pauses(2, false), 1*s, 2*s)
	p.saw(&session.Box{Name: "INBOX", Exists: exists})
	p.next()
	p.lasted(firstPause)
	want("an IDLE that lasted", pauses(maxHasty, false), 0, 0, 0, 0, 0)
}
