package query

// Backend answers what a plan asks of a server.
type Backend interface {
	// Search runs a search program in the selected mailbox and returns the
	// UIDs found. With utf8 the command names CHARSET UTF-8.
	Search(program []Token, utf8 bool) (Set, error)
	// Facts calls each with the facts about every message of uids that is
	// there, in any order. need is never empty, nor is uids.
	Facts(uids Set, need Fact, each func(*Facts)) error
}

// Run carries out a plan and returns the UIDs that match. It blocks as long as
// b does and returns b's errors as they are. A plan that is one OpSearch can be
// sent without Run.
func (s *Step) Run(b Backend) (Set, error) {
	return s.run(b, nil, nil)
}

// run carries out s among the messages of among (nil: all) that are not in
// done, which hold already.
func (s *Step) run(b Backend, among *Set, done Set) (Set, error) {
	switch s.Op {
	case OpAnd:
		return s.runAnd(b, among, done)
	case OpOr:
		return s.runOr(b, among, done)
	}
	found, err := b.Search(s.Program, s.UTF8)
	if err != nil {
		return nil, err
	}
	if among != nil {
		found = found.Intersect(*among)
	}
	found = found.Subtract(done)
	if s.Op == OpSearch || found.Empty() {
		return found, nil
	}
	return s.keep(b, found)
}

// keep returns those of found that match.
func (s *Step) keep(b Backend, found Set) (Set, error) {
	var kept Builder
	look := func(f *Facts) {
		// Servers send facts about other messages unasked.
		if found.Contains(f.UID, 0) && s.Match(f) {
			kept.Add(f.UID, f.UID)
		}
	}
	if s.Need == 0 {
		for uid := range found.All() {
			look(&Facts{UID: uid})
		}
	} else if err := b.Facts(found, s.Need, look); err != nil {
		return nil, err
	}
	return kept.Set(), nil
}

func (s *Step) runAnd(b Backend, among *Set, done Set) (Set, error) {
	for _, kid := range s.Kids {
		found, err := kid.run(b, among, done)
		if err != nil || found.Empty() {
			return nil, err
		}
		among = &found
	}
	return *among, nil
}

func (s *Step) runOr(b Backend, among *Set, done Set) (Set, error) {
	var all Set
	for _, kid := range s.Kids {
		found, err := kid.run(b, among, done.Union(all))
		if err != nil {
			return nil, err
		}
		all = all.Union(found)
	}
	return all, nil
}

// String shows a plan for people: what is searched, and what is looked at
// locally.
func (s *Step) String() string {
	switch s.Op {
	case OpSearch:
		return "search " + Format(s.Program)
	case OpFilter:
		return "filter " + Format(s.Program)
	}
	out, sep := "", " and "
	if s.Op == OpOr {
		sep = " or "
	}
	for i, kid := range s.Kids {
		if i > 0 {
			out += sep
		}
		out += "[" + kid.String() + "]"
	}
	return out
}
