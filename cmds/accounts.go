package cmds

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/output"
)

func newAccounts() *verb {
	return &verb{
		name: "accounts", group: groupAccounts,
		summary: "list, show, rename and remove the accounts that login has saved",
		subs: []*verb{
			newAccountsList(), newAccountsShow(), newAccountsDefault(), newAccountsRename(), newAccountsRemove(),
		},
	}
}

// profileSpec is how rows about accounts are shown.
func profileSpec(columns ...string) output.Spec {
	spec := output.Spec{Row: result.Profile{}}
	for _, name := range columns {
		spec.Columns = append(spec.Columns, output.Column{Field: name})
	}
	return spec
}

// profileRow is what the account file says of an account.
func profileRow(file *config.File, p *config.Profile) *result.Profile {
	row := &result.Profile{Name: p.Name, Default: file.Implied() == p.Name, URL: p.URL, User: p.User, Mode: p.Mode, Secret: secretOf(p)}
	if a, err := config.ParseURL(p.URL); err == nil && row.User == "" {
		row.User = a.User
	}
	return row
}

// secretOf is where an account's secret is kept.
func secretOf(p *config.Profile) string {
	switch {
	case !p.TokenCommand.IsZero(), !p.PasswordCommand.IsZero():
		return result.ByCommand
	case p.OAuth != nil && p.Storage == "file":
		return result.ByOAuthFile
	case p.OAuth != nil:
		return result.ByOAuth
	case p.Storage == "file":
		return result.InFile
	case p.Storage == "none":
		return result.NotNeeded
	}
	return result.InKeyring
}

// account reads the account file and finds the account that an argument names.
func (in *input) accountArg() (*config.File, *config.Profile, error) {
	file, err := in.p.accounts()
	if err != nil {
		return nil, nil, err
	}
	name := file.Implied()
	switch {
	case len(in.args) > 1:
		return nil, nil, fault.New(fault.Usage, "%s takes one account, not %q", in.verb.path, in.args)
	case len(in.args) == 1:
		name = in.args[0]
	case in.flagged("account"):
		name = in.last("account")
	}
	if name == "" {
		return nil, nil, noAccount(file)
	}
	p, err := file.Profile(name)
	return file, p, err
}

// noAccount is the error where no account is named and none is the default.
func noAccount(file *config.File) error {
	e := fault.New(fault.Usage, "no account")
	if file != nil && len(file.Profiles) > 0 {
		var names []string
		for _, p := range file.Profiles {
			names = append(names, p.Name)
		}
		return e.Hint("name one with --account or IMAPKNIFE_ACCOUNT: %s", strings.Join(names, ", ")).
			Hint("imapknife accounts default NAME makes one the default")
	}
	return e.Hint("imapknife login ADDRESS saves one").
		Hint("--url imaps://user@host/ or IMAPKNIFE_URL names one; imapknife sandbox starts one to try")
}

// rows prints rows that are at hand.
func (in *input) rows(ctx context.Context, spec output.Spec, rows ...any) error {
	out, err := in.printer(ctx, spec)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err = out.Row(row); err != nil {
			break
		}
	}
	if cerr := out.Close(err == nil); err == nil {
		err = cerr
	}
	return err
}

func newAccountsList() *verb {
	return &verb{
		name:    "list",
		summary: "list the accounts",
		about:   `Tells the accounts of the account file, and where the password of each is kept.`,
		examples: []example{
			{"which there are", "imapknife accounts list"},
			{"the default's name", `imapknife accounts list --jq '.[] | select(.default) | .name'`},
		},
		flags: inGroup(groupOutput),
		row:   result.Profile{},
		setup: func(in *input) (runner, error) {
			if err := in.noArgs(); err != nil {
				return nil, err
			}
			file, err := in.p.accounts()
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				var rows []any
				for i := range file.Profiles {
					rows = append(rows, profileRow(file, &file.Profiles[i]))
				}
				return in.rows(ctx, profileSpec("name", "default", "url", "user", "secret", "mode"), rows...)
			}, nil
		},
	}
}

func newAccountsShow() *verb {
	return &verb{
		name: "show", args: "[ACCOUNT]",
		summary: "show an account, or with --effective what a command would use and why",
		about: `--effective tells every setting of a connection with where it comes from: the
command line, the environment, a line of the account file, or the default. No
secret is shown, and none is looked for.`,
		examples: []example{
			{"what a command would use here and now, and why", "imapknife accounts show --effective"},
		},
		flags: append(lookup("effective"), sessionFlags()...), ownAccount: true,
		row: result.Profile{}, variants: []variant{{flag: "effective", row: result.Setting{}}},
		setup: func(in *input) (runner, error) {
			if in.flagged("effective") {
				if len(in.args) == 1 && !in.given("account") {
					in.set("account", in.args[0])
				} else if len(in.args) > 0 {
					return nil, in.noArgs()
				}
				return setupEffective(in)
			}
			file, p, err := in.accountArg()
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				return in.rows(ctx, profileSpec("name", "default", "url", "user", "secret", "mode"), profileRow(file, p))
			}, nil
		},
	}
}

// setupEffective tells the settings of a connection.
func setupEffective(in *input) (runner, error) {
	if err := in.layer(); err != nil {
		return nil, err
	}
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	rows := c.effective()
	return func(ctx context.Context) error {
		return in.rows(ctx, output.Spec{Row: result.Setting{}, Columns: []output.Column{{Field: "setting"}, {Field: "value", Flex: true}, {Field: "source"}}}, rows...)
	}, nil
}

// effective lists the settings of the connection with their sources.
func (c *connection) effective() []any {
	var rows []any
	add := func(name, value, source string) {
		rows = append(rows, &result.Setting{Setting: name, Value: c.in.p.hidden.Hide(value), Source: source})
	}
	if p := c.in.profile; p != nil {
		add("account", p.Name, c.in.sourceOf("account", c.in.file.Path))
	}
	computed := map[string]string{
		"host": c.account.Host, "user": c.account.User, "tls": c.account.TLS, "port": strconv.Itoa(c.account.Port),
		"mailbox": c.mailbox(), "connect-timeout": c.cfg.ConnectTimeout.String(), "io-timeout": c.cfg.IOTimeout.String(),
	}
	for _, f := range append(lookup("mailbox"), inGroup(groupConnection)...) {
		switch value, known := computed[f.name]; {
		case f.name == "account":
		case c.in.flagged(f.name):
			value = strings.Join(c.in.all(f.name), ",")
			if f.arity == none {
				value = "true"
			}
			add(f.name, value, c.in.sourceOf(f.name, ""))
		case known && value != "":
			add(f.name, value, c.in.sourceOf(c.partOf(f.name), "default"))
		}
	}
	if c.cfg.ReadOnly && !c.in.flagged("read-only") {
		source := "IMAPKNIFE_MODE"
		if p := c.in.profile; p != nil && p.Mode != "" {
			source = c.in.file.Path
		}
		add("read-only", "true", source)
	}
	if p := c.in.profile; p != nil {
		add("secret", secretOf(p), c.in.file.Path)
		for _, use := range slices.Sorted(maps.Keys(p.SpecialUse)) {
			add("special-use "+use, p.SpecialUse[use], c.in.file.Path)
		}
	}
	return rows
}

// partOf is the flag whose value says what the flag of that name leaves open.
func (c *connection) partOf(name string) string {
	switch {
	case name == "connect-timeout", name == "io-timeout", name == "mailbox" && c.account.Mailbox == "":
		return name
	}
	return "url"
}

// sourceOf is where a flag's value is from.
func (in *input) sourceOf(name, otherwise string) string {
	for _, s := range slices.Backward(in.settings) {
		switch {
		case s.flag.name != name:
		case s.source == "":
			return "command line"
		default:
			return s.source
		}
	}
	return otherwise
}

func newAccountsDefault() *verb {
	return &verb{
		name: "default", args: "ACCOUNT",
		summary:  "make an account the one that commands use",
		about:    `Commands use it unless --account, IMAPKNIFE_ACCOUNT or a URL says otherwise.`,
		examples: []example{{"mail of the office, from now on", "imapknife accounts default work"}},
		flags:    inGroup(groupOutput),
		row:      result.Profile{}, single: true,
		setup: func(in *input) (runner, error) {
			return in.change(1, "default", func(e *config.Editor, row *result.Profile) error {
				row.Default = true
				return e.SetDefault(row.Name)
			})
		},
	}
}

func newAccountsRename() *verb {
	return &verb{
		name: "rename", args: "ACCOUNT NAME",
		summary:  "give an account another name",
		about:    `Its password stays where it is: it is kept under user and server.`,
		examples: []example{{"a shorter name", "imapknife accounts rename alice@example.org work"}},
		flags:    inGroup(groupOutput),
		row:      result.Profile{}, single: true,
		setup: func(in *input) (runner, error) {
			return in.change(2, "rename", func(e *config.Editor, row *result.Profile) error {
				row.NewName = in.args[1]
				if err := config.CheckName(row.NewName); err != nil {
					return err
				}
				return e.Rename(row.Name, row.NewName)
			})
		},
	}
}

func newAccountsRemove() *verb {
	return &verb{
		name: "remove", args: "ACCOUNT",
		summary: "forget an account and its password or token",
		about:   `The mail on the server is not touched.`,
		examples: []example{
			{"settings and password", "imapknife accounts remove work"},
		},
		flags: inGroup(groupOutput), userOptional: true,
		row: result.Profile{}, single: true,
		setup: func(in *input) (runner, error) {
			if len(in.args) != 1 {
				return nil, fault.New(fault.Usage, "accounts remove needs one account")
			}
			return setupForget(in, "remove")
		},
	}
}

// change is a verb that edits the account its first argument names.
func (in *input) change(args int, action string, edit func(*config.Editor, *result.Profile) error) (runner, error) {
	if len(in.args) != args {
		return nil, fault.New(fault.Usage, "%s needs %s", in.verb.path, in.verb.args)
	}
	file, err := in.p.accounts()
	if err != nil {
		return nil, err
	}
	p, err := file.Profile(in.args[0])
	if err != nil {
		return nil, err
	}
	row := profileRow(file, p)
	row.Action = action
	return func(ctx context.Context) error {
		err := config.Edit(ctx, in.p.configPath(), in.p.home(), func(e *config.Editor) error { return edit(e, row) })
		if err != nil {
			return err
		}
		return in.rows(ctx, output.Spec{Row: result.Profile{}, Single: true, Columns: []output.Column{{Field: "action"}, {Field: "name"}, {Field: "new_name"}}}, row)
	}, nil
}

// setupForget is logout and accounts remove: the secret goes, and with the
// latter the account.
func setupForget(in *input, action string) (runner, error) {
	file, p, err := in.accountArg()
	if err != nil {
		return nil, err
	}
	row := profileRow(file, p)
	row.Action = action
	return func(ctx context.Context) error {
		if err := in.forget(ctx, file, p, p.Name); err != nil {
			return err
		}
		if action == "remove" {
			if err := config.Edit(ctx, in.p.configPath(), in.p.home(), func(e *config.Editor) error { return e.Remove(p.Name) }); err != nil {
				return err
			}
		}
		return in.rows(ctx, output.Spec{Row: result.Profile{}, Single: true, Columns: []output.Column{{Field: "action"}, {Field: "name"}}}, row)
	}, nil
}
