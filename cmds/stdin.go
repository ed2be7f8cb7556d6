package cmds

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// maxStdinLine is the longest line of a plain list, in octets.
const maxStdinLine = 64 << 10

// row is what a message row on standard input must tell; the rest of it is
// passed over.
type row struct {
	Account     string             `json:"account"`
	Mailbox     *string            `json:"mailbox"`
	UIDValidity result.UIDValidity `json:"uidvalidity"`
	UID         uint32             `json:"uid"`
}

// readRows reads the messages that standard input names: one UID or range a
// line, or message rows as JSON or JSON Lines. Rows of another account or of
// an older UIDVALIDITY are errors before anything is sent.
func (sel *selection) readRows(c *connection) error {
	sel.given = true
	in := bufio.NewReader(sel.in.p.stdin())
	first, err := firstByte(in)
	switch {
	case errors.Is(err, io.EOF):
		return sel.rowsDone(map[string]*query.SelectionBuilder{})
	case err != nil:
		return unreadStdin(err)
	case first == '[' || first == '{':
		return sel.readJSON(c, in)
	}
	return sel.readLines(in)
}

// unreadStdin returns the error of a standard input that cannot be read: a line
// that is too long is no list of messages, and the rest is this machine's fault.
func unreadStdin(err error) error {
	kind := fault.Local
	if errors.Is(err, bufio.ErrTooLong) {
		kind = fault.Usage
	}
	return fault.Wrap(kind, err, "cannot read standard input")
}

// firstByte peeks at the first octet that is no blank.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.Peek(1)
		if err != nil {
			return 0, err
		}
		if bytes.IndexByte([]byte(" \t\r\n"), b[0]) < 0 {
			return b[0], nil
		}
		in.Discard(1)
	}
}

func (sel *selection) readLines(in *bufio.Reader) error {
	if len(sel.boxes) > 1 || sel.all {
		return fault.New(fault.Usage, "a plain list of UIDs goes with one mailbox").Hint("use rows: search --json tells the mailbox of each")
	}
	b := &query.SelectionBuilder{}
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxStdinLine)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSuffix(scan.Text(), "\r")
		if line == "" {
			continue
		}
		if err := b.Parse(line); err != nil {
			return fault.Wrap(fault.Usage, err, "line %d of standard input", n).
				Hint("one UID or range a line, or rows as --json or --jsonl print them")
		}
	}
	if err := scan.Err(); err != nil {
		return unreadStdin(err)
	}
	return sel.rowsDone(map[string]*query.SelectionBuilder{sel.boxes[0]: b})
}

// readJSON reads JSON documents one after the other: arrays of rows, and rows.
func (sel *selection) readJSON(c *connection, in io.Reader) error {
	d := json.NewDecoder(in)
	sets := map[string]*query.SelectionBuilder{}
	array := false
	for n := 1; ; {
		switch next := nextByte(d); {
		case !array && next == '[', array && next == ']':
			if _, err := d.Token(); err != nil {
				return badJSON(n, err)
			}
			array = !array
			continue
		case !array && next != 0 && next != '{':
			return badRow(n, "cannot be read: it begins with %q", next)
		}
		var r row
		if err := d.Decode(&r); errors.Is(err, io.EOF) && !array {
			return sel.rowsDone(sets)
		} else if err != nil {
			return badJSON(n, err)
		}
		if err := sel.addRow(c, sets, r, n); err != nil {
			return err
		}
		n++
	}
}

// nextByte is the octet that the next JSON value begins with, 0 at the end.
func nextByte(d *json.Decoder) byte {
	d.More() // reads up to it
	first, _ := firstByte(bufio.NewReader(d.Buffered()))
	return first
}

// badRow is an error about a row of standard input.
func badRow(n int, format string, args ...any) *fault.Error {
	return fault.New(fault.Usage, "row %d of standard input "+format, append([]any{n}, args...)...).
		Hint("rows come from search, fetch and the like with --json or --jsonl; keep uid in --fields")
}

func badJSON(n int, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return unreadStdin(err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return badRow(n, "cannot be read: it ends in the middle")
	}
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		e := badRow(n, "cannot be read")
		e.Err = err
		return e
	}
	value, _, _ := strings.Cut(wrong.Value, " ") // a number stands behind its type
	switch wrong.Field {
	case "":
		return badRow(n, "is no object: %s", value)
	case "uidvalidity":
		return badRow(n, "has a wrong uidvalidity: %s in place of a number", value)
	case "account", "mailbox":
		return badRow(n, "has a wrong %s: %s in place of a string", wrong.Field, value)
	}
	return badRow(n, "has a wrong %s: %s in place of a number from 1 to %d", wrong.Field, wrong.Value, uint32(query.MaxUID))
}

func (sel *selection) addRow(c *connection, sets map[string]*query.SelectionBuilder, r row, n int) error {
	if r.UID == 0 {
		return badRow(n, "has no uid")
	}
	if r.Account != "" && r.Account != c.cfg.AccountID() {
		return fault.New(fault.Stale, "row %d of standard input is from another account", n).
			Hint("name the account that the rows are from, or search again")
	}
	box := sel.boxes[0]
	if r.Mailbox != nil {
		box = foldInbox(*r.Mailbox)
		if err := checkName(box); err != nil {
			return fault.Wrap(fault.Usage, err, "row %d of standard input", n).Hint("leave mailbox out, or let it be as search tells it")
		}
		if sel.in.flagged("mailbox") && !sel.in.mailboxFromEnv() && !slices.Contains(sel.boxes, box) {
			if !slices.ContainsFunc(sel.boxes, isSpecialUse) {
				return fault.New(fault.Usage, "row %d of standard input is from the mailbox %q, not %q", n, box, sel.boxes[0]).Hint(ownMailbox)
			}
			sel.within = sel.boxes // what the server calls them is not known yet
		}
	}
	if r.UIDValidity.Usable() {
		if old, has := sel.validity[box]; has && old != r.UIDValidity {
			return fault.New(fault.Stale, "standard input has rows of %q from UIDVALIDITY %s and %s", box, old, r.UIDValidity)
		}
		sel.validity[box] = r.UIDValidity
	} else {
		sel.unpinned[box] = fmt.Sprintf("row %d of standard input carries", n)
	}
	if sets[box] == nil {
		sets[box] = &query.SelectionBuilder{}
	}
	sets[box].Add(r.UID)
	return nil
}

const ownMailbox = "leave out --mailbox: rows carry their own"

// checkWithin compares the mailboxes of rows with --mailbox, where that names
// one by its use.
func (sel *selection) checkWithin(ctx context.Context, s *session.Session, names []string) error {
	if sel.within == nil {
		return nil
	}
	within, err := resolveNames(ctx, s, sel.within)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(within, name) {
			return fault.New(fault.Usage, "standard input has rows from the mailbox %q, not %q", name, within[0]).Hint(ownMailbox)
		}
	}
	return nil
}

// rowsDone makes the selection of what was read. Nothing read is nothing
// selected, never everything.
func (sel *selection) rowsDone(sets map[string]*query.SelectionBuilder) error {
	sel.boxes, sel.all = nil, false
	for box, b := range sets {
		if s := b.Selection(); !s.Set().Empty() {
			sel.boxes = append(sel.boxes, box)
			sel.sets[box] = s
		}
	}
	slices.Sort(sel.boxes)
	return nil
}
