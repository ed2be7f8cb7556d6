//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mailOwner is the user and group id of Dovecot's mail.
const mailOwner = 5000

// mailer writes messages into a Maildir, the same ones each time.
type mailer struct {
	rnd *rand.Rand
	dir string
	n   int
	buf bytes.Buffer
}

// newMailer makes the Maildir; Dovecot indexes it when it is opened.
func newMailer(dir string) (*mailer, error) {
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	return &mailer{rnd: rand.New(rand.NewPCG(2026, 11)), dir: dir}, nil
}

// write adds the message in buf, received at a time that grows with the UID.
func (m *mailer) write(seen bool) error {
	m.n++
	at := m.received()
	flags := ""
	if seen {
		flags = "S"
	}
	octets := m.buf.Len()
	name := filepath.Join(m.dir, "cur", fmt.Sprintf("%d.M%dP1.bench,S=%d,W=%d:2,%s", at.Unix(), m.n, octets, octets, flags))
	if err := os.WriteFile(name, m.buf.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Chtimes(name, at, at)
}

// done gives everything below home to Dovecot.
func (m *mailer) done(home string) error {
	return filepath.WalkDir(home, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, mailOwner, mailOwner)
	})
}

func (m *mailer) received() time.Time {
	return time.Date(2024, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(m.n) * 7 * time.Minute)
}

var people = []string{
	"Alice Andersson <alice@example.org>", `"Brown, Bob" <bob.brown@example.com>`, "carol@example.net",
	"=?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <j.mueller@example.de>", "=?iso-8859-1?Q?Ren=E9e?= Dupont <renee@example.fr>",
	"=?utf-8?b?5bGx55Sw5aSq6YOO?= <taro@example.jp>", "CI <ci@build.example.org>", "\"The Newsletter\" <news@lists.example.com>",
}

var words = strings.Fields(`the release of a build report and some notes on how our tests failed last night with an error
in the network layer while everybody was asleep please look at it when you have time because customers are waiting for an
answer about invoice number shipping date address changes meeting agenda minutes budget draft review comments`)

func (m *mailer) text(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = words[m.rnd.IntN(len(words))]
	}
	return strings.Join(out, " ")
}

func (m *mailer) subject() string {
	s := m.text(3 + m.rnd.IntN(6))
	switch m.rnd.IntN(10) {
	case 0:
		return "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte("Größe: "+s[:min(len(s), 30)])) + "?="
	case 1:
		return "=?UTF-8?Q?Pr=C3=BCfung:_" + strings.ReplaceAll(s[:min(len(s), 40)], " ", "_") + "?=\r\n =?UTF-8?Q?_=E2=80=93_fertig?="
	case 2, 3:
		return "Re: " + s
	}
	return s
}

func (m *mailer) person() string { return people[m.rnd.IntN(len(people))] }

func (m *mailer) id(n int) string {
	return fmt.Sprintf("<%08x.%d@mail.example.org>", uint64(n)*2654435761, n)
}

// small writes an everyday message of 1 to 2 KB into buf.
func (m *mailer) small() {
	m.buf.Reset()
	line := func(format string, args ...any) { fmt.Fprintf(&m.buf, format+"\r\n", args...) }
	at := m.received().Add(-3 * time.Second).Format(time.RFC1123Z)
	n := m.n + 1
	line("Return-Path: <bounce-%d@lists.example.com>", n)
	line("Delivered-To: me@example.org")
	for hop := range 2 + m.rnd.IntN(3) {
		line("Received: from mx%d.example.com (mx%d.example.com [192.0.2.%d])\r\n\tby in%d.example.org (Postfix) with ESMTPS id %09X\r\n\tfor <me@example.org>; %s",
			hop, hop, 1+m.rnd.IntN(250), hop, m.rnd.Uint32(), at)
	}
	line("Date: %s", at)
	line("From: %s", m.person())
	to := []string{"me@example.org"}
	for range m.rnd.IntN(3) {
		to = append(to, m.person())
	}
	line("To: %s", strings.Join(to, ",\r\n "))
	if m.rnd.IntN(4) == 0 {
		line("Cc: %s", m.person())
	}
	line("Subject: %s", m.subject())
	line("Message-ID: %s", m.id(n))
	if parents := m.rnd.IntN(4); parents > 0 && n > 10 && m.rnd.IntN(2) == 0 {
		var refs []string
		for i := parents; i > 0; i-- {
			refs = append(refs, m.id(n-i))
		}
		line("In-Reply-To: %s", refs[len(refs)-1])
		line("References: %s", strings.Join(refs, "\r\n "))
	}
	line("MIME-Version: 1.0")
	line("Content-Type: text/plain; charset=utf-8")
	line("X-Mailer: Example Mailer 16.0")
	line("")
	for range 4 + m.rnd.IntN(8) {
		line("%s", m.text(10))
	}
}

// large writes a message of at least n octets, an attachment in base64, into buf.
func (m *mailer) large(n int) {
	m.small()
	head, _, _ := bytes.Cut(bytes.Clone(m.buf.Bytes()), []byte("MIME-Version:"))
	m.buf.Reset()
	m.buf.Write(head)
	m.buf.WriteString("MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=large.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	raw := make([]byte, 57)
	for m.buf.Len() < n {
		for i := range raw {
			raw[i] = byte(m.rnd.Uint32())
		}
		m.buf.WriteString(base64.StdEncoding.EncodeToString(raw) + "\r\n")
	}
}
