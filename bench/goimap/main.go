//go:build linux

// Goimap does with go-imap's client what imapknife is measured at: it prints
// the envelope, flags, internal date and size of every message as JSON Lines,
// or the UIDs of every message.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: goimap envelopes|search HOST:PORT USER PASSWORD")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "goimap:", err)
		os.Exit(1)
	}
}

type row struct {
	UID          imap.UID       `json:"uid"`
	Flags        []imap.Flag    `json:"flags"`
	InternalDate time.Time      `json:"internal_date"`
	Size         int64          `json:"size"`
	Envelope     *imap.Envelope `json:"envelope"`
}

func run(task, addr, user, password string) error {
	client, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Login(user, password).Wait(); err != nil {
		return err
	}
	if _, err := client.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	if task == "search" {
		err = search(client, out)
	} else {
		err = envelopes(client, json.NewEncoder(out))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

func envelopes(client *imapclient.Client, out *json.Encoder) error {
	var all imap.UIDSet
	all.AddRange(1, 0) // 1:*
	cmd := client.Fetch(all, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true})
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		m, err := msg.Collect()
		if err != nil {
			return err
		}
		if err := out.Encode(row{m.UID, m.Flags, m.InternalDate, m.RFC822Size, m.Envelope}); err != nil {
			return err
		}
	}
	return cmd.Close()
}

func search(client *imapclient.Client, out *bufio.Writer) error {
	found, err := client.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
	if err != nil {
		return err
	}
	for _, uid := range found.AllUIDs() {
		fmt.Fprintln(out, uid)
	}
	return nil
}
