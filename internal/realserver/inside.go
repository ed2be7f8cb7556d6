package realserver

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Command prepares a program to run as root where the server runs, seeing its files and processes. It
// ends with ctx or with the server.
func (s *Server) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	argv := s.process.command(name, args...)
	return exec.CommandContext(ctx, argv[0], argv[1:]...)
}

// Doveadm runs doveadm on a Dovecot and returns its standard output; an error carries its standard error.
func (s *Server) Doveadm(ctx context.Context, args ...string) (string, error) {
	return s.output(s.Command(ctx, "doveadm", args...), nil)
}

// Deliver has Dovecot's local delivery agent put a message (with CRLF or LF line ends) into the user's INBOX.
func (s *Server) Deliver(ctx context.Context, user string, message io.Reader) error {
	_, err := s.output(s.Command(ctx, "/usr/lib/dovecot/dovecot-lda", "-d", user), message)
	return err
}

func (s *Server) output(cmd *exec.Cmd, stdin io.Reader) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %s: %w: %s", s.Name, strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Token is an OAuth 2.0 access token (a JWT of RFC 7519, HS256) that Dovecot takes for user with
// OAUTHBEARER and XOAUTH2 until lifetime has passed; a negative lifetime makes one that has expired.
func (s *Server) Token(user string, lifetime time.Duration) (string, error) {
	now := time.Now()
	header, err := segment(map[string]any{"typ": "JWT", "alg": "HS256"})
	if err != nil {
		return "", err
	}
	claims, err := segment(map[string]any{
		"iss": tokenIssuer, "sub": user,
		"iat": now.Add(-clockSkew).Unix(), "nbf": now.Add(-clockSkew).Unix(), "exp": now.Add(lifetime).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := header + "." + claims
	mac := hmac.New(sha256.New, s.tokenKey)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

func segment(v any) (string, error) {
	text, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text), err
}
