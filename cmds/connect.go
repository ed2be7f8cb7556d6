package cmds

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/discover"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/hidden"
	"github.com/imapknife/imapknife/internal/hostname"
	"github.com/imapknife/imapknife/internal/oauth"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/internal/wire"
	"github.com/imapknife/imapknife/output"
)

// connectTimeout is how long a connection may take unless --connect-timeout says
// otherwise.
const connectTimeout = 10 * time.Second

// connection is where a verb's session goes, checked before dialling.
type connection struct {
	in        *input
	account   config.Account
	cfg       session.Config
	sources   creds.Sources
	oauth     *oauth.Source  // of an account with a token that can be renewed, else nil
	anonymous bool           // without a login
	opened    session.Config // of the last session
	secret    *creds.Secret  // once it is known
	from      string         // where that is from
	end       func()         // ends the latest session, nil before the first
	tracing   *wire.Trace    // of all sessions, nil before the first and without one
	enough    bool           // what was found is the answer, whatever else there is
	short     string         // why an answer is not whole, empty where all are
	remedy    string         // what helps then
	warned    []string       // what warnOnce has said
	firm      bool           // so much is done that it must not begin again
}

// warnOnce passes on what a server did wrong: once, however often a mailbox is
// opened.
func (c *connection) warnOnce(text string) {
	if !slices.Contains(c.warned, text) && len(c.warned) < maxWarned {
		c.warned = append(c.warned, text)
		c.in.say("%s", text)
	}
}

// maxWarned is how many different warnings about the server one command prints.
const maxWarned = 1000

// connection reads the flags and the environment that say which server.
func (in *input) connection() (*connection, error) {
	c := &connection{in: in}
	if p := in.profile; p != nil && in.file.Shared && p.Runs() {
		return nil, fault.New(fault.Safety, "account %s runs a program, and others than you may change %s", p.Name, in.file.Path).
			Hint("make the file your own: chmod go-w %s (and chown)", in.file.Path)
	}
	var err error
	if c.account, err = in.account(); err != nil {
		return nil, err
	}
	mode := map[string]session.TLSMode{"implicit": session.Implicit, "starttls": session.StartTLS, "none": session.NoTLS}[c.account.TLS]
	way, quiet := in.way(), in.duration("io-timeout", 30*time.Second)
	c.cfg = session.Config{
		Host: c.account.Host, Port: c.account.Port, TLS: mode, User: c.account.User, Auth: in.list("auth"),
		ServerName: in.last("server-name"), CAFile: in.last("ca-file"), Insecure: in.flagged("insecure"),
		ClientCert: in.last("client-cert"), ClientKey: in.last("client-key"), TLSPins: in.pins(), TLSMin: in.last("tls-min"),
		Proxy: way.proxy, UnixSocket: way.socket, Tunnel: way.tunnel, Environ: in.p.Environ, Stderr: in.p.Stderr,
		ConnectTimeout:  in.duration("connect-timeout", connectTimeout),
		IOTimeout:       quiet,
		GreetingTimeout: in.duration("connect-timeout", max(10*time.Second, quiet)),
		NoPipelining:    in.flagged("no-pipelining"),
		Memory:          in.memory(), Now: in.p.Now,
		AuthzID: in.last("authzid"), Resolver: in.resolver(),
		Notice: func(text string) { in.say("the server says: %s", text) },
		Warn:   c.warnOnce,
		Partial: func(why, hint string) {
			if c.short == "" {
				c.short, c.remedy = why, hint
			}
		},
	}
	if name := c.cfg.ServerName; name != "" {
		if c.cfg.ServerName, err = hostname.Parse(name); err != nil {
			return nil, in.blame(err, "server-name")
		}
	}
	if !in.flagged("no-id") {
		c.cfg.Client, c.cfg.Version = "imapknife", buildVersion().Version
	}
	for _, name := range c.cfg.Auth {
		if !slices.Contains(session.Mechanisms(), strings.ToLower(name)) {
			return nil, in.blame(fault.New(fault.Usage, "--auth: %q is none of %s", name, strings.Join(session.Mechanisms(), ", ")), "auth")
		}
	}
	if c.cfg.ReadOnly, c.cfg.ReadOnlyHint, err = in.readOnly(); err != nil {
		return nil, err
	}
	if in.profile != nil {
		c.cfg.SpecialUse = in.profile.SpecialUse
	}
	if err := in.checkWay(&c.cfg); err != nil { // before a password is asked for
		return nil, err
	}
	if mode == session.NoTLS && !way.private(c.account.Host) && !in.flagged("insecure-plaintext") {
		to := c.account.Host
		if config.Loopback(to) {
			to += " through a proxy"
		}
		return nil, in.blame(fault.New(fault.Safety, "clear text to %s is refused: everybody on the way could read the password", to).
			Hint("use imaps:// or imap://; --insecure-plaintext allows it"), "url", "tls")
	}
	return c, in.secrets(c)
}

// account is the account that the flags and the environment describe: the URL,
// or the host where there is no URL or only the environment has one. A part
// given on the command line wins over the URL's; one from the environment
// never changes a URL from the command line, but may complete it.
func (in *input) account() (config.Account, error) {
	var a config.Account
	var err error
	local := in.way().local()
	byURL := in.flagged("url") && (in.given("url") || !in.given("host"))
	if byURL {
		if a, err = config.ParseURL(in.last("url")); err != nil {
			return a, in.blame(err, "url")
		}
	} else if host := in.last("host"); host != "" {
		if a.Host, err = hostname.Parse(host); err != nil {
			return a, in.blame(err, "host")
		}
	} else if local {
		a.Host, a.TLS = "localhost", "none" // a tunnel protects itself
	} else {
		return a, noAccount(in.file)
	}
	other := in.elsewhere(a.Host)
	counts := func(name string) bool {
		return in.given(name) || in.flagged(name) && !(byURL && in.given("url")) && !other
	}
	if counts("user") || a.User == "" && !other {
		a.User = in.last("user")
	}
	if counts("tls") {
		a.TLS = in.last("tls")
	}
	if counts("port") {
		if a.Port, err = config.ParsePort(in.last("port")); err != nil {
			return a, in.blame(err, "port")
		}
	}
	if !in.verb.userOptional && in.userMissing(a) {
		return a, in.noUser()
	}
	return a.Complete()
}

// userMissing reports whether the server will want a user name that nobody has
// said. Locally it may greet with PREAUTH.
func (in *input) userMissing(a config.Account) bool {
	return a.User == "" && !in.flagged("no-login") && !in.way().local() && !in.secretless()
}

func (in *input) noUser() error {
	return in.blame(fault.New(fault.Usage, "no user name").Hint("write it into the URL (imaps://user@host/) or use --user"), "url")
}

// secretless reports whether --auth asks for a login that needs no user name.
func (in *input) secretless() bool {
	return slices.ContainsFunc(in.list("auth"), func(name string) bool {
		return strings.EqualFold(name, "external") || strings.EqualFold(name, "anonymous")
	})
}

// resolver is what asks for names, nil for the system's.
func (in *input) resolver() *net.Resolver {
	if addr := in.last("dns-server"); addr != "" {
		return discover.ResolverAt(addr)
	}
	return nil
}

// readOnly reports whether nothing may be changed, and what would lift that.
// What an account is pinned to, no flag lifts.
func (in *input) readOnly() (on bool, hint string, err error) {
	var lift []string
	if in.given("read-only") {
		lift = append(lift, "leave out --read-only")
	} else if in.flagged("read-only") {
		lift = append(lift, "unset IMAPKNIFE_READ_ONLY")
	}
	switch mode, _ := in.p.Getenv("IMAPKNIFE_MODE"); mode {
	case "readonly":
		lift = append(lift, "unset IMAPKNIFE_MODE")
	case "":
	default:
		return false, "", fault.New(fault.Usage, "IMAPKNIFE_MODE: %q is not readonly", mode)
	}
	if in.profile != nil && in.profile.Mode == "readonly" {
		lift = append(lift, fmt.Sprintf("take the mode from account %s in %s", in.profile.Name, in.file.Path))
	}
	return len(lift) > 0, strings.Join(lift, " and "), nil
}

// memory is the file of what servers were like, nil where there is no place.
func (in *input) memory() *session.Memory {
	path := in.p.file(config.CacheFolder, "servers.json")
	if path == "" {
		return nil
	}
	return session.NewMemory(path, in.p.Now)
}

// idleTable is how long a table may wait for more rows before its widths are
// settled by those there are.
const idleTable = 300 * time.Millisecond

// flush is what the session calls before it waits: rows that are ready must
// not sit in a buffer meanwhile. A table waits a moment for more rows.
func (c *connection) flush(out *output.Printer) func() error {
	if out == nil {
		return nil
	}
	var first time.Time
	table := isTerminal(c.in.p.Stdout)
	return func() error {
		if table {
			if out.Rows() == 0 {
				return nil
			}
			now := c.in.p.Now()
			if first.IsZero() {
				first = now
			}
			if now.Sub(first) < idleTable {
				return nil
			}
		}
		return out.Flush()
	}
}

// open opens the session, with the trace and the flushing of out in place. One
// that was open before, and was lost, is ended.
func (c *connection) open(ctx context.Context, out *output.Printer) (*session.Session, func(), error) {
	if c.end != nil {
		c.end()
	}
	cfg := c.cfg
	cfg.Idle = c.flush(out)
	if err := c.trace(&cfg); err != nil {
		return nil, nil, err
	}
	if cfg.Insecure && cfg.TLS != session.NoTLS && len(cfg.TLSPins) == 0 {
		c.in.caution("the certificate of %s is not verified (--insecure)", cfg.Host)
	}
	if !c.in.flagged("no-login") && !c.anonymous {
		cfg.Secret = c.reveal
		if c.oauth != nil {
			cfg.Renew = c.renew
		}
	}
	c.opened = cfg
	s, err := session.Open(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	c.end = sync.OnceFunc(func() { s.Close() })
	return s, c.end, nil
}

// pauses are the waits before each try to open a session again: with the one that
// was lost these are at most three connections.
var pauses = [...]time.Duration{0, time.Second}

// reopen opens a session, and logs in, in the place of one that was lost.
func (c *connection) reopen(ctx context.Context, out *output.Printer) (s *session.Session, err error) {
	for _, pause := range pauses {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
		if s, _, err = c.open(ctx, out); err == nil {
			err = s.Settle(ctx)
		}
		if err == nil || fault.KindOf(err) == fault.Auth {
			return s, err
		}
	}
	return nil, fault.Wrap(fault.Connect, err, "over %d connections", len(pauses)+1)
}

// again opens another session like the last one, whose rows it flushes and
// whose trace it goes on with. The caller closes it.
func (c *connection) again(ctx context.Context) (*session.Session, error) {
	return session.Open(ctx, c.opened)
}

// trace begins the trace that the flags ask for, on standard error, in a file,
// or both, or goes on with it where the command has had a session before.
func (c *connection) trace(cfg *session.Config) error {
	var to []io.Writer
	if path := c.in.last("trace-file"); path != "" && c.tracing == nil {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return c.in.blame(fault.Wrap(fault.Local, err, "cannot write the trace"), "trace-file")
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
			if err := f.Chmod(0o600); err != nil { // it was there, and others can read it
				f.Close()
				return c.in.blame(fault.Wrap(fault.Local, err, "cannot keep the trace from others"), "trace-file")
			}
		}
		to = append(to, &traceFile{f: f, p: c.in.p})
	}
	if c.in.flagged("trace") && c.tracing == nil {
		to = append(to, visibleLines{c.in.p.Stderr})
	}
	if len(to) > 0 && !c.in.flagged("show-secrets") {
		to = []io.Writer{hiding{io.MultiWriter(to...), c.in.p.hidden}}
	}
	if len(to) > 0 {
		c.tracing = wire.NewTrace(io.MultiWriter(to...), cfg.Now, c.in.flagged("show-secrets"))
	}
	cfg.Trace = c.tracing
	return nil
}

// traceFile writes each line at once, so that none is lost with the process. It
// stays open as long as that. What cannot be written is said once.
type traceFile struct {
	f      *os.File
	p      *Process
	failed bool
}

func (t *traceFile) Write(line []byte) (int, error) {
	if _, err := t.f.Write(line); err != nil && !t.failed {
		t.failed = true
		t.p.Say("the trace is not whole: %v", err)
	}
	return len(line), nil
}

// hiding takes secrets out of whole lines.
type hiding struct {
	w      io.Writer
	hidden *hidden.Set
}

func (h hiding) Write(p []byte) (int, error) {
	_, err := io.WriteString(h.w, h.hidden.Hide(string(p)))
	return len(p), err
}

// visibleLines makes whole lines safe for a terminal.
type visibleLines struct{ w io.Writer }

func (v visibleLines) Write(p []byte) (int, error) {
	_, err := io.WriteString(v.w, output.Visible(strings.TrimSuffix(string(p), "\n"))+"\n")
	return len(p), err
}

// once runs fn in a session of its own. misjudged tells that it trusted what
// the server offered the last time, and a command failed.
func (c *connection) once(ctx context.Context, out *output.Printer, fn func(*session.Session, *output.Printer) error) (misjudged bool, err error) {
	s, _, err := c.open(ctx, out)
	if err != nil {
		return false, err
	}
	defer func() { c.end() }() // by then it may be another session's
	c.short = ""
	err = c.whole(fn(s, out))
	return s.Misjudged(), err
}

// whole makes an answer that the server cut short one that is partial, also
// where it is no.
func (c *connection) whole(err error) error {
	kind := fault.KindOf(err)
	switch {
	case c.short == "" || err == nil && c.enough:
		return err
	case err == nil || kind == fault.Negative || kind == fault.Partial:
		e := fault.New(fault.Partial, "the answer is not whole: %s", c.short)
		e.Err = err
		if c.remedy != "" {
			e.Hint("%s", c.remedy)
		}
		return e
	}
	c.warnOnce("warning: the answer is not whole: " + c.short)
	return err
}

// session is once without a printer. What trusted too much in what the server
// offered the last time is tried once more.
func (c *connection) session(ctx context.Context, fn func(*session.Session) error) error {
	run := func(s *session.Session, _ *output.Printer) error { return fn(s) }
	misjudged, err := c.once(ctx, nil, run)
	if misjudged && !c.firm && fault.KindOf(err) == fault.Refused {
		_, err = c.once(ctx, nil, run)
	}
	return err
}

// with opens a session and a printer, runs fn, and ends both. An answer that is
// no, or done in part, is still a whole answer.
func (c *connection) with(ctx context.Context, spec output.Spec, fn func(*session.Session, *output.Printer) error) error {
	return c.print(ctx, spec, false, fn)
}

// receipts is with for rows that tell what has been done: whatever the error,
// they are printed, for what is done stays done.
func (c *connection) receipts(ctx context.Context, spec output.Spec, fn func(*session.Session, *output.Printer) error) error {
	return c.print(ctx, spec, true, fn)
}

func (c *connection) print(ctx context.Context, spec output.Spec, receipts bool, fn func(*session.Session, *output.Printer) error) error {
	out, err := c.in.printer(ctx, spec)
	if err != nil {
		return err
	}
	misjudged := false
	if misjudged, err = c.once(ctx, out, fn); misjudged && out.Rows() == 0 && !c.firm && fault.KindOf(err) == fault.Refused {
		_, err = c.once(ctx, out, fn) // this time it asks what the server offers
	}
	whole := err == nil || fault.KindOf(err) == fault.Negative || fault.KindOf(err) == fault.Partial || fetch.IsVerdict(err)
	if cerr := out.Close(whole || receipts && out.Rows() > 0); err == nil {
		err = cerr
	}
	return err
}
