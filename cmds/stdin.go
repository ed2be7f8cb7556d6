package cmds

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
)

// maxStdinLine is the longest line of a plain list, in octets.
const maxStdinLine = 64 << 10

// row is what a message row on standard input must tell; the rest of it is
// passed over.
type row struct {
	Account     string  `json:"account"`
	Mailbox     *string `json:"mailbox"`
	UIDValidity uint32  `json:"uidvalidity"`
	UID         uint32  `json:"uid"`
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
		return fault.Wrap(fault.Usage, err, "cannot read standard input")
	case first == '[' || first == '{':
		return sel.readJSON(c, in, first == '[')
	}
	return sel.readLines(in)
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
		return fault.Wrap(fault.Usage, err, "cannot read standard input")
	}
	return sel.rowsDone(map[string]*query.SelectionBuilder{sel.boxes[0]: b})
}

func (sel *selection) readJSON(c *connection, in io.Reader, array bool) error {
	d := json.NewDecoder(in)
	if array {
		if _, err := d.Token(); err != nil {
			return badJSON(1, err)
		}
	}
	sets := map[string]*query.SelectionBuilder{}
	for n := 1; ; n++ {
		if array && !d.More() {
			if _, err := d.Token(); err != nil {
				return badJSON(n, err)
			}
			break
		}
		var r row
		if err := d.Decode(&r); errors.Is(err, io.EOF) && !array {
			break
		} else if err != nil {
			return badJSON(n, err)
		}
		if err := sel.addRow(c, sets, r, n); err != nil {
			return err
		}
	}
	return sel.rowsDone(sets)
}

func badJSON(n int, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it ends in the middle")
	}
	return fault.Wrap(fault.Usage, err, "row %d of standard input cannot be read", n)
}

func (sel *selection) addRow(c *connection, sets map[string]*query.SelectionBuilder, r row, n int) error {
	if r.UID == 0 {
		return fault.New(fault.Usage, "row %d of standard input has no uid", n).
			Hint("rows come from search, fetch and the like with --json or --jsonl; keep uid in --fields")
	}
	if r.Account != "" && r.Account != c.cfg.AccountID() {
		return fault.New(fault.Stale, "row %d of standard input is from another account", n)
	}
	box := sel.boxes[0]
	if r.Mailbox != nil {
		box = *r.Mailbox
		if sel.in.flagged("mailbox") && !sel.in.mailboxFromEnv() && !slices.Contains(sel.boxes, box) {
			return fault.New(fault.Usage, "row %d of standard input is from the mailbox %q, not %q", n, box, sel.boxes[0]).
				Hint("leave out --mailbox: rows carry their own")
		}
	}
	if r.UIDValidity != 0 {
		if old, has := sel.validity[box]; has && old != r.UIDValidity {
			return fault.New(fault.Stale, "standard input has rows of %q from UIDVALIDITY %d and %d", box, old, r.UIDValidity)
		}
		sel.validity[box] = r.UIDValidity
	}
	if sets[box] == nil {
		sets[box] = &query.SelectionBuilder{}
	}
	sets[box].Add(r.UID)
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
