package cmds

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/oauth"
	"github.com/imapknife/imapknife/internal/session"
)

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

// key is the name that the account's password is kept under.
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

// storedAccount is what an account of the file says about its secret.
type storedAccount struct {
	key     string        // of a password
	main    string        // of the password, or of the token where the account has one
	purpose creds.Purpose // what the secret is for
}

// stored reads what an account says about its secret, whatever the command line
// and the environment say.
func (in *input) stored(file *config.File, p *config.Profile) (s storedAccount, err error) {
	own := &input{p: in.p, verb: &verb{userOptional: true}}
	own.use(file, p)
	a, err := own.account()
	if err != nil {
		return s, err
	}
	s.key = secretKey(a, own.way())
	s.main = s.key
	trust := []string{a.TLS}
	for _, setting := range p.Settings() {
		switch setting.Flag {
		case "server-name", "ca-file", "tls-pin":
			trust = append(append(trust, setting.Flag), setting.Values...)
		}
	}
	s.purpose = creds.Purpose{Server: s.key, TLS: creds.Digest(trust...), Proxy: creds.Digest(p.Proxy)}
	if p.OAuth == nil {
		return s, nil
	}
	cfg, err := oauthConfig(p.OAuth)
	if err != nil {
		return s, err
	}
	s.purpose.TokenURL, s.purpose.Client = cfg.Provider.TokenURL, cfg.Client.ID
	s.main = creds.OAuthKey(s.key, cfg.Provider.TokenURL, cfg.Client.ID)
	return s, nil
}

// sharing lists the accounts of the file whose secret is the one under the key.
func (in *input) sharing(file *config.File, key, storage string) []string {
	var names []string
	for i := range file.Profiles {
		p := &file.Profiles[i]
		if s, err := in.stored(file, p); err == nil && s.main == key && (p.Storage == "file") == (storage == "file") && !byCommand(p) {
			names = append(names, p.Name)
		}
	}
	return names
}

// tokenStore keeps an account's OAuth tokens among its secrets.
type tokenStore struct {
	store   creds.Store
	key     string
	former  string // key of an earlier version, empty where whose token that is cannot be known
	account string
	purpose creds.Purpose
}

// tokens is where the tokens of an account are kept. The account is one of the
// file, or about to be.
func (in *input) tokens(p *config.Profile, store creds.Store) (tokenStore, error) {
	s, err := in.stored(in.file, p)
	if err != nil {
		return tokenStore{}, err
	}
	t := tokenStore{store: store, key: s.main, former: creds.FormerOAuthKey(s.key), account: p.Name, purpose: s.purpose}
	for i := range in.file.Profiles {
		other := &in.file.Profiles[i]
		if o, err := in.stored(in.file, other); err == nil && other.Name != p.Name && other.OAuth != nil && o.key == s.key && o.main != s.main {
			t.former = ""
		}
	}
	return t, nil
}

func (t tokenStore) Load(ctx context.Context) (oauth.Token, error) {
	var token oauth.Token
	stored, err := t.store.Get(ctx, t.key)
	if errors.Is(err, creds.ErrNotFound) && t.former != "" {
		stored, err = t.store.Get(ctx, t.former)
	}
	if errors.Is(err, creds.ErrNotFound) {
		return token, fault.New(fault.Auth, "account %s has no token", t.account).Hint("imapknife login --account %s signs in", t.account)
	}
	if err != nil {
		return token, err
	}
	secret, purposes := creds.Unbind(stored)
	if err := purposes.Check(t.purpose, "the token in "+t.store.Name()); err != nil {
		return token, fault.Wrap(fault.Safety, err, "").Hint("imapknife login --account %s signs in for these settings", t.account)
	}
	if json.Unmarshal([]byte(secret.Reveal()), &token) != nil { // the error could show a part of it
		return token, fault.New(fault.Auth, "the token of account %s in %s cannot be read", t.account, t.store.Name()).
			Hint("imapknife login --account %s signs in anew", t.account)
	}
	return token, nil
}

// Save stores the token with what it is for. One that an earlier version kept is
// replaced by it.
func (t tokenStore) Save(ctx context.Context, token oauth.Token) error {
	data, err := json.Marshal(token)
	if err != nil {
		return err
	}
	if err := keepSecret(ctx, t.store, t.key, creds.NewSecret(string(data)), t.purpose); err != nil {
		return err
	}
	if t.former != "" {
		t.store.Delete(ctx, t.former) // as a rule it is not there
	}
	return nil
}

// keepSecret stores a secret for one purpose more than the one before it had.
func keepSecret(ctx context.Context, store creds.Store, key string, secret creds.Secret, purpose creds.Purpose) error {
	var purposes creds.Purposes
	if before, err := store.Get(ctx, key); err == nil {
		_, purposes = creds.Unbind(before)
	}
	return store.Set(ctx, key, creds.Bind(secret, purposes.With(purpose)))
}

// forget deletes the secret of an account, unless an account of the file but
// the one called except has the same. What is not there is forgotten.
func (in *input) forget(ctx context.Context, file *config.File, p *config.Profile, except string) error {
	if p.Storage == "none" || byCommand(p) {
		return nil
	}
	s, err := in.stored(file, p)
	if err != nil { // it names no server, so nothing can be kept for it
		return nil
	}
	keys := []string{s.main, s.key, creds.FormerOAuthKey(s.key)}
	for i := range file.Profiles {
		other := &file.Profiles[i]
		o, err := in.stored(file, other)
		if err != nil || other.Name == except || (other.Storage == "file") != (p.Storage == "file") || byCommand(other) {
			continue
		}
		if o.main == s.main {
			in.say("account %s has the same %s, which is kept", other.Name, secretName(p))
			return nil
		}
		keys = slices.DeleteFunc(keys, func(key string) bool { return key == o.main })
	}
	store := in.storeOf(p)
	for _, key := range slices.Compact(keys) {
		if err := store.Delete(ctx, key); err != nil && !errors.Is(err, creds.ErrNotFound) {
			return err
		}
	}
	return nil
}

// secretName is what messages call an account's secret.
func secretName(p *config.Profile) string {
	if p.OAuth != nil {
		return "token"
	}
	return "password"
}

// replaced says whose secret a login replaces.
func (o *loginOptions) replaced(p *config.Profile, s storedAccount) {
	of := p.User + " on " + strings.TrimPrefix(s.key, p.User+"@")
	if names := o.in.sharing(o.in.file, s.main, p.Storage); len(names) > 0 {
		of = "account " + strings.Join(names, " and ")
	}
	o.in.say("the %s that was kept for %s is replaced", secretName(p), of)
}

// byCommand reports whether a command of the user's says the account's secret.
func byCommand(p *config.Profile) bool {
	return !p.TokenCommand.IsZero() || !p.PasswordCommand.IsZero()
}
