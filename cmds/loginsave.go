package cmds

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/oauth"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/transport"
	"github.com/imapknife/imapknife/output"
)

// save keeps the secret and the account: both, or neither.
func (o *loginOptions) save(ctx context.Context, done *loggedIn) error {
	in, c := o.in, done.c
	profile, err := o.profile(done)
	if err != nil {
		return err
	}
	undo, err := o.keep(ctx, done, profile)
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
	o.forgetFormer(ctx, c.in.profile)
	if profile.Storage == "file" {
		in.caution("the password is kept in clear in %s", o.store().Name())
	}
	return in.rows(ctx, output.Spec{Row: result.Login{}, Single: true, Columns: []output.Column{
		{Field: "name"}, {Field: "url"}, {Field: "user"}, {Field: "mechanism"}, {Field: "secret"}, {Field: "default"}}}, &result.Login{
		Account: c.cfg.AccountID(), Name: profile.Name, URL: profile.URL, User: c.account.User, Mechanism: done.mechanism,
		Source: done.source, Secret: secretOf(profile), Default: isDefault, Config: path,
	})
}

// forgetFormer deletes the secret that the account had before, where it is now
// kept elsewhere or got otherwise. What cannot be deleted stays.
func (o *loginOptions) forgetFormer(ctx context.Context, former *config.Profile) {
	file, err := o.in.p.accounts()
	if former == nil || err != nil {
		return
	}
	if s, err := o.in.stored(file, former); err == nil && len(o.in.sharing(file, s.main, former.Storage)) == 0 {
		o.in.forget(ctx, file, former, "")
	}
}

// store is where the secret is to be kept.
func (o *loginOptions) store() creds.Store {
	if o.in.flagged("insecure-storage") {
		return o.in.secretsFile()
	}
	return o.in.storeOf(o.in.profile)
}

// kept reports whether there is a secret that is to be kept.
func (o *loginOptions) kept(done *loggedIn) bool {
	return o.token != nil || done.keeps && o.secret != nil
}

// keep stores the secret for what the account says, and returns what puts back
// the one before.
func (o *loginOptions) keep(ctx context.Context, done *loggedIn, p *config.Profile) (undo func(), err error) {
	if !o.kept(done) {
		return func() {}, nil
	}
	store := o.store()
	stored, err := o.in.stored(o.in.file, p)
	if err != nil {
		return nil, err
	}
	before, berr := store.Get(ctx, stored.main)
	if o.token == nil {
		err = keepSecret(ctx, store, stored.main, *o.secret, stored.purpose)
	} else {
		var source *oauth.Source
		if source, err = o.in.oauthSource(done.c, p, store); err == nil {
			err = source.Keep(ctx, *o.token)
		}
	}
	if err != nil {
		return nil, err
	}
	if old, _ := creds.Unbind(before); berr == nil && (o.token != nil || old.Reveal() != o.secret.Reveal()) {
		o.replaced(p, stored)
	}
	return func() {
		ctx := context.WithoutCancel(ctx)
		if berr == nil {
			store.Set(ctx, stored.main, before)
		} else {
			store.Delete(ctx, stored.main)
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
	if s, err := o.in.stored(o.in.file, old); err == nil && s.key == c.key() {
		return name, nil
	}
	row := profileRow(o.in.file, old)
	return "", fault.New(fault.Usage, "account %s exists, for %s on %s", old.Name, row.User, row.URL).
		Hint("--name gives the new one another name; imapknife accounts remove %s forgets the old one", old.Name)
}

// profile is the account as it is to be saved: what it was, and what is said
// now.
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
	for _, f := range in.verb.flags {
		if !in.flagged(f.name) || in.profile != nil && !in.given(f.name) {
			continue
		}
		values := in.all(f.name)
		switch f.name {
		case "auth":
			values = in.list("auth")
		case "tls-pin":
			values = c.cfg.TLSPins
		}
		if f.kind == file {
			for i := range values {
				if values[i], err = filepath.Abs(values[i]); err != nil {
					return nil, fault.Wrap(fault.Local, err, "cannot save the account")
				}
			}
		}
		p.Set(f.name, values...)
	}
	server := config.Account{Host: c.account.Host, Port: c.account.Port, TLS: c.account.TLS}
	p.URL, p.User, p.OAuth = server.URL(), c.account.User, o.oauth
	p.Proxy, p.Tunnel = c.cfg.Proxy, c.cfg.Tunnel // those of the environment may be for another server
	if transport.ProxyPassword(p.Proxy) {
		p.Proxy = ""
		in.say("the proxy is not saved: its URL holds a password")
	}
	if c.cfg.UnixSocket == "" {
		p.UnixSocket = ""
	}
	if in.given("read-only") {
		p.Mode = "readonly"
	}
	o.saveSource(p, done)
	return p, nil
}

// saveSource says in p where the secret will come from.
func (o *loginOptions) saveSource(p *config.Profile, done *loggedIn) {
	command := config.Command{Shell: done.c.sources.Command.Shell}
	switch {
	case o.kept(done):
		p.PasswordCommand, p.TokenCommand = config.Command{}, config.Command{}
	case command.IsZero(): // the account's own, or none
	case done.c.cfg.Token:
		p.PasswordCommand, p.TokenCommand = config.Command{}, command
	default:
		p.PasswordCommand, p.TokenCommand = command, config.Command{}
	}
	file := o.in.flagged("insecure-storage") || p.Storage == "file"
	switch p.Storage = ""; {
	case !p.PasswordCommand.IsZero() || !p.TokenCommand.IsZero():
	case !o.kept(done):
		p.Storage = "none"
	case file:
		p.Storage = "file"
	}
}
