package harness

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapknife/imapknife/internal/imaptest"
)

// nameServer serves the zone of a file.
func nameServer(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: dns FILE")
	}
	d, err := imaptest.StartDNS(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Defer(func() { d.Close() })
	ts.Setenv("DNS", d.Addr())
}

// provider starts an OAuth provider, changes it, counts what it was asked, or
// ends a token.
func provider(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	s := stateOf(ts)
	if len(args) == 0 {
		args = []string{"start"}
	}
	if s.provider == nil && args[0] != "start" {
		ts.Fatalf("there is no provider")
	}
	switch verb, args := args[0], args[1:]; {
	case verb == "start" && len(args) == 0:
		p, err := imaptest.NewProvider()
		ts.Check(err)
		ts.Defer(p.Close)
		if s.server != nil && s.server.tokens != nil {
			s.server.tokens.Vouch(p)
		}
		p.Set(func(b *imaptest.Behaviour) { b.User, b.Interval = s.user, 1 })
		s.provider = p
		ts.Setenv("PROVIDER", p.URL(""))
	case verb == "set" && len(args) > 0:
		s.provider.Set(func(b *imaptest.Behaviour) {
			for _, arg := range args {
				behave(ts, b, arg)
			}
		})
	case verb == "count" && len(args) == 2:
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		if got := s.provider.Count(args[0]); got != want {
			ts.Fatalf("%d times %s, want %d", got, args[0], want)
		}
	case verb == "issue" && len(args) == 1:
		ts.Setenv("TOKEN", s.provider.Issue(s.user, duration(ts, args[0])))
	case verb == "revoke" && len(args) == 1:
		s.provider.Revoke(strings.TrimSpace(ts.ReadFile(args[0])))
	case verb == "expire" && len(args) == 1:
		s.provider.Expire(strings.TrimSpace(ts.ReadFile(args[0])))
	default:
		ts.Fatalf("usage: provider [start | set NAME=VALUE... | count WHAT N | issue TIME | expire FILE | revoke FILE]")
	}
}

// behave changes one thing about a provider.
func behave(ts *testscript.TestScript, b *imaptest.Behaviour, arg string) {
	name, value, _ := strings.Cut(arg, "=")
	switch name {
	case "user":
		b.User = value
	case "client":
		b.ClientID = value
	case "secret":
		b.ClientSecret = value
	case "lifetime":
		d := duration(ts, value)
		b.Lifetime = int(d / time.Second)
	case "deny":
		b.Deny, b.DenyDetails, _ = strings.Cut(value, ":")
	case "polls":
		b.Polls = strings.Split(value, ",")
	case "fail":
		status, rest, _ := strings.Cut(value, ",")
		n, err := strconv.Atoi(status)
		ts.Check(err)
		f := imaptest.Failure{Status: n}
		f.Error, f.Description, _ = strings.Cut(rest, ":")
		b.Fail = append(b.Fail, f)
	default:
		ts.Fatalf("a provider has no %q", name)
	}
}

// page is an address that a person is told to open.
var page = regexp.MustCompile(`https?://\S+/authorize\?\S+`)

// visit opens the page that a file tells, as a browser would, as soon as the
// program that runs in the background has told it.
func visit(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: visit FILE")
	}
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		said, err := os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		if address := page.FindString(string(said)); err == nil && address != "" {
			answer, err := http.Get(address)
			ts.Check(err)
			ts.Check(answer.Body.Close())
			return
		}
		if time.Since(start) > hangLimit {
			ts.Fatalf("no page was told: %q", said)
		}
	}
}
