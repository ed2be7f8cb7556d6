package harness

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/sasl"
)

// refused says which mechanisms a server announces and cannot do, however
// right the password: Cyrus 3.6 binds to what TLS 1.3 does not have, imap4d
// 3.15 to nothing at all, and it announces all that its library has, whether or
// not it has what that needs.
var refused = map[string][]string{
	"cyrus":  {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"},
	"imap4d": {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "EXTERNAL", "ANONYMOUS"},
}

// check is a row of doctor.
type check struct {
	Stage, Verdict, Detail string
	Capabilities           []string
}

// LogIns logs in to the server in each way that imapknife knows, over TLS where
// the server has it, and again with what must not do, and notes in table what
// came of it. Run is to be called before: it sees to the program.
func LogIns(t *testing.T, s *Server, table *Table) {
	a, stop, err := s.account(true)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GORACE=atexit_sleep_ms=10"}
	scheme, addr := "imap+insecure", a.addr
	if s.real != nil {
		scheme, addr = "imaps", s.real.TLSAddr()
		env = append(env, "IMAPKNIFE_CA_FILE="+s.real.CAFile)
	}
	env = append(env, "IMAPKNIFE_URL="+urlOf(scheme, a.user, addr))
	_, checks := examine(t, env, "--until", "capability")
	var announced []string
	for _, c := range checks {
		announced = append(announced, c.Capabilities...)
	}
	if len(announced) == 0 {
		t.Fatalf("%s announces nothing: %v", s.Name, checks)
	}
	for _, m := range sasl.Mechanisms() {
		offered := slices.Contains(announced, "AUTH="+m.Name) || m.Name == "LOGIN" && !slices.Contains(announced, "LOGINDISABLED")
		t.Run(m.Name, func(t *testing.T) {
			right, wrong := s.credentials(t, a, m)
			args := append([]string{"--auth", m.Name}, right.args...)
			status, checks := examine(t, append(env, right.env), args...)
			login := at(checks, "login")
			works := status == 0 && login.Verdict == "ok" && strings.HasSuffix(login.Detail, " "+m.Name)
			switch {
			case !offered && (status != 4 || works):
				t.Errorf("status %d where the server does not offer it: %v", status, checks)
			case offered && works == slices.Contains(refused[s.Name], m.Name):
				t.Errorf("status %d, %v", status, checks)
			case offered && !works && status != 4:
				t.Errorf("refused with status %d: %v", status, checks)
			}
			if wrong.env != "" || wrong.args != nil {
				args := append([]string{"--auth", m.Name}, wrong.args...)
				if status, checks := examine(t, append(env, wrong.env), args...); status != 4 {
					t.Errorf("status %d without the right secret: %v", status, checks)
				}
			}
			table.logIn(s.Name, m.Name, offered, works)
		})
	}
}

// credential is what a way to log in needs.
type credential struct {
	env  string
	args []string
}

// credentials are some that must do for the mechanism, and some that must not,
// if there are any.
func (s *Server) credentials(t *testing.T, a account, m sasl.Mechanism) (right, wrong credential) {
	switch {
	case m.Needs == sasl.NeedsToken && s.tokens != nil:
		return credential{env: "IMAPKNIFE_TOKEN=" + s.tokens.Issue(a.user, time.Hour)}, credential{env: "IMAPKNIFE_TOKEN=" + s.tokens.Issue(a.user, -time.Hour)}
	case m.Needs == sasl.NeedsToken:
		return credential{env: "IMAPKNIFE_TOKEN=none"}, wrong
	case m.Name == "EXTERNAL" && s.real != nil:
		cert, key, err := s.real.ClientCert(a.user)
		if err != nil {
			t.Fatal(err)
		}
		return credential{args: []string{"--client-cert", cert, "--client-key", key}}, credential{args: []string{}}
	case m.Needs == sasl.NeedsNothing:
		return right, wrong
	}
	return credential{env: "IMAPKNIFE_PASSWORD=" + a.password}, credential{env: "IMAPKNIFE_PASSWORD=not-" + a.password}
}

// examine runs imapknife doctor and returns its exit status and rows.
func examine(t *testing.T, env []string, args ...string) (status int, checks []check) {
	t.Helper()
	cmd := exec.Command("imapknife", append([]string{"doctor", "--json"}, args...)...)
	cmd.Env = env
	out, err := cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		status = e.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &checks); err != nil {
		t.Fatalf("%v: %v in %q", args, err, out)
	}
	return status, checks
}

func at(checks []check, stage string) check {
	for _, c := range checks {
		if c.Stage == stage {
			return c
		}
	}
	return check{}
}
