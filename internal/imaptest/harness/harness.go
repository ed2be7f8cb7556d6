package harness

import (
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/imaptest/limited"
)

// limit is how long a process of imapknife may run, and hangLimit how long the
// tests wait for what they expect. Both only end what hangs: a machine under
// load makes everything late.
const (
	limit       = "4m"
	hangLimit   = 2 * time.Minute
	continueEnv = "IMAPKNIFE_SCRIPT_CONTINUE"
)

// state is what the commands of one script share.
type state struct {
	tb      testing.TB
	server  *Server // nil for scripts that serve their own
	user    string
	proxy   *imaptest.Proxy
	delayed bool
	served  *imaptest.Scripted // the latest
	all     []*imaptest.Scripted
	ca      *imaptest.CA
	lax     bool
	took    time.Duration // of the last exits
	absent  []string
	unasked bool     // the script is not about this server
	rows    []string // what of JSON was as its schema has it

	provider *imaptest.Provider // nil before there is one
	watcher  *watcher           // likewise
}

type stateKey struct{}

func stateOf(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

// record is what wire is about.
func (s *state) record(ts *testscript.TestScript) *imaptest.Record {
	switch {
	case s.served != nil:
		return s.served.Record()
	case s.proxy != nil:
		return s.proxy.Record()
	}
	ts.Fatalf("nothing is served yet")
	return nil
}

// Run runs the scripts of a folder, in parallel, against server; nil is for
// scripts that serve their own. table may be nil.
func Run(t *testing.T, dir string, server *Server, table *Table) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Setup:               func(env *testscript.Env) error { return setup(env, server, table) },
		Cmds:                commands(),
		Condition:           server.condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     os.Getenv(continueEnv) == "1",
	})
}

func setup(env *testscript.Env, server *Server, table *Table) error {
	s := &state{tb: env.T().(testing.TB), server: server}
	env.Values[stateKey{}] = s
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	for name, folder := range map[string]string{
		"HOME": "", "XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache", "XDG_DATA_HOME": ".local/share", "XDG_STATE_HOME": ".local/state",
	} {
		env.Setenv(name, filepath.Join(home, folder))
	}
	env.Setenv("TZ", "UTC")
	env.Setenv("RUN", rand.Text())
	if server != nil && server.real != nil && plain != "" {
		env.Setenv("PATH", before(plain, env.Getenv("PATH")))
	}
	// With -race every process would sleep a second at its end.
	env.Setenv("GORACE", "atexit_sleep_ms=10")
	env.Setenv(limited.UsageEnv, filepath.Join(home, "usage"))
	env.Setenv(limited.TimeEnv, limit)
	env.Defer(func() { s.end(table) })
	if server == nil {
		return nil
	}
	return s.connect(env)
}

// connect gives the script its own user, behind a proxy.
func (s *state) connect(env *testscript.Env) error {
	account, err := s.server.newAccount(env)
	if err != nil {
		return err
	}
	s.user = account.user
	s.proxy, err = imaptest.StartProxy(imaptest.Upstream{Addr: account.addr, StartTLS: s.server.tls}, imaptest.Options{Deadline: 5 * time.Minute})
	if err != nil {
		return err
	}
	ca := filepath.Join(env.WorkDir, "home", "proxy-ca.pem")
	if err := s.proxy.CA().WriteFile(ca); err != nil {
		return err
	}
	env.Setenv("PROXY_CA", ca)
	env.Setenv("SERVER_ADDR", account.addr)
	if real := s.server.real; real != nil {
		env.Setenv("SERVER_TLS_ADDR", real.TLSAddr())
		env.Setenv("SERVER_CA", real.CAFile)
	}
	env.Setenv("SERVER", s.server.Name)
	env.Setenv("IMAP_USER", account.user)
	env.Setenv("PREFIX", s.server.prefix)
	env.Setenv("SEP", s.server.separator)
	env.Setenv("IMAPKNIFE_URL", urlOf("imap+insecure", account.user, s.proxy.Addr()))
	env.Setenv("IMAPKNIFE_PASSWORD", account.password)
	env.Setenv("IMAPKNIFE_AUTH", "login") // what scripts say of flights and of the wire is about this one
	env.Values[accountKey{}] = account
	return nil
}

func urlOf(scheme, user, addr string) string {
	u := url.URL{Scheme: scheme, User: url.User(user), Host: addr, Path: "/"}
	return u.String()
}

// end closes what the script used and judges what only the end shows.
func (s *state) end(table *Table) {
	s.tb.Helper()
	check := func(name string, r *imaptest.Record) {
		if faults := r.Faults(); len(faults) > 0 && !s.lax {
			s.tb.Errorf("%s: the client broke IMAP:\n%s", name, strings.Join(faults, "\n"))
		}
		if s.tb.Failed() {
			s.tb.Logf("%s:\n%s", name, r)
		}
	}
	for _, served := range s.all {
		if err := served.Close(); err != nil {
			s.tb.Errorf("the client departed from the script: %v", err)
		}
		check("the scripted server", served.Record())
	}
	if s.proxy != nil {
		s.proxy.Close()
		check("the proxy", s.proxy.Record())
	}
	if table != nil && s.server != nil && !s.unasked {
		table.add(s)
	}
}
