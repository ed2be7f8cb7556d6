package cmds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/imapknife/imapknife/creds"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/discover"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/oauth"
	"github.com/imapknife/imapknife/output"
)

// loggedIn is what a try has come to.
type loggedIn struct {
	c         *connection
	mechanism string
	source    string // what told the server
	keeps     bool   // the secret is to be kept, no command gets it anew
}

// run logs in, and saves the account.
func (o *loginOptions) run(ctx context.Context) error {
	if o.ask {
		word, err := ask(ctx, "mail address or URL: ")
		if err != nil {
			return err
		}
		if err := o.target(word); err != nil {
			return err
		}
	}
	done, err := o.logIn(ctx)
	if err != nil {
		return err
	}
	return o.save(ctx, done)
}

// logIn logs in to the first server that answers. One that refuses the login is
// the last that is asked: the password is not for those that are trusted less.
// It may know the user by another name, though.
func (o *loginOptions) logIn(ctx context.Context) (*loggedIn, error) {
	candidates, err := o.candidates(ctx)
	if err != nil {
		return nil, err
	}
	left := 2 * o.in.duration("connect-timeout", connectTimeout) // for all servers behind the first
	for i, c := range candidates {
		if err := o.agreed(ctx, c); err != nil {
			return nil, err
		}
		for j, user := range c.Users {
			var done *loggedIn
			if done, err = o.tryWithin(ctx, &left, i > 0, c, user); err == nil {
				return done, nil
			}
			kind := fault.KindOf(err)
			switch again := o.secret != nil || o.token != nil; {
			case ctx.Err() != nil, left <= 0:
				return nil, err
			case kind == fault.Auth && again && j+1 < len(c.Users):
				o.in.say("%v; trying as %q", err, c.Users[j+1])
				continue
			case kind != fault.Connect || i+1 == len(candidates):
				return nil, err
			}
			o.in.say("%v; trying %s", err, candidates[i+1].Host)
			break
		}
	}
	return nil, err
}

// tryWithin is try, for which a bounded one has the time that is left.
func (o *loginOptions) tryWithin(ctx context.Context, left *time.Duration, bounded bool, c discover.Candidate, user string) (*loggedIn, error) {
	if !bounded {
		return o.try(ctx, c, user)
	}
	limited, cancel := context.WithTimeoutCause(ctx, *left, fault.New(fault.Connect, "no server of %s answered in time, %s the last of them", o.address, c.Host).
		Hint("name the server as imaps://USER@HOST/; login --discover lists what was found"))
	defer cancel()
	start := o.in.p.Now()
	done, err := o.try(limited, c, user)
	*left -= o.in.p.Now().Sub(start)
	return done, err
}

// candidates lists the servers to try with their users, in order: the one that
// was named, as an empty candidate, or what discovery finds.
func (o *loginOptions) candidates(ctx context.Context) ([]discover.Candidate, error) {
	if o.address == "" {
		return []discover.Candidate{{Users: []string{""}, Source: "given"}}, nil
	}
	found, err := o.find(ctx)
	if err != nil {
		return nil, err
	}
	if user := o.in.last("user"); user != "" {
		for i := range found.Candidates {
			found.Candidates[i].Users = []string{user}
		}
	}
	return found.Candidates, nil
}

// try logs in to one server. Nothing is saved. What a person was asked for is
// kept for the next try: a pipe is read once, and nobody types twice.
func (o *loginOptions) try(ctx context.Context, candidate discover.Candidate, user string) (*loggedIn, error) {
	in := *o.in
	in.settings = slices.Clone(o.in.settings)
	if candidate.Host != "" {
		in.set("url", config.Account{Host: candidate.Host, Port: candidate.Port, TLS: candidate.TLS}.URL())
		in.set("user", user)
	}
	if err := in.askUser(ctx); err != nil {
		return nil, err
	}
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	if _, err := o.nameFor(c); err != nil {
		return nil, err
	}
	done := &loggedIn{c: c, source: candidate.Source, keeps: c.sources.Command.IsZero() && c.sources.AccountCommand.IsZero()}
	if c.cfg.Token && done.keeps && o.oauth == nil {
		return nil, fault.New(fault.Usage, "a token of the environment cannot be saved: it ends soon").
			Hint("--token-command gets a fresh one each time; --oauth signs in")
	}
	c.sources.Store, c.oauth, c.secret = nil, nil, o.secret               // a new secret is wanted
	if done.keeps && !o.usable && !in.way().local() && !in.secretless() { // before a person goes to any trouble
		if _, err := o.store().Get(ctx, c.key()); err != nil && !errors.Is(err, creds.ErrNotFound) {
			return nil, err
		}
		o.usable = true
	}
	if o.oauth != nil {
		if err := o.signIn(ctx, c); err != nil {
			return nil, err
		}
	}
	s, end, err := c.open(ctx, nil)
	if err == nil {
		defer end()
		err = s.Settle(ctx)
	}
	if o.oauth == nil {
		o.secret = c.secret
	}
	if err != nil {
		return nil, advice(err, candidate)
	}
	done.mechanism = s.Mechanism()
	return done, nil
}

// askUser asks for the user name where there is none and the server will want
// one.
func (in *input) askUser(ctx context.Context) error {
	a, err := in.account()
	if err != nil || !in.userMissing(a) {
		return err
	}
	if !isTerminal(in.p.Stderr) {
		return in.noUser()
	}
	user, err := ask(ctx, "user name on "+a.Host+": ")
	if err == nil {
		in.set("user", user)
	}
	return err
}

// agreed refuses a server that takes no password where there is nothing else,
// and asks about one that only the name service has told of.
func (o *loginOptions) agreed(ctx context.Context, c discover.Candidate) error {
	if c.Password == discover.NoPassword && o.oauth == nil && !o.in.given("token-command") {
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
func advice(err error, c discover.Candidate) error {
	e, ok := errors.AsType[*fault.Error](err)
	if ok && e.Kind == fault.Auth {
		for _, h := range c.Hints {
			e.Hint("%s", h)
		}
	}
	return err
}

// signIn gets a token from the provider, the first time, and has the connection
// log in with it.
func (o *loginOptions) signIn(ctx context.Context, c *connection) error {
	if o.token == nil {
		cfg, err := oauthConfig(o.oauth)
		if err != nil {
			return err
		}
		cfg.Client, cfg.Login = o.client, c.account.User
		cfg.Now, cfg.Secrets, cfg.Again = o.in.p.Now, o.in.p.hidden, strings.TrimSuffix("imapknife login "+o.name, " ")
		token, err := o.grant(ctx, cfg)
		if err != nil {
			return err
		}
		token.ClientSecret = o.client.Secret
		o.token = &token
	}
	secret := creds.NewSecret(o.token.Access)
	c.cfg.Token, c.secret = true, &secret
	return nil
}

// grant asks the person to sign in, in the way that the flags say.
func (o *loginOptions) grant(ctx context.Context, cfg oauth.Config) (oauth.Token, error) {
	in := o.in
	if in.flagged("device") {
		return oauth.Device(ctx, cfg, func(d oauth.DeviceCode) {
			in.p.Say("open %s on any device and type the code %s", d.URL, d.Code)
		})
	}
	ui := oauth.UI{Show: func(address string) {
		in.p.Say("open this page to sign in:")
		io.WriteString(in.p.Stderr, output.Visible(address)+"\n") // alone on its line, to be copied
	}}
	if in.flagged("open-browser") {
		ui.Open = oauth.OpenBrowser
	}
	if in.flagged("paste") {
		ui.Paste = func(ctx context.Context) (string, error) { return ask(ctx, "the address that the browser ends at: ") }
	}
	return oauth.Authorize(ctx, cfg, ui)
}
