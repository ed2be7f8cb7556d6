package cmds

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/discover"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/oauth"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/output"
)

// loginOptions says what to log in to.
type loginOptions struct {
	in      *input
	address string // mail address whose server is to be found
	name    string // of the account, empty for one made of the user
	oauth   *config.OAuth
	client  oauth.Client
	ask     bool // nothing says what to log in to
}

func newLogin() *verb {
	return &verb{
		name: "login", args: "[ADDRESS|URL|ACCOUNT]", group: groupAccounts,
		summary: "find the server of a mail address, log in, and save the account",
		about: `Finds the server (a table of large providers, SRV records, autoconfig over
HTTPS, guesses last), logs in, and only then saves the account in the account
file and its password or token in the keyring. The other connection flags are
saved with it. What is missing is asked for on a terminal.

Every other command then uses the account: the default one, or --account NAME.`,
		examples: []example{
			{"an address alone", "imapknife login alice@example.org"},
			{"from a script", `printf %s "$PW" | imapknife login --password-stdin imaps://alice@mail.example.org/`},
			{"the password stays where it is", "imapknife login alice@example.org --password-command 'pass mail/alice'"},
			{"what would be used?", "imapknife login --discover alice@example.org"},
			{"Microsoft 365", "imapknife login alice@example.com --oauth microsoft --client-id ID --device"},
		},
		flags: append(lookup("name", "default", "discover", "insecure-storage", "yes", "mailbox", "oauth", "client-id", "client-secret-file", "tenant",
			"auth-url", "token-url", "device-url", "scope", "device", "paste", "open-browser"), sessionFlags()...),
		ownAccount: true,
		row:        result.Login{}, single: true,
		variants: []variant{{flag: "discover", row: result.Candidate{}}},
		setup:    setupLogin,
	}
}

func setupLogin(in *input) (runner, error) {
	o := &loginOptions{in: in, name: in.last("name")}
	if len(in.args) > 1 {
		return nil, fault.New(fault.Usage, "login takes one address, URL or account, not %q", in.args)
	}
	if in.flagged("no-login") {
		return nil, fault.New(fault.Usage, "login without a login saves nothing")
	}
	if in.flagged("name") {
		if err := config.CheckName(o.name); err != nil {
			return nil, err
		}
	}
	if err := o.target(); err != nil {
		return nil, err
	}
	if in.flagged("discover") {
		if o.address == "" {
			return nil, fault.New(fault.Usage, "--discover needs a mail address")
		}
		return o.discover, nil
	}
	if err := o.readOAuth(); err != nil {
		return nil, err
	}
	return o.run, nil
}

// target finds out what to log in to: an account of the file, a URL, or an
// address.
func (o *loginOptions) target() error {
	in := o.in
	word := ""
	if len(in.args) == 1 {
		word = in.args[0]
	}
	file, err := in.p.accounts()
	if err != nil {
		return err
	}
	in.file = file
	set := func(name, value string) {
		in.settings = append(in.settings, setting{flag: lookup(name)[0], value: value, has: true})
	}
	described := slices.ContainsFunc(describes, in.given)
	switch {
	case word != "" && (described || in.given("account")):
		return fault.New(fault.Usage, "both %q and a flag say what to log in to", word)
	case strings.Contains(word, "://"):
		set("url", word)
	case word != "" && slices.ContainsFunc(file.Profiles, func(p config.Profile) bool { return p.Name == word }):
		return o.known(word)
	case strings.Contains(word, "@"):
		o.address = word
	case word != "":
		set("host", word)
	case in.given("account"):
		return o.known(in.last("account"))
	case described || slices.ContainsFunc(describes, in.flagged):
	default:
		if o.ask = isTerminal(in.p.Stderr); !o.ask {
			return fault.New(fault.Usage, "login needs an address or a URL").
				Hint("imapknife login alice@example.org finds the server").
				Hint("imapknife login imaps://alice@mail.example.org/ names it")
		}
	}
	return nil
}

// known logs in to an account of the file again.
func (o *loginOptions) known(name string) error {
	p, err := o.in.file.Profile(name)
	if err != nil {
		return err
	}
	if o.name != "" && o.name != name {
		return fault.New(fault.Usage, "account %s has a name already", name).Hint("imapknife accounts rename %s %s", name, o.name)
	}
	o.name = name
	o.in.dropEnvironment()
	o.in.use(o.in.file, p)
	o.oauth = p.OAuth
	return nil
}

// readOAuth reads the flags about OAuth.
func (o *loginOptions) readOAuth() error {
	in := o.in
	about := []string{"client-id", "client-secret-file", "tenant", "auth-url", "token-url", "device-url", "scope", "device", "paste", "open-browser"}
	if provider := in.last("oauth"); provider != "" {
		if provider == "custom" {
			provider = ""
		}
		o.oauth = &config.OAuth{
			Provider: provider, Tenant: in.last("tenant"), ClientID: in.last("client-id"),
			AuthURL: in.last("auth-url"), TokenURL: in.last("token-url"), DeviceURL: in.last("device-url"), Scopes: in.all("scope"),
		}
		if o.oauth.ClientID == "" {
			return fault.New(fault.Usage, "--oauth needs --client-id: the client id is your own").
				Hint("docs/oauth.md says how to get one; an app password is Gmail's shorter way")
		}
	} else if o.oauth == nil {
		for _, name := range about {
			if in.given(name) {
				return fault.New(fault.Usage, "--%s is of use with --oauth only", name)
			}
		}
		return nil
	}
	if in.flagged("device") && in.flagged("paste") {
		return fault.New(fault.Usage, "--device and --paste exclude each other")
	}
	for _, name := range secretFlags {
		if in.given(name) {
			return fault.New(fault.Usage, "--oauth and --%s exclude each other", name)
		}
	}
	o.client = oauth.Client{ID: o.oauth.ClientID}
	if path := in.last("client-secret-file"); path != "" {
		secret, err := creds.Sources{File: path}.Secret(context.Background())
		if err != nil {
			return err
		}
		o.client.Secret = secret.Secret.Reveal()
	}
	_, err := oauthConfig(o.oauth)
	return err
}

// find asks for the servers of the address.
func (o *loginOptions) find(ctx context.Context) (*discover.Found, error) {
	return discover.Find(ctx, o.address, discover.Options{Resolver: o.in.resolver(), Now: o.in.p.Now})
}

// discover tells which servers there are.
func (o *loginOptions) discover(ctx context.Context) error {
	found, err := o.find(ctx)
	if found != nil {
		for _, note := range found.Notes {
			o.in.say("%s", note)
		}
	}
	if err != nil {
		return err
	}
	var rows []any
	for _, c := range found.Candidates {
		rows = append(rows, &result.Candidate{
			URL: config.Account{Host: c.Host, Port: c.Port, TLS: c.TLS}.URL(), Users: c.Users, Password: passwordKind(c.Password),
			OAuth: c.OAuth, Source: c.Source, Detail: c.Detail, Hints: c.Hints,
		})
	}
	return o.in.rows(ctx, output.Spec{Row: result.Candidate{}, Columns: []output.Column{
		{Field: "url"}, {Field: "users"}, {Field: "password"}, {Field: "source"}, {Field: "detail", Flex: true}}}, rows...)
}

// passwordKind is what rows call the kind of password that a server takes.
func passwordKind(kind string) string {
	switch kind {
	case "":
		return "yes"
	case "none":
		return "no"
	}
	return kind
}

// attempt is one server and user to log in to.
type attempt struct {
	settings []setting // what they add to the command line
	c        discover.Candidate
}

// run logs in to the first candidate that can be, and saves it.
func (o *loginOptions) run(ctx context.Context) error {
	in := o.in
	if o.ask {
		address, err := ask(ctx, "mail address or URL: ")
		if err != nil {
			return err
		}
		in.args = []string{address}
		if o.ask = false; o.target() != nil || o.ask {
			return o.target()
		}
	}
	attempts, err := o.attempts(ctx)
	if err != nil {
		return err
	}
	var first error
	for _, a := range attempts {
		done, err := o.attempt(ctx, a)
		if err == nil {
			return o.save(ctx, done)
		}
		if first == nil {
			first = err
		}
		if k := fault.KindOf(err); k != fault.Connect && k != fault.Auth || ctx.Err() != nil {
			return err
		}
		if len(attempts) > 1 {
			in.say("%v", err)
		}
	}
	return first
}

// attempts lists what to try, in order: what was named, or what discovery
// finds.
func (o *loginOptions) attempts(ctx context.Context) ([]attempt, error) {
	if o.address == "" {
		return []attempt{{}}, nil
	}
	found, err := o.find(ctx)
	if err != nil {
		return nil, err
	}
	var out []attempt
	for _, c := range found.Candidates {
		users := c.Users
		if u := o.in.last("user"); u != "" {
			users = []string{u}
		}
		server := config.Account{Host: c.Host, Port: c.Port, TLS: c.TLS}
		for _, user := range users {
			out = append(out, attempt{c: c, settings: []setting{
				{flag: lookup("url")[0], value: server.URL(), has: true}, {flag: lookup("user")[0], value: user, has: true},
			}})
		}
	}
	return out, nil
}

// loggedIn is what an attempt has come to.
type loggedIn struct {
	c         *connection
	mechanism string
	source    string
	secret    *creds.Secret // that is to be kept, nil for none
	token     oauth.Token   // likewise, of OAuth
	store     creds.Store   // where to
}

// attempt logs in to one server. Nothing is saved.
func (o *loginOptions) attempt(ctx context.Context, a attempt) (*loggedIn, error) {
	try := *o.in
	try.settings = append(slices.Clone(o.in.settings), a.settings...)
	if err := o.agreed(ctx, a.c); err != nil {
		return nil, err
	}
	c, err := try.connection()
	if err != nil {
		return nil, err
	}
	done := &loggedIn{c: c, source: a.c.Source, store: o.in.keyring()}
	if done.source == "" {
		done.source = "given"
	}
	if o.in.flagged("insecure-storage") || try.profile != nil && try.profile.Storage == "file" {
		done.store = o.in.secretsFile()
	}
	if _, err := o.nameFor(c); err != nil {
		return nil, err
	}
	c.sources.Store = nil // a new secret is wanted
	keeps := c.sources.Command.IsZero() && c.sources.AccountCommand.IsZero()
	if keeps { // before a person goes to any trouble
		if _, err := done.store.Get(ctx, c.key()); err != nil && !errors.Is(err, creds.ErrNotFound) {
			return nil, err
		}
	}
	if o.oauth != nil {
		if done.token, err = o.signIn(ctx, c); err != nil {
			return nil, err
		}
		c.oauth, c.cfg.Token = nil, true
		secret := creds.NewSecret(done.token.Access)
		c.secret = &secret
	}
	s, end, err := c.open(ctx, nil)
	if err == nil {
		defer end()
		err = s.Settle(ctx)
	}
	if err != nil {
		return nil, o.advice(err, a.c)
	}
	done.mechanism = s.Mechanism()
	if keeps && o.oauth == nil {
		done.secret = c.secret
	}
	return done, nil
}

// agreed refuses a server that takes no password where there is nothing else,
// and asks about one that only the name service has told of.
func (o *loginOptions) agreed(ctx context.Context, c discover.Candidate) error {
	if c.Password == "none" && o.oauth == nil && !o.in.given("token-command") {
		e := fault.New(fault.Auth, "%s takes no password", c.Host)
		for _, h := range c.Hints {
			e.Hint("%s", h)
		}
		if c.OAuth != "" {
			e.Hint("sign in by OAuth: imapknife login %s --oauth %s --client-id ID", o.address, c.OAuth)
		}
		return e
	}
	if !c.Foreign || o.in.flagged("yes") {
		return nil
	}
	question := fmt.Sprintf("the name service says that mail of %s is at %s, another domain: send the password there", o.address, c.Host)
	return consent{in: o.in, destructive: true}.confirm(ctx, "%s", question)
}

// advice adds what is known of the provider to an error.
func (o *loginOptions) advice(err error, c discover.Candidate) error {
	e, ok := errors.AsType[*fault.Error](err)
	if ok && e.Kind == fault.Auth {
		for _, h := range c.Hints {
			e.Hint("%s", h)
		}
	}
	return err
}

// signIn gets a token from the provider.
func (o *loginOptions) signIn(ctx context.Context, c *connection) (oauth.Token, error) {
	cfg, err := oauthConfig(o.oauth)
	if err != nil {
		return oauth.Token{}, err
	}
	in := o.in
	cfg.Client, cfg.Login = o.client, c.account.User
	cfg.Now, cfg.Again = in.p.Now, strings.TrimSuffix("imapknife login "+o.name, " ")
	if in.flagged("device") {
		return oauth.Device(ctx, cfg, func(d oauth.DeviceCode) {
			in.p.Say("open %s on any device and type the code %s", d.URL, d.Code)
		})
	}
	ui := oauth.UI{Show: func(address string) { in.p.Say("open this page to sign in:\n%s", address) }}
	if in.flagged("open-browser") {
		ui.Open = oauth.OpenBrowser
	}
	if in.flagged("paste") {
		ui.Paste = func(ctx context.Context) (string, error) { return ask(ctx, "the address that the browser ends at: ") }
	}
	return oauth.Authorize(ctx, cfg, ui)
}

// save keeps the secret and the account: both, or neither.
func (o *loginOptions) save(ctx context.Context, done *loggedIn) error {
	in, c := o.in, done.c
	profile, err := o.profile(done)
	if err != nil {
		return err
	}
	undo, err := done.keep(ctx, o)
	if err != nil {
		return err
	}
	path := in.p.configPath()
	isDefault := false
	err = config.Edit(ctx, path, in.p.home(), func(e *config.Editor) error {
		if err := e.Put(*profile); err != nil {
			return err
		}
		file := e.File()
		if isDefault = in.flagged("default") || file.Default == "" && len(file.Profiles) == 1; isDefault {
			return e.SetDefault(profile.Name)
		}
		isDefault = file.Implied() == profile.Name
		return nil
	})
	if err != nil {
		undo()
		return err
	}
	if profile.Storage == "file" {
		in.say("warning: the password is kept in clear in %s", done.store.Name())
	}
	return in.rows(ctx, output.Spec{Row: result.Login{}, Single: true, Columns: []output.Column{
		{Field: "name"}, {Field: "url"}, {Field: "user"}, {Field: "mechanism"}, {Field: "secret"}, {Field: "default"}}}, &result.Login{
		Account: c.cfg.AccountID(), Name: profile.Name, URL: profile.URL, User: c.account.User, Mechanism: done.mechanism,
		Source: done.source, Secret: secretOf(profile), Default: isDefault, Config: path,
	})
}

// keep stores the secret, and returns what puts back the one before.
func (done *loggedIn) keep(ctx context.Context, o *loginOptions) (undo func(), err error) {
	c := done.c
	key, value := c.key(), done.secret
	if o.oauth != nil {
		done.token.ClientSecret = o.client.Secret
		data, err := done.token.MarshalJSON()
		if err != nil {
			return nil, err
		}
		secret := creds.NewSecret(string(data))
		key, value = creds.OAuthKey(c.account.User, c.account.Host, c.account.Port), &secret
	}
	if value == nil {
		return func() {}, nil
	}
	before, berr := done.store.Get(ctx, key)
	if err := done.store.Set(ctx, key, *value); err != nil {
		return nil, err
	}
	return func() {
		ctx := context.WithoutCancel(ctx)
		if berr == nil {
			done.store.Set(ctx, key, before)
		} else {
			done.store.Delete(ctx, key)
		}
	}, nil
}

// unfit are the characters that an account's name cannot have.
var unfit = regexp.MustCompile(`[^A-Za-z0-9._@+-]+`)

// nameFor is what the account will be called. The name of another server's
// account is refused.
func (o *loginOptions) nameFor(c *connection) (string, error) {
	name := o.name
	if name == "" {
		name = c.account.User
		if o.address != "" {
			name = o.address
		} else if !strings.Contains(name, "@") {
			name = strings.TrimPrefix(name+"@"+c.account.Host, "@")
		}
		name = strings.TrimLeft(unfit.ReplaceAllString(name, "-"), "-")
	}
	old, err := o.in.file.Profile(name)
	if err != nil || c.in.profile != nil {
		return name, nil
	}
	if a, err := config.ParseURL(old.URL); err == nil && old.User == "" {
		old.User = a.User
	}
	if old.User == c.account.User && sameServer(old.URL, server(c).URL()) {
		return name, nil
	}
	return "", fault.New(fault.Usage, "account %s exists, for %s on %s", old.Name, old.User, old.URL).
		Hint("--name gives the new one another name; imapknife accounts remove %s forgets the old one", old.Name)
}

// server is what a connection leads to, without the user.
func server(c *connection) config.Account {
	return config.Account{Host: c.account.Host, Port: c.account.Port, TLS: c.account.TLS}
}

// profile is the account as it is to be saved.
func (o *loginOptions) profile(done *loggedIn) (*config.Profile, error) {
	in, c := done.c.in, done.c
	name, err := o.nameFor(c)
	if err != nil {
		return nil, err
	}
	p := &config.Profile{Name: name}
	if in.profile != nil {
		*p = *in.profile
	}
	p.URL, p.User, p.OAuth = server(c).URL(), c.account.User, o.oauth
	for _, x := range [...]struct {
		flag string
		to   *string
	}{
		{"ca-file", &p.CAFile}, {"client-cert", &p.ClientCert}, {"client-key", &p.ClientKey}, {"server-name", &p.ServerName}, {"tls-min", &p.TLSMin},
		{"proxy", &p.Proxy}, {"tunnel", &p.Tunnel}, {"unix-socket", &p.UnixSocket}, {"mailbox", &p.Mailbox},
		{"password-command", &p.PasswordCommand.Shell}, {"token-command", &p.TokenCommand.Shell},
	} {
		if !in.flagged(x.flag) || in.profile != nil && !in.given(x.flag) {
			continue
		}
		*x.to = in.last(x.flag)
		if lookup(x.flag)[0].kind == file {
			abs, err := filepath.Abs(*x.to)
			if err != nil {
				return nil, fault.Wrap(fault.Local, err, "cannot save the account")
			}
			*x.to = abs
		}
	}
	if in.flagged("auth") {
		p.Auth = in.list("auth")
	}
	if in.flagged("tls-pin") {
		p.TLSPin = in.all("tls-pin")
	}
	if in.flagged("connect-timeout") {
		p.ConnectTimeout = c.cfg.ConnectTimeout
	}
	if in.flagged("io-timeout") {
		p.IOTimeout = c.cfg.IOTimeout
	}
	if in.given("read-only") {
		p.Mode = "readonly"
	}
	p.Storage = ""
	switch {
	case !p.PasswordCommand.IsZero() || !p.TokenCommand.IsZero():
	case done.secret == nil && o.oauth == nil:
		p.Storage = "none"
	case o.in.flagged("insecure-storage") || in.profile != nil && in.profile.Storage == "file":
		p.Storage = "file"
	}
	return p, nil
}

// sameServer reports whether two URLs name the same server.
func sameServer(a, b string) bool {
	x, errX := config.ParseURL(a)
	y, errY := config.ParseURL(b)
	if errX != nil || errY != nil {
		return a == b
	}
	x, _ = x.Complete()
	y, _ = y.Complete()
	return strings.EqualFold(x.Host, y.Host) && x.Port == y.Port
}
