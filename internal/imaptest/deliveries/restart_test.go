package deliveries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/imapknife/imapknife/internal/realserver"
)

// TestRestart kills each real server, twice, and starts it again, while watch
// and wait look at a mailbox of it: every mail is told once.
func TestRestart(t *testing.T) {
	program := build(t)
	for _, name := range realserver.Names() {
		t.Run(name, func(t *testing.T) {
			srv := realserver.ForTest(t, name, realserver.Options{Users: 1})
			if srv == nil {
				return
			}
			user, password, err := srv.NewUser()
			if err != nil {
				t.Fatal(err)
			}
			m := &mailbox{program: program, env: environment(t, srv.PlainAddr(), user, password)}
			m.deliver = func(subject, id string) error {
				text := mail(subject, id)
				if name == "dovecot" {
					return srv.Deliver(t.Context(), user, bytes.NewReader(text))
				}
				return appendTo(srv.PlainAddr(), user, password, text)
			}
			restarts(t, m, srv)
		})
	}
}

func restarts(t *testing.T, m *mailbox, srv *realserver.Server) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	check(m.deliver("old", "old"))
	mark, err := m.mark(ctx)
	check(err)
	watch := begin(t, m.imapknife(ctx, "watch", "--mark", mark, "--events", "new", "--jq", ".subject"))
	wait := begin(t, m.imapknife(ctx, "wait", "--mark", mark, "--subject", "end", "--timeout", "100s", "--extract", "header=X-Id"))

	var want []string
	for part := range 3 {
		if part > 0 {
			check(srv.Restart(ctx, time.Duration(part)*700*time.Millisecond))
		}
		if srv.Name == "imap4d" { // it can lose its UIDVALIDITY when one opens the mailbox while another appends
			time.Sleep(3 * time.Second)
		}
		for i := range 4 {
			want = append(want, fmt.Sprintf("m%d-%d", part, i))
			check(m.deliver(want[len(want)-1], "x"))
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
		}
	}
	want = append(want, "end")
	check(m.deliver("end", "the-last"))

	if err := wait.cmd.Wait(); err != nil || wait.out() != "the-last\n" {
		t.Errorf("wait: %v, %q\n%s", err, wait.out(), &wait.stderr)
	}
	for end := time.Now().Add(40 * time.Second); !strings.HasSuffix(watch.out(), "end\n") && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Second) // for what would be told again
	check(watch.cmd.Process.Signal(os.Interrupt))
	_ = watch.cmd.Wait() // 130
	// The order is the server's: Courier numbers what came while it was away as it finds it.
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(strings.Fields(watch.out()))); !slices.Equal(got, want) {
		t.Errorf("watch told of %q, want %q\n%s", got, want, &watch.stderr)
	}
	t.Logf("%d mails around 2 restarts", len(want))
	t.Logf("watch said: %s", &watch.stderr)
}

// command runs; what it has printed so far can be read.
type command struct {
	cmd    *exec.Cmd
	stdout *os.File
	stderr bytes.Buffer
}

func begin(t *testing.T, cmd *exec.Cmd) *command {
	t.Helper()
	c := &command{cmd: cmd}
	var err error
	if c.stdout, err = os.Create(filepath.Join(t.TempDir(), "out")); err == nil {
		cmd.Stdout, cmd.Stderr = c.stdout, &c.stderr
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.stdout.Close() })
	return c
}

func (c *command) out() string {
	text, err := os.ReadFile(c.stdout.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// appendTo puts a message into the INBOX with another client than ours, and
// opens it for writing, without which imap4d has another UIDVALIDITY each time.
func appendTo(addr, user, password string, message []byte) error {
	client, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Login(user, password).Wait(); err != nil {
		return err
	}
	upload := client.Append("INBOX", int64(len(message)), nil)
	_, err = upload.Write(message)
	if err := errors.Join(err, upload.Close()); err != nil {
		return err
	}
	if _, err = upload.Wait(); err == nil {
		_, err = client.Select("INBOX", nil).Wait()
	}
	return errors.Join(err, client.Logout().Wait())
}
