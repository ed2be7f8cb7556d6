package config

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
)

const example = `# My mail.
# By hand.

default = "work"   # the usual one

# The office.
# Ask Bob.
[accounts.work]
url = "imaps://mail.example.org:993/"  # by TLS
user = "alice@example.org"
auth = [
  "scram-sha-256",  # strong
  "plain",
]
password_command = "pass mail/work"
ca_file = "~/ca.pem"
client_cert = "certs/alice.pem"
tls_pin = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
connect_timeout = '5s'
mode = "readonly"

[accounts.work.special_use]
sent = "Sent Items"

# Home, sweet home.
[accounts."alice@home.example"]
url = "imap://alice@home.example/"
token_command = ["helper", "a b"]
storage = "file"

[accounts.gmail]
url = "imaps://imap.gmail.com/"
user = "a@gmail.com"
[accounts.gmail.oauth]
provider = "google"
client_id = "1.apps"
`

func TestLoad(t *testing.T) {
	f, err := parse("/etc/x/config.toml", "/home/alice", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if f.Default != "work" || len(f.Profiles) != 3 || f.Implied() != "work" {
		t.Errorf("%+v", f)
	}
	p, err := f.Profile("work")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Settings() {
		got = append(got, fmt.Sprintf("%d %s %s", s.Line, s.Flag, strings.Join(s.Values, "|")))
	}
	want := []string{"9 url imaps://mail.example.org:993/", "10 user alice@example.org", "11 auth scram-sha-256,plain", "16 ca-file /home/alice/ca.pem",
		"17 client-cert /etc/x/certs/alice.pem", "18 tls-pin sha256:" + strings.Repeat("a", 64), "19 connect-timeout 5s"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if p.PasswordCommand.Shell != "pass mail/work" || p.Mode != "readonly" || p.SpecialUse["sent"] != "Sent Items" || p.Line != 8 {
		t.Errorf("%+v", p)
	}
	if q, err := f.Profile("alice@home.example"); err != nil || !reflect.DeepEqual(q.TokenCommand.Argv, []string{"helper", "a b"}) || q.Storage != "file" {
		t.Errorf("%+v, %v", q, err)
	}
	if g, err := f.Profile("gmail"); err != nil || g.OAuth == nil || g.OAuth.ClientID != "1.apps" {
		t.Errorf("%+v, %v", g, err)
	}
	if _, err := f.Profile("wrk"); fault.KindOf(err) != fault.Usage || strings.Join(fault.Hints(err), "") != "did you mean work?" {
		t.Error(err, fault.Hints(err))
	}
	if f, err := Load(filepath.Join(t.TempDir(), "none"), ""); err != nil || len(f.Profiles) > 0 || f.Implied() != "" {
		t.Error(f, err)
	}
	if f, err := parse("x", "", []byte("[accounts.only]\nurl = 'imaps://h/'")); err != nil || f.Implied() != "only" {
		t.Error(f, err)
	}
}

// What is wrong is told with its line.
func TestLoadRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"default = 1": `f:1: `,
		"\n\nx = 1":   `f:3: "x" is not a key of the account file`,
		"[accounts.a]\nurl = 'imaps://h/'\nusr = 'x'":           `f:3: "usr" is not a key of the account file`,
		"[accounts.a]\npassword = 's3cret'":                     `f:2: "password" is not a key of the account file`,
		"[accounts.a]\nurl = 'imaps://alice:s3cret@h/'":         `f:2: url: the URL "imaps://alice:<hidden>@h/" cannot be used`,
		"[accounts.a]\nurl = 1":                                 `f:2: `,
		"[accounts.a]\n\nio_timeout = 'soon'":                   `f:3: io_timeout: "soon" is not a time`,
		"[accounts.a]\nio_timeout = '0s'":                       `f:2: io_timeout: `,
		"[accounts.a]\nmode = 'rw'":                             `f:2: mode: "rw" is none of readonly`,
		"[accounts.a]\nstorage = 'x'":                           `f:2: storage: `,
		"[accounts.a]\ntls_pin = 'sha256:12'":                   `f:2: tls_pin: "sha256:12" is not a pin`,
		"[accounts.a]\ntls_min = '1.0'":                         `f:2: tls_min: `,
		"[accounts.a]\nauth = [1]":                              `f:2: auth: it must be an array of texts`,
		"[accounts.a]\nauth = 1":                                `f:2: auth: it must be a text or`,
		"[accounts.a.special_use]\nspam = 'x'":                  `f:2: special_use.spam: it is none of all, archive`,
		"[accounts.a]\n[accounts.a.oauth]\nprovider = 'x'":      `f:3: oauth.provider: `,
		"[accounts.a.oauth]\nclient_secret = 's3cret'":          `f:2: "client_secret" is not a key`,
		"[accounts.a]\npassword_command='x'\ntoken_command='y'": `f:3: token_command: there is a password_command too`,
		"[accounts.'-x']\nurl = 'imaps://h/'":                   `f:1: an account cannot be called "-x"`,
		"[accounts.'a b']":                                      `f:1: an account cannot be called "a b"`,
		"default = 'b'\n[accounts.a]":                           `f:1: default: no account is called "b"`,
		"[accounts.a]\n[accounts.a]":                            `f:2: `,
		"[accounts.a":                                           `f:1: `,
		"\"":                                                    `f:1: `,
		"\x00":                                                  `f:1: `,
	} {
		_, err := parse("f", "", []byte(in))
		if fault.KindOf(err) != fault.Usage || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
			continue
		}
		if text := err.Error() + strings.Join(fault.Hints(err), ""); strings.Contains(text, "s3cret") {
			t.Errorf("%q: %s", in, text)
		}
	}
}

func TestPath(t *testing.T) {
	for _, tt := range [...]struct{ env, goos, want string }{
		{"HOME=/h", "linux", "/h/.config/imapknife/config.toml"},
		{"HOME=/h XDG_CONFIG_HOME=/x", "linux", "/x/imapknife/config.toml"},
		{"HOME=/h XDG_CONFIG_HOME=x", "linux", "/h/.config/imapknife/config.toml"},
		{"HOME=/h", "darwin", "/h/Library/Application Support/imapknife/config.toml"},
		{"AppData=/a", "windows", "/a/imapknife/config.toml"},
		{"IMAPKNIFE_CONFIG=c HOME=/h", "linux", "c"},
		{"", "linux", ""},
	} {
		got := Path(func(name string) (string, bool) {
			for kv := range strings.FieldsSeq(tt.env) {
				if v, ok := strings.CutPrefix(kv, name+"="); ok {
					return v, true
				}
			}
			return "", false
		}, tt.goos)
		if got != tt.want {
			t.Errorf("%s on %s: %s", tt.env, tt.goos, got)
		}
	}
}

func edit(t *testing.T, text string, change func(*Editor) error) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "config.toml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	err := Edit(t.Context(), path, "", change)
	data, rerr := os.ReadFile(path)
	if rerr != nil {
		t.Fatal(rerr)
	}
	return string(data), err
}

// An edit changes its lines and no others.
func TestEdit(t *testing.T) {
	profile := func(e *Editor, name string, change func(*Profile)) error {
		p, err := e.File().Profile(name)
		if err != nil {
			return err
		}
		q := *p
		change(&q)
		return e.Put(q)
	}
	for _, tt := range [...]struct {
		name     string
		change   func(*Editor) error
		old, new string // pairs of text, \x00 between
	}{
		{"nothing", func(e *Editor) error { return profile(e, "work", func(*Profile) {}) }, "", ""},
		{"a value", func(e *Editor) error { return profile(e, "work", func(p *Profile) { p.URL = "imaps://other/" }) },
			`url = "imaps://mail.example.org:993/"  # by TLS`, `url = "imaps://other/" # by TLS`},
		{"a value of several lines", func(e *Editor) error { return profile(e, "work", func(p *Profile) { p.Auth = []string{"plain"} }) },
			"auth = [\n  \"scram-sha-256\",  # strong\n  \"plain\",\n]\n", "auth = [\"plain\"]\n"},
		{"a key more", func(e *Editor) error { return profile(e, "work", func(p *Profile) { p.IOTimeout = time.Minute }) },
			"mode = \"readonly\"\n", "mode = \"readonly\"\nio_timeout = \"1m0s\"\n"},
		{"a key less", func(e *Editor) error { return profile(e, "work", func(p *Profile) { p.Mode = "" }) },
			"mode = \"readonly\"\n", ""},
		{"another command", func(e *Editor) error {
			return profile(e, "alice@home.example", func(p *Profile) { p.TokenCommand = Command{Shell: `a "b" \c`} })
		}, `token_command = ["helper", "a b"]`, `token_command = "a \"b\" \\c"`},
		{"a table", func(e *Editor) error {
			return profile(e, "work", func(p *Profile) { p.SpecialUse = map[string]string{"trash": "Bin", "sent": "Sent Items"} })
		}, "sent = \"Sent Items\"\n", "sent = \"Sent Items\"\ntrash = \"Bin\"\n"},
		{"a table less", func(e *Editor) error { return profile(e, "gmail", func(p *Profile) { p.OAuth = nil }) },
			"[accounts.gmail.oauth]\nprovider = \"google\"\nclient_id = \"1.apps\"\n", ""},
		{"default", func(e *Editor) error { return e.SetDefault("gmail") }, `default = "work"   # the`, `default = "gmail" # the`},
		{"rename", func(e *Editor) error { return e.Rename("work", "a.b") },
			"default = \"work\"   # the\x00[accounts.work]\x00[accounts.work.special_use]", "default = \"a.b\" # the\x00[accounts.\"a.b\"]\x00[accounts.\"a.b\".special_use]"},
		{"remove", func(e *Editor) error { return e.Remove("alice@home.example") },
			"\n# Home, sweet home.\n[accounts.\"alice@home.example\"]\nurl = \"imap://alice@home.example/\"\ntoken_command = [\"helper\", \"a b\"]\nstorage = \"file\"\n", ""},
		{"remove the default", func(e *Editor) error { return e.Remove("work") },
			example[strings.Index(example, "default ="):strings.Index(example, "# Home")], "\n"},
		{"add", func(e *Editor) error { return e.Put(Profile{Name: "new@x", URL: "imaps://x/", User: "ä"}) },
			"client_id = \"1.apps\"\n", "client_id = \"1.apps\"\n\n[accounts.\"new@x\"]\nurl = \"imaps://x/\"\nuser = \"ä\"\n"},
	} {
		want := example
		olds, news := strings.Split(tt.old, "\x00"), strings.Split(tt.new, "\x00")
		for i := range olds {
			if tt.old != "" {
				want = strings.Replace(want, olds[i], news[i], 1)
			}
		}
		got, err := edit(t, example, tt.change)
		if tt.name == "remove the default" { // how many blank lines are left is not the point
			blank := regexp.MustCompile(`\n+`)
			got, want = blank.ReplaceAllString(got, "\n"), blank.ReplaceAllString(want, "\n")
		}
		if err != nil || got != want {
			t.Errorf("%s: %v\n--- got\n%s\n--- want\n%s", tt.name, err, got, want)
		}
	}
}

func TestEditRefuses(t *testing.T) {
	for _, tt := range [...]struct {
		name, text string
		change     func(*Editor) error
		want       string
	}{
		{"unreadable", "x = 1\n", func(*Editor) error { t.Error("called"); return nil }, "is not a key"},
		{"inline", "accounts.a = {url = 'imaps://h/'}\n", func(e *Editor) error { return e.Put(Profile{Name: "a", URL: "imaps://i/"}) }, "not written as a table"},
		{"dotted", "accounts.a.url = 'imaps://h/'\n", func(e *Editor) error { return e.Remove("a") }, "not written as a table"},
		{"no name", "", func(e *Editor) error { return e.Put(Profile{Name: "-x"}) }, "cannot be called"},
		{"invalid", "", func(e *Editor) error { return e.Put(Profile{Name: "x", User: "\xff"}) }, "without harm"},
		{"taken", "[accounts.a]\n[accounts.b]\n", func(e *Editor) error { return e.Rename("a", "b") }, "already"},
		{"not there", "[accounts.a]\n", func(e *Editor) error { return e.SetDefault("b") }, "no account"},
	} {
		got, err := edit(t, tt.text, tt.change)
		if err == nil || !strings.Contains(err.Error(), tt.want) || got != tt.text {
			t.Errorf("%s: %v, %q", tt.name, err, got)
		}
	}
}

func TestEditFile(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "dotfiles.toml"), filepath.Join(dir, "config.toml")
	if err := os.WriteFile(target, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	add := func(e *Editor) error { return e.Put(Profile{Name: "a", URL: "imaps://h/"}) }
	if err := Edit(t.Context(), link, "", add); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(target); err != nil || info.Mode() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if to, err := os.Readlink(link); err != nil || to != target {
		t.Error(to, err)
	}
	if err := Edit(t.Context(), "", "", add); fault.KindOf(err) != fault.Usage {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fault.Interrupt)
	err := Edit(t.Context(), link, "", func(*Editor) error {
		return Edit(ctx, link, "", add) // the lock is ours
	})
	if err != error(fault.Interrupt) {
		t.Error(err)
	}
	before, _ := os.ReadFile(target)
	if err := Edit(t.Context(), link, "", func(e *Editor) error { return fault.Interrupt }); err != error(fault.Interrupt) {
		t.Error(err)
	}
	if after, _ := os.ReadFile(target); string(after) != string(before) {
		t.Errorf("%q", after)
	}
}

// TestMain lets the test run itself as another process.
func TestMain(m *testing.M) {
	if path := os.Getenv("CONFIG_TEST_ADD"); path != "" {
		name := os.Getenv("CONFIG_TEST_NAME")
		if err := Edit(context.Background(), path, "", func(e *Editor) error { return e.Put(Profile{Name: name, URL: "imaps://" + name + "/"}) }); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Many processes at once each add an account: all are there.
func TestProcesses(t *testing.T) {
	const n = 20
	path := filepath.Join(t.TempDir(), "config.toml")
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "CONFIG_TEST_ADD="+path, fmt.Sprintf("CONFIG_TEST_NAME=a%d", i))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	if f, err := Load(path, ""); err != nil || len(f.Profiles) != n {
		t.Errorf("%d accounts, %v", len(f.Profiles), err)
	}
}

// Whatever stands in the file, an error is one of usage with a line, and an
// edit that goes well changes nothing else.
func FuzzFile(f *testing.F) {
	f.Add(example, "new")
	f.Add("default = \"a\"\n[accounts.a] # x ] y\nurl='imaps://h/'\n[accounts.a.oauth]\n", "a")
	f.Add("accounts = {a = {url='imaps://h/'}}", "b")
	f.Add("[accounts]\na.url = 'imaps://h/'\n# end", "a")
	f.Add("\ufeff[accounts.a]\r\nurl = '''imaps://h/'''\r\n", "a")
	f.Fuzz(func(t *testing.T, text, name string) {
		file, err := parse("f", "", []byte(text))
		if err != nil {
			var line int
			if _, serr := fmt.Sscanf(err.Error(), "f:%d:", &line); serr != nil || line < 1 || fault.KindOf(err) != fault.Usage {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		e := &Editor{path: "f", data: []byte(text), file: file}
		if e.Put(Profile{Name: name, URL: "imaps://new/", User: "u"}) != nil {
			return
		}
		for i := range file.Profiles {
			p := &file.Profiles[i]
			q, err := e.File().Profile(p.Name)
			if err != nil || p.Name != name && !reflect.DeepEqual(p.entries(), q.entries()) {
				t.Errorf("%q: account %s is changed by adding %s:\n%s", text, p.Name, name, e.data)
			}
		}
		if e.Remove(name) == nil && e.Put(Profile{Name: "again"}) == nil && e.Rename("again", "x.y") == nil && e.SetDefault("x.y") != nil {
			t.Errorf("%s", e.data)
		}
	})
}
