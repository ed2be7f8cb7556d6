package cmds

import (
	"context"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/output"
)

func newToken() *verb {
	return &verb{
		name: "token", args: "[ACCOUNT]", group: groupAccounts,
		summary: "print a fresh OAuth access token",
		about: `For other programs that log in with it: curl, mbsync, a mailer. The token is
refreshed when it ends within a minute. It is a secret: keep it out of logs.`,
		examples: []example{
			{"a fresh access token", "imapknife token work"},
			{"curl with the account's token", `curl --oauth2-bearer "$(imapknife token work)" --user alice@example.org imaps://imap.example.org/`},
			{"when it ends", "imapknife token work --jq .expires_at"},
		},
		flags: append(lookup("account", "timeout"), inGroup(groupOutput)...), ownAccount: true,
		row: result.Token{}, single: true,
		setup: func(in *input) (runner, error) {
			file, p, err := in.accountArg()
			if err != nil {
				return nil, err
			}
			in.use(file, p)
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			if !c.cfg.Token {
				return nil, fault.New(fault.Usage, "account %s logs in with a password, not with an OAuth token", p.Name).
					Hint("imapknife login --oauth google|microsoft sets one up")
			}
			return func(ctx context.Context) error { return runToken(ctx, c) }, nil
		},
	}
}

func runToken(ctx context.Context, c *connection) error {
	row := &result.Token{Name: c.in.profile.Name, TokenType: "Bearer"}
	if c.oauth == nil {
		text, err := c.reveal(ctx)
		if err != nil {
			return err
		}
		row.AccessToken = text
	} else {
		token, err := c.oauth.Token(ctx, "")
		if err != nil {
			return err
		}
		if row.AccessToken = token.Access; !token.Expiry.IsZero() {
			expiry := token.Expiry.UTC()
			row.ExpiresAt = &expiry
		}
	}
	if in := c.in; !in.structured() && !in.flagged("fields") {
		return write(in.p.Stdout, row.AccessToken+"\n")
	}
	return c.in.rows(ctx, output.Spec{Row: result.Token{}, Single: true, Columns: []output.Column{{Field: "access_token"}}}, row)
}
