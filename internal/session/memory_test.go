package session

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"
)

var memoryTime = time.Date(2026, 11, 20, 10, 0, 0, 5, time.UTC)

// memoryAt is a memory in a fresh folder whose clock goes on by a minute each
// time.
func memoryAt(t *testing.T) *Memory {
	var mu sync.Mutex
	now := memoryTime
	return NewMemory(filepath.Join(t.TempDir(), "state", "servers.json"), func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Minute)
		return now
	})
}

func TestMemory(t *testing.T) {
	m := memoryAt(t)
	if r, ok := m.recall("a"); ok {
		t.Errorf("recalled %+v of nothing", r)
	}
	want := record{Greeting: []string{"IMAP4rev1"}, Capabilities: []string{"ESEARCH", "IDLE"}, NoPipelining: true}
	m.store("a", want)
	m.store("b", record{})
	want.Used = memoryTime.Add(time.Minute).Truncate(time.Second)
	if r, ok := m.recall("a"); !ok || !reflect.DeepEqual(r, want) {
		t.Errorf("recalled %+v, want %+v", r, want)
	}
	info, err := os.Stat(m.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err = os.Stat(filepath.Dir(m.path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}

// A file that makes no sense is as good as none, and is replaced.
func TestMemoryCorrupt(t *testing.T) {
	for _, text := range []string{
		"", "x", "null", "[]", "{", `{"servers":null}`, `{"servers":[1]}`, `{"servers":{"a":{"capabilities":"IDLE"}}}`,
		`{"servers":{"a":{"capabilities":["IDLE"],"used":"yesterday"}}}`, "{\"servers\":{\"a\":\x00\xff",
	} {
		m := memoryAt(t)
		if err := os.Mkdir(filepath.Dir(m.path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, ok := m.recall("a"); ok {
			t.Errorf("%q: recalled %+v", text, r)
		}
		m.store("b", record{NoPipelining: true})
		if r, ok := m.recall("b"); !ok || !r.NoPipelining {
			t.Errorf("%q: recalled %+v, %v after storing", text, r, ok)
		}
	}
}

// Where the file cannot be written, nothing happens and nothing is left.
func TestMemoryUnwritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(dir, "dir")
	if err := os.MkdirAll(filepath.Join(below, "servers.json", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(file, "servers.json"), filepath.Join(below, "servers.json")} {
		m := NewMemory(path, time.Now)
		m.store("a", record{NoPipelining: true})
		if r, ok := m.recall("a"); ok {
			t.Errorf("%s: recalled %+v", path, r)
		}
	}
	if left, err := os.ReadDir(below); err != nil || len(left) != 1 {
		t.Errorf("%v, %v are left", left, err)
	}
}

// Of more than a hundred servers, those longest unused are forgotten.
func TestMemoryLimit(t *testing.T) {
	m := memoryAt(t)
	for i := range maxServers {
		m.store(fmt.Sprint(i), record{})
	}
	m.store("0", record{}) // used again
	m.store("new", record{})
	m.store("newer", record{})
	if n := len(m.load().Servers); n != maxServers {
		t.Errorf("%d servers", n)
	}
	for key, want := range map[string]bool{"0": true, "1": false, "2": false, "3": true, "new": true, "newer": true} {
		if _, ok := m.recall(key); ok != want {
			t.Errorf("%s: %v", key, ok)
		}
	}
}

// Several writers at once leave a file that one of them wrote, and no other.
func TestMemoryWriters(t *testing.T) {
	m := memoryAt(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 20 {
				m.store(fmt.Sprintf("%d", w), record{Capabilities: make([]string, i*10)})
				if f := m.load(); len(f.Servers) == 0 {
					t.Error("half a file was read")
				}
			}
		})
	}
	wg.Wait()
	left, err := os.ReadDir(filepath.Dir(m.path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v are left", left, err)
	}
}
