package cmds

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
)

// described returns what the environment says about an account, as the input of
// a command line that says nothing.
func (in *input) described() (*input, error) {
	own := &input{p: in.p, verb: &verb{userOptional: true}}
	return own, own.environment(lookup("url", "host", "port", "tls", "user", "tunnel", "unix-socket"))
}

// elsewhere reports whether the command line names host where the environment
// names another: nothing of what the environment says about a server is then
// about this one.
func (in *input) elsewhere(host string) bool {
	if !in.given("url") && !in.given("host") {
		return false
	}
	own, err := in.described()
	if !own.flagged("url") && !own.flagged("host") && err == nil {
		return false
	}
	if err != nil {
		return true
	}
	a, err := own.account()
	return err != nil || !strings.EqualFold(a.Host, host)
}

// withheld is an error of kind Auth where what the variable of the environment
// holds is not for the server, port and user of c: a secret of the environment
// belongs to those that the environment names. A port that it leaves open is
// that of the TLS mode. Where it names none, the secret is for any.
func (in *input) withheld(c *connection, variable string) error {
	own, err := in.described()
	var a config.Account
	where := way{}
	here := in.way()
	switch {
	case err != nil:
	case slices.ContainsFunc(describes, own.flagged):
		own.set("tls", c.account.TLS)
		where = own.way()
		a, err = own.account()
	default:
		a.User, where = own.last("user"), here
		a.Port, _ = strconv.Atoi(own.last("port"))
	}
	switch {
	case err != nil:
		return fault.New(fault.Auth, "%s is not used: the server that the environment names cannot be read", variable).
			Hint("unset IMAPKNIFE_URL, or correct it")
	case a.Host != "" && !strings.EqualFold(a.Host, c.account.Host), a.Port != 0 && a.Port != c.account.Port,
		a.User != "" && a.User != c.account.User, where.socket != here.socket, where.tunnel != here.tunnel:
	default:
		return nil
	}
	return fault.New(fault.Auth, "%s is for %s, not for %s", variable, whom(a, where), whom(c.account, here)).
		Hint("--password-command, --password-file or --password-stdin gives a password for this server").
		Hint("without IMAPKNIFE_URL, HOST, PORT and USER in the environment, %s is for the server that the command line names", variable)
}

// whom describes a user on a server, as far as they are known.
func whom(a config.Account, w way) string {
	user := a.User
	if user == "" {
		user = "any user"
	}
	switch {
	case w.socket != "":
		return user + " on " + w.socket
	case w.tunnel != "":
		return user + " at the end of a tunnel"
	case a.Host == "" && a.Port == 0:
		return user
	case a.Host == "":
		return user + " on port " + strconv.Itoa(a.Port)
	}
	return user + " on " + net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}
