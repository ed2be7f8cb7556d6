package realserver

import (
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// authenticate opens a TLS session as whatever mechanism says, with certificates for the handshake.
func authenticate(t *testing.T, s *Server, mechanism sasl.Client, certificates ...tls.Certificate) error {
	t.Helper()
	config := s.TLSConfig()
	config.Certificates = certificates
	client, err := imapclient.DialTLS(s.TLSAddr(), &imapclient.Options{TLSConfig: config})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	return client.Authenticate(mechanism)
}

func TestDovecotAuthentication(t *testing.T) {
	s := ForTest(t, "dovecot", Options{})
	if s == nil {
		return
	}
	user, password, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	if err := authenticate(t, s, sasl.NewPlainClient("", user, password)); err != nil {
		t.Errorf("PLAIN: %v", err)
	}
	for lifetime, valid := range map[time.Duration]bool{time.Hour: true, -time.Hour: false} {
		token, err := s.Token(user, lifetime)
		if err != nil {
			t.Fatal(err)
		}
		bearer := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: user, Token: token, Host: s.Host, Port: s.TLSPort})
		if err := authenticate(t, s, bearer); (err == nil) != valid {
			t.Errorf("OAUTHBEARER with a token that lives %v: %v", lifetime, err)
		}
	}
	certFile, keyFile, err := s.ClientCert(user)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := authenticate(t, s, sasl.NewExternalClient(""), certificate); err != nil {
		t.Errorf("EXTERNAL with a certificate: %v", err)
	}
	if authenticate(t, s, sasl.NewExternalClient("")) == nil {
		t.Error("EXTERNAL without a certificate logs in")
	}
}

// TestDovecotInside delivers with the server's own agent, and looks with doveadm, in both formats of mail.
func TestDovecotInside(t *testing.T) {
	s := ForTest(t, "dovecot", Options{})
	if s == nil {
		return
	}
	user, _, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	for name, folder := range map[string]string{user: "cur", user + MdboxSuffix: "storage"} {
		if err := s.Deliver(t.Context(), name, strings.NewReader("Subject: delivered\n\nbody\n")); err != nil {
			t.Fatal(err)
		}
		found, err := s.Doveadm(t.Context(), "-f", "flow", "fetch", "-u", name, "uid hdr.subject", "mailbox", "INBOX", "all")
		if err != nil {
			t.Fatal(err)
		}
		if found != "uid=1 hdr.subject=delivered\n" {
			t.Errorf("doveadm finds %q in the INBOX of %s", found, name)
		}
		if err := s.Command(t.Context(), "test", "-d", "/var/mail/"+name+"/mail/"+folder).Run(); err != nil {
			t.Errorf("%s has no folder %s: %v", name, folder, err)
		}
	}
	if _, err := s.Doveadm(t.Context(), "no-such-command"); err == nil {
		t.Error("a wrong doveadm command succeeds")
	}
}

// TestSpecialUse wants the five usual mailboxes in every new account of the servers that know them.
func TestSpecialUse(t *testing.T) {
	for _, name := range []string{"dovecot", "cyrus"} {
		t.Run(name, func(t *testing.T) {
			s := ForTest(t, name, Options{})
			if s == nil {
				return
			}
			user, password, err := s.NewUser()
			if err != nil {
				t.Fatal(err)
			}
			client, err := ways["implicit"](s)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.Login(user, password).Wait(); err != nil {
				t.Fatal(err)
			}
			mailboxes, err := client.List("", "*", &imap.ListOptions{ReturnSpecialUse: true}).Collect()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, mailbox := range mailboxes {
				for _, attribute := range mailbox.Attrs {
					if strings.EqualFold(string(attribute), `\`+mailbox.Mailbox) {
						got = append(got, mailbox.Mailbox)
					}
				}
			}
			slices.Sort(got)
			if want := []string{"Archive", "Drafts", "Junk", "Sent", "Trash"}; !slices.Equal(got, want) {
				t.Errorf("special uses %v, want %v", got, want)
			}
		})
	}
}

func TestPoolIsExhausted(t *testing.T) {
	s := ForTest(t, "courier", Options{Users: 2})
	if s == nil {
		return
	}
	seen := map[string]bool{}
	for range 2 {
		user, _, err := s.NewUser()
		if err != nil {
			t.Fatal(err)
		}
		seen[user] = true
	}
	if _, _, err := s.NewUser(); !errors.Is(err, errExhausted) || len(seen) != 2 {
		t.Errorf("a pool of two hands out %v, then %v", seen, err)
	}
}

// TestCommandReads has standard input and output of a program inside pass through.
func TestCommandReads(t *testing.T) {
	s := ForTest(t, "imap4d", Options{})
	if s == nil {
		return
	}
	cat := s.Command(t.Context(), "cat")
	cat.Stdin = io.LimitReader(strings.NewReader("through"), 100)
	if got, err := cat.Output(); err != nil || string(got) != "through" {
		t.Errorf("cat gives %q, %v", got, err)
	}
}
