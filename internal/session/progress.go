package session

import (
	"crypto/tls"
	"net"
	"time"
)

// Progress tells how far Open has come, for a diagnosis.
type Progress struct {
	// Steps are those that were begun, in their order; the last one failed
	// when Open did.
	Steps  []Step
	Remote net.Addr             // nil before the connection
	TLS    *tls.ConnectionState // nil before TLS
}

// Step is one stage of opening a session.
type Step struct {
	Name string // dns, tcp, proxy, tunnel, greeting, starttls, tls
	Took time.Duration
}

// step begins a step and returns what ends it. A nil Progress takes no note.
func (p *Progress) step(name string, now func() time.Time) (end func()) {
	if p == nil {
		return func() {}
	}
	p.Steps = append(p.Steps, Step{Name: name})
	at, start := len(p.Steps)-1, now()
	return func() { p.Steps[at].Took = now().Sub(start) }
}
