//go:build linux

// Plain is the floor that IMAP clients are measured against: it logs in, opens
// a mailbox read-only, sends one command, and reads the answer without looking
// at it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: plain HOST:PORT USER PASSWORD MAILBOX COMMAND")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "plain:", err)
		os.Exit(1)
	}
}

func run(addr, user, password, mailbox, command string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	buf := make([]byte, 64<<10)
	if _, err := conn.Read(buf); err != nil { // the greeting
		return err
	}
	for i, line := range []string{"LOGIN " + user + " " + password, "EXAMINE " + mailbox, command} {
		tag := fmt.Sprintf("plain%d ", i)
		if _, err := fmt.Fprintf(conn, "%s%s\r\n", tag, line); err != nil {
			return err
		}
		if err := answer(conn, buf, tag); err != nil {
			return err
		}
	}
	return nil
}

// answer reads up to the tagged response, which is the end of what the server
// sends: only the end of each read is looked at.
func answer(conn net.Conn, buf []byte, tag string) error {
	const tail = 512
	kept := 0
	for {
		n, err := conn.Read(buf[kept:])
		if err != nil {
			return err
		}
		n += kept
		end := buf[max(0, n-tail):n]
		if at := bytes.LastIndex(end, []byte(tag)); at >= 0 && bytes.HasSuffix(end, []byte("\r\n")) && (at == 0 || end[at-1] == '\n') {
			line := strings.TrimSpace(string(end[at:]))
			if !strings.HasPrefix(line, tag+"OK") {
				return errors.New(line)
			}
			return nil
		}
		kept = copy(buf, end)
	}
}
