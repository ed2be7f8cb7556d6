package realserver

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// ways are the three ways to a session, all of go-imap's client: an independent witness.
var ways = map[string]func(*Server) (*imapclient.Client, error){
	"plain": func(s *Server) (*imapclient.Client, error) {
		return imapclient.DialInsecure(s.PlainAddr(), nil)
	},
	"starttls": func(s *Server) (*imapclient.Client, error) {
		return imapclient.DialStartTLS(s.PlainAddr(), &imapclient.Options{TLSConfig: s.TLSConfig()})
	},
	"implicit": func(s *Server) (*imapclient.Client, error) {
		return imapclient.DialTLS(s.TLSAddr(), &imapclient.Options{TLSConfig: s.TLSConfig()})
	},
}

func TestServers(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			s := ForTest(t, name, Options{})
			if s == nil {
				return
			}
			for way, dial := range ways {
				t.Run(way, func(t *testing.T) {
					client, err := dial(s)
					if err != nil {
						t.Fatal(err)
					}
					defer client.Close()
					appendAndFetch(t, s, client)
				})
			}
			t.Run("wrong password", func(t *testing.T) { refusesWrongPassword(t, s) })
			t.Run("other certificate", func(t *testing.T) {
				other, err := newAuthority()
				if err != nil {
					t.Fatal(err)
				}
				conn, err := tls.Dial("tcp", s.TLSAddr(), &tls.Config{RootCAs: other.pool(), ServerName: "localhost"})
				if err == nil {
					conn.Close()
					t.Error("another CA verifies the server's certificate")
				}
			})
			t.Run("stop", func(t *testing.T) { leavesNothing(t, s) })
		})
	}
}

// TestPipelinedBehindLogin pins a trap: Courier drops what comes in the same packet as LOGIN, the others
// answer all of it.
func TestPipelinedBehindLogin(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			s := ForTest(t, name, Options{})
			if s == nil {
				return
			}
			user, password, err := s.NewUser()
			if err != nil {
				t.Fatal(err)
			}
			conn, err := tls.Dial("tcp", s.TLSAddr(), s.TLSConfig())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			replies := bufio.NewScanner(conn)
			replies.Scan() // the greeting
			fmt.Fprintf(conn, "a LOGIN %s %s\r\nb EXAMINE INBOX\r\nc UID SEARCH ALL\r\n", user, password)
			await := func(tag string) bool {
				for replies.Scan() {
					if strings.HasPrefix(replies.Text(), tag+" ") {
						return strings.HasPrefix(replies.Text(), tag+" OK")
					}
				}
				return false
			}
			if !await("a") {
				t.Fatal("LOGIN fails")
			}
			if name == "courier" {
				fmt.Fprint(conn, "d NOOP\r\n") // its reply comes without b and c
				replies.Scan()
				if got := replies.Text(); !strings.HasPrefix(got, "d OK") {
					t.Errorf("after a dropped flight NOOP gives %q", got)
				}
				return
			}
			if !await("b") || !await("c") {
				t.Errorf("what follows LOGIN is not answered: %v", replies.Err())
			}
		})
	}
}

// TestTakenPort has another process's listener on either port: Start tries again on this error.
func TestTakenPort(t *testing.T) {
	for _, k := range kinds() {
		for which := range 2 {
			t.Run(fmt.Sprint(k.name, which), func(t *testing.T) {
				if !Here(t, k.name) {
					return
				}
				ports, err := freePorts()
				if err != nil {
					t.Fatal(err)
				}
				other, err := net.Listen("tcp4", fmt.Sprint("127.0.0.1:", ports[which]))
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				s, err := start(t.Context(), k, t.TempDir(), ports, Options{})
				if err == nil {
					s.Stop()
				}
				if !errors.Is(err, errPortTaken) {
					t.Errorf("start with a taken port: %v", err)
				}
			})
		}
	}
}

// TestTwoAtOnce has two servers of one kind beside each other, with other users' mail.
func TestTwoAtOnce(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				s := ForTest(t, name, Options{})
				if s == nil {
					return
				}
				client, err := ways["starttls"](s)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				appendAndFetch(t, s, client) // both as u001
			}
		})
	}
}

// keeperDir names, for this test's own binary run as another process, the folder to start Dovecot in.
const keeperDir = "IMAPKNIFE_TEST_KEEPER_DIR"

// TestKilledProcess kills a process that has started a server, which must end with it.
func TestKilledProcess(t *testing.T) {
	if dir := os.Getenv(keeperDir); dir != "" {
		s, err := Start(t.Context(), "dovecot", dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("pid", s.process.pid())
		select {} // until killed
	}
	if !Here(t, "dovecot") {
		return
	}
	keeper := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$")
	keeper.Env = append(os.Environ(), keeperDir+"="+t.TempDir())
	stdout, err := keeper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	_, scanErr := fmt.Fscanf(stdout, "pid %d\n", &pid)
	namespace, nsErr := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	keeper.Process.Kill()
	keeper.Wait()
	if scanErr != nil || nsErr != nil {
		t.Fatal(scanErr, nsErr)
	}
	for end := time.Now().Add(5 * time.Second); len(processesIn(t, namespace)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("processes outlive the one that started them: %v", processesIn(t, namespace))
		}
	}
}

func TestUnknownName(t *testing.T) {
	if err := Available("uw-imapd"); err == nil {
		t.Error("an unknown server is available")
	}
}

// TestExtra has a line of Options.Extra reach each server and win over the template's.
func TestExtra(t *testing.T) {
	for _, test := range []struct {
		name, extra string
		capability  imap.Cap
		shown       bool
	}{
		{"dovecot", "auth_mechanisms = plain", "AUTH=CRAM-MD5", false},
		{"cyrus", "suppress_capabilities: ID", "ID", false},
		{"courier", `IMAP_CAPABILITY="IMAP4rev1 XEXTRA"`, "XEXTRA", true},
		{"imap4d", "login-disabled yes;", "LOGINDISABLED", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := ForTest(t, test.name, Options{Extra: test.extra})
			if s == nil {
				return
			}
			client, err := ways["plain"](s)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			capabilities, err := client.Capability().Wait()
			if err != nil {
				t.Fatal(err)
			}
			if _, shown := capabilities[test.capability]; shown != test.shown {
				t.Errorf("%s shown: %v, want %v, in %v", test.capability, shown, test.shown, capabilities)
			}
		})
	}
}

// appendAndFetch wants a fresh user's first message back as UID 1.
func appendAndFetch(t *testing.T, s *Server, client *imapclient.Client) {
	t.Helper()
	user, password, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Login(user, password).Wait(); err != nil {
		t.Fatalf("login as %s: %v", user, err)
	}
	message := "From: a@example.org\r\nSubject: for " + user + "\r\n\r\nbody\r\n"
	upload := client.Append("INBOX", int64(len(message)), nil)
	if _, err := io.WriteString(upload, message); err != nil {
		t.Fatal(err)
	}
	if err := upload.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := upload.Wait(); err != nil {
		t.Fatalf("append: %v", err)
	}
	selected, err := client.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatalf("examine: %v", err)
	}
	if selected.NumMessages != 1 {
		t.Errorf("a fresh INBOX has %d messages after one append", selected.NumMessages)
	}
	section := &imap.FetchItemBodySection{Peek: true}
	fetched, err := client.Fetch(imap.UIDSetNum(1), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		t.Fatalf("fetch: %v", err)
	}
	if len(fetched) != 1 {
		t.Fatalf("fetched %d messages, want 1", len(fetched))
	}
	if got := string(fetched[0].FindBodySection(section)); got != message {
		t.Errorf("fetched %q, want %q", got, message)
	}
	if err := client.Logout().Wait(); err != nil {
		t.Errorf("logout: %v", err)
	}
}

func refusesWrongPassword(t *testing.T, s *Server) {
	user, _, err := s.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	client, err := imapclient.DialInsecure(s.PlainAddr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if client.Login(user, "wrong").Wait() == nil {
		t.Error("a wrong password logs in")
	}
}

// leavesNothing stops s and looks for its processes, by their process namespace, and its mounts.
func leavesNothing(t *testing.T, s *Server) {
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", s.process.pid()))
	if err != nil {
		t.Fatal(err)
	}
	if len(processesIn(t, namespace)) == 0 {
		t.Fatal("no process is found in the server's own namespace while it runs")
	}
	s.Stop()
	s.Stop()
	if left := processesIn(t, namespace); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), s.Dir) {
		t.Errorf("mounts left below %s", s.Dir)
	}
}

func processesIn(t *testing.T, namespace string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || target != namespace {
			continue
		}
		// A zombie has ended; whoever is the first process here may be slow to notice.
		if stat, _ := os.ReadFile(filepath.Join(link, "../../stat")); !strings.Contains(string(stat), ") Z ") {
			found = append(found, link)
		}
	}
	return found
}
