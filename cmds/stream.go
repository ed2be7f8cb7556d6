package cmds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// runFetchStream writes a part of one message to standard output as it is.
func runFetchStream(ctx context.Context, c *connection, o fetchOptions) error {
	s, done, err := c.open(ctx, nil)
	if err != nil {
		return err
	}
	defer done()
	var missing fetch.Missing
	one, passed := o.sel.one(ctx, s, &missing)
	if passed != nil && fault.KindOf(passed) != fault.Partial {
		return passed
	}
	if one == nil {
		return empty(outcome(passed, missing.Err(0)), o.failEmpty, 0)
	}
	tty := isTerminal(c.in.p.Stdout)
	st := o.streaming(s, &missing)
	st.put = func(uid uint32, r io.Reader) error {
		err := o.copyOut(r, tty)
		for _, text := range faults(r) {
			o.in.say("message %d, part %s: %s", uid, o.stream.section, text)
		}
		return err
	}
	if err := st.write(ctx, one); err != nil {
		return err
	}
	return empty(outcome(passed, missing.Err(st.wrote)), o.failEmpty, uint64(st.wrote))
}

// copyOut writes what was asked for to standard output.
func (o *fetchOptions) copyOut(r io.Reader, tty bool) error {
	if o.stream.kind == "section" {
		_, err := output.Raw(o.in.p.Stdout, r, tty)
		return err
	}
	text := output.Text(o.in.p.Stdout, tty)
	if _, err := io.Copy(text, r); err != nil {
		return err
	}
	return text.Close()
}

// faults are what was wrong with a transfer encoding, when r has been read.
func faults(r io.Reader) []string {
	if d, ok := r.(*message.Decoder); ok {
		return d.Warnings()
	}
	return nil
}

// one is the selection where exactly one message must come out; nil for none.
// In one mailbox, a set that can only be one message costs no search. Beside
// what was chosen there can be an error of kind Partial.
func (sel *selection) one(ctx context.Context, s *session.Session, missing *fetch.Missing) (*picked, error) {
	var one *picked
	err := sel.each(ctx, s, func(p *picked) error {
		single := len(p.set) == 1 && (p.set.HasLast() || p.set[0].Lo == p.set[0].Hi)
		if p.direct && (!single || sel.many()) {
			if err := resolve(ctx, s, p); err != nil {
				return err
			}
			var err error
			if p.place, err = place(ctx, s); err != nil {
				return err
			}
		}
		if !p.direct {
			missing.Add(fetch.Gone, p.place.Mailbox, "", p.explicit.Subtract(p.set))
			p.explicit = p.explicit.Intersect(p.set)
			if p.count() == 0 {
				return nil
			}
		}
		if one != nil || !p.direct && p.count() > 1 {
			return fault.New(fault.Ambiguous, "several messages match where one is to be written to standard output").
				Hint("--dir DIR writes a file each; --newest 1 takes the newest; --json and --jsonl print rows")
		}
		one = p
		return nil
	})
	if one == nil || !sel.many() || err != nil && fault.KindOf(err) != fault.Partial {
		return one, err
	}
	if box := s.Opened(); box == nil || box.Name != one.place.Mailbox {
		if eerr := s.Examine(ctx, one.place.Mailbox); eerr != nil {
			return nil, eerr
		}
	}
	return one, err
}

// runFetchDir writes a file for each message and tells the paths.
func runFetchDir(ctx context.Context, c *connection, o fetchOptions) error {
	save, err := newSaver(o.dir, c.in.flagged("overwrite"))
	if err != nil {
		return err
	}
	defer save.close()
	spec := output.Spec{Row: result.Message{}, Columns: []output.Column{{Field: "uid", Title: "UID", Right: true}, {Field: "path"}, {Field: "warnings"}}}
	return c.receipts(ctx, spec, func(s *session.Session, out *output.Printer) error {
		var missing fetch.Missing
		files := &filing{o: &o, s: s, out: out, save: save}
		err := o.sel.each(ctx, s, func(p *picked) error {
			st := o.streaming(s, &missing)
			st.put, st.lacks = files.put, files.lacks
			return st.write(ctx, p)
		})
		whole := out.Rows() - missing.Lacking()
		err = outcome(err, unwritten(files.refused, whole, o.dir), missing.Err(whole))
		return empty(err, o.failEmpty, uint64(out.Rows()))
	})
}

// filing writes files and tells of each by a row.
type filing struct {
	o       *fetchOptions
	s       *session.Session
	out     *output.Printer
	save    *saver
	refused int // files that exist
}

func (f *filing) row(uid uint32, warnings ...string) *result.Message {
	box := f.s.Opened()
	return &result.Message{UID: uid, Place: result.Place{Account: f.s.Account(), Mailbox: box.Name, UIDValidity: box.Validity()}, Warnings: warnings}
}

// put writes a message's file.
func (f *filing) put(uid uint32, r io.Reader) (err error) {
	row := f.row(uid)
	name := f.o.fileName(row.Mailbox, uid)
	row.Path, _, err = f.save.write(name, r)
	switch {
	case errors.Is(err, fs.ErrExist):
		f.refused++
		row.Path, row.Warnings = "", []string{fmt.Sprintf("%q exists", name)}
	case err != nil:
		return err
	default:
		row.Warnings = faults(r)
	}
	return f.out.Row(row)
}

// lacks tells of a message that is there without what is wanted of it.
func (f *filing) lacks(uid uint32, text string) error { return f.out.Row(f.row(uid, text)) }

// unwritten is the error for files that exist and were left alone, of n.
func unwritten(refused, n int, dir string) error {
	switch {
	case refused == 0:
		return nil
	case refused == n:
		return fault.New(fault.Safety, "no file was written: all exist in %q", dir).Hint("--overwrite replaces files")
	}
	return fault.New(fault.Partial, "%d of %d files were not written: they exist in %q", refused, n, dir).Hint("--overwrite replaces files")
}

// fileName names a message's file: the UID, with the mailbox in front where
// several are read.
func (o *fetchOptions) fileName(mailbox string, uid uint32) string {
	name := strconv.FormatUint(uint64(uid), 10)
	if o.sel.many() {
		name = message.SafeName(mailbox, "", func(string) bool { return false }) + "-" + name
	}
	switch {
	case o.stream.kind == "text":
		return name + ".txt"
	case o.stream.kind == "html":
		return name + ".html"
	case o.stream.section == "":
		return name + ".eml"
	case o.stream.section == "TEXT":
		return name + ".body"
	}
	return name + "-part-" + o.stream.section
}
