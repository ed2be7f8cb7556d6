package harness

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// watcher looks for secrets where everybody can see them: in the command lines
// of the processes that descend from this one, again and again while it runs.
type watcher struct {
	needles map[string]string // what to look for, and what it is
	done    chan struct{}
	wg      sync.WaitGroup
	seen    []string
	looks   int
	known   map[string]int  // how often each process has been looked at
	own     map[string]bool // whether a process descends from this one
}

// enough is how many looks a process gets, one each round: its command line
// changes only once, when what was forked becomes another program. round is the
// time between, less than the shortest run of imapknife takes.
const (
	enough = 5
	round  = 5 * time.Millisecond
)

// watch begins to look for the secrets in every form that they may have.
func watch(secrets []string) *watcher {
	w := &watcher{needles: map[string]string{}, done: make(chan struct{}), known: map[string]int{}, own: map[string]bool{strconv.Itoa(os.Getpid()): true}}
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), hex.EncodeToString([]byte(s))} {
			w.needles[form] = s
		}
		for shift := range 3 { // where it begins within three octets
			text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + s))
			skip := (shift*8 + 5) / 6                  // characters that hold what stands before
			end := (shift + len(s)) * 8 / 6            // and none that hold what stands behind
			if form := text[skip:end]; len(form) > 8 { // a shorter one may be there by chance
				w.needles[form] = s + " in base64"
			}
		}
	}
	w.wg.Go(func() {
		for {
			select {
			case <-w.done:
				return
			case <-time.After(round):
				w.look()
			}
		}
	})
	return w
}

// look reads the command lines of the processes that are new.
func (w *watcher) look() {
	proc, err := os.Open("/proc")
	if err != nil {
		return
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if strings.Trim(name, "0123456789") != "" || w.known[name] >= enough || !w.descends(name) {
			continue
		}
		data, err := os.ReadFile("/proc/" + name + "/cmdline")
		if err != nil { // it has ended
			continue
		}
		w.known[name]++
		w.looks++
		if what := w.find(data); what != "" {
			w.seen = append(w.seen, what+" in the command line "+strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
}

// descends reports whether this process started another one, or one that did.
// Whoever loses its parent stays what it was.
func (w *watcher) descends(pid string) bool {
	own, known := w.own[pid]
	if known || pid == "0" {
		return own
	}
	stat, _ := os.ReadFile("/proc/" + pid + "/stat")
	// The parent follows the name of the program, which is in parentheses, and the state.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 { // it has ended
		return false
	}
	w.own[pid] = w.descends(fields[1])
	return w.own[pid]
}

// find returns which secret is in data, empty for none.
func (w *watcher) find(data []byte) string {
	for form, what := range w.needles {
		if bytes.Contains(data, []byte(form)) {
			return what
		}
	}
	return ""
}

// end stops looking.
func (w *watcher) end() {
	close(w.done)
	w.wg.Wait()
}

// secrets watches for secrets, or checks that none has come out.
func secrets(ts *testscript.TestScript, neg bool, args []string) {
	positive(ts, neg)
	s := stateOf(ts)
	if len(args) == 0 || args[0] != "-check" {
		if s.watcher != nil || len(args) == 0 {
			ts.Fatalf("usage: secrets SECRET..., once, and then secrets -check [FILE...]")
		}
		for _, secret := range args {
			if len(secret) < 6 {
				ts.Fatalf("%q may be anywhere by chance", secret)
			}
		}
		s.watcher = watch(args)
		ts.Defer(func() {
			if w := s.watcher; w != nil {
				w.end()
			}
		})
		return
	}
	w := s.watcher
	s.watcher = nil
	w.end()
	for _, seen := range w.seen {
		ts.Fatalf("%s", seen)
	}
	if _, err := os.Stat("/proc/self/cmdline"); err == nil && w.looks == 0 {
		ts.Fatalf("no command line was looked at")
	}
	ts.Logf("%d command lines looked at", w.looks)
	var may []string
	for _, name := range args[1:] {
		may = append(may, ts.MkAbs(name))
	}
	files := 0
	err := filepath.WalkDir(ts.MkAbs("."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(may, path) && d.IsDir():
			return filepath.SkipDir
		case slices.Contains(may, path) || !d.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if what := w.find(data); what != "" {
			ts.Logf("%s", data)
			ts.Fatalf("%s in %s", what, path)
		}
		return nil
	})
	ts.Check(err)
	ts.Logf("%d files looked at", files)
}
