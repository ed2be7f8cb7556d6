package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
)

// lockWait is how long Edit waits for another process that edits the file.
const lockWait = 5 * time.Second

// Editor changes the text of an account file, and leaves alone what it need
// not change: comments, order, layout.
type Editor struct {
	path, home string
	data       []byte
	file       *File
}

// Edit changes the account file: change is called with its content, and what
// it leaves is written, to the disk, in one step. Other processes wait
// meanwhile, at most lockWait. A file that cannot be read is not written, nor
// one that does not change. A symbolic link stays, and what it leads to is
// changed. Errors are of kind Usage or Local.
func Edit(ctx context.Context, path, home string, change func(*Editor) error) error {
	if path == "" {
		return fault.New(fault.Usage, "there is no place for the account file").Hint("set HOME, XDG_CONFIG_HOME or IMAPKNIFE_CONFIG")
	}
	failed := func(err error) error { return fault.Wrap(fault.Local, err, "cannot write the account file") }
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	unlock, err := atomicfile.Lock(ctx, path+".lock", lockWait)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if err != nil {
		return failed(err)
	}
	defer unlock()
	atomicfile.Sweep(path)
	data, err := atomicfile.Read(path, maxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(err)
	}
	e := &Editor{path: path, home: home, data: data}
	if e.file, err = parse(path, home, data); err != nil {
		return err
	}
	if err := change(e); err != nil {
		return err
	}
	if bytes.Equal(data, e.data) {
		return nil
	}
	if err := atomicfile.Replace(path, e.data); err != nil {
		return failed(err)
	}
	return nil
}

// File is the file as the changes so far have left it.
func (e *Editor) File() *File { return e.file }

// SetDefault makes an account the default.
func (e *Editor) SetDefault(name string) error {
	if _, err := e.file.Profile(name); err != nil {
		return err
	}
	if e.file.Default == name {
		return nil
	}
	o := newOutline(e.data)
	return e.take(e.withDefault(o, name), func(f *File) { f.Default = name })
}

// withDefault sets the key default, "" for none.
func (e *Editor) withDefault(o *outline, name string) []string {
	line := "default = " + quote(name)
	if at := o.find(false, "default"); at >= 0 {
		key := o.items[at]
		if name == "" {
			return slices.Delete(o.lines, key.line, o.valueEnd(key))
		}
		return slices.Replace(o.lines, key.line, o.valueEnd(key), line+o.comment(key))
	}
	if name == "" {
		return o.lines
	}
	at := 0
	for at < len(o.lines) && strings.HasPrefix(o.lines[at], "#") {
		at++
	}
	if at == len(o.lines) || strings.TrimSpace(o.lines[at]) != "" { // the comments are about what follows
		return append([]string{line, ""}, o.lines...)
	}
	return slices.Insert(o.lines, at, "", line)
}

// Put adds the account, or changes what differs in one of the name.
func (e *Editor) Put(p Profile) error {
	if err := CheckName(p.Name); err != nil {
		return err
	}
	old, err := e.file.Profile(p.Name)
	if err != nil {
		return e.add(p)
	}
	o := newOutline(e.data)
	at := o.find(true, "accounts", p.Name)
	if at < 0 {
		return fault.New(fault.Usage, "%s:%d: account %s is not written as a table [accounts.%s], and cannot be changed here", e.path, old.Line, p.Name, p.Name).
			Hint("change it by hand")
	}
	was, is := old.entries(), p.entries()
	lines := slices.Clone(o.lines)
	// From the end, so that the lines in front keep their places.
	end := o.tableEnd(at)
	var added []string
	for _, x := range is {
		if !slices.ContainsFunc(was, func(w entry) bool { return w.key == x.key }) {
			added = append(added, x.key+" = "+x.value)
		}
	}
	lines = slices.Insert(lines, end, added...)
	for _, i := range slices.Backward(o.items) {
		if i.table || len(i.path) != 3 || i.path[1] != p.Name || i.depth != 2 {
			continue
		}
		key := i.path[2]
		before, after := find(was, key), find(is, key)
		switch {
		case key == "special_use" || key == "oauth" || before == after:
		case after == "":
			lines = slices.Delete(lines, i.line, o.valueEnd(i))
		default:
			lines = slices.Replace(lines, i.line, o.valueEnd(i), key+" = "+after+o.comment(i))
		}
	}
	if !reflect.DeepEqual(old.tables(), p.tables()) {
		lines = replaceTables(lines, p)
	}
	return e.take(lines, func(f *File) {
		for i := range f.Profiles {
			if f.Profiles[i].Name == p.Name {
				f.Profiles[i] = p
			}
		}
	})
}

// add writes a new account behind the others.
func (e *Editor) add(p Profile) error {
	lines := newOutline(e.data).lines
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	lines = append(lines, "["+header(p.Name)+"]")
	for _, x := range p.entries() {
		lines = append(lines, x.key+" = "+x.value)
	}
	lines = append(lines, p.tables()...)
	return e.take(lines, func(f *File) { f.Profiles = append(f.Profiles, p) })
}

// replaceTables writes the account's own tables, special_use and oauth, anew.
func replaceTables(lines []string, p Profile) []string {
	o := newOutline([]byte(strings.Join(lines, "\n")))
	for at, i := range slices.Backward(o.items) {
		if i.table && len(i.path) == 3 && i.path[0] == "accounts" && i.path[1] == p.Name {
			from, to := o.block(at)
			o.lines = slices.Delete(o.lines, from, to)
		}
	}
	o = newOutline([]byte(strings.Join(o.lines, "\n")))
	at := o.find(true, "accounts", p.Name)
	return slices.Insert(o.lines, o.tableEnd(at), p.tables()...)
}

// Remove forgets an account, with the comments directly above it.
func (e *Editor) Remove(name string) error {
	p, err := e.file.Profile(name)
	if err != nil {
		return err
	}
	o := newOutline(e.data)
	if o.find(true, "accounts", name) < 0 {
		return fault.New(fault.Usage, "%s:%d: account %s is not written as a table [accounts.%s]", e.path, p.Line, name, name).Hint("remove it by hand")
	}
	for at, i := range slices.Backward(o.items) {
		if i.table && len(i.path) >= 2 && i.path[0] == "accounts" && i.path[1] == name {
			from, to := o.block(at)
			o.lines = slices.Delete(o.lines, from, to)
		}
	}
	for len(o.lines) > 0 && strings.TrimSpace(o.lines[0]) == "" {
		o.lines = o.lines[1:]
	}
	if e.file.Default == name {
		o.lines = e.withDefault(newOutline([]byte(strings.Join(o.lines, "\n")+"\n")), "")
	}
	return e.take(o.lines, func(f *File) {
		f.Profiles = slices.DeleteFunc(f.Profiles, func(p Profile) bool { return p.Name == name })
		if f.Default == name {
			f.Default = ""
		}
	})
}

// Rename gives an account another name.
func (e *Editor) Rename(name, to string) error {
	p, err := e.file.Profile(name)
	if err != nil {
		return err
	}
	if err := CheckName(to); err != nil {
		return err
	}
	if _, err := e.file.Profile(to); err == nil {
		return fault.New(fault.Usage, "there is an account %q already", to)
	}
	o := newOutline(e.data)
	if o.find(true, "accounts", name) < 0 {
		return fault.New(fault.Usage, "%s:%d: account %s is not written as a table [accounts.%s]", e.path, p.Line, name, name).Hint("rename it by hand")
	}
	for _, i := range o.items {
		if i.table && len(i.path) >= 2 && i.path[0] == "accounts" && i.path[1] == name {
			line := o.lines[i.line]
			o.lines[i.line] = "[" + strings.Join(append([]string{header(to)}, i.path[2:]...), ".") + "]" + line[strings.LastIndexByte(line, ']')+1:]
			if at := strings.Index(line, "#"); at >= 0 && strings.Contains(line[at:], "]") {
				o.lines[i.line] = "[" + strings.Join(append([]string{header(to)}, i.path[2:]...), ".") + "] " + line[at:]
			}
		}
	}
	lines := o.lines
	if e.file.Default == name {
		lines = e.withDefault(newOutline([]byte(strings.Join(lines, "\n")+"\n")), to)
	}
	return e.take(lines, func(f *File) {
		for i := range f.Profiles {
			if f.Profiles[i].Name == name {
				f.Profiles[i].Name = to
			}
		}
		if f.Default == name {
			f.Default = to
		}
	})
}

// take makes lines the text, after a look whether they say what they must:
// what the file said before, with the change.
func (e *Editor) take(lines []string, change func(*File)) error {
	data := []byte(strings.Join(lines, "\n") + "\n")
	file, err := parse(e.path, e.home, data)
	if err != nil {
		return fault.Wrap(fault.Usage, err, "the account file cannot be changed without harm").Hint("change it by hand")
	}
	want := *e.file
	want.Profiles = slices.Clone(e.file.Profiles)
	change(&want)
	if !want.equal(file) {
		return fault.New(fault.Usage, "%s cannot be changed without harm: something in it is written in a way that was not expected", e.path).
			Hint("change it by hand")
	}
	e.data, e.file = data, file
	return nil
}

// equal compares what two files say, whatever the lines and the order.
func (f *File) equal(g *File) bool {
	if f.Default != g.Default || len(f.Profiles) != len(g.Profiles) {
		return false
	}
	for i := range f.Profiles {
		p := &f.Profiles[i]
		q, err := g.Profile(p.Name)
		if err != nil || !reflect.DeepEqual(p.entries(), q.entries()) || !reflect.DeepEqual(p.tables(), q.tables()) {
			return false
		}
	}
	return true
}

// entry is one key of an account's table with its value as TOML.
type entry struct{ key, value string }

func find(entries []entry, key string) string {
	for _, e := range entries {
		if e.key == key {
			return e.value
		}
	}
	return ""
}

// entries are the account's keys in the usual order.
func (p *Profile) entries() []entry {
	var out []entry
	add := func(key, value string) {
		if value != "" {
			out = append(out, entry{key, value})
		}
	}
	for _, f := range fields {
		values := p.values(f.of)
		switch {
		case len(values) == 0:
		case f.key == "no_id":
			add(f.key, "true")
		case f.key == "auth", len(values) > 1:
			add(f.key, array(values))
		default:
			add(f.key, quote(values[0]))
		}
		if f.key == "auth" {
			add("password_command", p.PasswordCommand.toml())
			add("token_command", p.TokenCommand.toml())
		}
	}
	if p.Mode != "" {
		add("mode", quote(p.Mode))
	}
	if p.Storage != "" {
		add("storage", quote(p.Storage))
	}
	return out
}

// tables are the lines of the tables within the account's.
func (p *Profile) tables() []string {
	var out []string
	if len(p.SpecialUse) > 0 {
		out = append(out, "", "["+header(p.Name)+".special_use]")
		for _, use := range uses {
			if name := p.SpecialUse[use]; name != "" {
				out = append(out, use+" = "+quote(name))
			}
		}
	}
	if p.OAuth != nil {
		o := p.OAuth
		out = append(out, "", "["+header(p.Name)+".oauth]")
		for _, x := range [...]entry{{"provider", o.Provider}, {"client_id", o.ClientID}, {"auth_url", o.AuthURL},
			{"token_url", o.TokenURL}, {"device_url", o.DeviceURL}, {"tenant", o.Tenant}} {
			if x.value != "" {
				out = append(out, x.key+" = "+quote(x.value))
			}
		}
		if len(o.Scopes) > 0 {
			out = append(out, "scopes = "+array(o.Scopes))
		}
	}
	return out
}

func (c Command) toml() string {
	switch {
	case c.IsZero():
		return ""
	case c.Shell != "":
		return quote(c.Shell)
	}
	return array(c.Argv)
}

// header is the name of an account's table.
func header(name string) string {
	if strings.ContainsAny(name, ".@+") {
		return "accounts." + quote(name)
	}
	return "accounts." + name
}

func array(values []string) string {
	var quoted []string
	for _, v := range values {
		quoted = append(quoted, quote(v))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote is a text as a basic string of TOML.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			b.WriteByte(text[i]) // no text of TOML: take refuses it
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
