package cmds

import (
	"context"
	"errors"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/oauth"
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
	var withheld error
	source := func(name string) string {
		switch value := in.last(name); {
		case in.given(name):
			return value
		case value == "", len(given) > 0, in.profile != nil:
			return "" // the environment's is for the account that it describes
		default:
			if withheld = in.withheld(c, lookup(name)[0].envName()); withheld != nil {
				return ""
			}
			return value
		}
	}
	c.sources = creds.Sources{
		File: source("password-file"), Command: creds.Command{Shell: source("password-command")},
		Stderr: in.p.Stderr, Environ: in.p.withoutSecrets(),
		Warn: func(text string) { in.say("%s", text) }, Caution: func(text string) { in.caution("%s", text) },
	}
	if in.profile != nil || creds.HasKeyring(in.p.Getenv) { // nobody has said that there is one
		c.sources.Store, c.sources.Key = in.storeOf(in.profile), c.key()
	}
	if in.profile != nil {
		stored, err := in.stored(in.file, in.profile)
		if err != nil {
			return err
		}
		stored.purpose.Server = c.key() // which the command line may have changed
		c.sources.Purpose = &stored.purpose
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
	c.sources.Withheld = withheld
	switch {
	case in.profile != nil && len(given) == 0:
		return in.ownSecret(c)
	case in.profile == nil:
		return in.environmentSecret(c, len(given) > 0)
	}
	return nil
}

// environmentSecret adds what the environment holds, if it is for the server,
// port and user of the connection.
func (in *input) environmentSecret(c *connection, given bool) error {
	variable := "IMAPKNIFE_PASSWORD"
	value, _ := in.p.Getenv(variable)
	token, _ := in.p.Getenv("IMAPKNIFE_TOKEN")
	switch {
	case given || c.cfg.Token:
		return nil
	case value != "" && token != "":
		return fault.New(fault.Usage, "IMAPKNIFE_PASSWORD and IMAPKNIFE_TOKEN exclude each other").Hint("unset one of them")
	case token != "":
		variable, value = "IMAPKNIFE_TOKEN", token
	case value == "":
		return nil
	}
	if err := in.withheld(c, variable); err != nil {
		c.sources.Withheld = err
		return nil
	}
	c.sources.Env = value
	if token != "" {
		c.cfg.Token, c.sources.Prompt = true, nil
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
		source, err := in.oauthSource(c, p, in.storeOf(p))
		if err != nil {
			return err
		}
		c.cfg.Token, c.oauth, c.sources.Prompt = true, source, nil
	default:
		c.sources.AccountCommand = creds.Command(p.PasswordCommand)
	}
	return nil
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
		c.in.p.hidden.Add(c.secret.Reveal())
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

// oauthSource is where the tokens of an account come from, which is one of the
// file or about to be.
func (in *input) oauthSource(c *connection, p *config.Profile, store creds.Store) (*oauth.Source, error) {
	cfg, err := oauthConfig(p.OAuth)
	if err != nil {
		return nil, err
	}
	tokens, err := in.tokens(p, store)
	if err != nil {
		return nil, err
	}
	cfg.Now, cfg.Secrets, cfg.Again = in.p.Now, in.p.hidden, "imapknife login --account "+p.Name
	return &oauth.Source{
		Config: cfg, Store: tokens,
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
