package cmds

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/oauth"
	"github.com/imapknife/imapknife/internal/session"
)

// secretFlags are the ways to give a secret on the command line.
var secretFlags = []string{"password-stdin", "password-file", "password-command", "token-command"}

// secrets says where the password or token comes from: the command line; the
// environment, for the account that it describes; the account's command; the
// keyring; a prompt.
func (in *input) secrets(c *connection) error {
	var given []string
	for _, name := range secretFlags {
		if in.given(name) {
			given = append(given, name)
		}
	}
	if len(given) > 1 {
		return fault.New(fault.Usage, "--%s and --%s exclude each other", given[0], given[1])
	}
	source := func(name string) string {
		if !in.given(name) && (len(given) > 0 || in.profile != nil) {
			return "" // the environment's is for the account that it describes
		}
		return in.last(name)
	}
	c.sources = creds.Sources{
		File: source("password-file"), Command: creds.Command{Shell: source("password-command")},
		Stderr: in.p.Stderr, Environ: in.p.Environ,
		Warn: func(text string) { in.say("%s", text) },
	}
	if in.profile != nil || creds.HasKeyring(in.p.Getenv) { // nobody has said that there is one
		c.sources.Store, c.sources.Key = in.storeOf(in.profile), c.key()
	}
	if in.flagged("password-stdin") {
		if isTerminal(in.p.Stdin) {
			return fault.New(fault.Usage, "--password-stdin reads from a pipe, not from a terminal")
		}
		c.sources.Stdin = in.p.Stdin
	}
	if isTerminal(in.p.Stderr) {
		c.sources.Prompt = func(ctx context.Context) (string, error) { return prompt(ctx, c.account) }
	}
	if command := source("token-command"); command != "" {
		c.cfg.Token, c.sources.Command, c.sources.Prompt = true, creds.Command{Shell: command}, nil
	}
	switch {
	case in.profile != nil && len(given) == 0:
		return in.ownSecret(c)
	case in.profile == nil:
		return in.environmentSecret(c, len(given) > 0)
	}
	return nil
}

// environmentSecret adds what the environment holds for an account that it, or
// the command line, describes.
func (in *input) environmentSecret(c *connection, given bool) error {
	password, _ := in.p.Getenv("IMAPKNIFE_PASSWORD")
	token, _ := in.p.Getenv("IMAPKNIFE_TOKEN")
	switch {
	case given || c.cfg.Token:
	case password != "" && token != "":
		return fault.New(fault.Usage, "IMAPKNIFE_PASSWORD and IMAPKNIFE_TOKEN exclude each other").Hint("unset one of them")
	case token != "":
		c.cfg.Token, c.sources.Env, c.sources.Prompt = true, token, nil
	default:
		c.sources.Env = password
	}
	return nil
}

// ownSecret adds what the account file says of the account's secret.
func (in *input) ownSecret(c *connection) error {
	p := in.profile
	switch {
	case !p.TokenCommand.IsZero():
		c.cfg.Token, c.sources.Prompt = true, nil
		c.sources.AccountCommand = creds.Command(p.TokenCommand)
	case p.OAuth != nil:
		source, err := in.oauthSource(c, p.OAuth, in.storeOf(p))
		if err != nil {
			return err
		}
		c.cfg.Token, c.oauth, c.sources.Prompt = true, source, nil
	default:
		c.sources.AccountCommand = creds.Command(p.PasswordCommand)
	}
	return nil
}

// keyring is where secrets are kept unless somebody says otherwise.
func (in *input) keyring() creds.Store { return creds.Keyring(in.p.Getenv) }

// secretsFile is where secrets are kept in clear.
func (in *input) secretsFile() creds.Store {
	return creds.FileStore(in.p.file(config.DataFolder, "secrets.json"))
}

// storeOf is where an account's secret is kept.
func (in *input) storeOf(p *config.Profile) creds.Store {
	if p != nil && p.Storage == "file" {
		return in.secretsFile()
	}
	return in.keyring()
}

// key is the name that the account's secret is kept under.
func (c *connection) key() string {
	return secretKey(c.account, way{socket: c.cfg.UnixSocket, tunnel: c.cfg.Tunnel})
}

// secretKey names the server, so that an edited URL never sends a password
// elsewhere. A socket and a tunnel are servers of their own.
func secretKey(a config.Account, w way) string {
	if w.local() {
		id := session.Config{User: a.User, UnixSocket: w.socket, Tunnel: w.tunnel}
		return creds.Key(a.User, id.AccountID(), 0)
	}
	return creds.Key(a.User, a.Host, a.Port)
}

// keyOf is the key of an account of the file.
func (in *input) keyOf(file *config.File, p *config.Profile) (string, error) {
	own := &input{p: in.p, verb: in.verb}
	own.use(file, p)
	a, err := own.account()
	return secretKey(a, own.way()), err
}

// reveal finds the password or token, which a second session must not ask for
// again: a pipe has been read, and a person has typed.
func (c *connection) reveal(ctx context.Context) (string, error) {
	text, _, err := c.revealed(ctx)
	return text, err
}

// revealed is reveal, and tells where the secret is from.
func (c *connection) revealed(ctx context.Context) (text, from string, err error) {
	if c.oauth != nil {
		token, err := c.oauth.Token(ctx, "")
		return token.Access, "OAuth", err
	}
	if c.secret == nil {
		found, err := c.sources.Secret(ctx)
		if err != nil {
			return "", "", c.blameSource(err)
		}
		c.secret, c.from = &found.Secret, found.From
	}
	return c.secret.Reveal(), c.from, nil
}

// renew fetches a fresh token in the place of one that the server refused.
func (c *connection) renew(ctx context.Context, refused string) (string, error) {
	token, err := c.oauth.Token(ctx, refused)
	return token.Access, err
}

// blameSource is blame for what the password was sought in.
func (c *connection) blameSource(err error) error {
	switch {
	case c.sources.Stdin != nil:
	case c.sources.File != "":
		return c.in.blame(err, "password-file")
	case c.sources.Command.Shell != "" && c.cfg.Token:
		return c.in.blame(err, "token-command")
	case c.sources.Command.Shell != "":
		return c.in.blame(err, "password-command")
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || c.in.profile == nil {
		return err
	}
	if !errors.Is(err, creds.ErrUnavailable) && c.sources.AccountCommand.IsZero() {
		e.Hint("imapknife login --account %s saves it anew", c.in.profile.Name)
	}
	if password, _ := c.in.p.Getenv("IMAPKNIFE_PASSWORD"); password != "" {
		e.Hint("IMAPKNIFE_PASSWORD is for the account of IMAPKNIFE_URL, not for account %s", c.in.profile.Name)
	}
	return err
}

// oauthSource is where the account's tokens come from.
func (in *input) oauthSource(c *connection, o *config.OAuth, store creds.Store) (*oauth.Source, error) {
	cfg, err := oauthConfig(o)
	if err != nil {
		return nil, err
	}
	name := "" // of the account
	if in.profile != nil {
		name = in.profile.Name
	}
	cfg.Now, cfg.Again = in.p.Now, "imapknife login --account "+name
	return &oauth.Source{
		Config: cfg, Store: tokenStore{store, creds.OAuthKey(c.key()), name},
		LockPath: in.p.file(config.DataFolder, "oauth-"+c.cfg.AccountID()+".lock"),
	}, nil
}

// oauthConfig is what the account file says of a provider.
func oauthConfig(o *config.OAuth) (oauth.Config, error) {
	cfg := oauth.Config{Client: oauth.Client{ID: o.ClientID}}
	if o.Provider != "" {
		preset, err := oauth.Preset(o.Provider, o.Tenant)
		if err != nil {
			return cfg, err
		}
		cfg.Provider = preset
	}
	for _, x := range [...]struct {
		to   *string
		from string
	}{{&cfg.Provider.AuthURL, o.AuthURL}, {&cfg.Provider.TokenURL, o.TokenURL}, {&cfg.Provider.DeviceURL, o.DeviceURL}} {
		if x.from != "" {
			*x.to = x.from
		}
	}
	if len(o.Scopes) > 0 {
		cfg.Provider.Scopes = o.Scopes
	}
	return cfg, nil
}

// tokenStore keeps an account's OAuth tokens among its secrets.
type tokenStore struct {
	store   creds.Store
	key     string
	account string
}

func (t tokenStore) Load(ctx context.Context) (oauth.Token, error) {
	var token oauth.Token
	secret, err := t.store.Get(ctx, t.key)
	if errors.Is(err, creds.ErrNotFound) {
		return token, fault.New(fault.Auth, "account %s has no token", t.account).Hint("imapknife login --account %s signs in", t.account)
	}
	if err != nil {
		return token, err
	}
	if json.Unmarshal([]byte(secret.Reveal()), &token) != nil { // the error could show a part of it
		return token, fault.New(fault.Auth, "the token of account %s in %s cannot be read", t.account, t.store.Name()).
			Hint("imapknife login --account %s signs in anew", t.account)
	}
	return token, nil
}

func (t tokenStore) Save(ctx context.Context, token oauth.Token) error {
	data, err := json.Marshal(token)
	if err != nil {
		return err
	}
	return t.store.Set(ctx, t.key, creds.NewSecret(string(data)))
}
