package creds

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// Purpose is what a secret was stored for. A secret whose purpose is known is
// used for that alone: whoever can edit the account file, and not read the
// store, cannot have it sent elsewhere.
type Purpose struct {
	Server   string `json:"server"`              // user, host and port, as Key writes them
	TokenURL string `json:"token_url,omitempty"` // of a token
	Client   string `json:"client,omitempty"`    // of a token
	TLS      string `json:"tls"`                 // Digest of what decides whom TLS trusts
	Proxy    string `json:"proxy"`               // Digest of the proxy
}

// Digest is a short digest of settings.
func Digest(settings ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(settings, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// differs lists what of p is otherwise in q, as messages name it.
func (p Purpose) differs(q Purpose) []string {
	var out []string
	for _, x := range [...]struct {
		name string
		a, b string
	}{
		{"the server", p.Server, q.Server}, {"the token URL", p.TokenURL, q.TokenURL}, {"the client id", p.Client, q.Client},
		{"TLS", p.TLS, q.TLS}, {"the proxy", p.Proxy, q.Proxy},
	} {
		if x.a != x.b {
			out = append(out, x.name)
		}
	}
	return out
}

// Purposes are all that a secret was stored for: accounts with the same user
// and server share it, each with its own TLS and proxy. None are known of a
// secret that an earlier version stored.
type Purposes []Purpose

// maxPurposes bounds how many are remembered, the latest of them.
const maxPurposes = 16

// With is p and one more, the latest.
func (p Purposes) With(one Purpose) Purposes {
	out := append(slices.DeleteFunc(slices.Clone(p), func(q Purpose) bool { return q == one }), one)
	return out[max(0, len(out)-maxPurposes):]
}

// Differs lists what of the latest purpose is otherwise in want, as messages
// name it. It is empty where want is one of the purposes, or none are known.
func (p Purposes) Differs(want Purpose) []string {
	if len(p) == 0 || slices.Contains(p, want) {
		return nil
	}
	return p[len(p)-1].differs(want)
}

// ErrOtherPurpose is what errors of a secret wrap that was stored for something
// else.
var ErrOtherPurpose = errors.New("it was stored for other settings")

// Check is an error of kind Safety where the secret, which is called what, was
// not stored for want.
func (p Purposes) Check(want Purpose, what string) error {
	differs := p.Differs(want)
	if len(differs) == 0 {
		return nil
	}
	return fault.Wrap(fault.Safety, ErrOtherPurpose, "%s is not used, since the account file has changed in %s", what, strings.Join(differs, " and "))
}

// bound is what a stored secret begins with whose purposes are known. These
// follow as JSON, and behind a newline the secret.
const bound = "imapknife:for:"

// Bind is the form in which a secret is stored with its purposes.
func Bind(s Secret, p Purposes) Secret {
	data, _ := json.Marshal(p) // strings always encode
	return NewSecret(bound + string(data) + "\n" + s.Reveal())
}

// Unbind takes apart what Bind made. What it did not make is a secret alone.
func Unbind(stored Secret) (Secret, Purposes) {
	text, ok := strings.CutPrefix(stored.Reveal(), bound)
	head, secret, whole := strings.Cut(text, "\n")
	var p Purposes
	if !ok || !whole || json.Unmarshal([]byte(head), &p) != nil {
		return stored, nil
	}
	return NewSecret(secret), p
}
