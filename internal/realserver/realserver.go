// Package realserver starts real IMAP servers on loopback for tests and benchmarks: Dovecot, Cyrus,
// Courier and GNU imap4d, as Debian packages them, each with fresh mailboxes, certificates and ports.
//
// install.sh unpacks the servers below [Root]; Start runs one of them in mount and process namespaces
// of its own, with its configuration, mail and log in a folder of the caller's. Whatever ends the
// server or the process that started it ends every process and mount of it too.
//
// It must not be imported by anything that ships, must not touch the machine's own accounts and
// configuration, and listens on 127.0.0.1 only.
package realserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Password is every user's password, on every server.
const Password = "wonderland"

// passwordHash is Password as crypt(3) with SHA-512 has it; Courier's HMAC states of it are in its template.
const passwordHash = "$6$imapknife$eQnvqbydwvIToSwhDzMhQ0yTyFdanmaaPghyvGnwemQHwW1B2C4bbMIIT40MSFgT2kbsP3pwjpFeXfvdYIv88."

// MdboxSuffix ends the name of a Dovecot user whose mail is kept as mdbox instead of Maildir. Such users
// need no making: append it to a name from NewUser.
const MdboxSuffix = "-mdbox"

// startAttempts bounds how often Start tries other ports, because a free port can be taken by another
// process before the server listens on it.
const startAttempts = 3

// defaultUsers is the size of the pool that NewUser hands out from.
const defaultUsers = 500

// A kind is one of the servers that Start knows. Its templates are in the folder of its name: each
// file is written below the instance's folder, and etc/start is what runs.
type kind struct {
	name    string
	program string // below Root; when it is absent the server is not installed
	// newUser are the folders in a user's home that the server does not make by itself at the first login.
	newUser []string
}

func kinds() []kind {
	return []kind{
		{name: "dovecot", program: "usr/sbin/dovecot"},
		{name: "cyrus", program: "usr/lib/cyrus/bin/master"},
		{name: "courier", program: "usr/sbin/couriertcpd", newUser: []string{"Maildir/cur", "Maildir/new", "Maildir/tmp"}},
		{name: "imap4d", program: "usr/sbin/imap4d", newUser: []string{"INBOX/cur", "INBOX/new", "INBOX/tmp", "Mail"}},
	}
}

func kindOf(name string) (kind, error) {
	all := kinds()
	at := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if at < 0 {
		return kind{}, fmt.Errorf("no real server is called %q", name)
	}
	return all[at], nil
}

// Names lists the servers that Start knows, the richest first.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Root is the folder that install.sh unpacks the servers into: servers below IMAPKNIFE_TEST_ROOT.
func Root() string {
	top := os.Getenv("IMAPKNIFE_TEST_ROOT")
	if top == "" {
		top = "/var/cache/imapknife-test"
	}
	return filepath.Join(top, "servers")
}

// Available tells why the named server cannot be started here, or nil when it can.
func Available(name string) error {
	k, err := kindOf(name)
	if err != nil {
		return err
	}
	if err := canIsolate(); err != nil {
		return fmt.Errorf("cannot start %s: %w", name, err)
	}
	if _, err := os.Stat(filepath.Join(Root(), k.program)); err != nil {
		return fmt.Errorf("%s is not installed (run internal/realserver/install.sh as root on Debian): %w", name, err)
	}
	return nil
}

// Options of Start. The zero value is what most tests want.
type Options struct {
	// Users is the size of the pool that NewUser hands out from; 0 means 500.
	Users int
	// Extra is appended to the server's main configuration file, in that server's own syntax:
	// dovecot.conf, Cyrus's imapd.conf, Courier's imapd (shell assignments), imap4d.conf.
	Extra string
	// Introspect is the URL of a token introspection endpoint (RFC 7662), to which the token is
	// appended, that Dovecot asks about OAuth tokens it has no key for; empty for none.
	Introspect string
}

// Start runs the named server, with everything that it writes below dir, and returns when it greets
// on both ports. dir must exist and be used for nothing else. ctx bounds the start, not the server's
// life: the caller must call Stop. Several servers of one kind can run at once, each in its own dir.
func Start(ctx context.Context, name, dir string, opts Options) (*Server, error) {
	if err := Available(name); err != nil {
		return nil, err
	}
	k, err := kindOf(name)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if opts.Users == 0 {
		opts.Users = defaultUsers
	}
	for range startAttempts {
		var ports [2]int
		if ports, err = freePorts(); err != nil {
			break
		}
		var s *Server
		if s, err = start(ctx, k, dir, ports, opts); err == nil {
			return s, nil
		}
		if ctx.Err() != nil || !errors.Is(err, errPortTaken) {
			break
		}
	}
	return nil, fmt.Errorf("cannot start %s in %s: %w", name, dir, err)
}
