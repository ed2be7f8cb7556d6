package session

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
)

// Find carries out a plan in the open mailbox and returns the UIDs it gives.
// A plan of one step costs one flight, together with the prologue.
func (s *Session) Find(ctx context.Context, step *query.Step) (query.Set, error) {
	return step.Run(backend{s, ctx})
}

// backend is the session as a plan sees it.
type backend struct {
	s   *Session
	ctx context.Context
}

func (b backend) Search(program []query.Token, utf8 bool) (query.Set, error) {
	res, err := b.s.Search(b.ctx, SearchRequest{Program: program, UTF8: utf8})
	if err != nil {
		return nil, err
	}
	return res.Set, nil
}

func (b backend) Facts(uids query.Set, need query.Fact, each func(*query.Facts)) error {
	const inTexts = query.NeedHeader | query.NeedBody
	texts, rest := need&inTexts, need&^inTexts
	switch {
	case texts == 0:
		return b.facts(uids, need, each)
	case rest == 0:
		return b.texts(uids, texts&query.NeedBody != 0, each)
	}
	known := map[uint32]query.Facts{}
	if err := b.facts(uids, rest, func(f *query.Facts) { known[f.UID] = *f }); err != nil {
		return err
	}
	return b.texts(uids, texts&query.NeedBody != 0, func(t *query.Facts) {
		if f, ok := known[t.UID]; ok {
			f.Texts = t.Texts
			each(&f)
		}
	})
}

// facts calls each with what is not in texts.
func (b backend) facts(uids query.Set, need query.Fact, each func(*query.Facts)) error {
	var items []string
	for _, n := range [...]struct {
		fact query.Fact
		item string
	}{
		{query.NeedInternalDate, "INTERNALDATE"}, {query.NeedSize, "RFC822.SIZE"},
		{query.NeedAttachments, "BODYSTRUCTURE"}, {query.NeedSentDate, "BODY.PEEK[HEADER.FIELDS (DATE)]"},
	} {
		if need&n.fact != 0 {
			items = append(items, n.item)
		}
	}
	_, err := b.s.Fetch(b.ctx, FetchRequest{Set: uids, Items: items, Row: func(m *Fetched) error {
		b.s.undecided(m)
		f := query.Facts{UID: m.UID, InternalDate: m.InternalDate, Size: m.Size}
		if m.Structure != nil {
			for _, a := range message.Attachments(m.Structure) {
				f.Attachments = append(f.Attachments, query.Attachment{Name: a.Name, Type: a.Type, Alternative: a.Disposition == message.Alternative})
			}
		}
		var head result.Message
		if message.Envelope(m.Header, 0, &head); head.Date != nil {
			f.SentDate = *head.Date
		}
		each(&f)
		return nil
	}})
	return err
}

// undecided notes what would decide about a message and has not come.
func (s *Session) undecided(m *Fetched) {
	if len(m.Lacks) > 0 {
		s.CutShort("imapknife show "+strconv.FormatUint(uint64(m.UID), 10)+" shows what can be read of it",
			"the server sent no usable %s for message %d", strings.Join(m.Lacks, ", "), m.UID)
	}
}

// MaxSortOctets bounds the memory of sorting here, where the server cannot.
const MaxSortOctets = 256 << 20

// CanSort reports whether the server sorts by the keys.
func (s *Session) CanSort(ctx context.Context, keys []query.SortKey) (bool, error) {
	return s.Has(ctx, query.SortCapability(keys))
}

// SortSet puts the UIDs of set in order, here: as RFC 5256 says, from the
// header fields and dates of each message. More than MaxSortOctets of keys is
// an error of kind Protocol.
func (s *Session) SortSet(ctx context.Context, keys []query.SortKey, set query.Set) ([]uint32, error) {
	if set.Empty() {
		return []uint32{}, nil
	}
	all := make([]string, 0, min(set.Len(), 1<<20)) // keys, which end with the UID
	octets := 0
	err := s.collate(ctx, keys, set, func(key string) error {
		if octets += len(key) + 32; octets > MaxSortOctets {
			return fault.New(fault.Protocol, "too many messages to sort here: the server does not sort them").
				Hint("select fewer messages, or leave out --sort")
		}
		all = append(all, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(all)
	order := make([]uint32, len(all))
	for i, key := range all {
		order[i] = query.CollatedUID(key)
	}
	return order, nil
}

// SortKeys calls each with the UIDs of set and texts whose order is the order of
// keys, in whichever mailboxes the messages are.
func (s *Session) SortKeys(ctx context.Context, keys []query.SortKey, set query.Set, each func(uid uint32, key string) error) error {
	if set.Empty() {
		return nil
	}
	return s.collate(ctx, keys, set, func(key string) error {
		return each(query.CollatedUID(key), key[:len(key)-query.CollatedUIDOctets])
	})
}

// collate calls each with the collated key of each message of set.
func (s *Session) collate(ctx context.Context, keys []query.SortKey, set query.Set, each func(key string) error) error {
	_, err := s.Fetch(ctx, FetchRequest{Set: set, Items: sortItems(keys), Row: func(m *Fetched) error {
		s.undecided(m)
		return each(query.Collate(keys, sortFacts(m)))
	}})
	return err
}

func sortItems(keys []query.SortKey) []string {
	var items []string
	add := func(item string) {
		if !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	for _, k := range keys {
		switch k.Name {
		case "arrival":
			add("INTERNALDATE")
		case "date":
			add("INTERNALDATE")
			add("BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT)]")
		case "size":
			add("RFC822.SIZE")
		default:
			add("BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT)]")
		}
	}
	return items
}

func sortFacts(m *Fetched) *query.SortFacts {
	var head result.Message
	message.Envelope(m.Header, 0, &head)
	f := &query.SortFacts{UID: m.UID, Arrival: m.InternalDate, Size: m.Size}
	if head.Date != nil {
		f.Sent = *head.Date
	}
	if head.Subject != nil {
		f.Subject = *head.Subject
	}
	f.From, f.To, f.Cc = sortAddress(head.From), sortAddress(head.To), sortAddress(head.Cc)
	return f
}

func sortAddress(list *[]result.Address) query.SortAddress {
	if list == nil || len(*list) == 0 {
		return query.SortAddress{}
	}
	a := (*list)[0]
	mailbox, host := a.Address, ""
	if i := strings.LastIndexByte(a.Address, '@'); i >= 0 {
		mailbox, host = a.Address[:i], a.Address[i+1:]
	}
	return query.SortAddress{Name: a.Name, Mailbox: mailbox, Host: host}
}
