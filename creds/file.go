package creds

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/imapknife/imapknife/internal/atomicfile"
	"github.com/imapknife/imapknife/internal/fault"
)

// fileWait is how long a store in a file waits for another process.
const fileWait = 5 * time.Second

// maxFile is the longest file of secrets in octets.
const maxFile = 16 << 20

type fileStore struct{ path string }

// FileStore is a store in a file, in clear: what --insecure-storage asks for.
// Only its owner may read the file; one that others can read is refused, and
// so is a symbolic link.
func FileStore(path string) Store { return fileStore{path} }

func (f fileStore) Name() string { return f.path }

// with runs fn on the secrets, alone among all processes, and keeps what it
// changes.
func (f fileStore) with(ctx context.Context, fn func(secrets map[string]string) (changed bool, err error)) error {
	failed := func(kind fault.Kind, err error) error {
		return fault.Wrap(kind, err, "cannot use the file of secrets %s", f.path)
	}
	if f.path == "" {
		return fault.New(fault.Auth, "there is no place for a file of secrets").Hint("set HOME or XDG_DATA_HOME")
	}
	unlock, err := atomicfile.Lock(ctx, f.path+".lock", fileWait)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	if err != nil {
		return failed(fault.Local, err)
	}
	defer unlock()
	atomicfile.Sweep(f.path) // a copy of all secrets
	secrets, err := f.read()
	if err != nil {
		return failed(fault.Auth, err)
	}
	changed, err := fn(secrets)
	if err != nil || !changed {
		return err
	}
	if err := f.write(secrets); err != nil {
		return failed(fault.Local, err)
	}
	return nil
}

func (f fileStore) read() (map[string]string, error) {
	info, err := os.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return map[string]string{}, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, fault.New(fault.Auth, "others can read it").Hint("chmod 600 %s, and change the passwords that were in it", f.path)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	if json.Unmarshal(data, &secrets) != nil { // the error could show a part of it
		return nil, errors.New("it is not what imapknife wrote")
	}
	return secrets, nil
}

func (f fileStore) write(secrets map[string]string) error {
	data, err := json.MarshalIndent(secrets, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Replace(f.path, append(data, '\n'))
}

// Get implements Store. A file that is not there is not made.
func (f fileStore) Get(ctx context.Context, key string) (Secret, error) {
	if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
		return Secret{}, ErrNotFound
	}
	var s Secret
	err := f.with(ctx, func(secrets map[string]string) (bool, error) {
		text, ok := secrets[key]
		if !ok {
			return false, ErrNotFound
		}
		data, err := base64.StdEncoding.DecodeString(text)
		s = NewSecret(string(data))
		return false, err
	})
	return s, err
}

// Set implements Store. base64 keeps every octet; it hides nothing.
func (f fileStore) Set(ctx context.Context, key string, s Secret) error {
	return f.with(ctx, func(secrets map[string]string) (bool, error) {
		secrets[key] = base64.StdEncoding.EncodeToString([]byte(s.Reveal()))
		return true, nil
	})
}

// Delete implements Store.
func (f fileStore) Delete(ctx context.Context, key string) error {
	return f.with(ctx, func(secrets map[string]string) (bool, error) {
		if _, ok := secrets[key]; !ok {
			return false, ErrNotFound
		}
		delete(secrets, key)
		return true, nil
	})
}
