package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/realserver"
)

// How long imapknife waits for the server: long, unless a stall is to cost
// little.
const (
	patient   = 20 * time.Second
	impatient = 300 * time.Millisecond
	// limit is how long it may run at all.
	limit = 60 * time.Second
)

// row is what the judge reads of a receipt.
type row struct {
	UID            uint32
	Source         string
	Status         string
	Reason         string
	DestinationUID uint32 `json:"destination_uid"`
}

// outcome is how a run of imapknife ended.
type outcome struct {
	exit   int
	killed bool
	rows   map[string]row // by the message's key
	odd    []string       // what is wrong with standard output or error by itself
	stderr string
	struck int    // troubles that came to pass
	wires  int    // connections
	record string // a transcript
}

// field is where everything happens.
type field struct {
	server  *realserver.Server
	program string // imapknife
	files   string // the folder of files to append
	ca      *imaptest.CA
}

// run runs the operation about some messages of an account, and spoils it.
func (f *field) run(op *operation, user string, about []message, list []trouble) (*outcome, *spoiler, error) {
	o, stdout, s, err := f.pass(op, user, f.files, op.args(about), list)
	if err == nil {
		o.read(stdout)
	}
	return o, s, err
}

// pass runs imapknife with arguments in a folder, and spoils it.
func (f *field) pass(op *operation, user, dir string, args []string, list []trouble) (*outcome, string, *spoiler, error) {
	proxy, err := imaptest.StartProxy(imaptest.Upstream{Addr: f.server.PlainAddr()}, imaptest.Options{CA: f.ca, Deadline: 2 * limit})
	if err != nil {
		return nil, "", nil, err
	}
	defer proxy.Close()
	s := &spoiler{hide: op.hide, troubles: list, expunge: func(uid string) error {
		_, err := f.server.Doveadm(context.Background(), "expunge", "-u", user, "mailbox", source, "uid", uid)
		return err
	}}
	u := url.URL{Scheme: "imap+insecure", User: url.User(user), Host: proxy.Addr(), Path: "/"}
	env := []string{"IMAPKNIFE_URL=" + u.String(), "IMAPKNIFE_PASSWORD=" + realserver.Password, "IMAPKNIFE_AUTH=login", "TZ=UTC"}
	if op.known { // without HOME nothing is remembered
		home, err := os.MkdirTemp(f.files, "home")
		if err != nil {
			return nil, "", nil, err
		}
		defer os.RemoveAll(home)
		env = append(env, "HOME="+home)
		if err := f.acquaint(env); err != nil {
			return nil, "", nil, err
		}
		s.before = proxy.Record().Last()
		proxy.Record().Reset()
	}
	wait := patient
	for _, t := range list {
		if t.kind == stall {
			wait = impatient
		}
	}
	cmd := exec.Command(f.program, append(args, "--io-timeout", wait.String())...)
	cmd.Dir, cmd.Env = dir, env
	proxy.SetHook(s.hook)
	o, stdout, err := process(cmd, s)
	if err != nil {
		return nil, "", nil, err
	}
	for _, t := range list {
		if t.kind == late { // even if imapknife did not wait for it
			time.Sleep(imaptest.Lateness)
		}
	}
	proxy.Close()
	o.killed = s.killed
	o.struck, o.wires, o.record = s.struck(), len(s.wires), proxy.Record().String()
	if s.failed != nil {
		return nil, "", nil, s.failed
	}
	if faults := proxy.Record().Faults(); len(faults) > 0 && !o.killed {
		o.odd = append(o.odd, "the client broke IMAP: "+strings.Join(faults, "; "))
	}
	return o, stdout, s, nil
}

// acquaint has imapknife learn what the server offers.
func (f *field) acquaint(env []string) error {
	cmd := exec.Command(f.program, "status")
	cmd.Env = env
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("status: %w: %s", err, text)
	}
	return nil
}

// process runs imapknife to its end, or until the spoiler kills it.
func process(cmd *exec.Cmd, s *spoiler) (o *outcome, out string, err error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	started, ended := make(chan struct{}), make(chan struct{})
	s.onKill(func() {
		<-started
		cmd.Process.Kill()
		<-ended
	})
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	close(started)
	timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	err = cmd.Wait()
	close(ended)
	o = &outcome{}
	if !timer.Stop() {
		o.odd = append(o.odd, fmt.Sprintf("it still ran after %v", limit))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		o.exit, err = exit.ExitCode(), nil
	}
	o.stderr = stderr.String()
	return o, stdout.String(), err
}

// read reads the receipts. Of a killed process, a last line may be cut.
func (o *outcome) read(stdout string) {
	o.rows = map[string]row{}
	for line := range strings.Lines(stdout) {
		var r row
		if o.killed && !strings.HasSuffix(line, "\n") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil || !strings.HasSuffix(line, "\n") {
			o.odd = append(o.odd, fmt.Sprintf("a line of standard output is no row: %q", line))
			continue
		}
		key := strconv.FormatUint(uint64(r.UID), 10)
		if r.Source != "" { // append: the UID is that of the copy
			key, r.DestinationUID = filepath.Base(r.Source), r.UID
		}
		if _, twice := o.rows[key]; twice {
			o.odd = append(o.odd, fmt.Sprintf("two rows about %s", key))
		}
		o.rows[key] = r
	}
	if strings.Contains(o.stderr, "panic") || strings.Contains(o.stderr, "goroutine ") {
		o.odd = append(o.odd, "it crashed: "+o.stderr)
	}
}

// writeFiles writes the messages as files for append.
func writeFiles(dir string) error {
	for _, m := range messages() {
		if err := os.WriteFile(filepath.Join(dir, m.name+".eml"), []byte(m.text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
