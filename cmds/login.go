package cmds

import (
	"context"
	"slices"

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
	// What the first try has found out, for those behind it.
	usable bool          // the store of secrets
	secret *creds.Secret // the password
	token  *oauth.Token  // what the provider gave
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
		ownAccount: true, userOptional: true, // it asks for the user name
		row: result.Login{}, single: true,
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
	word := ""
	if len(in.args) == 1 {
		word = in.args[0]
	}
	if err := o.target(word); err != nil {
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

// target finds out what to log in to: an account of the file, a URL, a host, or
// an address.
func (o *loginOptions) target(word string) error {
	in := o.in
	file, err := in.p.accounts()
	if err != nil {
		return err
	}
	in.file = file
	described := slices.ContainsFunc(describes, in.given)
	switch {
	case word != "" && (described || in.given("account")):
		return fault.New(fault.Usage, "both %q and a flag say what to log in to", word)
	case word == "" && in.given("account"):
		return o.known(in.last("account"))
	case word == "" && (described || slices.ContainsFunc(describes, in.flagged)):
		return nil
	case word == "":
		if o.ask = isTerminal(in.p.Stderr); !o.ask {
			return fault.New(fault.Usage, "login needs an address or a URL").
				Hint("imapknife login alice@example.org finds the server").
				Hint("imapknife login imaps://alice@mail.example.org/ names it")
		}
		return nil
	}
	switch name := flagFor(word, file); name {
	case "account":
		return o.known(word)
	case "":
		o.address = word
	default:
		in.set(name, word)
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
	} else if slices.ContainsFunc(secretFlags, in.given) {
		o.oauth = nil // from now on that is the way
	}
	if o.oauth == nil {
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
		in.p.hidden.Add(o.client.Secret)
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
