//go:build linux

// Bench measures imapknife side by side with other clients, on a Dovecot of
// its own, and writes the tables of docs/performance.md. bench/run builds and
// starts it, in a network namespace of its own.
//
// It compares whole processes, in turn, in one run, and quotes medians and
// ratios: it never judges by a clock alone.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/realserver"
)

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "folder for everything that is written, with the programs in bin")
	flag.StringVar(&o.only, "only", "", "cases to run, separated by commas: "+strings.Join(caseNames(), " "))
	flag.StringVar(&o.out, "o", "docs/performance.md", "file to write; with -only it is standard output")
	flag.IntVar(&o.runs, "runs", 11, "counted runs of each short command")
	flag.IntVar(&o.long, "long", 5, "counted runs of each long command")
	flag.IntVar(&o.messages, "messages", 100_000, "messages of the large mailbox")
	flag.IntVar(&o.octets, "octets", 100_000_000, "size of the large message")
	flag.IntVar(&o.uids, "uids", 1_000_000, "UIDs in the long answer to a search")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	dir, only, out         string
	runs, long             int
	messages, octets, uids int
}

// bench is what the cases share.
type bench struct {
	options
	meter
	server *realserver.Server
	link   *link // nil when there is none
	report report
}

// cases in the order of the report.
var cases = []struct {
	name string
	run  func(*bench) error
}{
	{"start", (*bench).start},
	{"far", (*bench).far},
	{"near", (*bench).near},
	{"envelopes", (*bench).envelopes},
	{"raw", (*bench).raw},
	{"numbers", (*bench).numbers},
}

func caseNames() []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

func run(ctx context.Context, o *options) error {
	if o.dir == "" {
		return fmt.Errorf("start it with bench/run")
	}
	var only []string
	if o.only != "" {
		only = strings.Split(o.only, ",")
	}
	for _, name := range only {
		if !slices.Contains(caseNames(), name) {
			return fmt.Errorf("no case is called %q", name)
		}
	}
	b := &bench{options: *o, meter: meter{bin: filepath.Join(o.dir, "bin"), tmp: o.dir, run: (*exec.Cmd).Run}}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer b.server.Stop()
	for _, c := range cases {
		if only != nil && !slices.Contains(only, c.name) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", c.name)
		if err := c.run(b); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var text bytes.Buffer
	b.write(&text)
	if only != nil {
		_, err := os.Stdout.Write(text.Bytes())
		return err
	}
	return os.WriteFile(o.out, text.Bytes(), 0o644)
}

// prepare makes the network and starts the server.
func (b *bench) prepare(ctx context.Context) error {
	if err := ip("link set lo up"); err != nil {
		return err
	}
	extra := ""
	var err error
	if b.link, err = newLink(); err != nil {
		b.report.leftOut = append(b.report.leftOut, "the case behind a slow link: "+err.Error())
	} else {
		extra = "listen = 127.0.0.1, " + serverEnd + "\n"
	}
	dir := filepath.Join(b.dir, "dovecot")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(b.dir, 0o755); err != nil { // Dovecot's users pass through it
		return err
	}
	b.server, err = realserver.Start(ctx, "dovecot", dir, realserver.Options{Extra: extra})
	return err
}

// mailbox makes a user whose INBOX fill writes.
func (b *bench) mailbox(fill func(*mailer) error) (user string, err error) {
	user, _, err = b.server.NewUser()
	if err != nil {
		return "", err
	}
	home := filepath.Join(b.server.Dir, "var/mail", user)
	m, err := newMailer(filepath.Join(home, "mail"))
	if err != nil {
		return "", err
	}
	if err := fill(m); err != nil {
		return "", err
	}
	return user, m.done(home)
}
