package cmds

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/config"
	"github.com/imapknife/imapknife/internal/fault"
)

// describes names the flags that say by themselves which server a command is
// for, so that no account of the file is meant.
var describes = []string{"url", "host", "tunnel", "unix-socket"}

// ofAccount names the flags that say something of one account. Those of the
// environment are about the account that the environment describes, and never
// about one that is named on the command line.
var ofAccount = append([]string{"port", "tls", "user", "authzid", "server-name", "password-file", "password-command", "token-command"}, describes...)

// configPath is the account file's place, empty where there is no home.
func (p *Process) configPath() string { return config.Path(p.Getenv, runtime.GOOS) }

// home is the user's folder, empty where there is none.
func (p *Process) home() string {
	home, _ := p.Getenv("HOME")
	return home
}

// file is the path of a file in one of imapknife's folders, empty where there
// is no home.
func (p *Process) file(folder config.Folder, name string) string {
	return folder.In(p.Getenv, runtime.GOOS, name)
}

// accounts reads the account file.
func (p *Process) accounts() (*config.File, error) {
	path := p.configPath()
	if path == "" {
		return &config.File{}, nil
	}
	return config.Load(path, p.home())
}

// layer lays the settings of an account of the file under those of the
// command line and the environment: the account that --account names, or
// IMAPKNIFE_ACCOUNT, or the default. Where the command line or the environment
// describes a server there is none, and the file is not even read.
func (in *input) layer() error {
	if !in.verb.takes("account") {
		return nil
	}
	byLine := slices.ContainsFunc(describes, in.given)
	byEnv := slices.ContainsFunc(describes, in.flagged)
	name := in.last("account")
	switch {
	case in.given("account") && byLine:
		return fault.New(fault.Usage, "--account %s and a URL, host, tunnel or socket exclude each other", name)
	case in.given("account"):
		in.dropEnvironment()
	case byLine:
		return nil
	case byEnv && in.flagged("account"):
		return fault.New(fault.Usage, "IMAPKNIFE_ACCOUNT and IMAPKNIFE_URL (or HOST, TUNNEL, UNIX_SOCKET) exclude each other").
			Hint("unset one of them")
	case byEnv:
		return nil
	}
	file, err := in.p.accounts()
	if err != nil {
		return err
	}
	if name == "" {
		if name = file.Implied(); name == "" {
			in.file = file // to say what there is
			return nil
		}
	}
	profile, err := file.Profile(name)
	if err != nil {
		return in.blame(err, "account")
	}
	in.use(file, profile)
	return nil
}

// flagFor is the flag that says what a word means that may name an account, a
// server, or, with which it is empty, somebody's mail address.
func flagFor(word string, file *config.File) string {
	switch {
	case strings.Contains(word, "://"):
		return "url"
	case slices.ContainsFunc(file.Profiles, func(p config.Profile) bool { return p.Name == word }):
		return "account"
	case strings.Contains(word, "@"):
		return ""
	}
	return "host"
}

// dropEnvironment forgets what the environment says about another account.
func (in *input) dropEnvironment() {
	in.settings = slices.DeleteFunc(in.settings, func(s setting) bool {
		return s.source != "" && slices.Contains(ofAccount, s.flag.name)
	})
}

// use lays a profile's settings under the others.
func (in *input) use(file *config.File, profile *config.Profile) {
	in.file, in.profile = file, profile
	var under []setting
	for _, s := range profile.Settings() {
		f := lookup(s.Flag)[0]
		if in.flagged(f.name) {
			continue
		}
		for _, v := range s.Values {
			in.p.hideIn(v)
			under = append(under, setting{flag: f, value: v, has: true, source: fmt.Sprintf("%s:%d", file.Path, s.Line)})
		}
	}
	in.settings = append(under, in.settings...)
}

// takes reports whether the verb has the flag.
func (v *verb) takes(name string) bool {
	return slices.ContainsFunc(v.flags, func(f *flag) bool { return f.name == name })
}
