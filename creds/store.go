package creds

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ErrNotFound is what a store says that holds nothing under a key.
var ErrNotFound = errors.New("no secret is kept there")

// Store keeps secrets under keys, across processes. All errors but ErrNotFound
// are of kind Auth.
type Store interface {
	Get(ctx context.Context, key string) (Secret, error)
	Set(ctx context.Context, key string, s Secret) error
	Delete(ctx context.Context, key string) error
	Name() string // for people
}

// Key is what an account's password is kept under. It names the server, so
// that whoever edits an account's URL cannot have the password sent elsewhere.
func Key(user, host string, port int) string {
	return fmt.Sprintf("%s@%s", user, net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port)))
}

// OAuthKey is what the OAuth token is kept under of the account whose password
// would be kept under key. It names the provider and the client, whose tokens
// are of use to no other.
func OAuthKey(key, tokenURL, client string) string {
	return FormerOAuthKey(key) + "/" + Digest(tokenURL, client)
}

// FormerOAuthKey is what tokens were kept under before the key named their
// provider.
func FormerOAuthKey(key string) string { return "oauth:" + key }
