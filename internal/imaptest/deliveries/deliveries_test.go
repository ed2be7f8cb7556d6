// Package deliveries has mail delivered at random instants around all that
// mark, wait and watch do, and counts what they miss, tell twice, or tell
// although it is old. Mail comes as from elsewhere: by SMTP into the sandbox, by
// dovecot-lda into Dovecot.
package deliveries

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/realserver"
	"github.com/imapknife/imapknife/internal/sandbox"
)

// How much there is, on each server: 1,000 deliveries.
const (
	watched = 600 // to a mailbox that is watched
	rounds  = 200 // waits, each with one old mail and one new one
	workers = 4   // waits at a time, each in a mailbox of its own
)

// mailbox is an account, and a way for mail into its INBOX.
type mailbox struct {
	program string
	env     []string
	proxy   *imaptest.Proxy
	deliver func(subject, id string) error
}

// imapknife prepares a run.
func (m *mailbox) imapknife(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.program, args...)
	cmd.Env = m.env
	return cmd
}

// mark is a mark of now.
func (m *mailbox) mark(ctx context.Context) (string, error) {
	out, err := m.imapknife(ctx, "mark").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("mark: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// counts is what came to pass.
type counts struct{ deliveries, missed, old, twice atomic.Int64 }

func (c *counts) String() string {
	return fmt.Sprintf("deliveries %d, missed %d, false %d, twice %d", c.deliveries.Load(), c.missed.Load(), c.old.Load(), c.twice.Load())
}

func TestDeliveries(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("IMAPKNIFE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	program := build(t)
	t.Run("sandbox", func(t *testing.T) { run(t, seed, program, newSandbox(t)) })
	t.Run("dovecot", func(t *testing.T) {
		if open := newDovecot(t); open != nil {
			run(t, seed, program, open)
		}
	})
}

// build makes the program as it ships.
func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "imapknife")
	if text, err := exec.Command("go", "build", "-o", program, "github.com/imapknife/imapknife").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return program
}

// open makes one more mailbox.
type open func() (*mailbox, error)

func newSandbox(t *testing.T) open {
	return func() (*mailbox, error) {
		srv, err := sandbox.Start(sandbox.Options{Now: time.Now, Empty: true})
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { srv.Close() })
		m, err := behindProxy(t, strings.TrimSuffix(strings.Split(srv.URL(), "@")[1], "/"), sandbox.DefaultUser, srv.Password())
		m.deliver = func(subject, id string) error {
			return smtp.SendMail(srv.SMTPAddr(), nil, "sender@example.org", []string{"qa@example.org"}, mail(subject, id))
		}
		return m, err
	}
}

func newDovecot(t *testing.T) open {
	srv := realserver.ForTest(t, "dovecot", realserver.Options{Users: 1 + workers})
	if srv == nil {
		return nil
	}
	return func() (*mailbox, error) {
		user, password, err := srv.NewUser()
		if err != nil {
			return nil, err
		}
		m, err := behindProxy(t, srv.PlainAddr(), user, password)
		m.deliver = func(subject, id string) error {
			return srv.Deliver(t.Context(), user, bytes.NewReader(mail(subject, id)))
		}
		return m, err
	}
}

func mail(subject, id string) []byte {
	return fmt.Appendf(nil, "From: sender@example.org\r\nTo: qa@example.org\r\nSubject: %s\r\nX-Id: %s\r\n\r\nx\r\n", subject, id)
}

// behindProxy is a mailbox whose connections can be cut.
func behindProxy(t *testing.T, addr, user, password string) (*mailbox, error) {
	p, err := imaptest.StartProxy(imaptest.Upstream{Addr: addr}, imaptest.Options{Deadline: 10 * time.Minute})
	if err != nil {
		return &mailbox{}, err
	}
	t.Cleanup(func() { p.Close() })
	return &mailbox{proxy: p, env: environment(t, p.Addr(), user, password)}, nil
}

func environment(t *testing.T, addr, user, password string) []string {
	home := t.TempDir()
	return []string{
		"IMAPKNIFE_URL=imap+insecure://" + user + "@" + addr + "/", "IMAPKNIFE_PASSWORD=" + password,
		"HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "PATH=" + os.Getenv("PATH"),
	}
}

func run(t *testing.T, seed uint64, program string, open open) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	c := &counts{}
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 1 + workers {
		m, err := open()
		if err != nil {
			t.Fatal(err)
		}
		m.program = program
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			err := error(nil)
			if i == 0 {
				err = watch(ctx, m, random, c)
			} else {
				err = waits(ctx, m, random, c, fmt.Sprintf("%d-", i))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	t.Logf("%s (seed %d, %v)", c, seed, time.Since(start).Round(time.Second))
	if c.missed.Load()+c.old.Load()+c.twice.Load() > 0 || c.deliveries.Load() != watched+2*rounds {
		t.Errorf("want %d deliveries, all told once", watched+2*rounds)
	}
}

// waits marks, waits and has mail come in between, over and over: what came
// before the mark must not be told, what comes behind it must.
func waits(ctx context.Context, m *mailbox, random *rand.Rand, c *counts, name string) error {
	for i := range rounds / workers {
		id := name + strconv.Itoa(i)
		if err := m.deliver("round", "old-"+id); err != nil {
			return err
		}
		c.deliveries.Add(1)
		mark, err := m.mark(ctx)
		if err != nil {
			return err
		}
		// A wait that looks often ends many legs of IDLE.
		cmd := m.imapknife(ctx, "wait", "--mark", mark, "--subject", "round", "--timeout", "60s", "--poll", "120ms", "--extract", "header=X-Id")
		var out, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &stderr
		early := random.IntN(4) == 0 // between the mark and the wait
		deliver := func() error {
			c.deliveries.Add(1)
			return m.deliver("round", "new-"+id)
		}
		if early {
			err = deliver()
		}
		if err == nil {
			err = cmd.Start()
		}
		if err == nil && !early {
			time.Sleep(time.Duration(random.Int64N(int64(400 * time.Millisecond))))
			err = deliver()
		}
		if err != nil {
			return err
		}
		err = cmd.Wait()
		switch got := strings.TrimSpace(out.String()); {
		case strings.Contains(got+stderr.String(), "old-"):
			c.old.Add(1)
		case err != nil || got != "new-"+id:
			c.missed.Add(1)
			return fmt.Errorf("round %s: %q, %w: %s", id, got, err, stderr.String())
		}
	}
	return nil
}

// watch has one watch tell of many deliveries, and its connection end several
// times meanwhile.
func watch(ctx context.Context, m *mailbox, random *rand.Rand, c *counts) error {
	if err := m.deliver("old", "old"); err != nil {
		return err
	}
	mark, err := m.mark(ctx)
	if err != nil {
		return err
	}
	cmd := m.imapknife(ctx, "watch", "--mark", mark, "--events", "new", "--poll", "80ms", "--jq", ".subject")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	told := map[string]int{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			told[lines.Text()]++
			if lines.Text() == "end" {
				return
			}
		}
	}()
	for i := range watched {
		if i%150 == 75 {
			m.proxy.Restart(time.Duration(random.Int64N(int64(200 * time.Millisecond))))
		}
		time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
		if err := m.deliver("m"+strconv.Itoa(i), "x"); err != nil {
			return err
		}
		c.deliveries.Add(1)
	}
	if err := m.deliver("end", "x"); err != nil {
		return err
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
	}
	_ = cmd.Process.Signal(os.Interrupt)
	<-ended
	_ = cmd.Wait() // 130
	for i := range watched {
		switch n := told["m"+strconv.Itoa(i)]; {
		case n == 0:
			c.missed.Add(1)
		case n > 1:
			c.twice.Add(int64(n - 1))
		}
	}
	c.old.Add(int64(told["old"]))
	if told["end"] != 1 {
		return fmt.Errorf("the watch did not tell of the last mail: %s", stderr.String())
	}
	return nil
}
