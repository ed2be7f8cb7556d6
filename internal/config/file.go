package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/access"
	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/pin"
	"github.com/imapknife/imapknife/internal/suggest"
	"github.com/pelletier/go-toml/v2"
)

// File is the account file as read.
type File struct {
	Path     string
	Default  string
	Profiles []Profile // in the order of the file
	Shared   bool      // somebody else may change it
}

// Profile is one account of the file.
type Profile struct {
	Name string
	Line int // of its beginning, from 1

	URL, User       string
	Auth            []string
	PasswordCommand Command
	TokenCommand    Command

	CAFile, ClientCert, ClientKey string // as written; Settings makes them absolute
	ServerName, TLSMin            string
	TLSPin                        []string
	Proxy, Tunnel, UnixSocket     string
	ConnectTimeout, IOTimeout     time.Duration
	Mailbox                       string
	NoID                          bool // do not introduce ourselves to the server

	Mode       string            // readonly, or empty
	Storage    string            // where the secret is: keyring (or empty), file, none
	SpecialUse map[string]string // sent, trash, … to a mailbox's name
	OAuth      *OAuth

	dir   string         // of the file
	home  string         // of the user
	lines map[string]int // of its keys
}

// Command is a program that prints a secret: a line for the shell, or argv.
type Command struct {
	Shell string
	Argv  []string
}

// Runs reports whether the account names a program that imapknife runs.
func (p *Profile) Runs() bool {
	return !p.PasswordCommand.IsZero() || !p.TokenCommand.IsZero() || p.Tunnel != ""
}

// IsZero reports whether there is none.
func (c Command) IsZero() bool { return c.Shell == "" && len(c.Argv) == 0 }

// OAuth says how an account gets its tokens.
type OAuth struct {
	Provider  string   `toml:"provider,omitempty"` // google, microsoft, or empty where the URLs say it
	ClientID  string   `toml:"client_id,omitempty"`
	AuthURL   string   `toml:"auth_url,omitempty"`
	TokenURL  string   `toml:"token_url,omitempty"`
	DeviceURL string   `toml:"device_url,omitempty"`
	Tenant    string   `toml:"tenant,omitempty"`
	Scopes    []string `toml:"scopes,omitempty"`
}

// written is an account as it stands in the file.
type written struct {
	URL             string            `toml:"url,omitempty"`
	User            string            `toml:"user,omitempty"`
	Auth            any               `toml:"auth,omitempty"`
	PasswordCommand any               `toml:"password_command,omitempty"`
	TokenCommand    any               `toml:"token_command,omitempty"`
	CAFile          string            `toml:"ca_file,omitempty"`
	ClientCert      string            `toml:"client_cert,omitempty"`
	ClientKey       string            `toml:"client_key,omitempty"`
	ServerName      string            `toml:"server_name,omitempty"`
	TLSMin          string            `toml:"tls_min,omitempty"`
	TLSPin          any               `toml:"tls_pin,omitempty"`
	Proxy           string            `toml:"proxy,omitempty"`
	Tunnel          string            `toml:"tunnel,omitempty"`
	UnixSocket      string            `toml:"unix_socket,omitempty"`
	ConnectTimeout  string            `toml:"connect_timeout,omitempty"`
	IOTimeout       string            `toml:"io_timeout,omitempty"`
	Mailbox         string            `toml:"mailbox,omitempty"`
	NoID            bool              `toml:"no_id,omitempty"`
	Mode            string            `toml:"mode,omitempty"`
	Storage         string            `toml:"storage,omitempty"`
	SpecialUse      map[string]string `toml:"special_use,omitempty"`
	OAuth           *OAuth            `toml:"oauth,omitempty"`
}

type writtenFile struct {
	Default  string              `toml:"default"`
	Accounts map[string]*written `toml:"accounts"`
}

// fields are the keys that say what a flag of the command line says, and where
// a Profile has it: a string, a []string, a time.Duration or a bool.
var fields = [...]struct {
	key string
	of  func(*Profile) any
}{
	{"url", func(p *Profile) any { return &p.URL }},
	{"user", func(p *Profile) any { return &p.User }},
	{"auth", func(p *Profile) any { return &p.Auth }},
	{"ca_file", func(p *Profile) any { return &p.CAFile }},
	{"client_cert", func(p *Profile) any { return &p.ClientCert }},
	{"client_key", func(p *Profile) any { return &p.ClientKey }},
	{"server_name", func(p *Profile) any { return &p.ServerName }},
	{"tls_min", func(p *Profile) any { return &p.TLSMin }},
	{"tls_pin", func(p *Profile) any { return &p.TLSPin }},
	{"proxy", func(p *Profile) any { return &p.Proxy }},
	{"tunnel", func(p *Profile) any { return &p.Tunnel }},
	{"unix_socket", func(p *Profile) any { return &p.UnixSocket }},
	{"connect_timeout", func(p *Profile) any { return &p.ConnectTimeout }},
	{"io_timeout", func(p *Profile) any { return &p.IOTimeout }},
	{"mailbox", func(p *Profile) any { return &p.Mailbox }},
	{"no_id", func(p *Profile) any { return &p.NoID }},
}

// flagOf is the flag that says what a key says.
func flagOf(key string) string { return strings.ReplaceAll(key, "_", "-") }

// uses are the special uses that special_use can name.
var uses = []string{"all", "archive", "drafts", "flagged", "important", "junk", "sent", "trash"}

// maxFile is the longest account file in octets.
const maxFile = 1 << 20

// Load reads the account file. One that is not there is an empty one. home is
// what ~ stands for. Every error is of kind Usage and names file and line.
func Load(path, home string) (*File, error) {
	data, err := atomicfile.Read(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{Path: path}, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "cannot read the account file")
	}
	f, err := parse(path, home, data)
	if info, serr := os.Stat(path); err == nil && serr == nil && path != os.DevNull {
		f.Shared = access.ChangeableByOthers(info)
	}
	return f, err
}

func parse(path, home string, data []byte) (*File, error) {
	f := &File{Path: path}
	var w writtenFile
	d := toml.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return nil, f.unreadable(err, data)
	}
	o := newOutline(data)
	bad := func(line int, err error) error {
		e := fault.New(fault.Usage, "%s:%d: %v", path, line, err)
		for _, h := range fault.Hints(err) {
			e.Hint("%s", h)
		}
		return e
	}
	for _, i := range o.items {
		if len(i.path) < 2 || i.path[0] != "accounts" || slices.ContainsFunc(f.Profiles, func(p Profile) bool { return p.Name == i.path[1] }) {
			continue
		}
		f.Profiles = append(f.Profiles, Profile{Name: i.path[1]})
	}
	for name := range w.Accounts { // written as inline tables
		if !slices.ContainsFunc(f.Profiles, func(p Profile) bool { return p.Name == name }) {
			f.Profiles = append(f.Profiles, Profile{Name: name})
		}
	}
	for n := range f.Profiles {
		p := &f.Profiles[n]
		p.Line, p.dir, p.home, p.lines = o.line("accounts", p.Name), filepath.Dir(path), home, map[string]int{}
		if err := CheckName(p.Name); err != nil {
			return nil, bad(p.Line, err)
		}
		if w.Accounts[p.Name] == nil {
			continue
		}
		for _, f := range fields {
			p.lines[f.key] = o.line("accounts", p.Name, f.key)
		}
		if key, err := p.read(w.Accounts[p.Name]); err != nil {
			return nil, bad(o.line(append([]string{"accounts", p.Name}, strings.Split(key, ".")...)...), fmt.Errorf("%s: %w", key, err))
		}
	}
	f.Default = w.Default
	if f.Default != "" {
		if _, err := f.Profile(f.Default); err != nil {
			return nil, bad(o.line("default"), fmt.Errorf("default: %w", err))
		}
	}
	return f, nil
}

// unreadable makes an error of what the decoder says.
func (f *File) unreadable(err error, data []byte) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		first := strict.Errors[0]
		line, _ := first.Position()
		key := first.Key()
		name := key[len(key)-1]
		e := fault.New(fault.Usage, "%s:%d: %q is not a key of the account file", f.Path, line, name)
		if name == "password" || name == "token" || name == "client_secret" {
			return e.Hint("a secret does not belong here: imapknife login keeps it in the keyring, password_command gets it from elsewhere")
		}
		if near := suggest.Nearest(name, keysOf(key)); near != "" {
			e.Hint("did you mean %s?", near)
		}
		return e.Hint("docs/accounts.md lists the keys")
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := e.Position()
		return fault.New(fault.Usage, "%s:%d: %s", f.Path, line, strings.TrimPrefix(e.Error(), "toml: "))
	}
	line := 1 + bytes.Count(data, []byte("\n"))
	return fault.New(fault.Usage, "%s:%d: %s", f.Path, line, strings.TrimPrefix(err.Error(), "toml: "))
}

// keysOf lists the keys that the table could have in which an unknown one was
// found.
func keysOf(key []string) []string {
	of := reflect.TypeFor[written]()
	switch {
	case len(key) < 2 || key[0] != "accounts":
		of = reflect.TypeFor[writtenFile]()
	case len(key) > 3 && key[2] == "oauth":
		of = reflect.TypeFor[OAuth]()
	}
	var names []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("toml"), ",")
		names = append(names, name)
	}
	return names
}

// read takes over what was written, and tells which key is wrong.
func (p *Profile) read(w *written) (key string, err error) {
	p.URL, p.User, p.Mailbox, p.NoID = w.URL, w.User, w.Mailbox, w.NoID
	p.CAFile, p.ClientCert, p.ClientKey, p.ServerName = w.CAFile, w.ClientCert, w.ClientKey, w.ServerName
	p.Proxy, p.Tunnel, p.UnixSocket = w.Proxy, w.Tunnel, w.UnixSocket
	p.Mode, p.Storage, p.TLSMin, p.SpecialUse, p.OAuth = w.Mode, w.Storage, w.TLSMin, w.SpecialUse, w.OAuth
	if w.URL != "" {
		if _, err := ParseURL(w.URL); err != nil {
			return "url", err
		}
	}
	if p.Auth, err = list(w.Auth); err != nil {
		return "auth", err
	}
	if p.TLSPin, err = list(w.TLSPin); err != nil {
		return "tls_pin", err
	}
	for _, text := range p.TLSPin {
		if _, err := pin.Parse(text); err != nil {
			return "tls_pin", err
		}
	}
	if p.PasswordCommand, err = command(w.PasswordCommand); err != nil {
		return "password_command", err
	}
	if p.TokenCommand, err = command(w.TokenCommand); err != nil {
		return "token_command", err
	}
	if p.ConnectTimeout, err = wait(w.ConnectTimeout); err != nil {
		return "connect_timeout", err
	}
	if p.IOTimeout, err = wait(w.IOTimeout); err != nil {
		return "io_timeout", err
	}
	for _, x := range [...]struct {
		key, value string
		can        []string
	}{
		{"mode", w.Mode, []string{"readonly"}}, {"storage", w.Storage, []string{"keyring", "file", "none"}}, {"tls_min", w.TLSMin, []string{"1.2", "1.3"}},
	} {
		if x.value != "" && !slices.Contains(x.can, x.value) {
			return x.key, fmt.Errorf("%q is none of %s", x.value, strings.Join(x.can, ", "))
		}
	}
	for use := range w.SpecialUse {
		if !slices.Contains(uses, use) {
			return "special_use." + use, fmt.Errorf("it is none of %s", strings.Join(uses, ", "))
		}
	}
	if !p.PasswordCommand.IsZero() && !p.TokenCommand.IsZero() {
		return "token_command", errors.New("there is a password_command too")
	}
	if p.OAuth != nil && p.OAuth.Provider != "" && p.OAuth.Provider != "google" && p.OAuth.Provider != "microsoft" {
		return "oauth.provider", fmt.Errorf("%q is none of google, microsoft", p.OAuth.Provider)
	}
	return "", nil
}

// list reads a text with commas or an array of texts.
func list(v any) ([]string, error) {
	var out []string
	switch v := v.(type) {
	case nil:
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	case []any:
		for _, part := range v {
			text, ok := part.(string)
			if !ok || text == "" {
				return nil, errors.New("it must be an array of texts")
			}
			out = append(out, text)
		}
	default:
		return nil, errors.New("it must be a text or an array of texts")
	}
	return out, nil
}

func command(v any) (Command, error) {
	if text, ok := v.(string); ok {
		return Command{Shell: text}, nil
	}
	argv, err := list(v)
	return Command{Argv: argv}, err
}

func wait(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a time such as 10s or 500ms", text)
	}
	return d, nil
}

// names are what accounts can be called.
var names = regexp.MustCompile(`^[A-Za-z0-9._@+][A-Za-z0-9._@+-]*$`)

// CheckName is an error of kind Usage where an account cannot be called name.
func CheckName(name string) error {
	if names.MatchString(name) {
		return nil
	}
	return fault.New(fault.Usage, "an account cannot be called %q", name).
		Hint("letters, digits and . _ @ + - make a name, which does not begin with -")
}

// Profile finds an account by its name. The error is of kind Usage.
func (f *File) Profile(name string) (*Profile, error) {
	var all []string
	for i := range f.Profiles {
		if f.Profiles[i].Name == name {
			return &f.Profiles[i], nil
		}
		all = append(all, f.Profiles[i].Name)
	}
	e := fault.New(fault.Usage, "no account is called %q", name)
	if near := suggest.Nearest(name, all); near != "" {
		return nil, e.Hint("did you mean %s?", near)
	}
	if len(all) > 0 {
		return nil, e.Hint("there is %s", strings.Join(all, ", "))
	}
	return nil, e.Hint("imapknife login ADDRESS saves one")
}

// Implied is the account that is meant where none is named: the default, or
// the only one. It is empty where there is none.
func (f *File) Implied() string {
	if f.Default == "" && len(f.Profiles) == 1 {
		return f.Profiles[0].Name
	}
	return f.Default
}

// Setting is what an account says in the place of a flag.
type Setting struct {
	Flag   string
	Values []string
	Line   int // in the file
}

// Settings lists what the account says in the place of flags. Names of files
// are absolute.
func (p *Profile) Settings() []Setting {
	var out []Setting
	for _, f := range fields {
		values := p.values(f.of)
		switch f.key {
		case "ca_file", "client_cert", "client_key", "unix_socket":
			for i := range values {
				values[i] = p.absolute(values[i])
			}
		case "auth":
			if len(values) > 0 {
				values = []string{strings.Join(values, ",")}
			}
		}
		if len(values) > 0 {
			out = append(out, Setting{Flag: flagOf(f.key), Values: values, Line: p.lines[f.key]})
		}
	}
	return out
}

// Set takes over what a flag says, if the account file has a key for that.
func (p *Profile) Set(flag string, values ...string) {
	for _, f := range fields {
		if flagOf(f.key) != flag {
			continue
		}
		last := ""
		if len(values) > 0 {
			last = values[len(values)-1]
		}
		switch to := f.of(p).(type) {
		case *string:
			*to = last
		case *[]string:
			*to = values
		case *time.Duration:
			*to, _ = time.ParseDuration(last)
		case *bool:
			*to = len(values) > 0
		}
	}
}

// values is what the account says for one of the fields.
func (p *Profile) values(of func(*Profile) any) []string {
	one := ""
	switch v := of(p).(type) {
	case *string:
		one = *v
	case *[]string:
		return slices.Clone(*v)
	case *time.Duration:
		if *v != 0 {
			one = v.String()
		}
	case *bool:
		if *v {
			one = "true"
		}
	}
	if one == "" {
		return nil
	}
	return []string{one}
}

// absolute is a file's name: ~/ is the home, and what is relative is relative
// to the account file.
func (p *Profile) absolute(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok && p.home != "" {
		return filepath.Join(p.home, rest)
	}
	if filepath.IsAbs(name) {
		return name
	}
	abs, err := filepath.Abs(filepath.Join(p.dir, name))
	if err != nil {
		return name
	}
	return abs
}
