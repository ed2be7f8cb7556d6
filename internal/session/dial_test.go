package session

import (
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/wire"
)

// relay passes connections of l on to addr until the test ends.
func relay(t *testing.T, l net.Listener, addr string) {
	t.Helper()
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", addr)
			if err != nil {
				c.Close()
				continue
			}
			go func() {
				io.Copy(up, c)
				up.(*net.TCPConn).CloseWrite()
			}()
			go func() {
				io.Copy(c, up)
				c.Close()
				up.Close()
			}()
		}
	}()
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	srv := serve(t, "", imaptest.Options{TLS: true})
	path := filepath.Join(t.TempDir(), "imap.sock")
	l, err := net.Listen("unix", path)
	must(t, err)
	relay(t, l, srv.Addr())
	var trace strings.Builder
	cfg := secure(t, srv, Implicit)
	cfg.Port, cfg.UnixSocket, cfg.Progress = 1, path, new(Progress)
	cfg.Trace = wire.NewTrace(&trace, time.Now, false)
	s := examined(t, cfg)
	must(t, s.Settle(t.Context()))
	if got := steps(cfg.Progress); got != "unix tls greeting" || cfg.Progress.Remote.Network() != "unix" || cfg.Progress.TLS == nil {
		t.Errorf("steps %s, %+v", got, cfg.Progress)
	}
	if !strings.Contains(trace.String(), "== connected to "+path+"\n") {
		t.Error(trace.String())
	}
}

// A command as transport: it greets with PREAUTH, or ends, or is no server.
func TestTunnel(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no tunnels")
	}
	t.Parallel()
	var said strings.Builder
	cfg := Config{Host: "localhost", Port: 143, TLS: NoTLS, Now: time.Now, IOTimeout: 5 * time.Second, Stderr: &said, Progress: new(Progress),
		Tunnel: `printf '* PREAUTH [CAPABILITY IMAP4rev1] in\r\n'; read tag noop; printf "$tag OK done\r\n"; echo bye >&2; read rest`}
	s, err := Open(t.Context(), cfg)
	must(t, err)
	if _, err := s.do(t.Context(), wire.NewCommand("NOOP")); err != nil {
		t.Error(err)
	}
	must(t, s.Close())
	if said.String() != "bye\n" || steps(cfg.Progress) != "tunnel greeting" {
		t.Errorf("said %q, steps %s", said.String(), steps(cfg.Progress))
	}
	for command, want := range map[string]struct {
		kind       fault.Kind
		text, hint string
		tls        TLSMode
	}{
		"exit 255":       {fault.Connect, `the connection to the server behind the tunnel "exit 255" failed: the command ended with status 255`, "by hand", NoTLS},
		"true":           {fault.Connect, `the server behind the tunnel "true" closed the connection`, "by hand", NoTLS},
		"echo motd; cat": {fault.Protocol, `no IMAP with tunnel "echo motd; cat": the greeting is not IMAP: "motd"`, "", NoTLS},
		"echo hi; cat":   {fault.Connect, `no TLS with tunnel "echo hi; cat": `, "--tls none", Implicit},
		"exit 4":         {fault.Connect, `no TLS with tunnel "exit 4": `, "--tls none", Implicit},
		"sleep 600":      {fault.Connect, `no answer from the server behind the tunnel "sleep 600" for 200ms`, "by hand", NoTLS},
	} {
		cfg := Config{Host: "localhost", Tunnel: command, TLS: want.tls, Insecure: true, Now: time.Now, IOTimeout: 5 * time.Second, ConnectTimeout: 5 * time.Second}
		if strings.HasPrefix(command, "sleep") {
			cfg.IOTimeout = 200 * time.Millisecond
		}
		_, err := Open(t.Context(), cfg)
		failed(t, err, want.kind, want.text)
		if !strings.Contains(strings.Join(fault.Hints(err), " "), want.hint) {
			t.Errorf("%s: hints %q", command, fault.Hints(err))
		}
	}
}

func steps(p *Progress) string {
	var names []string
	for _, s := range p.Steps {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// The steps that were begun, and how far they came.
func TestProgress(t *testing.T) {
	t.Parallel()
	const offered = "CAPABILITY +STARTTLS\nON STARTTLS\nS: $tag OK go\nSTARTTLS"
	for name, tt := range map[string]struct {
		script  string
		mode    TLSMode
		leaf    imaptest.Leaf
		change  func(*Config)
		steps   string
		failure bool
		tls     bool
	}{
		"implicit":           {"", Implicit, imaptest.Leaf{}, nil, "tcp tls greeting", false, true},
		"by name":            {"", Implicit, imaptest.Leaf{}, func(c *Config) { c.Host = "localhost" }, "dns tcp tls greeting", false, true},
		"starttls":           {offered, StartTLS, imaptest.Leaf{}, nil, "tcp greeting starttls tls", false, true},
		"starttls, expired":  {offered, StartTLS, imaptest.Leaf{Expired: true}, nil, "tcp greeting starttls tls", true, true},
		"not offered":        {"GREETING * OK [CAPABILITY IMAP4rev1] hi", StartTLS, imaptest.Leaf{}, nil, "tcp greeting", true, false},
		"no such name":       {"", Implicit, imaptest.Leaf{}, func(c *Config) { c.Host = "mail.invalid" }, "dns", true, false},
		"clear text instead": {"", NoTLS, imaptest.Leaf{}, func(c *Config) { c.TLS = Implicit }, "tcp tls", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := imaptest.Start(tt.script, imaptest.Options{TLS: tt.mode == Implicit, Leaf: tt.leaf})
			must(t, err)
			defer srv.Close()
			cfg := secure(t, srv, tt.mode)
			cfg.Secret, cfg.Progress = nil, new(Progress)
			if tt.change != nil {
				tt.change(&cfg)
			}
			s, err := Open(t.Context(), cfg)
			if err == nil {
				s.Close()
			}
			if got := steps(cfg.Progress); (err != nil) != tt.failure || got != tt.steps || (cfg.Progress.TLS != nil) != tt.tls {
				t.Errorf("steps %s, TLS %v, %v", got, cfg.Progress.TLS != nil, err)
			}
			if cfg.Progress.TLS != nil && len(cfg.Progress.TLS.PeerCertificates) == 0 {
				t.Error("no certificate is told")
			}
			if named := cfg.Progress.Remote != nil; named != (name != "no such name") {
				t.Errorf("remote address %v", cfg.Progress.Remote)
			}
		})
	}
}

// Who is who: the digest of an ordinary account is what rows and scripts have
// kept; a socket or a tunnel is a server of its own.
func TestIdentity(t *testing.T) {
	ordinary := Config{Host: "Mail.Example.org", Port: 993, User: "alice"}
	if got := ordinary.AccountID(); got != "ffe1286cd8d2" {
		t.Errorf("the digest of an account has changed: %s", got)
	}
	seen := map[string]Config{}
	for addr, c := range map[string]Config{
		"Mail.Example.org:993":   ordinary,
		"[::1]:993":              {Host: "::1", Port: 993, User: "alice"},
		`tunnel "ssh a imapd"`:   {Host: "Mail.Example.org", Port: 993, User: "alice", Tunnel: "ssh a imapd"},
		`tunnel "ssh b imapd"`:   {Host: "Mail.Example.org", Port: 993, User: "alice", Tunnel: "ssh b imapd"},
		"/run/a":                 {User: "alice", UnixSocket: "/run/a"},
		"/run/b":                 {User: "alice", UnixSocket: "/run/b"},
		`tunnel "/run/a"`:        {User: "alice", Tunnel: "/run/a"},
		"h:993":                  {Host: "h", Port: 993, Proxy: "socks5://p"},
		`tunnel "` + long + `…"`: {Tunnel: long + "x"},
		`tunnel "printf \"a\""`:  {Tunnel: `printf "a"`},
	} {
		if got := c.Addr(); got != addr {
			t.Errorf("address %s, want %s", got, addr)
		}
		for _, id := range []string{c.AccountID(), c.key()} {
			if other, twice := seen[id]; twice {
				t.Errorf("%+v is %+v: %s", c, other, id)
			}
			seen[id] = c
		}
	}
	proxied := ordinary
	proxied.Proxy = "socks5://p"
	if proxied.AccountID() != ordinary.AccountID() || proxied.key() != ordinary.key() {
		t.Error("a proxy makes another account")
	}
}

var long = strings.Repeat("é", 60)
