package cmds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
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
	var gone absence
	one, passed := o.sel.one(ctx, s, &gone)
	if passed != nil && fault.KindOf(passed) != fault.Partial {
		return passed
	}
	if one == nil {
		return empty(outcome(passed, gone.err(0)), o.failEmpty, 0)
	}
	tty := isTerminal(c.in.p.Stdout)
	told, err := o.write(ctx, s, one, func(uid uint32, r io.Reader) error {
		if r == nil {
			gone.lack(s, uid, o.want.lackable())
			return nil
		}
		err := o.copyOut(r, tty)
		for _, text := range faults(r) {
			o.in.say("message %d, part %s: %s", uid, o.stream.section, text)
		}
		return err
	})
	if err != nil {
		return err
	}
	gone.note(s, one, told)
	rows := 0
	if !told.Empty() {
		rows = 1
	}
	return empty(outcome(passed, gone.err(rows)), o.failEmpty, uint64(rows))
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
func (sel *selection) one(ctx context.Context, s *session.Session, gone *absence) (*picked, error) {
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
			gone.note(s, p, p.set)
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

// write hands what is to be streamed of each message to put.
func (o *fetchOptions) write(ctx context.Context, s *session.Session, p *picked, put func(uid uint32, r io.Reader) error) (query.Set, error) {
	switch {
	case o.stream.kind != "section":
		return o.writeTexts(ctx, s, p, put)
	case o.stream.decode:
		return o.writeDecoded(ctx, s, p, put)
	}
	return o.writeSection(ctx, s, p.set, "BODY.PEEK["+o.stream.section+"]"+o.stream.partial, put)
}

// writeSection streams one section of each message. Of a message without that
// part, put gets a nil reader: some servers say NIL, others tell an empty part.
func (o *fetchOptions) writeSection(ctx context.Context, s *session.Session, set query.Set, item string, put func(uint32, io.Reader) error) (query.Set, error) {
	var empty query.Builder
	told, err := s.Fetch(ctx, session.FetchRequest{Set: set, Items: []string{item},
		Body: func(m *session.Fetched, _ string, r io.Reader, size int64) error {
			if size == 0 && o.want.part != "" {
				empty.Add(m.UID, m.UID)
				return nil
			}
			return put(m.UID, r)
		},
		Row: func(m *session.Fetched) error {
			warn(o.in, m)
			if m.NoBody {
				return put(m.UID, nil)
			}
			return nil
		}})
	unsure := empty.Set()
	if err != nil || unsure.Empty() {
		return told, err
	}
	_, err = s.Fetch(ctx, session.FetchRequest{Set: unsure, Items: []string{"BODYSTRUCTURE"}, Row: func(m *session.Fetched) error {
		if _, there := o.want.partOf(m); !there {
			return put(m.UID, nil)
		}
		return put(m.UID, strings.NewReader(""))
	}})
	return told, err
}

// partOf finds the part that is wanted in the message's structure. It counts
// as there when the structure cannot be read.
func (w *want) partOf(m *session.Fetched) (part *result.Part, there bool) {
	if w.part == "" || m.Structure == nil {
		return nil, true
	}
	tree, _ := m.Structure.Part()
	part = findPart(tree, w.part)
	return part, part != nil
}

// lackable is what a message can lack of what is wanted.
func (w *want) lackable() string {
	if w.part == "" {
		return "HTML"
	}
	return "part " + w.part
}

func (w *want) noPart() string { return "there is no " + w.lackable() }

// writeTexts streams the text of each message, part after part.
func (o *fetchOptions) writeTexts(ctx context.Context, s *session.Session, p *picked, put func(uint32, io.Reader) error) (query.Set, error) {
	rd := &reading{s: s, w: &o.want, warn: o.in.say}
	var told query.Builder
	if p.direct && p.set.Len() > batch {
		if err := resolve(ctx, s, p); err != nil {
			return nil, err
		}
	} else if !p.onlyLast() {
		if err := resolveLast(ctx, s, p); err != nil {
			return nil, err
		}
	}
	for uids, set := range p.pieces() {
		structures := map[uint32]*message.Structure{}
		if _, err := s.Fetch(ctx, session.FetchRequest{Set: set, Items: []string{"BODYSTRUCTURE"}, Row: func(m *session.Fetched) error {
			structures[m.UID] = m.Structure
			warn(o.in, m)
			return nil
		}}); err != nil {
			return told.Set(), err
		}
		if uids == nil {
			uids = slices.Collect(maps.Keys(structures))
		}
		for _, uid := range uids {
			tree, there := structures[uid]
			if !there {
				continue
			}
			told.Add(uid, uid)
			if tree == nil {
				var err error
				if tree, err = rd.walk(ctx, uid); err != nil {
					return told.Set(), err
				}
			}
			for _, text := range tooDeep(tree) {
				o.in.say("message %d: %s", uid, text)
			}
			var parts *texts
			if tree != nil {
				parts = newTexts(tree, rd.w)
			}
			if parts != nil && parts.noHTML {
				if err := put(uid, nil); err != nil {
					return told.Set(), err
				}
				continue
			}
			r, w := io.Pipe()
			done := make(chan struct{})
			go func() {
				w.CloseWithError(rd.writeText(ctx, uid, parts, w))
				close(done)
			}()
			err := put(uid, r)
			r.CloseWithError(err)
			<-done // the session is one goroutine's at a time
			if err != nil {
				return told.Set(), err
			}
		}
	}
	return told.Set(), nil
}

// writeText writes the text of one message; t is nil where no structure of it
// can be had.
func (rd *reading) writeText(ctx context.Context, uid uint32, t *texts, w io.Writer) error {
	if t == nil {
		return nil
	}
	leaves := slices.Concat(t.plain, t.html)
	instead := false // the leaf stands for one that is blank
	for i := 0; i < len(leaves); i++ {
		l := leaves[i]
		if i > 0 && !instead {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		w := &message.BlankWriter{W: w, Held: l.Instead != nil}
		_, err := rd.s.Fetch(ctx, session.FetchRequest{Set: query.MakeSet(uid), Items: []string{"BODY.PEEK[" + l.Part + "]"},
			Body: func(_ *session.Fetched, _ string, r io.Reader, _ int64) error {
				warnings, err := writeLeaf(l, rd.w.html, w, r)
				for _, text := range warnings {
					rd.warn("message %d, part %s: %s", uid, l.Part, text)
				}
				return err
			}})
		if err != nil {
			return err
		}
		if instead = w.Held; instead {
			leaves = slices.Concat(leaves[:i], l.Instead, leaves[i+1:])
			i--
		}
	}
	return nil
}

// warn tells a message's warnings where there is no row to carry them.
func warn(in *input, m *session.Fetched) {
	for _, w := range m.Warnings {
		in.say("message %d: %s", m.UID, w)
	}
}

// writeDecoded streams a part with its transfer encoding undone: by the server
// where it can (BINARY, RFC 3516), here elsewhere.
func (o *fetchOptions) writeDecoded(ctx context.Context, s *session.Session, p *picked, put func(uint32, io.Reader) error) (query.Set, error) {
	if binary, err := s.Has(ctx, "BINARY"); err != nil {
		return nil, err
	} else if binary {
		var b query.Builder
		told, err := o.writeSection(ctx, s, p.set, "BINARY.PEEK["+o.stream.section+"]", func(uid uint32, r io.Reader) error {
			b.Add(uid, uid)
			return put(uid, r)
		})
		wrote := b.Set()
		refused := fault.KindOf(err) == fault.Refused || fault.KindOf(err) == fault.Partial
		if !refused || fault.ServerOf(err) == nil || p.set.HasLast() && !wrote.Empty() {
			return told, err
		}
		// One that the server cannot decode ends the command: the others are
		// asked for in the usual way.
		rest, err := o.writeLocally(ctx, s, p.set.Subtract(wrote), put)
		return wrote.Union(rest), err
	}
	return o.writeLocally(ctx, s, p.set, put)
}

// writeLocally is writeDecoded where the encoding is undone here.
func (o *fetchOptions) writeLocally(ctx context.Context, s *session.Session, set query.Set, put func(uint32, io.Reader) error) (query.Set, error) {
	encodings := map[uint32]string{}
	var there query.Builder
	told, err := s.Fetch(ctx, session.FetchRequest{Set: set, Items: []string{"BODYSTRUCTURE"}, Row: func(m *session.Fetched) error {
		warn(o.in, m)
		part, ok := o.want.partOf(m)
		if !ok {
			return put(m.UID, nil)
		}
		there.Add(m.UID, m.UID)
		if part != nil {
			encodings[m.UID] = part.Encoding
		}
		return nil
	}})
	if err != nil {
		return told, err
	}
	_, err = o.writeSection(ctx, s, there.Set(), "BODY.PEEK["+o.stream.section+"]", func(uid uint32, r io.Reader) error {
		if r == nil {
			return put(uid, nil)
		}
		return put(uid, message.Decode(r, encodings[uid]))
	})
	return told, err
}

// findPart finds a part by its number.
func findPart(p *result.Part, number string) *result.Part {
	if p.Part == number {
		return p
	}
	for _, child := range p.Parts {
		if found := findPart(child, number); found != nil {
			return found
		}
	}
	return nil
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
		var gone absence
		refused := 0
		err := o.sel.each(ctx, s, func(p *picked) error {
			told, err := o.write(ctx, s, p, func(uid uint32, r io.Reader) error {
				box := s.Opened()
				row := &result.Message{UID: uid, Place: result.Place{Account: s.Account(), Mailbox: box.Name, UIDValidity: box.Validity()}}
				if r == nil {
					gone.lack(s, uid, o.want.lackable())
					row.Warnings = []string{o.want.noPart()}
					return out.Row(row)
				}
				var err error
				row.Path, _, err = save.write(o.fileName(box.Name, uid), r)
				if errors.Is(err, fs.ErrExist) {
					refused++
					row.Path, row.Warnings = "", []string{fmt.Sprintf("%q exists", o.fileName(box.Name, uid))}
				} else if err != nil {
					return err
				} else {
					row.Warnings = faults(r)
				}
				return out.Row(row)
			})
			gone.note(s, p, told)
			return err
		})
		err = outcome(err, unwritten(refused, out.Rows()-gone.lacked, o.dir), gone.err(out.Rows()))
		return empty(err, o.failEmpty, uint64(out.Rows()))
	})
}

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
