package oauth

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/imaptest"
)

// memory is a store in this process.
type memory struct {
	mu     sync.Mutex
	token  Token
	saves  int
	broken error
	loaded func(n int) // called before the nth Load answers, from 1
	loads  int
}

func (m *memory) Load(context.Context) (Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loads++; m.loaded != nil {
		m.loaded(m.loads)
	}
	return m.token, nil
}

func (m *memory) Save(_ context.Context, t Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.token = t
	m.saves++
	return nil
}

func source(t *testing.T, p *imaptest.Provider, valid time.Duration) (*Source, *memory) {
	t.Helper()
	access, refresh := p.IssueBoth("alice@example.org", valid)
	m := &memory{token: Token{Access: access, Refresh: refresh, Expiry: time.Now().Add(valid), ClientSecret: "shh-secret", Scope: "imap"}}
	return &Source{Config: config(p), Store: m, LockPath: filepath.Join(t.TempDir(), "new", "lock")}, m
}

func TestSource(t *testing.T) {
	t.Parallel()
	p := provider(t, func(b *imaptest.Behaviour) { b.ClientSecret = "shh-secret" })
	s, m := source(t, p, 2*time.Minute)
	first := m.token
	got, err := s.Token(t.Context(), "")
	if err != nil || got != first || p.Count("refresh") != 0 {
		t.Fatalf("a good token was not used as it is: %v", err)
	}
	if _, err := os.Stat(s.LockPath); err == nil {
		t.Error("a good token was locked")
	}
	if got, err = s.Token(t.Context(), "another"); err != nil || got != first {
		t.Errorf("the stored token was not the refused one: %v", err)
	}
	// The server refuses it: one refresh, however often that is said.
	for range 3 {
		got, err = s.Token(t.Context(), first.Access)
		if err != nil || got.Access == first.Access || p.Count("refresh") != 1 || m.saves != 1 {
			t.Fatalf("%v, %d refreshes", err, p.Count("refresh"))
		}
	}
	if got.Refresh == first.Refresh || got.ClientSecret != "shh-secret" || got.Scope != "imap" || got != m.token {
		t.Error("the new token is not whole")
	}
}

func TestSourceExpiry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change    func(*Token)
		refreshes int
	}{
		"long":              {func(t *Token) { t.Expiry = time.Now().Add(time.Hour) }, 0},
		"less than reserve": {func(t *Token) { t.Expiry = time.Now().Add(50 * time.Second) }, 1},
		"over":              {func(t *Token) { t.Expiry = time.Now().Add(-time.Hour) }, 1},
		"not known":         {func(t *Token) { t.Expiry = time.Time{} }, 1},
		"nothing but it":    {func(t *Token) { t.Expiry, t.Refresh = time.Time{}, "" }, 0},
		"refresh only":      {func(t *Token) { t.Access = "" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := provider(t, func(b *imaptest.Behaviour) { b.ClientSecret, b.Fixed = "shh-secret", true })
			s, m := source(t, p, time.Hour)
			test.change(&m.token)
			before := m.token
			got, err := s.Token(t.Context(), "")
			if err != nil || p.Count("refresh") != test.refreshes || got.Access == "" || got.Refresh != before.Refresh {
				t.Errorf("%v, %d refreshes", err, p.Count("refresh"))
			}
		})
	}
}

// TestShortLived is a provider whose tokens end at once: each is good for the
// call that got it.
func TestShortLived(t *testing.T) {
	t.Parallel()
	p := provider(t, func(b *imaptest.Behaviour) { b.ClientSecret, b.ExpiresIn = "shh-secret", "-1" })
	s, _ := source(t, p, -time.Hour)
	for n := range 2 {
		if _, err := s.Token(t.Context(), ""); err != nil || p.Count("refresh") != n+1 {
			t.Errorf("%v, %d refreshes", err, p.Count("refresh"))
		}
	}
}

func TestSourceFails(t *testing.T) {
	t.Parallel()
	p := provider(t, func(b *imaptest.Behaviour) { b.ClientSecret = "shh-secret" })

	s, m := source(t, p, -time.Hour)
	p.Revoke(m.token.Refresh)
	before := m.token
	_, err := s.Token(t.Context(), "")
	wants(t, err, fault.Auth, "cannot refresh the access token: mock said invalid_grant", "sign in again with imapknife login")
	if m.token != before {
		t.Error("a failed refresh changed the store")
	}

	s, m = source(t, p, -time.Hour)
	m.token.Refresh = ""
	s.Config.Again = "imapknife login --account work"
	_, err = s.Token(t.Context(), "")
	wants(t, err, fault.Auth, "nothing to renew it with", "sign in again with imapknife login --account work")

	s, m = source(t, p, -time.Hour)
	m.broken = errors.New("the keyring is locked")
	_, err = s.Token(t.Context(), "")
	wants(t, err, fault.Auth, "the new token could not be kept: the keyring is locked", "sign in again")

	// Without rotation a store that fails costs nothing but the next refresh.
	p.Set(func(b *imaptest.Behaviour) { b.Fixed = true })
	s, m = source(t, p, -time.Hour)
	m.broken = errors.New("the keyring is locked")
	if got, err := s.Token(t.Context(), ""); err != nil || got.Access == m.token.Access {
		t.Error(err)
	}

	p.Set(func(b *imaptest.Behaviour) { b.Fail = []imaptest.Failure{{Status: 503, Body: "busy"}} })
	_, err = s.Token(t.Context(), "")
	wants(t, err, fault.Connect, "cannot refresh the access token", "503")

	s.LockPath = filepath.Join(os.DevNull, "lock")
	_, err = s.Token(t.Context(), "")
	wants(t, err, fault.Local, "cannot lock the token")
}

// TestLockedOut is another process that holds the lock: waiting ends with ctx.
func TestLockedOut(t *testing.T) {
	t.Parallel()
	p := provider(t, func(b *imaptest.Behaviour) { b.ClientSecret = "shh-secret" })
	s, m := source(t, p, -time.Hour)
	unlock, err := s.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	m.loaded = func(int) { cancel(fault.Interrupt) }
	_, err = s.Token(ctx, "")
	wants(t, err, fault.Interrupted)
	m.loaded = nil
	unlock()
	if _, err := s.Token(t.Context(), ""); err != nil || p.Count("refresh") != 1 {
		t.Error(err)
	}
}

// TestInterruptedRefresh is Ctrl-C while the provider answers: what it gave is
// kept all the same, for the old refresh token may be over.
func TestInterruptedRefresh(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	ctx, cancel := context.WithCancelCause(t.Context())
	p := provider(t, func(b *imaptest.Behaviour) {
		b.ClientSecret, b.Hold = "shh-secret", hold
		b.Notice = func(string) {
			cancel(fault.Interrupt)
			close(hold)
		}
	})
	s, m := source(t, p, -time.Hour)
	before := m.token
	_, err := s.Token(ctx, "")
	wants(t, err, fault.Interrupted)
	if m.token == before {
		t.Error("the new token is lost")
	}
	if _, err := s.Token(t.Context(), ""); err != nil || p.Count("refresh") != 1 {
		t.Error(err)
	}
}

func TestGoroutines(t *testing.T) {
	t.Parallel()
	p := provider(t, func(b *imaptest.Behaviour) { b.ClientSecret = "shh-secret" })
	s, _ := source(t, p, -time.Hour)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := s.Token(t.Context(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := p.Count("refresh"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

// childOf is set in the processes of TestProcesses: what each is to do.
const childOf = "IMAPKNIFE_TEST_OAUTH_CHILD"

// task is what a child is told.
type task struct{ TokenURL, Dir, Refused string }

// fileStore is a token in a file. It says when it has read it first.
type fileStore struct {
	name  string
	first bool
}

func (f *fileStore) Load(context.Context) (Token, error) {
	var t Token
	data, err := os.ReadFile(f.name)
	if err == nil {
		err = json.Unmarshal(data, &t)
	}
	if !f.first {
		f.first = true
		fmt.Println("loaded")
	}
	return t, err
}

func (f *fileStore) Save(_ context.Context, t Token) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	temporary := fmt.Sprintf("%s.%d", f.name, os.Getpid())
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, f.name)
}

// child is one of many processes with one expired token.
func child() int {
	var todo task
	if err := json.Unmarshal([]byte(os.Getenv(childOf)), &todo); err != nil {
		fmt.Println(err)
		return 1
	}
	s := &Source{
		Config:   Config{Provider: Provider{Name: "mock", TokenURL: todo.TokenURL}, Client: Client{ID: "own-client"}, Now: time.Now},
		Store:    &fileStore{name: filepath.Join(todo.Dir, "token")},
		LockPath: filepath.Join(todo.Dir, "lock"),
	}
	t, err := s.Token(context.Background(), todo.Refused)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(t.Access)
	return 0
}

// TestProcesses runs twenty processes that have all seen the expired (or
// refused) token before the one refresh is answered.
func TestProcesses(t *testing.T) {
	t.Parallel()
	for name, valid := range map[string]time.Duration{"expired": -time.Hour, "refused": time.Hour} {
		t.Run(name, func(t *testing.T) { processes(t, 20, valid) })
	}
}

func processes(t *testing.T, count int, valid time.Duration) {
	hold := make(chan struct{})
	p := provider(t, func(b *imaptest.Behaviour) { b.Hold = hold })
	access, refresh := p.IssueBoth("alice@example.org", valid)
	todo := task{TokenURL: p.URL("/token"), Dir: t.TempDir()}
	if valid > 0 {
		todo.Refused = access
	}
	store := &fileStore{name: filepath.Join(todo.Dir, "token"), first: true}
	if err := store.Save(t.Context(), Token{Access: access, Refresh: refresh, Expiry: time.Now().Add(valid)}); err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(todo)
	if err != nil {
		t.Fatal(err)
	}
	loaded, answers := make(chan bool, count), make(chan string, count)
	for range count {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childOf+"="+string(told))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			lines := bufio.NewScanner(out)
			loaded <- lines.Scan() && lines.Text() == "loaded"
			lines.Scan()
			answer := lines.Text()
			if err := cmd.Wait(); err != nil {
				answer = "failed: " + answer
			}
			answers <- answer
		}()
	}
	for range count {
		if !<-loaded {
			t.Error("a process did not begin")
		}
	}
	close(hold)
	got := map[string]int{}
	for range count {
		got[<-answers]++
	}
	final, err := store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Count("refresh") != 1 || got[final.Access] != count || !strings.HasPrefix(final.Access, "access-") || final.Access == access {
		t.Errorf("%d refreshes, answers %v", p.Count("refresh"), got)
	}
}
