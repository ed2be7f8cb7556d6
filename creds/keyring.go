package creds

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/zalando/go-keyring"
)

const (
	service = "imapknife"
	// keyringWait bounds each call: a Secret Service that is locked or gone
	// can take minutes, or for ever.
	keyringWait = 3 * time.Second
	// pieceSize is how many octets go into one entry where the platform has a
	// limit: 2,560 on Windows, on macOS about 2,900 in base64.
	pieceSize = 1800
)

// ErrUnavailable is what errors of a keyring that cannot be used wrap.
var ErrUnavailable = errors.New("the keyring is not available")

// Values that are not stored as they are begin with one of these.
const (
	inBase64 = "imapknife:base64:"
	inPieces = "imapknife:pieces:" // generation and number follow
)

// keyringStore is the operating system's keyring: the Secret Service, the
// Keychain, the Credential Manager.
type keyringStore struct {
	getenv func(string) (string, bool)
	wait   time.Duration
	pieces int // octets in one entry, 0 for no limit
}

// Keyring is the store in the keyring of the operating system. Each call of
// its own waits at most three seconds. getenv tells whether there is a session
// bus; without one, where that is what leads to the keyring, nothing is asked.
func Keyring(getenv func(string) (string, bool)) Store {
	k := &keyringStore{getenv: getenv, wait: keyringWait}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		k.pieces = pieceSize
	}
	return k
}

func (k *keyringStore) Name() string { return "the keyring" }

// HasKeyring reports whether there may be a keyring: on systems where it is
// reached over the session bus, whether there is one.
func HasKeyring(getenv func(string) (string, bool)) bool {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return true
	}
	if bus, _ := getenv("DBUS_SESSION_BUS_ADDRESS"); bus != "" {
		return true
	}
	dir, _ := getenv("XDG_RUNTIME_DIR")
	_, err := os.Stat(filepath.Join(dir, "bus"))
	return dir != "" && err == nil
}

// call runs one call to the keyring. When it takes too long it goes on by
// itself, and what comes of it is dropped.
func (k *keyringStore) call(ctx context.Context, fn func() (string, error)) (string, error) {
	if !HasKeyring(k.getenv) {
		return "", unavailable("there is no session bus")
	}
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := fn()
		done <- answer{text, err}
	}()
	timer := time.NewTimer(k.wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-timer.C:
		return "", unavailable(fmt.Sprintf("it did not answer within %v; it may be locked", k.wait))
	case a := <-done:
		switch {
		case errors.Is(a.err, keyring.ErrNotFound):
			return "", ErrNotFound
		case a.err != nil:
			return "", unavailable(reason(a.err))
		}
		return a.text, nil
	}
}

// reason is why a keyring cannot be used, in plain words.
func reason(err error) string {
	text := err.Error()
	for _, x := range [...][2]string{
		{"ServiceUnknown", "no Secret Service (such as gnome-keyring or KWallet) is running"},
		{"was not provided by any .service files", "no Secret Service (such as gnome-keyring or KWallet) is running"},
		{"failed to unlock correct collection", "it is locked"},
		{"IsLocked", "it is locked"},
		{"NoSuchObject", "it has no collection to keep secrets in"},
		{"Object does not exist", "it has no collection to keep secrets in"},
		{"connection refused", "nothing answers on the session bus"},
		{"no such file or directory", "nothing answers on the session bus"},
	} {
		if strings.Contains(text, x[0]) {
			return x[1]
		}
	}
	return text
}

// unavailable is the one error of a keyring that cannot be used.
func unavailable(why string) error {
	e := fault.New(fault.Auth, "")
	e.Err = fmt.Errorf("%w: %s", ErrUnavailable, why)
	return e.Hint("--password-command (or password_command in the account file) gets the password from elsewhere").
		Hint("IMAPKNIFE_PASSWORD holds it for an account that IMAPKNIFE_URL describes").
		Hint("imapknife login --insecure-storage keeps it in a file, in clear")
}

func (k *keyringStore) get(ctx context.Context, key string) (string, error) {
	return k.call(ctx, func() (string, error) { return keyring.Get(service, key) })
}

func (k *keyringStore) set(ctx context.Context, key, value string) error {
	_, err := k.call(ctx, func() (string, error) { return "", keyring.Set(service, key, value) })
	return err
}

func (k *keyringStore) delete(ctx context.Context, key string) error {
	_, err := k.call(ctx, func() (string, error) { return "", keyring.Delete(service, key) })
	return err
}

// Get implements Store.
func (k *keyringStore) Get(ctx context.Context, key string) (Secret, error) {
	head, err := k.get(ctx, key)
	if err != nil {
		return Secret{}, err
	}
	value := head
	if generation, n, ok := pieced(head); ok {
		value = ""
		for i := range n {
			piece, err := k.get(ctx, pieceKey(key, generation, i))
			if errors.Is(err, ErrNotFound) {
				return Secret{}, fault.New(fault.Auth, "a part of the secret in the keyring is missing").Hint("imapknife login keeps it anew")
			}
			if err != nil {
				return Secret{}, err
			}
			value += piece
		}
	}
	if text, ok := strings.CutPrefix(value, inBase64); ok {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return Secret{}, fault.New(fault.Auth, "the secret in the keyring cannot be read").Hint("imapknife login keeps it anew")
		}
		value = string(data)
	}
	return NewSecret(value), nil
}

// Set implements Store. A secret in several pieces has them under names of
// their own, and comes into force with the entry that counts them: a Set that
// is cut short leaves the old secret.
func (k *keyringStore) Set(ctx context.Context, key string, s Secret) error {
	value := s.Reveal()
	if !plainText(value) || strings.HasPrefix(value, "imapknife:") {
		value = inBase64 + base64.StdEncoding.EncodeToString([]byte(value))
	}
	before, err := k.get(ctx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if k.pieces > 0 && len(value) > k.pieces {
		if value, err = k.split(ctx, key, value); err != nil {
			return err
		}
	}
	if err := k.set(ctx, key, value); err != nil {
		return err
	}
	return k.deletePieces(ctx, key, before)
}

// split stores the pieces of a value and returns what counts them.
func (k *keyringStore) split(ctx context.Context, key, value string) (head string, err error) {
	generation := rand.Text()[:8]
	n := 0
	for ; value != ""; n++ {
		end := min(k.pieces, len(value))
		for end < len(value) && !utf8.RuneStart(value[end]) {
			end--
		}
		if err := k.set(ctx, pieceKey(key, generation, n), value[:end]); err != nil {
			return "", err
		}
		value = value[end:]
	}
	return fmt.Sprintf("%s%s:%d", inPieces, generation, n), nil
}

func pieceKey(key, generation string, i int) string {
	return fmt.Sprintf("%s#%s.%d", key, generation, i+1)
}

// pieced reads what counts the pieces of a value.
func pieced(head string) (generation string, n int, ok bool) {
	rest, ok := strings.CutPrefix(head, inPieces)
	if ok {
		generation, rest, ok = strings.Cut(rest, ":")
	}
	if _, err := fmt.Sscanf(rest, "%d", &n); !ok || err != nil || n < 0 || n > MaxSecret {
		return "", 0, false
	}
	return generation, n, true
}

// Delete implements Store.
func (k *keyringStore) Delete(ctx context.Context, key string) error {
	before, err := k.get(ctx, key)
	if err != nil {
		return err
	}
	if err := k.delete(ctx, key); err != nil {
		return err
	}
	return k.deletePieces(ctx, key, before)
}

func (k *keyringStore) deletePieces(ctx context.Context, key, head string) error {
	generation, n, _ := pieced(head)
	for i := range n {
		if err := k.delete(ctx, pieceKey(key, generation, i)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// plainText reports whether every keyring keeps a value as it is.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
