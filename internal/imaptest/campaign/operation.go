package campaign

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// source is the mailbox that the messages are in.
const source = "INBOX"

// operation is a command line that changes mail, and what it is to do.
type operation struct {
	name    string
	verb    []string // in front of what it is about
	rest    []string // behind it
	hide    []string // capabilities that the server is not to have
	to      string   // the mailbox that gets copies, "" for none
	removes bool     // from the source
	adds    []string // flags
	files   bool     // the messages are files, and in no mailbox yet
	known   bool     // imapknife remembers what the server offers from an earlier run
}

// operations are what the campaign is about.
func operations() []operation {
	yes := []string{"--yes"}
	return []operation{
		{name: "copy", verb: []string{"copy"}, rest: []string{"Archive"}, to: "Archive"},
		{name: "move", verb: []string{"move"}, rest: []string{"Archive"}, to: "Archive", removes: true},
		{name: "move-known", verb: []string{"move"}, rest: []string{"Archive"}, to: "Archive", removes: true, known: true},
		{name: "move-without-MOVE", verb: []string{"move"}, rest: []string{"Archive"}, to: "Archive", removes: true, hide: []string{"MOVE"}},
		{name: "move-without-UIDPLUS", verb: []string{"move"}, rest: []string{"Archive"}, to: "Archive", removes: true, hide: []string{"MOVE", "UIDPLUS"}},
		{name: "delete", verb: []string{"delete"}, rest: yes, to: "Trash", removes: true},
		{name: "delete-expunge", verb: []string{"delete", "--expunge"}, rest: yes, removes: true},
		{name: "store", verb: []string{"store"}, rest: []string{"--add", "flagged,foo"}, adds: []string{`\Flagged`, "foo"}},
		{name: "append", verb: []string{"append", "-m", "Archive"}, to: "Archive", files: true},
		{name: "append-one-by-one", verb: []string{"append", "-m", "Archive"}, to: "Archive", files: true, hide: []string{"MULTIAPPEND", "LITERAL+"}},
	}
}

// uidplus reports whether messages can be removed without the rest of what is
// flagged.
func (o *operation) uidplus() bool { return !slices.Contains(o.hide, "UIDPLUS") }

// args is the command line about some messages.
func (o *operation) args(about []message) []string {
	keys := make([]string, len(about))
	for i, m := range about {
		keys[i] = m.key
	}
	if !o.files {
		keys = []string{strings.Join(keys, ",")}
	}
	return slices.Concat(o.verb, []string{"--jsonl"}, keys, o.rest)
}

// message is one that the campaign puts somewhere.
type message struct {
	name  string
	key   string // what receipts call it: its UID, or its file
	named bool   // on the command line
	flags []string
	text  string // with CRLF
}

// arrived is every message's INTERNALDATE, so that it tells none from another.
func arrived() time.Time { return time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC) }

// messages are what is in the source, by ascending UID from 1. Two differ in
// nothing that a client can see without reading them, and one is flagged by
// somebody else for removal.
func messages() []message {
	out := []message{
		{name: "one", named: true},
		{name: "two", named: true, flags: []string{`\Seen`, "blue"}},
		{name: "bare-named", named: true},
		{name: "bare-other"},
		{name: "doomed", flags: []string{`\Deleted`}},
		{name: "six", named: true, flags: []string{`\Answered`}},
		{name: "last"},
	}
	for i := range out {
		m := &out[i]
		m.key = fmt.Sprint(i + 1)
		head := "Message-ID: <" + m.name + "@campaign.example>\r\n"
		if strings.HasPrefix(m.name, "bare") {
			head = ""
		}
		m.text = fmt.Sprintf("From: a@campaign.example\r\nSubject: %s\r\n%s\r\n%s\r\n", m.name, head, strings.Repeat("body of "+m.name+"\r\n", i+1))
	}
	twin := &out[3] // as long as the one before it
	twin.text = strings.ReplaceAll(out[2].text, "bare-named", "bare-other")
	return out
}

// about is what the command line names.
func about(op *operation) []message {
	out := slices.DeleteFunc(messages(), func(m message) bool { return !m.named })
	for i := range out {
		if op.files {
			out[i].key = out[i].name + ".eml"
		}
	}
	return out
}

// residents are in the mailbox that copies come to before anything comes: they
// are like messages that are named.
func residents(all []message) []message { return []message{all[0], all[2]} }
