package harness

import (
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/realserver"
	"github.com/imapknife/imapknife/internal/sandbox"
)

// Sandbox is the Name of the server that every script runs on.
const Sandbox = "sandbox"

// Server is what scripts run against: one real server for all of them, or a
// sandbox for each.
type Server struct {
	Name      string
	real      *realserver.Server // nil for the sandbox
	tokens    *imaptest.Provider // that Dovecot asks about OAuth tokens, else nil
	tls       *tls.Config        // for STARTTLS, nil where there is none
	caps      []string           // after login
	keywords  bool               // new ones can be set
	prefix    string             // of personal mailboxes
	separator string
}

type account struct {
	addr, user, password string
}

type accountKey struct{}

// NewServer starts the named server for t and learns what it can do. It
// returns nil when the server is not to be had here and need not be.
func NewServer(t *testing.T, name string) *Server {
	t.Helper()
	s := &Server{Name: name, separator: "/"}
	if name != Sandbox {
		var o realserver.Options
		if name == "dovecot" {
			var err error
			if s.tokens, err = imaptest.NewProvider(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.tokens.Close)
			o.Introspect = s.tokens.URL("/introspect?token=")
		}
		if s.real = realserver.ForTest(t, name, o); s.real == nil {
			return nil
		}
		s.tls = s.real.TLSConfig()
	}
	if err := s.learn(t); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Server) learn(t *testing.T) error {
	a, stop, err := s.account(true)
	if err != nil {
		return err
	}
	defer stop()
	w, err := a.witness()
	if err != nil {
		return err
	}
	defer w.Close()
	answer, err := w.Do("SELECT INBOX")
	if err != nil {
		return err
	}
	s.keywords = regexp.MustCompile(`PERMANENTFLAGS \([^)]*\\\*`).MatchString(strings.Join(answer, "\n"))
	answer, err = w.Do("CAPABILITY")
	if err != nil {
		return err
	}
	s.caps = strings.Fields(strings.ToUpper(answer[0]))[2:]
	if !slices.Contains(s.caps, "NAMESPACE") {
		return nil
	}
	if answer, err = w.Do("NAMESPACE"); err != nil {
		return err
	}
	if m := regexp.MustCompile(`^\* NAMESPACE \(\("([^"]*)" "(.)"`).FindStringSubmatch(answer[0]); m != nil {
		s.prefix, s.separator = m[1], m[2]
	}
	t.Logf("%s: %s", s.Name, strings.Join(s.caps, " "))
	return nil
}

// condition knows [server:NAME] and [cap:NAME].
func (s *Server) condition(cond string) (bool, error) {
	kind, name, _ := strings.Cut(cond, ":")
	switch {
	case s == nil:
	case kind == "server":
		if name != Sandbox && !slices.Contains(realserver.Names(), name) {
			return false, fmt.Errorf("no server is called %q", name)
		}
		return name == s.Name, nil
	case kind == "cap":
		return slices.Contains(s.caps, strings.ToUpper(name)), nil
	}
	return false, errors.New("unknown condition")
}

// account makes a fresh user, or a sandbox of its own, without messages.
func (s *Server) account(empty bool) (account, func(), error) {
	if s.real != nil {
		user, password, err := s.real.NewUser()
		return account{s.real.PlainAddr(), user, password}, func() {}, err
	}
	b, err := sandbox.Start(sandbox.Options{Now: time.Now, Empty: empty})
	if err != nil {
		return account{}, nil, err
	}
	return account{b.Addr(), sandbox.DefaultUser, b.Password()}, func() { b.Close() }, nil
}

// newAccount is an account that holds the samples.
func (s *Server) newAccount(env *testscript.Env) (account, error) {
	a, stop, err := s.account(false)
	if err != nil {
		return a, err
	}
	env.Defer(stop)
	if s.real != nil {
		err = s.seed(a)
	}
	return a, err
}

func (a account) witness() (*imaptest.Witness, error) {
	return imaptest.NewWitness(a.addr, nil, a.user, a.password)
}

// seed appends the sandbox's samples, so that every server holds the same.
func (s *Server) seed(a account) error {
	w, err := a.witness()
	if err != nil {
		return err
	}
	defer w.Close()
	for _, m := range sandbox.Samples(time.Now()) {
		name := m.Mailbox
		if name != "INBOX" {
			name = s.prefix + strings.ReplaceAll(name, "/", s.separator)
			w.Do("CREATE " + imaptest.Quote(imaptest.EncodeName(name))) // refused when it is there
		}
		flags := m.Flags
		if !s.keywords {
			flags = slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f[0] != '\\' })
		}
		list := "(" + strings.Join(flags, " ") + ")"
		if err := w.Append(name, list, m.Date, m.Raw); err != nil {
			return fmt.Errorf("%s: sample for %s: %w", s.Name, m.Mailbox, err)
		}
		if err := s.fix(w, name, list); err != nil {
			return err
		}
	}
	return nil
}

// fix makes the UID and the flags of the newest message lasting. imap4d 3.15
// gives it another UID at each EXAMINE, until a SELECT writes it down, and
// drops the flags that come with APPEND.
func (s *Server) fix(w *imaptest.Witness, mailbox, flags string) error {
	if s.Name != "imap4d" {
		return nil
	}
	commands := []string{"SELECT " + imaptest.Quote(imaptest.EncodeName(mailbox)), "UNSELECT"}
	if len(flags) > len("()") {
		commands = slices.Insert(commands, 1, "STORE * FLAGS "+flags)
	}
	for _, c := range commands {
		if _, err := w.Do(c); err != nil {
			return err
		}
	}
	return nil
}

// Each runs f as a parallel subtest for the sandbox and every real server that
// is to be had here: a server's slowest scripts do not keep the others waiting.
func Each(t *testing.T, f func(*testing.T, *Server)) {
	for _, name := range append([]string{Sandbox}, realserver.Names()...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := NewServer(t, name); s != nil {
				f(t, s)
			}
		})
	}
}
