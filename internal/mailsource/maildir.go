package mailsource

import (
	"cmp"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// IsMaildir reports a directory with cur and new in it.
func IsMaildir(dir string) bool {
	for _, sub := range []string{"cur", "new"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// maildir tells the messages in cur and new, the oldest first; folders below
// are not looked into.
func maildir(dir string) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		type entry struct {
			path  string
			mtime time.Time
		}
		var all []entry
		for _, sub := range []string{"cur", "new"} {
			files, err := os.ReadDir(filepath.Join(dir, sub))
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range files {
				info, err := f.Info()
				if err != nil || info.IsDir() || strings.HasPrefix(f.Name(), ".") {
					continue // it has just been moved, or is no message
				}
				all = append(all, entry{filepath.Join(dir, sub, f.Name()), info.ModTime()})
			}
		}
		slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.mtime.Compare(b.mtime), strings.Compare(a.path, b.path)) })
		for _, e := range all {
			m := Message{Source: e.path, Date: e.mtime, Flags: MaildirFlags(filepath.Base(e.path))}
			if !yield(single(m, file{path: e.path}), nil) {
				return
			}
		}
	}
}

// MaildirFlags reads the ":2,FRS" at the end of a Maildir file name; "!" and
// ";" stand for the colon where file systems forbid it.
func MaildirFlags(name string) (flags []string) {
	i := strings.LastIndexAny(name, ":!;")
	if i < 0 || !strings.HasPrefix(name[i+1:], "2,") {
		return nil
	}
	letters := map[rune]string{'P': "$Forwarded", 'R': `\Answered`, 'S': `\Seen`, 'T': `\Deleted`, 'D': `\Draft`, 'F': `\Flagged`}
	for _, r := range name[i+3:] {
		if f, ok := letters[r]; ok {
			flags = append(flags, f)
		}
	}
	return flags
}
