package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/imapknife/imapknife/internal/fault"
	mail "github.com/imapknife/imapknife/internal/message"
)

// keeper leaves a file of each mail in a directory.
type keeper struct {
	dir string // empty: nothing is kept
	mu  sync.Mutex
	n   int
}

func newKeeper(dir string) (*keeper, error) {
	if dir == "" {
		return &keeper{}, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot make the directory %q", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Local, err, "cannot read the directory %q", dir)
	}
	k := &keeper{dir: dir}
	for _, e := range entries { // the numbers go on
		number, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(number); err == nil {
			k.n = max(k.n, n)
		}
	}
	return k, nil
}

// keep writes a mail as it was sent. Files that are there stay.
func (k *keeper) keep(raw []byte) error {
	if k.dir == "" {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		k.n++
		f, err := os.OpenFile(filepath.Join(k.dir, fmt.Sprintf("%04d-%s.eml", k.n, slug(raw))), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.Write(raw)
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(f.Name()) // half a mail, which is not accepted
		}
		return err
	}
}

// slug is a mail's subject as part of a file name: letters, digits and
// hyphens, not many.
func slug(raw []byte) string {
	const most = 40
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	fields, _ := mail.Headers(header)
	var b strings.Builder
	for _, f := range fields {
		if !strings.EqualFold(f.Name, "Subject") {
			continue
		}
		for _, r := range strings.ToLower(f.Value) {
			switch {
			case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
				b.WriteRune(r)
			case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
				b.WriteByte('-')
			}
			if b.Len() >= most {
				break
			}
		}
		break
	}
	if text := strings.Trim(b.String(), "-"); text != "" {
		return text
	}
	return "mail"
}
