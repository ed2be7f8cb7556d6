//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/realserver"
)

// roundTrip is that of the slow link.
const roundTrip = 100 * time.Millisecond

// shortest is how many times more often the shortest commands run.
const shortest = 3

// fetchItems is what imapknife asks for with --envelope --flags --size
// --internal-date.
const fetchItems = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC MESSAGE-ID IN-REPLY-TO REFERENCES)])"

// start measures what every command pays before it does anything.
func (b *bench) start() error {
	clients := []*client{
		{name: "imapknife version", argv: []string{b.program("imapknife"), "version"}},
		{name: "curl --version", argv: []string{"curl", "--version"}},
		{name: "python3 -c 'import imaplib, ssl'", argv: []string{"python3", "-c", "import imaplib, ssl"}},
	}
	b.compare(shortest*b.runs, clients)
	b.report.table(&table{
		title:   "Starting",
		intro:   fmt.Sprintf("A process that only starts and says its version. The binary of imapknife has %s.", size(b.program("imapknife"))),
		clients: clients, columns: []column{wallColumn, cpuColumn, peakColumn},
	})
	return nil
}

// unread makes the INBOX for the short searches: some unread messages among
// many.
func (b *bench) unread() (user string, unseen []int, err error) {
	user, err = b.mailbox(func(m *mailer) error {
		for range 2000 {
			m.small()
			if m.n%97 == 0 {
				unseen = append(unseen, m.n+1)
			}
			if err := m.write(m.n%97 != 0); err != nil {
				return err
			}
		}
		return nil
	})
	return user, unseen, err
}

// searchers are the clients that print the UIDs of unread messages over TLS,
// trusting the authorities in caFile.
func (b *bench) searchers(host, user string, unseen []int, caFile string) []*client {
	port := strconv.Itoa(b.server.TLSPort)
	check := sameNumbers(unseen)
	ours := []string{b.program("imapknife"), "search", "UNSEEN", "--url", "imaps://" + user + "@" + net.JoinHostPort(host, port) + "/",
		"--ca-file", caFile, "--server-name", "localhost"}
	return []*client{
		{name: "imapknife, server met for the first time", argv: ours, env: b.environ("cold"), check: check, before: b.forget},
		{name: "imapknife", argv: ours, env: b.environ("warm"), check: check},
		{name: "curl -X 'UID SEARCH UNSEEN'", argv: []string{"curl", "-s", "-S", "--cacert", caFile,
			"--connect-to", "localhost:" + port + ":" + net.JoinHostPort(host, port), "-u", user + ":" + realserver.Password,
			"imaps://localhost:" + port + "/INBOX", "-X", "UID SEARCH UNSEEN"}, check: check},
		{name: "imapfilter", argv: []string{"imapfilter", "-t", caFile, "-c", "bench/imapfilter.lua"}, check: check,
			env: []string{"HOME=" + b.tmp, "BENCH_HOST=" + host, "BENCH_PORT=" + port, "BENCH_USER=" + user, "BENCH_PASSWORD=" + realserver.Password}},
		{name: "Python imaplib", argv: []string{"python3", "bench/imaplib_client.py", "search", host, port, user, realserver.Password, caFile, "UNSEEN"}, check: check},
	}
}

// far is a one-shot search behind a slow link.
func (b *bench) far() error {
	if b.link == nil {
		return nil
	}
	user, unseen, err := b.unread()
	if err != nil {
		return err
	}
	clients := b.searchers(serverEnd, user, unseen, b.server.CAFile)
	trips := map[string][]float64{}
	far := b.meter
	far.run = func(cmd *exec.Cmd) error {
		b.link.trips.reset()
		return b.link.run(cmd)
	}
	far.ran = func(c *client) { trips[c.name] = append(trips[c.name], b.link.trips.count()) }
	b.link.roundTrip(roundTrip)
	defer b.link.roundTrip(0)
	took, err := b.link.connectTime(b.server.TLSPort)
	if err != nil {
		return err
	}
	far.compare(b.long, clients)
	b.report.table(&table{
		title: "One search, 100 ms away",
		intro: fmt.Sprintf("`imapknife search UNSEEN` over TLS 1.3 on a link whose round trip is 100 ms (a TCP handshake took %.0f ms). Round trips\n"+
			"are counted on the link: how often the client heard something that it had waited for, TCP's handshake included.", took.Seconds()*1000),
		clients: clients,
		columns: []column{{"round trips", func(c, _ *client) string { return fmt.Sprint(median(trips[c.name])) }}, wallColumn, againstColumn},
	})
	for _, c := range clients[:2] {
		b.report.target("round trips of a search over TLS 1.3: "+c.name, "≤ 4", median(trips[c.name]), 4, "%.0f")
	}
	return nil
}

// near is the same search on loopback.
func (b *bench) near() error {
	user, unseen, err := b.unread()
	if err != nil {
		return err
	}
	clients := b.searchers("127.0.0.1", user, unseen, b.server.CAFile)
	many, err := b.authorities()
	if err != nil {
		return err
	}
	for _, c := range b.searchers("127.0.0.1", user, unseen, many)[1:3] {
		if at := slices.Index(c.argv, "--ca-file"); at >= 0 {
			c.argv = slices.Delete(c.argv, at, at+2)
			c.env = append(c.env, "SSL_CERT_FILE="+many) // the system's, in the way that Go finds them
		}
		c.name += ", trusting the system's authorities"
		clients = append(clients, c)
	}
	b.compare(shortest*b.runs, clients)
	b.report.table(&table{
		title: "One search on loopback",
		intro: "The same search where the network costs nothing: what the programs themselves cost. Each client is given the server's own\n" +
			"authority; in the last two rows the system's authorities as well, as it is with servers elsewhere.",
		clients: clients, columns: []column{wallColumn, againstColumn, cpuColumn, peakColumn},
	})
	for i := 1; i < len(clients); i += 4 { // with one authority, and with many
		ours, curl := clients[i], clients[i+1]
		b.report.target("a search on loopback, time against curl: "+ours.name, "≤ 1.0", ratio(ours, curl, wall), 1, "%.2f")
		b.report.target("a search on loopback, peak memory in MB: "+ours.name, "< 20", ours.median(peak), 20, "%.1f")
	}
	return nil
}

const systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

// authorities makes a file of the server's authority and the system's.
func (b *bench) authorities() (string, error) {
	var all []byte
	for _, name := range []string{systemAuthorities, b.server.CAFile} {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		all = append(all, text...)
	}
	name := filepath.Join(b.tmp, "authorities.pem")
	return name, os.WriteFile(name, all, 0o644)
}

// envelopes reads what is known of every message of a large mailbox.
func (b *bench) envelopes() error {
	user, err := b.mailbox(func(m *mailer) error {
		for range b.messages {
			m.small()
			if err := m.write(m.rnd.IntN(20) != 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	check := lines(b.messages)
	port := strconv.Itoa(b.server.PlainPort)
	clients := []*client{
		{name: "plain socket, nothing decoded", argv: []string{b.program("plain"), b.server.PlainAddr(), user, realserver.Password, "INBOX", "UID FETCH 1:* " + fetchItems}},
		{name: "imapknife", argv: b.ours(user, "fetch", "1:*", "--envelope", "--flags", "--size", "--internal-date", "--jsonl"), env: b.environ("warm"), check: check},
		{name: "go-imap v2 client, ENVELOPE", argv: []string{b.program("goimap"), "envelopes", b.server.PlainAddr(), user, realserver.Password}, check: check},
		{name: "Python imaplib and email", argv: []string{"python3", "bench/imaplib_client.py", "envelopes", "127.0.0.1", port, user, realserver.Password, ""}, check: check},
	}
	b.compare(b.long, clients)
	b.report.table(&table{
		title: fmt.Sprintf("Envelopes of %s messages", thousands(b.messages)),
		intro: "`imapknife fetch 1:* --envelope --flags --size --internal-date --jsonl`, on loopback in clear text, with Dovecot's cache warm:\n" +
			"UID, flags, internal date, size and the header fields of the envelope, decoded, as JSON Lines into /dev/null. The plain socket\n" +
			"sends the same FETCH and throws the answer away.",
		clients: clients, base: clients[0], columns: []column{wallColumn, baseColumn, cpuColumn, peakColumn},
	})
	b.report.target("envelopes of a large mailbox, time against a plain socket", "≤ 2", ratio(clients[1], clients[0], wall), 2, "%.2f")
	b.report.target("envelopes of a large mailbox, peak memory in MB", "< 40", clients[1].median(peak), 40, "%.1f")
	return nil
}

// raw reads one large message.
func (b *bench) raw() error {
	octets := 0
	user, err := b.mailbox(func(m *mailer) error {
		m.large(b.octets)
		octets = m.buf.Len()
		return m.write(true)
	})
	if err != nil {
		return err
	}
	check := length(octets)
	port := strconv.Itoa(b.server.PlainPort)
	clients := []*client{
		{name: "plain socket, nothing written", argv: []string{b.program("plain"), b.server.PlainAddr(), user, realserver.Password, "INBOX", "UID FETCH 1 (BODY.PEEK[])"}},
		{name: "imapknife", argv: b.ours(user, "fetch", "1", "--raw"), env: b.environ("warm"), check: check},
		{name: "curl", argv: []string{"curl", "-s", "-S", "-u", user + ":" + realserver.Password, "imap://127.0.0.1:" + port + "/INBOX;UID=1"}, check: check},
		{name: "Python imaplib", argv: []string{"python3", "bench/imaplib_client.py", "raw", "127.0.0.1", port, user, realserver.Password, "", "1"}, check: check},
	}
	b.compare(b.runs, clients)
	b.report.table(&table{
		title:   fmt.Sprintf("A message of %d MB", octets/1e6),
		intro:   "`imapknife fetch 1 --raw >/dev/null`, on loopback in clear text.",
		clients: clients, base: clients[0], columns: []column{wallColumn, baseColumn, cpuColumn, peakColumn},
	})
	b.report.target("a message of 100 MB, time against a plain socket", "≤ 1.3", ratio(clients[1], clients[0], wall), 1.3, "%.2f")
	b.report.target("a message of 100 MB, peak memory in MB", "< 40", clients[1].median(peak), 40, "%.1f")
	return nil
}

// numbers has a scripted server answer a search with very many UIDs, every
// second one, so that no two make a range.
func (b *bench) numbers() error {
	up := make([]int, b.uids)
	for i := range up {
		up[i] = 2 * (i + 1)
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	var clients []*client
	for _, form := range []struct {
		name, capability, answer, separator string
		uids                                []int
	}{
		{"ascending", "-ESEARCH", "SEARCH ", " ", up},
		{"descending", "-ESEARCH", "SEARCH ", " ", down},
		{"ESEARCH", "+ESEARCH", `ESEARCH (TAG "$tag") UID ALL `, ",", up},
	} {
		script := "CAPABILITY " + form.capability + "\nON UID SEARCH\nS: * " + form.answer + join(form.uids, form.separator) + "\nS: $tag OK done\n"
		server, err := imaptest.Start(script, imaptest.Options{Deadline: timeout})
		if err != nil {
			return err
		}
		defer server.Close()
		host, port, err := net.SplitHostPort(server.Addr())
		if err != nil {
			return err
		}
		check := sameNumbers(up)
		clients = append(clients,
			&client{name: "plain socket, " + form.name, argv: []string{b.program("plain"), server.Addr(), "u", "p", "INBOX", "UID SEARCH ALL"}},
			&client{name: "imapknife, " + form.name, env: b.environ("numbers"), check: check,
				argv: []string{b.program("imapknife"), "search", "ALL", "--url", "imap+insecure://u@" + server.Addr() + "/"}})
		if form.name == "ascending" {
			clients = append(clients,
				&client{name: "go-imap v2 client, ascending", argv: []string{b.program("goimap"), "search", server.Addr(), "u", "p"}, check: check},
				&client{name: "curl", argv: []string{"curl", "-s", "-S", "-u", "u:p", "imap://" + server.Addr() + "/INBOX", "-X", "UID SEARCH ALL"}, check: check},
				&client{name: "Python imaplib", argv: []string{"python3", "bench/imaplib_client.py", "search", host, port, "u", "p", "", "ALL"}, check: check})
		}
	}
	b.compare(b.long, clients)
	b.report.table(&table{
		title:   fmt.Sprintf("A search that finds %s messages", thousands(b.uids)),
		intro:   "`imapknife search ALL >/dev/null` where every second UID is there, so that no two make a range. The server is scripted.",
		clients: clients, columns: []column{wallColumn, cpuColumn, peakColumn},
	})
	return nil
}

func join(numbers []int, separator string) string {
	var out []byte
	for i, n := range numbers {
		if i > 0 {
			out = append(out, separator...)
		}
		out = strconv.AppendInt(out, int64(n), 10)
	}
	return string(out)
}

// ours is imapknife's command line on loopback in clear text.
func (b *bench) ours(user string, args ...string) []string {
	return append([]string{b.program("imapknife"), "--url", "imap+insecure://" + user + "@" + b.server.PlainAddr() + "/"}, args...)
}

func (b *bench) program(name string) string { return filepath.Join(b.bin, name) }

// environ is imapknife's environment with a memory of servers of the name.
func (b *bench) environ(memory string) []string {
	return []string{"IMAPKNIFE_PASSWORD=" + realserver.Password, "XDG_CACHE_HOME=" + filepath.Join(b.tmp, memory), "XDG_CONFIG_HOME=" + b.tmp, "IMAPKNIFE_AUTH=login"}
}

// forget makes the next server one that is met for the first time.
func (b *bench) forget() error {
	err := os.RemoveAll(filepath.Join(b.tmp, "cold"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sameNumbers judges an output by the numbers in it.
func sameNumbers(want []int) func(io.Reader) error {
	return func(r io.Reader) error {
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		var got []int
		for _, word := range regexp.MustCompile(`[0-9]+`).FindAll(text, -1) {
			n, err := strconv.Atoi(string(word))
			if err != nil {
				return err
			}
			got = append(got, n)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			return fmt.Errorf("it prints %.200q, not the %d UIDs", text, len(want))
		}
		return nil
	}
}

// lines judges an output by the number of its lines.
func lines(want int) func(io.Reader) error {
	return func(r io.Reader) error {
		n := 0
		in := bufio.NewScanner(r)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			n++
		}
		if err := in.Err(); err != nil {
			return err
		}
		if n != want {
			return fmt.Errorf("it prints %d lines, not %d", n, want)
		}
		return nil
	}
}

// length judges an output by its length in octets.
func length(want int) func(io.Reader) error {
	return func(r io.Reader) error {
		n, err := io.Copy(io.Discard, r)
		if err == nil && n != int64(want) {
			err = fmt.Errorf("it prints %d octets, not %d", n, want)
		}
		return err
	}
}

func size(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.1f MB", float64(info.Size())/1e6)
}
