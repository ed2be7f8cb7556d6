package realserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// greetTimeout bounds the wait for a server's first greeting; the slowest takes under 2 s when idle.
const greetTimeout = 30 * time.Second

// Ports are taken below the range that Linux gives to outgoing connections, so that only another
// listener can take one between the look and the server's use of it.
const (
	firstPort = 20000
	lastPort  = 31999
)

// tokenIssuer is what OAuth tokens must name as issuer.
const tokenIssuer = "imapknife-test"

//go:embed dovecot cyrus courier imap4d
var templates embed.FS

//go:embed init.sh
var initScript string

// settings are what the templates see.
type settings struct {
	PlainPort, TLSPort int
	Password           string
	PasswordHash       string
	MdboxSuffix        string
	Users              []string
	TokenIssuer        string
	TokenKey           string // base64
	Introspect         string
	Extra              string
}

// start lays out dir, runs the server on ports, clear text and TLS, and waits until it greets.
func start(ctx context.Context, k kind, dir string, ports [2]int, opts Options) (*Server, error) {
	key := make([]byte, 32)
	rand.Read(key)
	set := settings{
		PlainPort: ports[0], TLSPort: ports[1],
		Password:     Password,
		PasswordHash: passwordHash,
		MdboxSuffix:  MdboxSuffix,
		TokenIssuer:  tokenIssuer, TokenKey: base64.StdEncoding.EncodeToString(key),
		Introspect: opts.Introspect, Extra: opts.Extra,
	}
	for n := range opts.Users {
		set.Users = append(set.Users, fmt.Sprintf("u%03d", n+1))
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	if err := layOut(dir, k.name, set, ca); err != nil {
		return nil, err
	}
	s := &Server{
		Name: k.name, Dir: dir, Host: "127.0.0.1", PlainPort: ports[0], TLSPort: ports[1],
		CAFile: filepath.Join(dir, "etc/tls/ca.pem"), CertFile: filepath.Join(dir, "etc/tls/cert.pem"),
		kind: k, authority: ca, users: set.Users, tokenKey: key,
	}
	return s, s.run(ctx)
}

// run runs the server in its folder, as it is, and waits until it greets.
func (s *Server) run(ctx context.Context) (err error) {
	if s.process, err = execute(s.Dir, initScript, Root(), s.Dir); err != nil {
		return err
	}
	if err := s.waitUntilGreets(ctx); err != nil {
		s.Stop()
		return fmt.Errorf("%w; its log:\n%s", err, s.Log())
	}
	return nil
}

// layOut makes the instance's folders and files anew.
func layOut(dir, name string, set settings, ca *authority) error {
	for _, sub := range []string{"root", "etc", "var", "run", "tmp", "dev", "log"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			return err
		}
	}
	for sub, mode := range map[string]os.FileMode{
		"root": 0o755, "etc": 0o755, "etc/tls": 0o755, "var": 0o755, "run": 0o755, "dev": 0o755, "tmp": 0o777 | os.ModeSticky,
	} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(dir, sub), mode); err != nil {
			return err
		}
	}
	if err := ca.writeServer(filepath.Join(dir, "etc/tls")); err != nil {
		return err
	}
	files, err := fs.Sub(templates, name)
	if err != nil {
		return err
	}
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path)
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		parsed, err := template.ParseFS(files, path)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := parsed.Execute(&text, set); err != nil {
			return err
		}
		return os.WriteFile(to, text.Bytes(), 0o644)
	})
}

// freePorts finds two ports that nothing listens on, at random so that processes that look at the same
// time find different ones.
func freePorts() (ports [2]int, err error) {
	for found := 0; found < len(ports); {
		r, err := rand.Int(rand.Reader, big.NewInt(lastPort-firstPort+1))
		if err != nil {
			return ports, err
		}
		port := firstPort + int(r.Int64())
		listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return ports, err
		}
		defer listener.Close() // only now, so that no port is found twice
		ports[found] = port
		found++
	}
	return ports, nil
}

// waitUntilGreets returns when both ports greet, or when the server has ended or has not got a port.
func (s *Server) waitUntilGreets(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, greetTimeout)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go s.watchStart(ctx, s.process.done, cancel)
	for {
		err := s.greeting(ctx, s.TLSAddr(), true)
		if err == nil {
			err = s.greeting(ctx, s.PlainAddr(), false)
		}
		if err == nil && s.lacksPort() {
			return errPortTaken
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// watchStart cancels what can no longer succeed.
func (s *Server) watchStart(ctx context.Context, ended <-chan struct{}, cancel context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			if s.lacksPort() {
				cancel(errPortTaken)
			} else {
				cancel(errEnded)
			}
			return
		case <-time.After(50 * time.Millisecond):
			if s.lacksPort() {
				cancel(errPortTaken)
				return
			}
		}
	}
}

// lacksPort tells whether another process listens on one of the ports: Cyrus and imap4d then run on
// without it, and the greeting would be another server's.
func (s *Server) lacksPort() bool {
	return strings.Contains(s.Log(), "Address already in use")
}

func (s *Server) greeting(ctx context.Context, addr string, implicitTLS bool) error {
	var conn net.Conn
	var err error
	if implicitTLS {
		conn, err = (&tls.Dialer{Config: s.TLSConfig()}).DialContext(ctx, "tcp", addr)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "* OK") {
		return fmt.Errorf("%s greets with %s", addr, strings.TrimSpace(line))
	}
	return nil
}
