package session

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/wire"
)

// asked is a section of body that was asked for: BODY.PEEK[1.2]<0.100>.
type asked struct {
	kind, name string // BODY or BINARY; what stands in the brackets
	partial    bool
	from, most uint64 // with partial
}

// sections takes apart the items that ask for a body.
func sections(items []string) (want int, list []asked) {
	for _, item := range items {
		if want |= itemBit(item); !isBody(item) {
			continue
		}
		kind, rest, _ := strings.Cut(strings.ToUpper(item), "[")
		name, partial, _ := strings.Cut(rest, "]")
		a := asked{kind: strings.TrimSuffix(kind, ".PEEK"), name: name}
		if from, most, ok := strings.Cut(strings.Trim(partial, "<>"), "."); ok {
			a.partial = true
			a.from, _ = strconv.ParseUint(from, 10, 64) // digits: the item is ours
			a.most, _ = strconv.ParseUint(most, 10, 64)
		}
		list = append(list, a)
	}
	return want, list
}

// section is an item such as BODY[1.MIME]<0> taken apart.
type section struct {
	item   string // as told
	header bool   // the header or fields of it, and that was asked for
	body   int    // which of the sections asked for it is, -1 for none
}

// named finds out what an item with a section is. RFC822 and RFC822.TEXT are
// other names for BODY[] and BODY[TEXT] (RFC 3501 section 6.4.5).
func (f *fetch) named(item string) section {
	s := section{item: item, body: -1}
	upper := strings.ToUpper(item)
	switch upper {
	case "RFC822":
		upper = "BODY[]"
	case "RFC822.TEXT":
		upper = "BODY[TEXT]"
	}
	kind, rest, _ := strings.Cut(upper, "[")
	end := strings.LastIndexByte(rest, ']')
	if end < 0 {
		return s
	}
	name, origin := rest[:end], strings.Trim(rest[end+1:], "<>")
	if name == "HEADER" || strings.HasPrefix(name, "HEADER.FIELDS ") {
		s.header = f.want&hasHeader != 0
		return s
	}
	if f.q.Body == nil {
		return s
	}
	for i, a := range f.sections {
		if a.kind == kind && a.name == name && a.answers(origin) {
			s.body = i
		}
	}
	return s
}

// answers reports whether octets from an origin, empty where none is told, are
// those asked for. A part of what was asked for whole is not, nor is one from
// elsewhere; some servers leave out the origin 0.
func (a *asked) answers(origin string) bool {
	if origin == "" {
		return a.from == 0
	}
	from, err := strconv.ParseUint(origin, 10, 64)
	return err == nil && a.partial && from == a.from
}

// section reads the value of BODY[…] or BINARY[…].
func (f *fetch) section(r *wire.Response, m *Fetched, s *section) error {
	switch {
	case s.header:
		m.readHeader(r)
		return nil
	case s.body < 0 || m.bodies[s.body] > nothing: // not asked for, or there already
		r.Skip()
		return nil
	}
	b := r.Body()
	switch {
	case b != nil && b.Size > 0:
		m.bodies[s.body] = came
		return f.deliver(m, s.body, b, b.Size)
	case b != nil:
		m.bodies[s.body] = empty
	case r.Err() == nil:
		m.bodies[s.body] = nothing
	}
	return nil
}

// hand hands a section on.
func (f *fetch) hand(m *Fetched, i int, r io.Reader, size int64) error {
	a := &f.sections[i]
	if a.partial && uint64(size) > a.most { // more than was asked for
		r, size = io.LimitReader(r, int64(a.most)), int64(a.most)
	}
	if a.name == "" && !a.partial {
		m.octets = size
	}
	return f.q.Body(m, a.name, r, size)
}

// handEmpty hands on the sections without octets. They wait until the message
// is known to be there: some servers make them up for one that is gone.
func (f *fetch) handEmpty(m *Fetched) error {
	for i, b := range m.bodies {
		if b != empty {
			continue
		}
		if err := f.hand(m, i, bytes.NewReader(nil), 0); err != nil {
			return err
		}
	}
	return nil
}
