package session

import (
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/wire"
)

// insisting are the domains of servers that open no mailbox for a program that
// has not said its name, against RFC 2971 section 3: NetEase's.
var insisting = []string{"163.com", "126.com", "yeah.net"}

// identification is ID (RFC 2971) with the program's name and version, and
// nothing of the user.
func (s *Session) identification() *wire.Command {
	s.named = true
	return wire.NewCommand("ID").Open().String("name").String(s.cfg.Client).String("version").String(s.cfg.Version).Close().On(s.hearID, "ID")
}

// hearID takes the server's vendor out of its answer to ID.
func (s *Session) hearID(r *wire.Response) error {
	if !r.Open() {
		return nil
	}
	for !r.Close() {
		name, _ := r.String(maxID)
		is := strings.EqualFold(string(name), "vendor")
		if value, _ := r.String(maxID); is {
			s.vendor = string(value)
		}
	}
	return nil
}

// maxID is how much of one name or value of an ID answer is read, in octets.
const maxID = 1024

// takesID reports whether the server announces ID, by what is known without
// waiting, or is known to insist on it.
func (s *Session) takesID() bool {
	return s.greeting.has("ID") || s.guessed.has("ID") || s.caps.has("ID") || s.insists()
}

// insists reports whether the server is known to.
func (s *Session) insists() bool {
	host := strings.ToLower(s.cfg.Host)
	return slices.ContainsFunc(insisting, func(domain string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}

// mayIntroduce reports whether ID can be sent, and has not been.
func (s *Session) mayIntroduce() bool { return s.cfg.Client != "" && !s.named && s.takesID() }
