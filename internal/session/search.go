package session

import (
	"context"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/wire"
)

// SearchRequest is a search in the open mailbox.
type SearchRequest struct {
	Program []query.Token // search keys; empty means ALL
	UTF8    bool          // the program holds text that is not ASCII
	Sort    []query.Token // sort criteria: the server sorts (RFC 5256)
	Count   bool          // only the number of messages is wanted
	Seq     bool          // tell message sequence numbers instead of UIDs
}

// SearchResult is what a search found.
type SearchResult struct {
	Set   query.Set // the UIDs, ascending; empty after a sorted search
	Order []uint32  // the UIDs in the order of Sort
	Count uint64
}

// Search runs the program in the open mailbox: as ESEARCH (RFC 4731) where
// the server offers and takes it, else SEARCH; as SORT where an order is asked
// for, for which the caller has made sure of the capability.
func (s *Session) Search(ctx context.Context, q SearchRequest) (*SearchResult, error) {
	var res *SearchResult
	run := func(extended bool) func() (wire.Status, error) {
		return func() (st wire.Status, err error) {
			res, st, err = s.search(ctx, q, extended)
			return st, err
		}
	}
	var st wire.Status
	var err error
	if len(q.Sort) == 0 && s.Offers("ESEARCH") {
		st, err = s.plainly("ESEARCH", run(true), run(false))
	} else {
		st, err = run(false)()
	}
	if err != nil {
		return nil, err
	}
	return s.searched(q, res, st)
}

// Sorted runs the program and returns what it finds in the order of keys: by
// SORT, for which the caller has made sure of the capability, or sorted here
// where the server refuses that.
func (s *Session) Sorted(ctx context.Context, q SearchRequest, keys []query.SortKey) ([]uint32, error) {
	sorted := q
	sorted.Sort = query.SortProgram(keys)
	var res *SearchResult
	var order []uint32
	st, err := s.plainly(query.SortCapability(keys), func() (st wire.Status, err error) {
		if res, st, err = s.search(ctx, sorted, false); err == nil {
			order = res.Order
		}
		return st, err
	}, func() (st wire.Status, err error) {
		if res, err = s.Search(ctx, q); err == nil {
			order, err = s.SortSet(ctx, keys, res.Set)
		}
		return wire.Status{Status: "OK"}, err
	})
	if err != nil {
		return nil, err
	}
	_, err = s.searched(q, res, st)
	return order, err
}

// searched judges the answer to a search.
func (s *Session) searched(q SearchRequest, res *SearchResult, st wire.Status) (*SearchResult, error) {
	if !st.OK() {
		e := refusal(st, "cannot search %q", s.box.title())
		if st.Code == "BADCHARSET" || q.UTF8 {
			e.Hint("the server may be unable to search for text that is not ASCII")
		}
		return nil, e
	}
	if s.box != nil && !q.Seq {
		s.full("SEARCH", res.Count, s.box.Exists)
	}
	return res, nil
}

func (s *Session) search(ctx context.Context, q SearchRequest, extended bool) (*SearchResult, wire.Status, error) {
	name := "UID SEARCH"
	if len(q.Sort) > 0 {
		name = "UID SORT"
	}
	if q.Seq {
		name = name[len("UID "):]
	}
	cmd := wire.NewCommand(name)
	switch {
	case len(q.Sort) > 0:
		addTokens(cmd, q.Sort)
		if q.UTF8 {
			cmd.Atom("UTF-8")
		} else {
			cmd.Atom("US-ASCII")
		}
	case extended && q.Count:
		cmd.Atom("RETURN (COUNT)")
	case extended:
		cmd.Atom("RETURN (ALL)")
	}
	if q.UTF8 && len(q.Sort) == 0 {
		cmd.Atom("CHARSET UTF-8")
	}
	if len(q.Program) == 0 {
		cmd.Atom("ALL")
	}
	addTokens(cmd, q.Program)
	res := &SearchResult{}
	var found query.Builder
	var bad error
	cmd.On(func(r *wire.Response) error {
		switch r.Kind {
		case "SEARCH":
			readNumbers(r, func(n uint32) { found.Add(n, n) })
		case "SORT":
			readNumbers(r, func(n uint32) { res.Order = append(res.Order, n) })
		default:
			readESearch(r, &found, res)
		}
		if wire.IsSyntax(r.Err()) {
			bad = r.Err()
		}
		return nil
	}, "SEARCH", "SORT", "ESEARCH")
	st, err := s.do(ctx, cmd)
	if err == nil && bad != nil {
		err = broken("the answer to the search cannot be read", bad)
	}
	if err != nil {
		return nil, st, err
	}
	res.Set = found.Set()
	if !extended || !q.Count || res.Count == 0 {
		res.Count = res.Set.Len() + uint64(len(res.Order))
	}
	return res, st, s.box.holds(res.Count)
}

func addTokens(cmd *wire.Command, tokens []query.Token) {
	for _, t := range tokens {
		switch t.Kind {
		case query.String:
			cmd.String(t.Text)
		case query.Open:
			cmd.Open()
		case query.Close:
			cmd.Close()
		default:
			cmd.Atom(t.Text)
		}
	}
}

// readNumbers reads `2 3 5`, behind which (MODSEQ 7) may stand (RFC 7162
// section 3.1.5). What else stands there is an error: the answer would not be
// whole. A zero, which servers may mean as "none", is nothing.
func readNumbers(r *wire.Response, fn func(uint32)) {
	b := r.Next()
	for ; b >= '0' && b <= '9'; b = r.Next() {
		if n := r.Number32(); n != 0 {
			fn(n)
		}
	}
	if !r.AtEnd() && b != '(' {
		r.Number() // says what stands there
	}
}

// ours reads (TAG "A1") and reports whether it names our command: another's
// result is not ours.
func ours(r *wire.Response) bool {
	r.Open()
	mine := true
	if strings.EqualFold(string(r.Atom()), "TAG") {
		tag, _ := r.String(wire.MaxToken)
		mine = string(tag) == r.Tag
	}
	for !r.Close() {
		r.Skip()
	}
	return mine
}

// readESearch reads `(TAG "A1") UID ALL 1:3 COUNT 3` (RFC 9051 section 7.3.4).
func readESearch(r *wire.Response, found *query.Builder, res *SearchResult) {
	for !r.AtEnd() {
		if r.Next() == '(' {
			if !ours(r) {
				return
			}
			continue
		}
		switch strings.ToUpper(string(r.Atom())) {
		case "UID":
		case "ALL":
			r.Set(func(lo, hi uint32) {
				if lo != 0 && hi != 0 { // a zero would be `*`
					found.Add(lo, hi)
				}
			})
		case "COUNT":
			res.Count = r.Number()
		case "": // a parenthesis or a string where a name belongs
			r.Number()
		default:
			r.Skip()
		}
	}
}

// broken is the error of an answer that cannot be read.
func broken(what string, err error) error {
	return &fault.Error{Kind: fault.Protocol, Op: what, Err: err}
}
