package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/imaptest"
	"github.com/imapknife/imapknife/internal/realserver"
)

// held is what a mailbox holds of one message.
type held struct {
	uid   uint32
	flags []string // sorted, without \Recent
	name  string   // of the message that has exactly this text, "" for none
}

// mailboxes is what an account holds, by mailbox and ascending UID.
type mailboxes map[string][]held

// prepare makes an account that holds the messages and the residents.
func prepare(server *realserver.Server, op *operation) (user string, err error) {
	user, password, err := server.NewUser()
	if err != nil {
		return "", err
	}
	w, err := imaptest.NewWitness(server.PlainAddr(), nil, user, password)
	if err != nil {
		return "", err
	}
	defer w.Close()
	all := messages()
	put := func(mailbox string, list []message) error {
		for _, m := range list {
			if err := w.Append(mailbox, "("+strings.Join(m.flags, " ")+")", arrived(), []byte(m.text)); err != nil {
				return err
			}
		}
		return nil
	}
	if op.to != "" {
		err = put(op.to, residents(all))
	}
	if err == nil && !op.files {
		err = put(source, all)
	}
	return user, err
}

// usersFile is where doveadm reads for whom to look, seen by the server.
const usersFile = "tmp/campaign-users"

// look asks Dovecot what the accounts hold.
func look(ctx context.Context, server *realserver.Server, users []string) (map[string]mailboxes, error) {
	if err := os.WriteFile(filepath.Join(server.Dir, usersFile), []byte(strings.Join(users, "\n")+"\n"), 0o644); err != nil {
		return nil, err
	}
	text, err := server.Doveadm(ctx, "-f", "json", "fetch", "-F", "/"+usersFile, "mailbox uid flags text",
		"mailbox", source, "OR", "mailbox", "Archive", "OR", "mailbox", "Trash")
	if err != nil {
		return nil, err
	}
	var rows []struct{ Username, Mailbox, UID, Flags, Text string }
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, fmt.Errorf("doveadm fetch: %w", err)
	}
	names := map[string]string{}
	for _, m := range messages() {
		names[plain(m.text)] = m.name
	}
	out := map[string]mailboxes{}
	for _, r := range rows {
		uid, err := strconv.ParseUint(r.UID, 10, 32)
		if err != nil {
			return nil, err
		}
		if out[r.Username] == nil {
			out[r.Username] = mailboxes{}
		}
		h := held{uid: uint32(uid), flags: sorted(strings.Fields(r.Flags)), name: names[plain(r.Text)]}
		out[r.Username][r.Mailbox] = append(out[r.Username][r.Mailbox], h)
	}
	return out, nil
}

// plain is a text with LF, as doveadm prints it.
func plain(text string) string { return strings.ReplaceAll(text, "\r", "") }

// sorted is a set of flags in a form to compare, without \Recent.
func sorted(flags []string) []string {
	out := slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == `\Recent` })
	slices.Sort(out)
	return out
}
