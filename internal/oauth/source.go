package oauth

import (
	"context"
	"net/url"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
)

const (
	reserve   = time.Minute // a token has to last for at least this
	lockLimit = time.Minute // for another process to finish its refresh
	// grace is how long a refresh goes on when the person has given up: the
	// provider may have given a new refresh token in the place of the old.
	grace     = 5 * time.Second
	saveLimit = 10 * time.Second
)

// Store keeps one account's token.
type Store interface {
	// Load returns the token, or an error with what to do where there is none.
	Load(context.Context) (Token, error)
	Save(context.Context, Token) error
}

// Source gives access tokens of an account that last, and refreshes what is
// stored when they do not. Any number of processes and goroutines may have one
// for the same account, with the same LockPath.
type Source struct {
	Config   Config // Client.Secret may be empty: the stored token has it
	Store    Store
	LockPath string // file that is locked during a refresh; made, never removed
}

// Token returns a token that lasts for a minute more. refused is an access token
// that the mail server has turned down, empty for none: it is never returned
// again. Without a refresh nothing is locked and nobody is asked; else it
// blocks for the lock (a minute at most) and for the provider (30 s).
//
// The new token is stored before it is returned. The errors are of kind Auth,
// or Connect where trying again may help.
func (s *Source) Token(ctx context.Context, refused string) (Token, error) {
	own := s.Config // several goroutines may be here
	c := &own
	t, err := s.Store.Load(ctx)
	c.secrets().Add(t.Access, t.Refresh, t.ClientSecret)
	if err != nil || s.lasts(t, refused) {
		return t, err
	}
	if t.Refresh == "" {
		return Token{}, unrenewable(c, t)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return Token{}, err
	}
	defer unlock()
	// Another process may have refreshed while this one waited.
	t, err = s.Store.Load(ctx)
	c.secrets().Add(t.Access, t.Refresh)
	if err != nil || s.lasts(t, refused) {
		return t, err
	}
	return s.refresh(ctx, c, t)
}

// lasts reports whether a token can be used as it is. One that nothing is known
// of is used while it cannot be renewed.
func (s *Source) lasts(t Token, refused string) bool {
	if t.Access == "" || t.Access == refused {
		return false
	}
	if t.Expiry.IsZero() {
		return t.Refresh == ""
	}
	return t.Expiry.Sub(s.Config.Now()) >= reserve
}

func unrenewable(c *Config, t Token) error {
	what := "the access token has expired"
	if t.Access == "" {
		what = "there is no access token"
	}
	return fault.New(fault.Auth, "%s, and %s gave nothing to renew it with", what, c.Provider.name()).
		Hint("sign in again with %s", c.again())
}

// lock keeps the other processes of the account from refreshing.
func (s *Source) lock(ctx context.Context) (unlock func(), err error) {
	if s.LockPath == "" {
		return nil, fault.New(fault.Auth, "there is no place for the lock of the token").Hint("set HOME or XDG_DATA_HOME")
	}
	unlock, err = atomicfile.Lock(ctx, s.LockPath, lockLimit)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot lock the token").Hint("the lock is free when the process that has it ends")
	}
	return unlock, nil
}

// Keep stores a token that a person has signed in for, in the place of what
// another process may be refreshing. It blocks as Token does.
func (s *Source) Keep(ctx context.Context, t Token) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return s.Store.Save(ctx, t)
}

// refresh renews t and stores what comes (RFC 6749 section 6).
func (s *Source) refresh(ctx context.Context, c *Config, t Token) (Token, error) {
	if t.Refresh == "" {
		return Token{}, unrenewable(c, t)
	}
	if t.ClientSecret == "" {
		t.ClientSecret = c.Client.Secret
	}
	if err := c.ready(c.Provider.token()); err != nil {
		return Token{}, err
	}
	if err := context.Cause(ctx); err != nil {
		return Token{}, err
	}
	patient, cancel := outlive(ctx, grace)
	defer cancel()
	fresh, err := c.grant(patient, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}}, t)
	if err != nil {
		return Token{}, fault.Wrap(fault.Auth, err, "cannot refresh the access token")
	}
	saving, stop := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
	defer stop()
	if err := s.Store.Save(saving, fresh); err != nil && fresh.Refresh != t.Refresh {
		return Token{}, fault.Wrap(fault.Auth, err, "the new token could not be kept").
			Hint("the old one may no longer be good: if the next command says so, sign in again with %s", c.again())
	}
	// Where the refresh token is the old one, nothing is lost that the next
	// process cannot ask for again.
	if err := context.Cause(ctx); err != nil {
		return Token{}, err
	}
	return fresh, nil
}

// outlive is a context that goes on for d when ctx is cancelled.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(d, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(longer, func() { t.Stop() })
	})
	return longer, func() { stop(); cancel(nil) }
}
