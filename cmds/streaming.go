package cmds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/session"
)

// streaming hands on what is wanted of each message as it comes, be it longer
// than memory.
type streaming struct {
	reading
	o     *fetchOptions
	put   func(uid uint32, r io.Reader) error // gets what has come
	lacks func(uid uint32, text string) error // told of a message without it; may be nil
	wrote int                                 // how often put has succeeded
}

func (o *fetchOptions) streaming(s *session.Session, missing *fetch.Missing) *streaming {
	return &streaming{reading: reading{s: s, w: &o.want, missing: missing, warn: o.in.say}, o: o}
}

// write streams from the messages in p, and notes what has not come.
func (st *streaming) write(ctx context.Context, p *picked) error {
	if p.direct && !p.onlyLast() {
		if err := resolveLast(ctx, st.s, p); err != nil {
			return err
		}
	}
	var err error
	switch o := st.o; {
	case o.stream.kind != "section":
		err = st.writeTexts(ctx, p)
	case o.stream.decode:
		err = st.writeDecoded(ctx, p.set)
	default:
		err = st.writeSection(ctx, p.set, "BODY.PEEK["+o.stream.section+"]"+o.stream.partial, st.hand)
	}
	if err == nil {
		p.missing(st.s, st.missing, st.told(), st.lost)
	}
	return err
}

// hand puts what has come of a message.
func (st *streaming) hand(uid uint32, r io.Reader) error {
	if err := st.put(uid, r); err != nil {
		return err
	}
	st.came.Add(uid, uid)
	st.wrote++
	return nil
}

// told is the messages that came, or lack what is wanted.
func (st *streaming) told() query.Set {
	set := st.came.Set()
	for _, r := range set {
		st.came.Add(r.Lo, r.Hi)
	}
	return set
}

// lack notes a message that is there without what is wanted.
func (st *streaming) lack(why fetch.Reason, uid uint32, what string) error {
	st.came.Add(uid, uid)
	st.note(why, uid, what)
	if st.lacks == nil {
		return nil
	}
	text := "the server sent no usable " + what
	if why == fetch.Absent {
		text = st.w.noPart()
	}
	return st.lacks(uid, text)
}

// writeSection streams one section of each message to put.
func (st *streaming) writeSection(ctx context.Context, set query.Set, item string, put func(uint32, io.Reader) error) error {
	empty := map[uint32]bool{} // of which the structure says whether they are there at all: true for no octets, false for nothing
	shown := strings.Replace(item, ".PEEK[", "[", 1)
	done, err := st.ask(ctx, session.FetchRequest{Set: set, Items: []string{item},
		Body: func(m *session.Fetched, _ string, r io.Reader, size int64) error {
			if size == 0 && st.w.part != "" {
				empty[m.UID] = true
				return nil
			}
			return put(m.UID, r)
		},
		Row: func(m *session.Fetched) error {
			warn(st.o.in, m)
			switch {
			case m.Lacks == nil:
				return nil
			case st.w.part != "":
				empty[m.UID] = false
				return nil
			}
			return st.lack(fetch.Withheld, m.UID, shown)
		}})
	if rest, without := st.partless(ctx, set.Subtract(done), err); !without.Empty() {
		for uid := range without.All() {
			if err := st.lack(fetch.Absent, uid, st.w.lackable()); err != nil {
				return err
			}
		}
		err = nil
		if !rest.Empty() {
			err = st.writeSection(ctx, rest, item, put)
		}
	}
	if err != nil || len(empty) == 0 {
		return err
	}
	unsure := query.MakeSet(slices.Collect(maps.Keys(empty))...)
	told, err := st.ask(ctx, session.FetchRequest{Set: unsure, Items: []string{"BODYSTRUCTURE"}, Row: func(m *session.Fetched) error {
		switch _, there := st.w.partOf(m); {
		case !there:
			return st.lack(fetch.Absent, m.UID, st.w.lackable())
		case !empty[m.UID]:
			return st.lack(fetch.Withheld, m.UID, shown)
		}
		return put(m.UID, strings.NewReader(""))
	}})
	st.lost = st.lost.Union(unsure.Subtract(told))
	return err
}

// writeDecoded streams a part with its transfer encoding undone: by the server
// where it can (BINARY, RFC 3516), here elsewhere.
func (st *streaming) writeDecoded(ctx context.Context, set query.Set) error {
	if binary, err := st.s.Has(ctx, "BINARY"); err != nil {
		return err
	} else if !binary {
		return st.writeLocally(ctx, set)
	}
	err := st.writeBinary(ctx, set)
	refused := fault.KindOf(err) == fault.Refused || fault.KindOf(err) == fault.Partial
	if !refused || fault.ServerOf(err) == nil || set.HasLast() && st.wrote > 0 {
		return err
	}
	// One that the server cannot decode ends the command: the others are asked
	// for in the usual way. BAD is about all of them.
	bad := fault.ServerOf(err).Status == "BAD"
	if err = st.writeLocally(ctx, set.Subtract(st.told())); err == nil && bad {
		st.s.NoteRefused("BINARY")
	}
	return err
}

// writeBinary is writeDecoded by the server.
func (st *streaming) writeBinary(ctx context.Context, set query.Set) error {
	return st.writeSection(ctx, set, "BINARY.PEEK["+st.o.stream.section+"]", st.hand)
}

// writeLocally is writeDecoded where the encoding is undone here.
func (st *streaming) writeLocally(ctx context.Context, set query.Set) error {
	encodings := map[uint32]string{}
	var there query.Builder
	_, err := st.ask(ctx, session.FetchRequest{Set: set, Items: []string{"BODYSTRUCTURE"}, Row: func(m *session.Fetched) error {
		warn(st.o.in, m)
		part, ok := st.w.partOf(m)
		if !ok {
			return st.lack(fetch.Absent, m.UID, st.w.lackable())
		}
		there.Add(m.UID, m.UID)
		if part != nil {
			encodings[m.UID] = part.Encoding
		}
		return nil
	}})
	if err != nil {
		return err
	}
	found := there.Set()
	if err := st.writeSection(ctx, found, "BODY.PEEK["+st.o.stream.section+"]", func(uid uint32, r io.Reader) error {
		return st.hand(uid, message.Decode(r, encodings[uid]))
	}); err != nil {
		return err
	}
	st.lost = st.lost.Union(found.Subtract(st.told()))
	return nil
}

// writeTexts streams the text of each message, part after part.
func (st *streaming) writeTexts(ctx context.Context, p *picked) error {
	if p.direct && p.set.Len() > batch {
		if err := resolve(ctx, st.s, p); err != nil {
			return err
		}
	}
	for uids, set := range p.pieces() {
		structures := map[uint32]*message.Structure{}
		if _, err := st.ask(ctx, session.FetchRequest{Set: set, Items: []string{"BODYSTRUCTURE"}, Row: func(m *session.Fetched) error {
			structures[m.UID] = m.Structure
			warn(st.o.in, m)
			return nil
		}}); err != nil {
			return err
		}
		if uids == nil {
			uids = slices.Collect(maps.Keys(structures))
		}
		for _, uid := range uids {
			if tree, there := structures[uid]; there {
				if err := st.writeOne(ctx, uid, tree); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeOne streams the text of one message. tree is nil where the server tells
// no structure.
func (st *streaming) writeOne(ctx context.Context, uid uint32, tree *message.Structure) (err error) {
	if tree == nil {
		if tree, err = st.walk(ctx, uid); err != nil || st.lost.Contains(uid, 0) {
			return err
		}
	}
	if tree == nil {
		return st.lack(fetch.Withheld, uid, "BODYSTRUCTURE")
	}
	if text := tree.TooDeep(); text != "" {
		st.o.in.say("message %d: %s", uid, text)
		st.note(fetch.Withheld, uid, "structure")
	}
	t := newTexts(tree, st.w)
	if hollow(tree) {
		own, texts, err := st.itself(ctx, uid)
		if err != nil {
			return err
		}
		if own != nil {
			st.o.in.say("message %d: %s", uid, hollowStructure)
			t = texts
		}
	}
	if t.noHTML {
		return st.lack(fetch.Absent, uid, st.w.lackable())
	}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		w.CloseWithError(st.writeText(ctx, uid, t, w))
		close(done)
	}()
	err = st.hand(uid, r)
	r.CloseWithError(err)
	<-done // the session is one goroutine's at a time
	lacking, is := errors.AsType[*lackingError](err)
	switch {
	case !is:
		return err
	case st.lost.Contains(uid, 0):
		return nil
	}
	return st.lack(fetch.Withheld, uid, lacking.item)
}

// lackingError says that an item of a message did not come.
type lackingError struct{ item string }

func (e *lackingError) Error() string { return fmt.Sprintf("the server sent no usable %s", e.item) }

// writeText writes the text of one message.
func (st *streaming) writeText(ctx context.Context, uid uint32, t *texts, w io.Writer) error {
	leaves := slices.Concat(t.plain, t.html)
	instead := false // the leaf stands for one that is blank
	for i := 0; i < len(leaves); i++ {
		l := leaves[i]
		if i > 0 && !instead {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		came := l.Size == 0
		w := &message.BlankWriter{W: w, Held: l.Instead != nil}
		one := query.MakeSet(uid)
		if raw, there := t.raw[l.Part]; there { // read with the message itself
			if _, err := writeLeaf(l, st.w.html, w.W, bytes.NewReader(raw)); err != nil {
				return err
			}
			continue
		}
		done, err := st.ask(ctx, session.FetchRequest{Set: one, Items: []string{"BODY.PEEK[" + l.Part + "]"},
			Body: func(_ *session.Fetched, _ string, r io.Reader, _ int64) error {
				came = true
				warnings, err := writeLeaf(l, st.w.html, w, r)
				for _, text := range warnings {
					st.warn("message %d, part %s: %s", uid, l.Part, text)
				}
				return err
			}})
		if err != nil {
			return err
		}
		st.lost = st.lost.Union(one.Subtract(done))
		if !came || st.lost.Contains(uid, 0) {
			return &lackingError{"BODY[" + l.Part + "]"}
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
