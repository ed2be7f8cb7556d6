package session

import (
	"context"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/wire"
)

// statusBatch is how many STATUS commands are in flight at once: few enough
// that neither side's buffers fill while the other is writing.
const statusBatch = 64

// StatusData is one STATUS response. Pointers are nil where an item was not
// told (RFC 9051 section 7.3.4).
type StatusData struct {
	Name, Raw     string
	Messages      *uint64
	Recent        *uint64
	Unseen        *uint64
	Deleted       *uint64
	Size          *uint64
	UIDNext       *uint64
	UIDValidity   result.UIDValidity // empty where there is none
	HighestModseq *uint64
	MailboxID     string
	AppendLimit   *uint64
	Warnings      []string
}

// NextUID returns UIDNEXT where it is a UID.
func (d *StatusData) NextUID() (next uint32, ok bool) { return asUID(d.UIDNext) }

// StatusItems is what this server can tell in STATUS.
func (s *Session) StatusItems(ctx context.Context) ([]string, error) {
	if err := s.learn(ctx); err != nil {
		return nil, err
	}
	items := []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"}
	if rev2only := s.Offers("IMAP4REV2") && !s.Offers("IMAP4REV1"); !rev2only {
		items = append(items, "RECENT")
	}
	for _, opt := range [...]struct{ cap, item string }{
		{"STATUS=SIZE", "SIZE"}, {"STATUS=DELETED", "DELETED"}, {"CONDSTORE", "HIGHESTMODSEQ"},
		{"OBJECTID", "MAILBOXID"}, {"APPENDLIMIT", "APPENDLIMIT"},
	} {
		if s.Offers(opt.cap) || opt.cap == "STATUS=DELETED" && s.Offers("IMAP4REV2") {
			items = append(items, opt.item)
		}
	}
	return items, nil
}

// Status asks for the counts of the named mailboxes, pipelined, and calls fn
// for each in order: with data, or with the server's refusal.
func (s *Session) Status(ctx context.Context, names, items []string, fn func(name string, d *StatusData, err error) error) error {
	return s.statusOf(ctx, names, nil, items, func(i int, d *StatusData, err error) error { return fn(names[i], d, err) })
}

// statusOf is Status of the mailboxes whose names are the octets raws, where
// these are known.
func (s *Session) statusOf(ctx context.Context, names, raws, items []string, fn func(i int, d *StatusData, err error) error) error {
	for from := 0; from < len(names); from += statusBatch {
		to := min(from+statusBatch, len(names))
		var octets []string
		if raws != nil {
			octets = raws[from:to]
		}
		err := s.statusPass(ctx, names[from:to], octets, items, func(i int, d *StatusData, err error) error { return fn(from+i, d, err) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) statusPass(ctx context.Context, names, raws, items []string, fn func(int, *StatusData, error) error) error {
	pending := make([]*wire.Pending, len(names))
	data := make([]*StatusData, len(names))
	for i, name := range names {
		build := func(octets string) *wire.Command {
			return wire.NewCommand("STATUS").String(octets).List(items...).On(func(r *wire.Response) error {
				if d := s.readStatus(r); strings.EqualFold(d.Name, name) || d.Raw == octets || data[i] == nil {
					data[i] = d
				}
				return nil
			}, "STATUS")
		}
		var err error
		if raws != nil {
			pending[i], err = s.send(ctx, build(raws[i]))
		} else {
			pending[i], err = s.about(ctx, name, build)
		}
		if err != nil {
			return err
		}
	}
	for i, name := range names {
		st, err := s.finish(ctx, pending[i])
		if err != nil {
			return err
		}
		var bad error
		switch {
		case !st.OK():
			e := s.unnamed(st, name, "cannot tell the status of %q", name)
			bad = e.HintUnlessCode("imapknife list shows the mailboxes")
		case data[i] == nil:
			data[i] = &StatusData{Name: name, Warnings: []string{"the server answered OK without a STATUS response"}}
		}
		if data[i] != nil && !strings.EqualFold(name, "INBOX") {
			data[i].Name = name // servers garble names with blanks
		}
		if err := fn(i, data[i], bad); err != nil {
			return err
		}
	}
	return nil
}

// validObjectID reports whether id is one (RFC 8474 section 7). Cyrus 3.6 now
// and then answers with octets of its memory instead.
func validObjectID(id string) bool {
	return id != "" && len(id) <= 255 && strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// statuses fills in the counts of entries where LIST could not.
func (s *Session) statuses(ctx context.Context, items []string, all []*ListEntry) error {
	var of []*ListEntry
	var names, raws []string
	for _, e := range all {
		if e.Selectable() {
			raw := s.encodeName(e.Name)
			if !e.Exact {
				raw = e.Raw
			}
			of, names, raws = append(of, e), append(names, e.Name), append(raws, raw)
		}
	}
	return s.statusOf(ctx, names, raws, items, func(i int, d *StatusData, err error) error {
		if of[i].Status, of[i].Refused = d, err; err != nil {
			of[i].Status = nil
			of[i].Warnings = append(of[i].Warnings, err.Error())
		}
		return nil
	})
}

// readStatus reads `name (ITEM value …)`. Unknown items are passed over.
func (s *Session) readStatus(resp *wire.Response) *StatusData {
	raw, r := statusName(resp.Reader)
	d := &StatusData{Raw: string(raw)}
	d.Name, _ = s.decodeName(d.Raw)
	if strings.EqualFold(d.Name, "INBOX") {
		d.Name = "INBOX"
	}
	if r.Open() {
		for !r.Close() {
			d.item(r, strings.ToUpper(string(r.Item())))
		}
	} else {
		r.Skip()
	}
	if wire.IsSyntax(r.Err()) {
		d.Warnings = append(d.Warnings, "STATUS: "+r.Err().Error())
	}
	return d
}

func (d *StatusData) item(r *wire.Reader, name string) {
	if name == "MAILBOXID" {
		if !r.Open() {
			r.Skip()
			return
		}
		id := string(r.Until(')'))
		r.Close()
		if validObjectID(id) {
			d.MailboxID = id
		} else {
			d.Warnings = append(d.Warnings, "MAILBOXID: not an object identifier")
		}
		return
	}
	if b := r.Next(); b < '0' || b > '9' {
		r.Skip() // NIL, or an item of another form
		return
	}
	switch name {
	case "MESSAGES":
		d.Messages = number(r)
	case "RECENT":
		d.Recent = number(r)
	case "UNSEEN":
		d.Unseen = number(r)
	case "DELETED":
		d.Deleted = number(r)
	case "SIZE":
		d.Size = number(r)
	case "UIDNEXT":
		n, err := strconv.ParseUint(string(r.Atom()), 10, 64)
		if d.UIDNext = &n; err != nil { // and the items after it count
			d.UIDNext = nil
			d.Warnings = append(d.Warnings, "UIDNEXT: not a number of 64 bits")
		}
	case "UIDVALIDITY":
		d.UIDValidity = validity(r)
	case "HIGHESTMODSEQ":
		d.HighestModseq = number(r)
	case "APPENDLIMIT":
		d.AppendLimit = number(r)
	default:
		r.Skip()
	}
}
