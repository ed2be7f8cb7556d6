package realserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// mailOwner is the user and group id that mailboxes belong to, in every server's own passwd file.
const mailOwner = 5000

// logTail is how many octets of the log's end Log gives.
const logTail = 16 << 10

var (
	errEnded     = errors.New("the server ended before it greeted")
	errPortTaken = errors.New("another process has taken a port")
	errExhausted = errors.New("every user of the pool has been handed out")
)

// A Server is running until Stop. Its methods may be called from several goroutines.
type Server struct {
	Name      string // one of Names
	Dir       string // the instance's folder
	Host      string // 127.0.0.1
	PlainPort int    // clear text, offering STARTTLS
	TLSPort   int    // implicit TLS
	CAFile    string // PEM; the certificate is for localhost and 127.0.0.1
	CertFile  string // PEM

	kind      kind
	authority *authority
	process   *process
	tokenKey  []byte
	users     []string
	mu        sync.Mutex
	handedOut int // guarded by mu
}

// PlainAddr is host:port of the clear-text port.
func (s *Server) PlainAddr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.PlainPort)) }

// TLSAddr is host:port of the implicit TLS port.
func (s *Server) TLSAddr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.TLSPort)) }

// TLSConfig verifies the server's certificate against its CA.
func (s *Server) TLSConfig() *tls.Config {
	return &tls.Config{RootCAs: s.authority.pool(), ServerName: "localhost"}
}

// NewUser hands out a user that no other call has got, whose INBOX is empty and gives UIDs from 1.
func (s *Server) NewUser() (user, password string, err error) {
	s.mu.Lock()
	if s.handedOut == len(s.users) {
		s.mu.Unlock()
		return "", "", fmt.Errorf("%s: %w", s.Name, errExhausted)
	}
	user = s.users[s.handedOut]
	s.handedOut++
	s.mu.Unlock()
	if err := makeHome(filepath.Join(s.Dir, "var/mail", user), s.kind.newUser); err != nil {
		return "", "", fmt.Errorf("%s: user %s: %w", s.Name, user, err)
	}
	return user, Password, nil
}

// ClientCert makes a certificate of the server's CA that names user, for AUTH=EXTERNAL (Dovecot), and
// returns the PEM files' names.
func (s *Server) ClientCert(user string) (certFile, keyFile string, err error) {
	base := filepath.Join(s.Dir, "client-"+user)
	certFile, keyFile = base+".cert.pem", base+".key.pem"
	if err := s.authority.issueClient(user, certFile, keyFile); err != nil {
		return "", "", fmt.Errorf("%s: certificate for %s: %w", s.Name, user, err)
	}
	return certFile, keyFile, nil
}

// Log is the end of what the server has logged, for failing tests.
func (s *Server) Log() string {
	return tail(filepath.Join(s.Dir, "log"))
}

func tail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	end, err := f.Seek(0, 2)
	if err != nil {
		return err.Error()
	}
	text := make([]byte, min(end, logTail))
	n, err := f.ReadAt(text, end-int64(len(text)))
	if n < len(text) {
		return err.Error()
	}
	return string(text)
}

// Restart kills every process of the server, as a crash does, lets it be away for a while, and runs
// it again on the same ports with the mail it had. It returns when the server greets. No other method
// may be called meanwhile.
func (s *Server) Restart(ctx context.Context, down time.Duration) error {
	s.Stop()
	time.Sleep(down)
	// What lies in run is of processes that are no more.
	run := filepath.Join(s.Dir, "run")
	if err := errors.Join(os.RemoveAll(run), os.Mkdir(run, 0o755), os.Remove(filepath.Join(s.Dir, "dev/log"))); err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("cannot start %s again in %s: %w", s.Name, s.Dir, err)
	}
	return nil
}

// Stop ends every process of the server and returns when they and their mounts are gone. Calling it
// again does nothing.
func (s *Server) Stop() { s.process.kill() }

// makeHome makes folders below home, all owned by the mail user.
func makeHome(home string, folders []string) error {
	if folders == nil {
		return nil // the server makes it
	}
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(home, folder), 0o700); err != nil {
			return err
		}
	}
	return filepath.WalkDir(home, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, mailOwner, mailOwner)
	})
}
