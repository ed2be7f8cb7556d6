package sandbox

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mailsource"
	mail "github.com/imapknife/imapknife/internal/message"
)

// Limits on a seed, which is held in memory.
const (
	maxSeedMessages = 100_000
	maxSeedOctets   = 1 << 30
)

// standardMailboxes are there from the start, besides INBOX.
var standardMailboxes = [...]struct {
	name       string
	use        imap.MailboxAttr
	subscribed bool
}{
	{"Archive", imap.MailboxAttrArchive, true},
	{"Drafts", imap.MailboxAttrDrafts, true},
	{"Junk", imap.MailboxAttrJunk, false},
	{"Sent", imap.MailboxAttrSent, true},
	{"Trash", imap.MailboxAttrTrash, false},
}

// seed fills a new account, which nobody else knows yet. What it puts there
// counts as seen by an earlier session: it is not \Recent.
func (a *account) seed(o Options) error {
	defer func() {
		for _, b := range a.boxes {
			b.notRecent = b.uidNext
		}
	}()
	a.subscribed["INBOX"] = true
	for _, m := range standardMailboxes {
		a.create(m.name, m.use)
		if m.subscribed {
			a.subscribed[m.name] = true
		}
	}
	switch {
	case o.Empty && o.Seed != "":
		return fault.New(fault.Usage, "cannot start empty and seed from %q", o.Seed)
	case o.Empty:
		return nil
	case o.Seed == "":
		for _, m := range Samples(o.Now()) {
			s := seeder{acct: a}
			if err := s.add(m.Mailbox, m.Raw, toFlags(m.Flags), m.Date); err != nil {
				return err // a test sees that there is none
			}
		}
		return nil
	}
	s := seeder{acct: a, now: o.Now()}
	err := s.path(o.Seed)
	if err == nil && s.messages == 0 {
		err = errors.New("no messages found")
	}
	if err != nil {
		return fault.New(fault.Usage, "cannot seed from %q: %s", o.Seed, reason(err)).
			Hint("a seed is a Maildir, a directory of .eml files or an mbox file")
	}
	return nil
}

// reason is an error's own text: an IMAP reply without its status.
func reason(err error) string {
	if e, ok := errors.AsType[*imap.Error](err); ok {
		return strings.ToLower(e.Text[:1]) + e.Text[1:]
	}
	return err.Error()
}

// seeder counts what it puts into an account.
type seeder struct {
	acct     *account
	now      time.Time // the date of messages that have none
	messages int
	octets   int
}

// add appends a message, making its mailbox where it is missing.
func (s *seeder) add(mailbox string, raw []byte, flags []imap.Flag, date time.Time) error {
	s.messages++
	s.octets += len(raw)
	if s.messages > maxSeedMessages || s.octets > maxSeedOctets {
		return errors.New("too many messages to hold in memory")
	}
	if _, err := s.acct.box(mailbox, ""); err != nil {
		name, err := s.acct.newName(mailbox)
		if err != nil {
			return err
		}
		s.acct.create(name, "")
		s.acct.subscribed[name] = true
	}
	_, err := s.acct.append(mailbox, raw, flags, date)
	return err
}

func (s *seeder) path(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return errors.Unwrap(err) // the path is in the message already
	case info.IsDir():
		return s.tree(path)
	}
	data, err := readSeed(path)
	switch {
	case err != nil:
		return err
	case mailsource.IsMbox(data):
		return s.mbox(data)
	case isEML(path):
		return s.add("INBOX", toCRLF(data), nil, sentDate(data, info.ModTime()))
	}
	return errors.New("not an mbox file: it does not begin with \"From \"")
}

func isEML(path string) bool { return strings.EqualFold(filepath.Ext(path), ".eml") }

// readSeed reads a regular file that fits.
func readSeed(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > maxSeedOctets:
		return nil, errors.New("too large to hold in memory")
	}
	return io.ReadAll(io.LimitReader(f, maxSeedOctets))
}

// seedFile is a file to become a message.
type seedFile struct {
	path    string
	maildir bool
	mtime   time.Time
}

// tree walks a directory. One with cur and new in it is a Maildir; .eml files
// count anywhere else. Directories become mailboxes, the top one INBOX.
func (s *seeder) tree(root string) error {
	byMailbox := make(map[string][]seedFile)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(d.Name(), ".")
		switch {
		case err != nil || path == root:
			return err
		case d.IsDir() && (hidden && !mailsource.IsMaildir(path) || d.Name() == "tmp" && mailsource.IsMaildir(filepath.Dir(path))):
			return filepath.SkipDir
		case d.IsDir() || hidden:
			return nil
		}
		dir := filepath.Dir(path)
		maildir := isMaildirSub(dir)
		if maildir {
			dir = filepath.Dir(dir)
		} else if !isEML(path) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, dir)
		mailbox := mailboxOfDir(rel)
		byMailbox[mailbox] = append(byMailbox[mailbox], seedFile{path, maildir, info.ModTime()})
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(byMailbox)) {
		if err := s.files(name, byMailbox[name]); err != nil {
			return err
		}
	}
	return nil
}

// isMaildirSub reports the cur or new of a Maildir.
func isMaildirSub(dir string) bool {
	base := filepath.Base(dir)
	return (base == "cur" || base == "new") && mailsource.IsMaildir(filepath.Dir(dir))
}

// mailboxOfDir names a mailbox after a directory; ".a.b" is a/b (Maildir++),
// in modified UTF-7.
func mailboxOfDir(rel string) string {
	rel = filepath.ToSlash(rel)
	if rel == "." {
		return "INBOX"
	}
	if dotted, ok := strings.CutPrefix(rel, "."); ok {
		rel = strings.ReplaceAll(dotted, ".", string(delim))
	}
	return decodeUTF7(rel)
}

// files adds the files of one mailbox: .eml files by name, then a Maildir's by
// date.
func (s *seeder) files(mailbox string, files []seedFile) error {
	slices.SortFunc(files, func(a, b seedFile) int {
		switch {
		case a.maildir && b.maildir:
			return cmp.Or(a.mtime.Compare(b.mtime), strings.Compare(a.path, b.path))
		case a.maildir:
			return 1
		case b.maildir:
			return -1
		}
		return strings.Compare(a.path, b.path)
	})
	for _, f := range files {
		data, err := readSeed(f.path)
		if err == nil {
			var flags []imap.Flag
			date := f.mtime
			if f.maildir {
				flags = toFlags(mailsource.MaildirFlags(filepath.Base(f.path)))
			} else {
				date = sentDate(data, f.mtime)
			}
			err = s.add(mailbox, toCRLF(data), flags, date)
		}
		if err != nil {
			return fault.New(fault.Usage, "%s: %s", f.path, reason(err))
		}
	}
	return nil
}

// sentDate is the Date field's time, or otherwise when there is none.
func sentDate(raw []byte, otherwise time.Time) time.Time {
	fields, _ := splitHeader(raw)
	p := part{fields: fields}
	if t, ok := mail.ParseDate(p.get("Date")); ok {
		return t
	}
	return otherwise
}

// toCRLF ends every line in CRLF.
func toCRLF(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/32)
	for line := range bytes.Lines(b) {
		body, whole := bytes.CutSuffix(line, []byte("\n"))
		if !whole {
			out = append(out, line...)
			break
		}
		out = append(out, bytes.TrimSuffix(body, []byte("\r"))...)
		out = append(out, "\r\n"...)
	}
	return out
}
