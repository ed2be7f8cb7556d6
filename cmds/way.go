package cmds

import (
	"os"
	"strings"

	"github.com/imapknife/imapknife/internal/access"
	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/pin"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/internal/transport"
)

// way is how the server is reached: directly where all of it is empty.
type way struct{ proxy, socket, tunnel string }

// way reads the flags of which only one can be. One on the command line wins
// over those of the environment. A server that is named there is not reached by
// the socket or tunnel of the environment, which lead to another.
func (in *input) way() way {
	given := in.given("proxy") && in.last("proxy") != transport.NoProxy || in.given("unix-socket") || in.given("tunnel")
	named := in.given("url") || in.given("host")
	value := func(name string) string {
		if !in.given(name) && (given || named && name != "proxy") {
			return ""
		}
		return in.last(name)
	}
	return way{value("proxy"), value("unix-socket"), value("tunnel")}
}

// local reports whether no network is dialled, so that a host need not be named.
func (w way) local() bool { return w.socket != "" || w.tunnel != "" }

// private reports whether clear text to host stays on this machine, as far as
// this program sends it. A proxy may look localhost up anywhere.
func (w way) private(host string) bool {
	return w.local() || config.Loopback(host) && (w.proxy == "" || w.proxy == transport.NoProxy)
}

// pins are those of the command line, else those of the environment.
func (in *input) pins() []string {
	var given, env []string
	for _, s := range in.settings {
		switch {
		case s.flag.name != "tls-pin":
		case s.source != "":
			env = append(env, strings.FieldsFunc(s.value, func(r rune) bool { return r == ',' || r == ' ' })...)
		default:
			given = append(given, s.value)
		}
	}
	if given != nil {
		return given
	}
	return env
}

// checkWay checks how the server is reached and how TLS is to be.
func (in *input) checkWay(cfg *session.Config) error {
	if in.given("proxy") && transport.ProxyPassword(in.last("proxy")) {
		return fault.New(fault.Usage, "--proxy holds a password: everybody on this machine could read it").
			Hint("IMAPKNIFE_PROXY or ALL_PROXY in the environment may hold it")
	}
	t := cfg.Transport()
	if err := t.Check(); err != nil {
		return in.blame(err, "proxy", "unix-socket", "tunnel")
	}
	for _, text := range cfg.TLSPins {
		if _, err := pin.Parse(text); err != nil {
			return in.blame(err, "tls-pin")
		}
	}
	if _, err := session.Certificate(cfg.ClientCert, cfg.ClientKey); err != nil {
		return in.blame(err, "client-cert", "client-key")
	}
	key := cfg.ClientKey
	if key == "" {
		key = cfg.ClientCert
	}
	if info, err := os.Stat(key); key != "" && err == nil && access.ReadableByOthers(info) {
		in.caution("others can read the key of the client certificate, %s: chmod 600 keeps it to you", key)
	}
	if cfg.CAFile == "" {
		return nil
	}
	_, err := session.Authorities(cfg.CAFile)
	return in.blame(err, "ca-file")
}
