package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"

	"github.com/imapknife/imapknife/internal/fault"
)

// cramClient is CRAM-MD5 (RFC 2195): the digest of a challenge by the password.
type cramClient struct {
	user, password string
	asked          bool
}

func cramMD5(c Credentials) (Client, error) {
	return &cramClient{user: c.User, password: c.Password}, nil
}

func (c *cramClient) Start() (string, []byte, error) { return "CRAM-MD5", nil, nil }

func (c *cramClient) Done() error {
	if !c.asked {
		return fault.New(fault.Protocol, "the server said OK before it had given a challenge")
	}
	return nil
}

func (c *cramClient) Next(challenge []byte) ([]byte, error) {
	if c.asked || len(challenge) == 0 {
		return nil, fault.New(fault.Auth, "the server's challenge is not CRAM-MD5")
	}
	c.asked = true
	mac := hmac.New(md5.New, []byte(c.password))
	mac.Write(challenge)
	return []byte(c.user + " " + hex.EncodeToString(mac.Sum(nil))), nil
}
