package cmds

import (
	"context"
	"errors"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/mark"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/internal/track"
)

// selection says which messages a verb means, checked before dialling.
type selection struct {
	in       *input
	boxes    []string
	all      bool // every mailbox
	sets     map[string]query.Selection
	given    bool        // a set was given, on the line or on standard input
	node     *query.Node // nil: no criteria
	sort     []query.SortKey
	reverse  bool
	limit    uint64
	limited  bool
	newest   uint64
	tailed   bool     // --newest was given
	within   []string // with rows: what --mailbox says, where a special use in it has still to be resolved
	seq      bool
	write    bool                          // open for writing
	validity map[string]result.UIDValidity // UIDVALIDITY each mailbox must have
	unpinned map[string]string             // mailboxes whose rows or mark carry no UIDVALIDITY, and which
	since    *mark.Token                   // --mark, nil without
	shut     causes                        // why mailboxes that are meant, too, cannot be opened
	few      bool                          // what is looked at is new: there are few of it
	light    bool                          // neither texts nor contents are read of what is chosen
	blind    bool                          // nothing is read of what is chosen: its UIDs are all
	counts   bool                          // blind, and mailboxes without a message count, too
	held     map[messageName]func() error  // what waits for its turn in the order over several mailboxes; nil elsewhere
	texts    *session.TextCache            // where texts are decided or checked here, nil for as the server says
	// keep takes away what does not match for reasons that no server knows; nil
	// for none.
	keep func(ctx context.Context, s *session.Session, p *picked) error
}

// selection reads a set (from set, empty for none), a program (from program)
// and the flags of the selection group.
func (in *input) selection(c *connection, set string, program []string) (*selection, error) {
	sel := &selection{
		in: in, boxes: unique(in.all("mailbox")), all: in.flagged("all-mailboxes"), sets: map[string]query.Selection{},
		reverse: in.flagged("reverse"), limit: in.number("limit"), limited: in.flagged("limit"),
		newest: in.number("newest"), tailed: in.flagged("newest"), seq: in.flagged("seq"), validity: map[string]result.UIDValidity{}, unpinned: map[string]string{},
	}
	if sel.all && len(sel.boxes) > 0 && !in.mailboxFromEnv() {
		return nil, fault.New(fault.Usage, "--mailbox and --all-mailboxes exclude each other")
	}
	if err := sel.readMark(c); err != nil {
		return nil, err
	}
	if len(sel.boxes) == 0 {
		sel.boxes = []string{foldInbox(c.mailbox())}
	}
	for _, name := range sel.boxes {
		if err := checkName(name); err != nil {
			return nil, in.blame(err, "mailbox")
		}
	}
	var err error
	if sel.node, err = in.criteria(program); err != nil {
		return nil, in.hintValue(err, program...)
	}
	if in.flagged("sort") {
		if sel.sort, err = query.ParseSort(in.last("sort")); err != nil {
			return nil, err
		}
	}
	if err := sel.readSet(c, set); err != nil {
		return nil, err
	}
	if in.flagged("uidvalidity") {
		if len(sel.boxes) > 1 || sel.all {
			return nil, fault.New(fault.Usage, "--uidvalidity goes with one mailbox")
		}
		v, ok := result.ParseUIDValidity(in.last("uidvalidity"))
		if !ok || !v.Usable() {
			return nil, fault.New(fault.Usage, "--uidvalidity: %q is not a number above 0", in.last("uidvalidity"))
		}
		if len(sel.boxes) == 0 { // standard input named no message
			return sel, nil
		}
		if old, has := sel.validity[sel.boxes[0]]; has && old != v {
			return nil, fault.New(fault.Stale, "standard input is from UIDVALIDITY %s, not %s", old, v)
		}
		sel.validity[sel.boxes[0]] = v
	}
	return sel, nil
}

// readMark reads --mark. Without --mailbox the mailboxes that it tells of are
// meant.
func (sel *selection) readMark(c *connection) error {
	in := sel.in
	if !in.flagged("mark") {
		return nil
	}
	token, err := mark.Parse(in.last("mark"))
	switch {
	case err != nil:
		return err
	case sel.all:
		return fault.New(fault.Usage, "--mark and --all-mailboxes exclude each other").Hint("a mark tells of mailboxes by name")
	case token.Account != c.cfg.AccountID():
		return fault.New(fault.Stale, "the mark is of another account").Hint("it holds for the user, host and port that it was made with")
	}
	sel.since = &token
	for _, b := range token.Boxes {
		if !b.Validity.Usable() {
			sel.unpinned[b.Name] = "the mark carries"
		}
	}
	if in.given("mailbox") {
		return nil
	}
	sel.boxes = nil
	for _, b := range token.Boxes {
		sel.boxes = append(sel.boxes, b.Name)
	}
	return nil
}

// new narrows what is chosen in a mailbox to what the mark does not know.
func (sel *selection) new(name string) (query.Set, error) {
	box, ok := sel.since.Box(name)
	if !ok {
		return nil, fault.New(fault.Usage, "the mark does not tell of the mailbox %q", name).Hint("imapknife mark -m %q", name)
	}
	if old, has := sel.validity[name]; has && old != box.Validity {
		return nil, fault.New(fault.Stale, "the messages are from UIDVALIDITY %s, and the mark from %s", old, box.Validity)
	}
	sel.validity[name] = box.Validity
	return query.Set{{Lo: box.Next, Hi: query.MaxUID}}, nil
}

// pinned is an error of kind Stale where messages are to be changed by rows or
// a mark that do not say of which UIDVALIDITY they are.
func (sel *selection) pinned() error {
	for _, box := range sel.boxes {
		if what := sel.unpinned[box]; what != "" && !sel.validity[box].Usable() {
			return fault.New(fault.Stale, "%s no UIDVALIDITY of %q: its UIDs may mean other messages by now", what, box).
				Hint("keep uidvalidity in the rows; --uidvalidity N says which one is meant, and select --json shows it").
				Hint("where the server has none, select by criteria, or name the UIDs")
		}
	}
	return nil
}

// mailboxFromEnv reports whether the mailbox is only the environment's word.
func (in *input) mailboxFromEnv() bool { return in.flagged("mailbox") && !in.given("mailbox") }

// criteria joins the criteria flags, --query and a program by AND; several
// --query are joined by OR.
func (in *input) criteria(program []string) (*query.Node, error) {
	env := query.Env{Now: in.p.Now(), Location: in.location(), Recipient: in.verb.vigilant}
	var nodes []*query.Node
	var flags []query.Flag
	for _, s := range in.settings {
		if s.flag.group == groupCriteria {
			flags = append(flags, query.Flag{Name: s.flag.name, Value: s.value})
		}
	}
	if len(flags) > 0 {
		n, err := query.Combine(flags, env)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	if in.flagged("query") {
		var either []*query.Node
		for _, program := range in.all("query") {
			n, err := query.ParseString(program, env)
			if err != nil {
				return nil, err
			}
			either = append(either, n)
		}
		nodes = append(nodes, query.Or(either...))
	}
	if len(program) > 0 {
		n, err := query.Parse(program, env)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, nil
	}
	return query.And(nodes...), nil
}

// hintValue adds, where words make no sense, that one of them may have been
// meant as the value of a flag that takes it behind an equals sign only.
func (in *input) hintValue(err error, words ...string) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || len(words) == 0 {
		return err
	}
	for _, s := range in.settings {
		if s.flag.arity == optional && s.value == "" && s.source == "" {
			e.Hint("a value of --%s stands behind an equals sign: --%s='%s'", s.flag.name, s.flag.name, words[len(words)-1])
		}
	}
	return err
}

// readSet reads the set, or the rows on standard input that stand for one.
func (sel *selection) readSet(c *connection, set string) error {
	switch {
	case set == "":
		return nil
	case set == "-":
		if sel.in.flagged("password-stdin") {
			return fault.New(fault.Usage, "standard input cannot be both the password and the messages")
		}
		if sel.seq {
			return fault.New(fault.Usage, "--seq does not go with standard input: rows carry UIDs")
		}
		return sel.readRows(c)
	}
	parsed, err := query.ParseSet(set)
	if err != nil {
		return sel.in.hintValue(err, set)
	}
	sel.given = true
	for _, box := range sel.boxes {
		sel.sets[box] = parsed
	}
	return nil
}

// named returns the mailboxes to work in, by their real names.
func (sel *selection) named(ctx context.Context, s *session.Session) ([]string, error) {
	if !sel.all {
		names, err := resolveNames(ctx, s, sel.boxes)
		if err != nil {
			return nil, err
		}
		if err := sel.checkWithin(ctx, s, names); err != nil {
			return nil, err
		}
		for i, box := range sel.boxes {
			if box != names[i] {
				given, also := sel.sets[names[i]], sel.sets[box]
				sel.sets[names[i]] = query.Selection{Explicit: given.Explicit.Union(also.Explicit), Ranges: given.Ranges.Union(also.Ranges)}
				if v, has := sel.validity[box]; has {
					sel.validity[names[i]] = v
				}
			}
		}
		return unique(names), nil
	}
	return sel.everywhere(ctx, s)
}

// maxMailboxes is how many mailboxes --all-mailboxes works in.
const maxMailboxes = 1_000_000

// everywhere is named for --all-mailboxes, and again for those made meanwhile.
func (sel *selection) everywhere(ctx context.Context, s *session.Session) (names []string, err error) {
	err = s.List(ctx, session.ListRequest{Patterns: []string{"*"}}, func(e *session.ListEntry) error {
		if len(names) == maxMailboxes {
			return fault.New(fault.Protocol, "the server lists more than %d mailboxes", maxMailboxes)
		}
		if e.Selectable() {
			names = append(names, e.Name)
		}
		return nil
	})
	if len(sel.boxes) > 0 { // a server may have none
		given := sel.sets[sel.boxes[0]]
		for _, name := range names {
			sel.sets[name] = given
		}
	}
	return names, err
}

// picked are the messages chosen in one mailbox.
type picked struct {
	place    result.Place
	set      query.Set // the UIDs; with direct, as given and not yet known to exist
	explicit query.Set // UIDs that were named singly
	order    []uint32  // their order; nil for ascending
	direct   bool
	lacking  bool // of explicit, some are not there
}

// count is the number of messages picked.
func (p *picked) count() uint64 {
	if p.order != nil {
		return uint64(len(p.order))
	}
	return p.set.Len()
}

// each opens the mailboxes in turn and calls fn with what is chosen in each.
// A UIDVALIDITY other than the one asked for is an error of kind Stale. Of
// several mailboxes, one that cannot be opened is passed over, and told in the
// end; --sort, --limit, --newest and --reverse are over all of them, and fn may
// be called several times for one.
func (sel *selection) each(ctx context.Context, s *session.Session, fn func(*picked) error) error {
	names, err := sel.named(ctx, s)
	if err != nil {
		return err
	}
	passed := slices.Clone(sel.shut)
	all := len(names) + len(passed)
	one, visit := sel, fn
	var over *across
	switch {
	case len(names) < 2:
	case sel.crosses():
		plain := *sel
		plain.sort, plain.limited, plain.tailed, plain.reverse = nil, false, false, false
		over = &across{sel: sel}
		one, visit = &plain, func(p *picked) error { return over.search(ctx, s, p) }
	case sel.reverse:
		slices.Reverse(names)
	}
	for _, name := range names {
		err := one.inOne(ctx, s, name, visit)
		if all > 1 && fault.KindOf(err) == fault.Refused && s.Opened() == nil {
			passed = append(passed, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	if over != nil && len(passed) < all {
		if err := over.hand(ctx, s, fn); err != nil {
			return err
		}
	}
	return unopened(passed, all)
}

// unopened is the error for the mailboxes, of all, that cannot be opened.
func unopened(passed causes, all int) error {
	if passed == nil {
		return nil
	}
	e := fault.New(fault.Partial, "%d of %d mailboxes cannot be opened", len(passed), all)
	if len(passed) == all {
		e = fault.New(fault.Refused, "none of the mailboxes can be opened")
	}
	e.Err = passed
	return e
}

// inOne does the work of each in one mailbox.
func (sel *selection) inOne(ctx context.Context, s *session.Session, name string, fn func(*picked) error) error {
	if sel.since != nil {
		if _, err := sel.new(name); err != nil {
			return err
		}
	}
	open := s.Examine
	if sel.write {
		open = s.Select
	}
	if err := open(ctx, name); err != nil {
		return err
	}
	if _, pinned := sel.validity[name]; pinned {
		if err := sel.checkValidity(ctx, s, name); err != nil {
			return err
		}
	}
	if sel.since != nil {
		if err := sel.checkMark(ctx, s, name); err != nil {
			return err
		}
	}
	p, err := sel.pick(ctx, s, name)
	if err != nil {
		return err
	}
	direct := p.direct
	if err := fn(p); err != nil {
		return err
	}
	if direct && !p.lacking && sel.sets[name].Ranges.Empty() {
		return nil // all that was named is there
	}
	hidden, err := s.Hidden(ctx)
	if hidden > 0 {
		s.CutShort("the other messages are in the mailbox, and other ways to the mail, such as a web page, show them", "the server shows %d of %d messages of the mailbox %q", s.Opened().Exists, s.Opened().Exists+hidden, name)
	}
	return err
}

func (sel *selection) checkValidity(ctx context.Context, s *session.Session, name string) error {
	box, err := s.Box(ctx)
	if err != nil {
		return err
	}
	if want := sel.validity[name]; box.Validity() != want {
		hint := "search again"
		if sel.since != nil {
			hint = "imapknife mark makes a new mark"
		}
		return fault.New(fault.Stale, "the mailbox %q has UIDVALIDITY %s, not %s: its UIDs mean other messages now", name, box.Validity(), want).Hint("%s", hint)
	}
	return nil
}

// checkMark compares the open mailbox with what --mark knows of it.
func (sel *selection) checkMark(ctx context.Context, s *session.Session, name string) error {
	box, _ := sel.since.Box(name)
	err := track.Verify(ctx, s, box)
	if e, ok := err.(*fault.Error); ok && e.Kind == fault.Stale {
		return e.Hint("imapknife mark makes a new mark")
	}
	return err
}

// place says where the open mailbox is; it settles the prologue.
func place(ctx context.Context, s *session.Session) (result.Place, error) {
	box, err := s.Box(ctx)
	if err != nil {
		return result.Place{}, err
	}
	return result.Place{Account: s.Account(), Mailbox: box.Name, UIDValidity: box.Validity()}, nil
}

// pick chooses in the mailbox that is being opened. A plain set costs nothing:
// the verb's own command will tell which of it exist.
func (sel *selection) pick(ctx context.Context, s *session.Session, name string) (*picked, error) {
	chosen := sel.sets[name]
	p := &picked{set: chosen.Set(), explicit: chosen.Explicit}
	plain := sel.given && !sel.seq && sel.node == nil && !sel.tailed && !sel.limited && sel.since == nil
	if plain && len(sel.sort) == 0 && !sel.reverse {
		p.direct = true
		return p, nil
	}
	if sel.node != nil || sel.tailed || sel.limited || sel.since != nil {
		p.explicit = nil // what the criteria leave out is not missing
	}
	if err := sel.search(ctx, s, p, name); err != nil {
		return nil, err
	}
	var err error
	p.place, err = place(ctx, s)
	return p, err
}

// search finds the messages, puts them in order and applies the limits.
func (sel *selection) search(ctx context.Context, s *session.Session, p *picked, name string) error {
	node := sel.node
	if node == nil {
		node = query.All()
	}
	var late query.Set
	var err error
	if sel.since != nil {
		if late, err = sel.new(name); err != nil {
			return err
		}
		node = query.And(query.UIDs(late), node)
	}
	switch {
	case sel.seq && sel.given:
		if p.set, err = s.SeqUIDs(ctx, p.set); err != nil {
			return err
		}
		p.explicit = nil
		if sel.node == nil && sel.since == nil {
			break
		}
		node = query.And(query.UIDs(p.set), node)
		fallthrough
	default:
		if sel.given && !sel.seq {
			node = query.And(query.UIDs(p.set), node)
		}
		if p.set, err = sel.find(ctx, s, node, p); err != nil {
			return err
		}
	}
	if late != nil { // whatever the server makes of a range without an end
		p.set = p.set.Intersect(late)
		p.order = slices.DeleteFunc(p.order, func(uid uint32) bool { return !late.Contains(uid, 0) })
	}
	if sel.keep != nil {
		if err := sel.keep(ctx, s, p); err != nil {
			return err
		}
	}
	if sel.tailed && p.order == nil {
		p.set = p.set.Newest(sel.newest)
	}
	if len(sel.sort) > 0 && p.order == nil {
		if p.order, err = s.SortSet(ctx, sel.sort, p.set); err != nil {
			return err
		}
	}
	if sel.reverse {
		if p.order == nil {
			p.order = slices.Collect(p.set.Backward())
		} else {
			slices.Reverse(p.order)
		}
	}
	sel.cut(p)
	return nil
}
