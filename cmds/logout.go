package cmds

import "github.com/imapknife/imapknife/internal/result"

func newLogout() *verb {
	return &verb{
		name: "logout", args: "[ACCOUNT]", group: groupAccounts,
		summary: "forget an account's password or token",
		about: `The account's settings stay, so that imapknife login --account NAME asks for the
password alone; accounts remove forgets those too.`,
		examples: []example{
			{"the default account", "imapknife logout"},
			{"another one", "imapknife logout work"},
		},
		flags: append(lookup("account"), inGroup(groupOutput)...), ownAccount: true, userOptional: true,
		row: result.Profile{}, single: true,
		setup: func(in *input) (runner, error) { return setupForget(in, "logout") },
	}
}
