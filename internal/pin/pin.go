// Package pin reads and makes pins of a server's public key (RFC 7469).
package pin

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

const prefix = "sha256:"

// Of is the pin of a certificate's key: sha256: and the digest of its
// SubjectPublicKeyInfo (RFC 7469 section 2.4) in lower-case hex.
func Of(cert *x509.Certificate) string { return digest(cert.RawSubjectPublicKeyInfo) }

// Fingerprint is that of the certificate itself in the same form, which people
// mistake for the pin.
func Fingerprint(cert *x509.Certificate) string { return digest(cert.Raw) }

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return prefix + hex.EncodeToString(sum[:])
}

// Parse returns a pin in the form of Of: sha256: and 32 octets in hex, with or
// without colons, or in base64. The error is of kind Usage.
func Parse(pin string) (string, error) {
	const n = len(prefix)
	if len(pin) > n && strings.EqualFold(pin[:n], prefix) {
		text := pin[n:]
		sum, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
		if err != nil || len(sum) != sha256.Size {
			sum, err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimSuffix(text, "="))
		}
		if err == nil && len(sum) == sha256.Size {
			return prefix + hex.EncodeToString(sum), nil
		}
	}
	return "", fault.New(fault.Usage, "%q is not a pin", pin).
		Hint("a pin is sha256: and the SHA-256 digest of the server's public key, 64 hexadecimal digits or 44 characters of base64").
		Hint("imapknife doctor tells a server's")
}
